"""The real command on folders with everything wrong in them: what is told, what is left, how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from smart_tuner.run_folder import list_runs
from tests.tacotron2.data.recordings import RATE, TEXT, add_line, fingerprint, ljspeech, names, tone

ROOT = Path(__file__).resolve().parents[2]

# Id in rejected.tsv, and its reason as a pattern.
REASONS = {
    "zero": "unreadable recording: the file has no bytes",
    "words": "unreadable recording: Format not recognised",
    "pipe": "no such recording: there is no file",
    "folder": "no such recording: there is no file",
    "silent": "silent: its loudest sample is more than 60 dB below full scale",
    "clipped": "clipped: .* at full scale, more than 1%; record it less loud",
    "short": "too short or too long: .* shorter than data.min_seconds=0.3",
    "long": "too short or too long: .* longer than data.max_seconds=15",
    "huge": "too short or too long: its header claims 2,000 s",
    "nothing": "empty text: nothing is said to be spoken in it",
    "line 23": r"not UTF-8: byte 13 \(0xE9\); save it as UTF-8",
    "outside": "outside the folder: outside.wav leads out of it",
    "link": "outside the folder: link.wav leads out of it",
    "c003": "duplicate id: already used: .*metadata.csv, line 4",
    "hasty": "text and length cannot belong together: .* more than 30 a second",
    "slow": "text and length cannot belong together: .* fewer than 3 a second",
    "sign": r"unreadable text: unreadable character '時' \(U\+6642",
}


def hostile(folder: Path) -> Path:
    """Twelve good clips and one of every bad kind."""
    ljspeech(folder)
    wavs = folder / "wavs"
    (wavs / "zero.wav").write_bytes(b"")
    (wavs / "words.wav").write_text("these are words, no sound " * 40)
    os.mkfifo(wavs / "pipe.wav")
    (wavs / "folder.wav").mkdir()
    tone(wavs / "silent.wav", level=0.0)
    t = np.arange(RATE) / RATE
    soundfile.write(wavs / "clipped.wav", np.clip(3 * np.sin(2 * np.pi * 200 * t), -1, 1), RATE)
    tone(wavs / "short.wav", seconds=0.2)
    tone(wavs / "long.wav", seconds=20.0)
    soundfile.write(wavs / "huge.wav", np.zeros(2_000 * 8_000, dtype=np.int16), 8_000)
    tone(folder.parent / "outside.wav")
    (wavs / "link.wav").symlink_to(folder.parent / "outside.wav")
    for name in ("nothing", "accent", "sign"):
        tone(wavs / f"{name}.wav")
    tone(wavs / "hasty.wav", seconds=0.5)
    tone(wavs / "slow.wav", seconds=14.0)
    for name in ("zero", "words", "pipe", "folder", "silent", "clipped", "short", "long", "huge"):
        add_line(folder, f"{name}|{TEXT}".encode())
    add_line(folder, b"nothing| ")
    add_line(folder, b"accent|a caf\xe9 here")
    add_line(folder, f"../../outside|{TEXT}".encode())
    for name in ("link", "c003", "hasty", "slow"):
        add_line(folder, f"{name}|{TEXT}".encode())
    add_line(folder, "sign|one 時 two".encode())
    return folder


def auto(folder: Path, *arguments: str) -> tuple[int, str]:
    """Status of the command in a child process, and all that it said."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "smart_tuner.cli", "auto", f"--data={folder}", "--no-services"),
            *("--device=cpu", f"--runs-folder={folder.parent / 'runs'}", *arguments),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    return done.returncode, said


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_reason_in_one_folder_and_the_good_clips_are_learned(tmp_path: Path) -> None:
    folder = hostile(tmp_path / "mine")
    before = fingerprint(folder)
    status, said = auto(folder, "--preset=debug")
    assert status == 0, said
    assert f"recordings: {len(REASONS)} of {12 + len(REASONS)} clips left out" in said
    (table,) = (tmp_path / "runs" / "data").glob("own-*/rejected.tsv")
    rows = [row.split("\t") for row in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert sorted(row[0] for row in rows) == sorted(REASONS)
    assert [row for row in rows if not re.match(REASONS[row[0]], row[2])] == []
    assert fingerprint(folder) == before


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_none_left_ends_with_30_the_counts_and_the_list(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine", 9)
    for name in names(9):
        tone(folder / "wavs" / f"{name}.wav", level=0.0)
    before = fingerprint(folder)
    status, said = auto(folder, "--preset=debug")
    assert status == 30, said
    assert "none of 9 clips can be used, and 8 are needed at least" in said and "(9 silent)" in said
    (table,) = (tmp_path / "runs" / "data").glob("own-*/rejected.tsv")
    assert str(table) in said
    assert fingerprint(folder) == before
    assert not list((tmp_path / "runs" / "data").glob("demo-*"))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["missing", "empty", "of no known form"])
def test_a_folder_that_is_wrong_starts_nothing_where_the_preset_is_to_be_chosen(
    tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "mine"
    if kind != "missing":
        folder.mkdir()
    if kind == "of no known form":
        (folder / "metadata.csv").write_text("c000,hello\n")
    status, said = auto(folder)
    assert status == 30, said
    words = {"missing": "no folder of recordings", "empty": "the folder is empty"}.get(kind, kind)
    assert words in said and str(folder) in said and "nothing was started" in said
    assert not (tmp_path / "runs").exists()


# A model of seconds: what is asked about is the choice, not the voice.
TINY = (
    *("symbols_embedding_dim=16", "encoder_embedding_dim=16", "prenet_dim=16", "attention_rnn_dim=16"),
    *("decoder_rnn_dim=16", "postnet_embedding_dim=16", "max_decoder_seconds=1", "max_steps=1"),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_preset_for_recordings_of_ones_own_is_chosen_and_told(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine")
    status, said = auto(folder, *(f"--set={each}" for each in TINY))
    assert status == 0, said
    assert "12 of 12 clips have a usable length: 0.00 hours, mostly at 16,000 Hz" in said
    assert "Preset small: 0 minutes of speech, and the CPU" in said
    (run,) = list_runs(tmp_path / "runs")
    assert run.name.endswith("-small") and run.config().data_folder == folder
    assert not list((tmp_path / "runs" / "data").glob("demo-*"))
