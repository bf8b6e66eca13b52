"""Real recordings for tests: named by an environment variable, else beside the project, else the test is
skipped and says what to set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def ljspeech_folder() -> Path:
    """32 clips of an English reader in LJSpeech's own layout."""
    return _folder("TACOTRON2_LJSPEECH", "ljspeech-mini")


def kerstin_folder() -> Path:
    """1.7 hours of a German reader, two columns and flac files."""
    return _folder("TACOTRON2_KERSTIN", "kerstin-de")


def _folder(variable: str, name: str) -> Path:
    named = os.environ.get(variable)
    folder = Path(named) if named else PROJECT.parent / "shared" / "data" / name
    if not (folder / "metadata.csv").is_file():
        pytest.skip(f"{folder} holds no recordings: name their folder in {variable}")
    return folder
