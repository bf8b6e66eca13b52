"""Folders of recordings in all forms, made where a test needs them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import soundfile

from tacotron2.hparams import HParams, create_hparams

RATE = 16_000
TEXT = "the old clock is slow"
HPARAMS: HParams = create_hparams("validation_clips=48,test_clips=32,seed=7")


def tone(path: Path, seconds: float = 1.2, level: float = 0.3, pitch: float = 220.0) -> None:
    """A recording of one tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(seconds * RATE)) / RATE
    soundfile.write(path, level * np.sin(2 * np.pi * pitch * t), RATE)


def names(count: int) -> list[str]:
    return [f"c{number:03}" for number in range(count)]


def ljspeech(folder: Path, count: int = 12) -> Path:
    """A folder `wavs/` with as many good clips, and metadata.csv."""
    for number, name in enumerate(names(count)):
        tone(folder / "wavs" / f"{name}.wav", pitch=200.0 + number)
    lines = [f"{name}|raw words|{TEXT}" for name in names(count)]
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def add_line(folder: Path, line: bytes) -> None:
    with (folder / "metadata.csv").open("ab") as file:
        file.write(line + b"\n")


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file and folder with the time of its last change and its content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = path.lstat().st_mtime_ns, hashlib.sha256(content).hexdigest()
    return found
