"""Recognisers: a user's own, and faster-whisper behind a stand-in that has its interface."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tacotron2.recordings.recognisers import RecogniserError, open_recogniser
from tacotron2.recordings.words import TimedWord

MY_EARS = """
from tacotron2.recordings.words import TimedWord

def good():
    return lambda samples, rate, language: [TimedWord(language, 0.0, len(samples) / rate, 1.0)]

def backwards():
    return lambda *_: [TimedWord("a", 1.0, 1.5, 1.0), TimedWord("b", 0.5, 0.6, 1.0)]

def nothing():
    return None

def itself(samples, rate, language):
    return []

def narrow():
    return lambda samples: []

def silent():
    return lambda *_: None

def lazy():
    return lambda *_: iter([])

def pairs():
    return lambda *_: [("a", 0.0)]

def untimed():
    return lambda *_: [TimedWord("a", None, None, 1.0)]

number = 3
"""
SAMPLES = np.zeros(44_100, dtype=np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.bin").write_bytes(b"weights")
    return tmp_path


class WhisperModel:
    """The signature of faster-whisper 1.2.1."""

    asked: dict[str, Any]

    def __init__(
        self, model_size_or_path: str, device: str = "auto", *, local_files_only: bool = False
    ) -> None:
        assert local_files_only and device == "auto"
        if (Path(model_size_or_path) / "model.bin").read_bytes() != b"weights":
            raise RuntimeError("File model.bin is incomplete")

    def transcribe(
        self, audio: np.ndarray, language: str | None = None, word_timestamps: bool = False
    ) -> Any:
        type(self).asked = {"length": len(audio), "language": language, "words": word_timestamps}
        if language == "qq":
            raise ValueError("'qq' is not a valid language code")

        def word(text: str, start: float, end: float) -> SimpleNamespace:
            return SimpleNamespace(word=text, start=start, end=end, probability=0.5)

        first = SimpleNamespace(words=[word(" Guten", 0.1, 0.4), word(" Tag.", 0.38, 0.8)])
        # Later segments may begin a little before the one before has ended.
        second = SimpleNamespace(words=[word(" Ja.", 0.3, 0.35), word(" ", 1.0, 1.0)])
        return iter([first, SimpleNamespace(words=None), second]), SimpleNamespace(language=language)


@pytest.fixture
def whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("faster_whisper")
    module.WhisperModel = WhisperModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper", module)


@pytest.mark.usefixtures("whisper")
def test_whisper_words_are_in_order_and_heard_at_its_rate(folder: Path) -> None:
    words = open_recogniser(f"whisper:{folder}")(SAMPLES, 22_050, "de")
    assert words == [
        TimedWord("Guten", 0.1, 0.4, 0.5),
        TimedWord("Tag.", 0.38, 0.8, 0.5),
        TimedWord("Ja.", 0.38, 0.38, 0.5),
    ]
    assert WhisperModel.asked == {"length": 32_000, "language": "de", "words": True}
    with pytest.raises(RecogniserError, match="'qq' is not a valid language"):
        open_recogniser(f"whisper:{folder}")(SAMPLES, 22_050, "qq")


@pytest.mark.usefixtures("whisper")
def test_a_model_that_is_damaged_or_not_there(folder: Path, tmp_path: Path) -> None:
    (folder / "model.bin").write_bytes(b"half")
    with pytest.raises(RecogniserError, match=r"cannot load this model \(File model.bin is incomplete"):
        open_recogniser(f"whisper:{folder}")
    with pytest.raises(RecogniserError, match="no model for faster-whisper in it"):
        open_recogniser(f"whisper:{tmp_path / 'small'}")


def test_without_the_package_it_says_how_to_get_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(RecogniserError, match=r"pip install '.\[whisper\]'"):
        open_recogniser(f"whisper:{folder}")


def test_a_recogniser_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_ears.py").write_text(MY_EARS)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert open_recogniser("my_ears:good")(SAMPLES, 22_050, "de") == [TimedWord("de", 0.0, 2.0, 1.0)]
    with pytest.raises(RecogniserError, match="in order"):
        open_recogniser("my_ears:backwards")(SAMPLES, 22_050, "de")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("nothing", "returned NoneType, which is no recogniser"),
        ("itself", r"called without arguments; it must return the recogniser \(missing .* 'samples'\)"),
        ("narrow", r"called as \(samples, rate, language\) \(too many positional"),
        ("number", "is int, no function"),
        ("silent", "returned NoneType for a recording; it must be a list of TimedWord"),
        ("lazy", "returned list_iterator for a recording; it must be a list of TimedWord"),
        ("pairs", r"\('a', 0.0\) is no word.*must be TimedWord"),
        ("untimed", "start=None.* is no word.*must be TimedWord"),
    ],
)
def test_a_recogniser_of_ones_own_that_is_none(
    function: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_ears.py").write_text(MY_EARS)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RecogniserError, match=f"my_ears:{function}.*{words}"):
        open_recogniser(f"my_ears:{function}")(SAMPLES, 22_050, "de")


@pytest.mark.parametrize("name", ["whisper", "no_such_module:f", "json:no_such_function", ":f", ""])
def test_names_that_mean_nothing(name: str) -> None:
    with pytest.raises(RecogniserError):
        open_recogniser(name)
