"""Folders that a careless or malicious hand made: answered in words, at once, without a change to them."""

from __future__ import annotations

import os
import shutil
import struct
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.data import lines
from tacotron2.data.corpus import SPLITS, Corpus, open_corpus
from tacotron2.data.utterances import DataError, read_list
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


def reasons(corpus: Corpus) -> dict[str, str]:
    """Id to the rule of every rejected clip."""
    rows = [row.split("\t") for row in corpus.rejected_file.read_text(encoding="utf-8").splitlines()[1:]]
    return {row[0]: row[2].partition(":")[0] for row in rows}


def opened(folder: Path) -> Corpus:
    before = fingerprint(folder)
    corpus = open_corpus(folder, folder.parent / "data", HPARAMS)
    assert fingerprint(folder) == before
    for split in SPLITS:
        read_list(corpus.list_path(split), folder)  # what was kept can be read again
    return corpus


def test_a_list_with_a_mark_carriage_returns_zero_bytes_and_a_line_of_ten_megabytes(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine")
    content = (folder / "metadata.csv").read_bytes().replace(b"\n", b"\r\n")
    (folder / "metadata.csv").write_bytes(b"\xef\xbb\xbf\r\n" + content)
    add_line(folder, b"c003|words|with a \0 in it\r")
    add_line(folder, b"c\0003|words|words\r")
    add_line(folder, b"long|" + b"word " * 2_000_000)
    add_line(folder, b"x" * 5_000 + b"|words|words")
    corpus = opened(folder)
    assert corpus.num_clips == 12
    table = corpus.rejected_file.read_text(encoding="utf-8")
    assert "10,000,005 bytes in one line, more than 65,536" in table and len(table) < 20_000
    assert sorted(reasons(corpus).values()) == [
        "duplicate id",
        "not a line of the list's form",
        "unreadable recording",
        "unusable file name",
    ]


def test_a_first_line_of_ten_megabytes_is_no_list(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "metadata.csv").write_bytes(b"word " * 2_000_000)
    with pytest.raises(DataError, match=r"of no known form; its files are: metadata\.csv"):
        open_corpus(folder, tmp_path / "data", HPARAMS)


def test_a_list_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ljspeech(tmp_path / "mine")
    monkeypatch.setattr(lines, "LARGEST_LIST_BYTES", 100)
    with pytest.raises(DataError, match=r"metadata\.csv: larger than .* MiB; this is no list of clips"):
        open_corpus(folder, tmp_path / "data", HPARAMS)


def huge_claim(path: Path) -> None:
    """A usual header that claims 4 GiB of samples, before one second of them."""
    samples = (0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE) * 32767).astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVE" + form + b"data\xff\xff\xff\xff" + samples)


def cut_flac(path: Path) -> None:
    t = np.arange(RATE) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 200 * t), RATE, format="FLAC")
    path.write_bytes(path.read_bytes()[:2_000])


def words(path: Path) -> None:
    path.write_text("these are words, no sound " * 40)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder_of_that_name(path: Path) -> None:
    path.mkdir()
    tone(path / "inner.wav")


def loop(path: Path) -> None:
    path.symlink_to(path.with_suffix(".again"))
    path.with_suffix(".again").symlink_to(path)


@pytest.mark.parametrize("spoil", [words, fifo, device, folder_of_that_name, loop, cut_flac])
def test_what_is_no_recording_is_rejected_and_never_waited_for(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = ljspeech(tmp_path / "mine")
    add_line(folder, b"bad|" + TEXT.encode())
    spoil(folder / "wavs" / "bad.wav")
    corpus = opened(folder)
    assert corpus.num_clips == 12
    assert set(reasons(corpus)) == {"bad"}


def test_a_header_that_claims_more_than_there_is_counts_what_there_is(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine")
    huge_claim(folder / "wavs" / "bad.wav")
    add_line(folder, b"bad|" + TEXT.encode())
    assert opened(folder).num_clips == 13


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_files_that_may_not_be_read(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine")
    (folder / "wavs" / "c003.wav").chmod(0)
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    assert reasons(corpus) == {"c003": "unreadable recording"}
    (folder / "metadata.csv").chmod(0)
    with pytest.raises(DataError, match=r"metadata\.csv: cannot be read \(Permission denied\)"):
        open_corpus(folder, tmp_path / "data", HPARAMS)
    folder.chmod(0)
    with pytest.raises(DataError, match=r"no folder of recordings \(Permission denied\)"):
        open_corpus(folder, tmp_path / "data", HPARAMS)
    folder.chmod(0o700)


def test_loops_of_folders_and_pipes_beside_the_list_are_passed_over(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine")
    (folder / "again").symlink_to(folder)
    (folder / "wavs" / "again").symlink_to(folder / "wavs")
    (folder / "self.txt").symlink_to("self.txt")
    os.mkfifo(folder / "pipe.txt")
    os.mkfifo(folder / "train.txt")
    assert opened(folder).num_clips == 12
    looped = tmp_path / "looped"
    looped.symlink_to(looped)
    with pytest.raises(DataError, match="looped: no folder of recordings"):
        open_corpus(looped, tmp_path / "data", HPARAMS)


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


def by_id(folder: Path, called: list[str], stored: list[str]) -> None:
    ljspeech(folder)
    for name, file in zip(names(12), stored, strict=True):
        (folder / "wavs" / f"{name}.wav").rename(folder / "wavs" / f"{file}.wav")
    (folder / "metadata.csv").write_text("".join(f"{name}|{TEXT}\n" for name in called), encoding="utf-8")


def by_path(folder: Path, called: list[str], stored: list[str]) -> None:
    by_id(folder, called, stored)
    (folder / "metadata.csv").unlink()
    (folder / "wavs").rename(folder / stored[0])
    listed = "".join(f"{called[0]}/{name}.wav|{TEXT}\n" for name in called)
    (folder / "list.txt").write_text(listed, encoding="utf-8")


def by_common_voice(folder: Path, called: list[str], stored: list[str]) -> None:
    by_id(folder, called, stored)
    (folder / "metadata.csv").unlink()
    (folder / "wavs").rename(folder / "clips")
    rows = "".join(f"{name}.wav\t{TEXT}\n" for name in called)
    (folder / "validated.tsv").write_text(f"path\tsentence\n{rows}", encoding="utf-8")


def by_pairs(folder: Path, called: list[str], stored: list[str]) -> None:
    by_id(folder, called, stored)
    (folder / "metadata.csv").unlink()
    for file in (folder / "wavs").iterdir():
        shutil.move(file, folder)
    (folder / "wavs").rmdir()
    for name in called:
        (folder / f"{name}.txt").write_text(TEXT)


@pytest.mark.parametrize("make", [by_id, by_path, by_common_voice, by_pairs])
@pytest.mark.parametrize(("listed", "stored"), [(composed, decomposed), (decomposed, composed)])
def test_names_with_accents_are_found_in_either_spelling(
    tmp_path: Path,
    make: Callable[[Path, list[str], list[str]], None],
    listed: Callable[[str], str],
    stored: Callable[[str], str],
) -> None:
    called = [f"ça é {number} ü" for number in range(12)]
    folder = tmp_path / "mine"
    make(folder, [listed(name) for name in called], [stored(name) for name in called])
    corpus = opened(folder)
    assert (corpus.num_clips, corpus.num_rejected) == (12, 0)
