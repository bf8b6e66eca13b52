"""Every kind of clip that cannot be used has its reason in rejected.tsv; the others are used."""

from __future__ import annotations

import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.data import formats, screening
from tacotron2.data.corpus import open_corpus
from tacotron2.data.utterances import DataError
from tests.tacotron2.data.recordings import (
    HPARAMS,
    RATE,
    TEXT,
    add_line,
    fingerprint,
    ljspeech,
    names,
    tone,
)

Spoil = Callable[[Path], bytes | None]
"""Puts a recording at the path given, or not; the line of the list, where it is not the usual one."""


def content(raw: bytes) -> Spoil:
    def spoil(path: Path) -> None:
        path.write_bytes(raw)

    return spoil


def recording(**how: float) -> Spoil:
    return lambda path: tone(path, **how)


def line(raw: bytes) -> Spoil:
    def spoil(path: Path) -> bytes:
        tone(path)
        return raw

    return spoil


def clipped(path: Path) -> None:
    t = np.arange(RATE) / RATE
    soundfile.write(path, np.clip(3 * np.sin(2 * np.pi * 200 * t), -1, 1), RATE)


def not_numbers(path: Path) -> None:
    soundfile.write(path, np.full(RATE, np.nan), RATE, subtype="FLOAT")


def link_out(path: Path) -> None:
    outside = path.parents[2] / "outside.wav"
    tone(outside)
    path.symlink_to(outside)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def huge_wav(path: Path) -> None:
    """A header that claims 4 GiB of samples at 1 Hz, and has four."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 1, 2, 2, 16)
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVE" + form + b"data\xf0\xff\xff\xff" + bytes(8))


def huge_flac(path: Path) -> None:
    """A header that claims 2**36 - 1 samples, and has one second."""
    t = np.arange(RATE) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 200 * t), RATE, format="FLAC")
    raw = bytearray(path.read_bytes())
    raw[21] |= 0x0F
    raw[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(raw)


def no_rate(path: Path) -> None:
    soundfile.write(path, np.full(100, 0.3), 100)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (content(b""), "unreadable recording: the file has no bytes"),
        (content(b"these are words, no sound" * 9), "unreadable recording: Format not recognised"),
        (content(b"RIFF"), "unreadable recording: "),
        (not_numbers, "unreadable recording: holds values that are not finite"),
        (no_rate, "unreadable recording: its header claims 100 samples a second"),
        (huge_wav, "unreadable recording: its header claims 1 samples a second"),
        (huge_flac, r"too short or too long: its header claims 4,\d+,\d+ s"),
        (recording(seconds=200.0), "too short or too long: its header claims 200 s"),
        (recording(seconds=20.0), "too short or too long: 19.* longer than data.max_seconds=15"),
        (recording(seconds=0.2), "too short or too long: 0.* shorter than data.min_seconds=0.3"),
        (recording(level=0.0), "silent: its loudest sample"),
        (recording(level=5e-4), "silent: its loudest sample"),
        (clipped, "clipped: .* at full scale, more than 1%"),
        (recording(seconds=0.5), "cannot belong together: 21 characters in 0.5. s, more than 30"),
        (recording(seconds=14.0), "cannot belong together: 21 characters in 1.* s, fewer than 3"),
        (lambda path: None, "no such recording: there is no file"),
        (a_folder, "no such recording: there is no file"),
        (a_pipe, "no such recording: there is no file"),
        (link_out, "outside the folder: bad.wav leads out of it"),
        (loop, "unusable file name|no such recording"),
        (line(b"../../outside|" + TEXT.encode()), "outside the folder: outside.wav leads out of it"),
        (line(b"a\0b|" + TEXT.encode()), "unusable file name: it holds"),
        (line(b"c003|" + TEXT.encode()), "duplicate id: already used: .*metadata.csv, line 4"),
        (line(b"bad|   "), "empty text: "),
        (line(b"bad|!?..."), "unreadable text: "),
        (line("bad|one 時 two".encode()), r"unreadable text: .*U\+6642"),
        (line(b"bad|caf\xe9"), r"not UTF-8: byte 8 \(0xE9\)"),
        (line(b"bad"), "not a line of the list's form: 1 columns"),
        (line(b"bad|a|b|c"), "not a line of the list's form: 4 columns"),
        (line(b"|hello"), "not a line of the list's form: names no recording"),
    ],
)
def test_a_bad_clip_is_listed_with_its_reason_and_the_others_are_used(
    tmp_path: Path, spoil: Spoil, reason: str
) -> None:
    folder = ljspeech(tmp_path / "mine")
    add_line(folder, spoil(folder / "wavs" / "bad.wav") or b"bad|" + TEXT.encode())
    pipes = (folder / "wavs" / "bad.wav").is_fifo()
    before = None if pipes else fingerprint(folder)
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    header, row = corpus.rejected_file.read_text(encoding="utf-8").splitlines()
    assert header == "id\tplace\treason"
    _, place, told = row.split("\t")
    assert place == f"{folder / 'metadata.csv'}, line 13"
    assert re.search(reason, told), told
    assert (corpus.num_clips, corpus.num_rejected) == (12, 1)
    assert pipes or fingerprint(folder) == before


def test_bad_clips_among_recordings_with_text_beside(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name in names(10):
        tone(folder / f"{name}.wav")
        (folder / f"{name}.txt").write_text(TEXT)
    tone(folder / "c004.flac")
    tone(folder / "alone.wav")
    tone(folder / "a|b.wav")
    (folder / "a|b.txt").write_text(TEXT)
    (tmp_path / "secret.txt").write_text(TEXT)
    for ending in (b".wav", b".txt"):
        shutil.copyfile(
            folder / f"c000{ending.decode()}", os.path.join(os.fsencode(folder), b"caf\xe9" + ending)
        )
        (folder / f"._c000{ending.decode()}").touch()
    (folder / "c001.txt").unlink()
    (folder / "c001.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "c002.txt").write_text("words " * 20_000)
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    rows = [row.split("\t") for row in corpus.rejected_file.read_text().splitlines()[1:]]
    assert {row[0]: row[2].partition(":")[0] for row in rows} == {
        "alone": "empty text",
        "a|b": "unusable file name",
        "caf?": "unusable file name",
        "c001": "outside the folder",
        "c002": "text and length cannot belong together",
        "c004": "duplicate id",
    }
    assert corpus.num_clips == 8


def test_ten_thousand_entries_cost_a_few_listings_and_one_look_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    (folder / "wavs").mkdir(parents=True)
    for number in range(10_000):
        (folder / "wavs" / f"c{number}.wav").touch()
    (folder / "metadata.csv").write_text("".join(f"c{number}|{TEXT}\n" for number in range(10_000)))
    listed: list[Path] = []
    looked: list[Path] = []
    real_list, real_check = formats.list_files, screening._check_header

    def count_list(path: Path) -> list[str]:
        listed.append(path)
        return real_list(path)

    def count_check(path: Path, max_seconds: float) -> None:
        looked.append(path)
        real_check(path, max_seconds)

    monkeypatch.setattr(formats, "list_files", count_list)
    monkeypatch.setattr(screening, "_check_header", count_check)
    monkeypatch.setattr(screening, "read_samples", lambda path: pytest.fail("decoded"))
    with pytest.raises(DataError, match="none of 10000 clips can be used.*10000 unreadable recording"):
        open_corpus(folder, tmp_path / "data", HPARAMS)
    assert len(listed) == 2 and len(looked) == len(set(looked)) == 10_000
