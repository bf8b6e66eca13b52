"""Texts of recordings that have none: a recogniser listens to them.

None is part of the installation. The extra `whisper` brings faster-whisper, whose models are used from a
folder of this machine and never fetched; anything else is a function of the user's own.
"""

from __future__ import annotations

import importlib
import inspect
import numbers
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import soxr

from tacotron2.audio import Samples
from tacotron2.recordings.words import TimedWord

WHISPER = "whisper:"
WHISPER_RATE_HZ = 16_000
MODEL_FILE = "model.bin"
"""What a model that was converted for faster-whisper holds."""


class RecogniserError(ValueError):
    """A recogniser cannot be used; the message says what is missing and how to get it."""


class Recogniser(Protocol):
    """Listens: the words of a recording in order, with their times in seconds."""

    def __call__(self, samples: Samples, rate: int, language: str) -> list[TimedWord]:
        """Samples (L,) mono at `rate` Hz; `language` a code such as de."""
        ...


def open_recogniser(name: str) -> Recogniser:
    """The recogniser of that name.

    Args:
        name: `whisper:FOLDER`, a model converted for faster-whisper; or `module:function`, which is called
            without arguments and returns a `Recogniser`.

    Raises:
        RecogniserError: package, model, module or function is missing, needs arguments, or returns what
            cannot be called.
    """
    if name.startswith(WHISPER):
        return _Whisper(Path(name.removeprefix(WHISPER)).expanduser())
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise RecogniserError(
            f"{name!r} names no recogniser; it must be whisper:FOLDER, or module:function of your own"
        )
    try:
        factory = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise RecogniserError(f"{name}: {error}; is it installed where this runs?") from error
    _require_call(name, factory, "without arguments; it must return the recogniser")
    made = factory()
    if not callable(made):
        kind = type(made).__name__
        raise RecogniserError(f"{name}: returned {kind}, which is no recogniser: it cannot be called")
    _require_call(f"{name}: what it returned", made, "as (samples, rate, language)", None, 0, "")
    return _Checked(name, made)


def _require_call(name: str, function: object, how: str, *arguments: object) -> None:
    """RecogniserError where it does not take these arguments; what has no signature is believed."""
    if not callable(function):
        kind = type(function).__name__
        raise RecogniserError(f"{name}: is {kind}, no function; it is called {how}")
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise RecogniserError(f"{name}: is called {how} ({error})") from None
    except ValueError:
        return


class _Checked:
    """A user's recogniser, whose words are looked at: they are cut by their times."""

    def __init__(self, name: str, listen: Recogniser) -> None:
        self._name = name
        self._listen = listen

    def __call__(self, samples: Samples, rate: int, language: str) -> list[TimedWord]:
        words: object = self._listen(samples, rate, language)
        if not isinstance(words, (list, tuple)):
            kind = type(words).__name__
            raise RecogniserError(
                f"{self._name}: returned {kind} for a recording; it must be a list of TimedWord"
            )
        _check(self._name, words, len(samples) / rate)
        return list(words)


def _check(name: str, words: Sequence[object], seconds: float) -> None:
    before = 0.0
    for word in words:
        if not (_is_whole(word) and before <= word.start <= word.end <= seconds + 1.0):
            raise RecogniserError(
                f"{name}: {word!r} is no word of a recording of {seconds:.1f} s after {before:.1f} s; words "
                "must be TimedWord, in order, with 0 <= start <= end"
            )
        before = word.start


def _is_whole(word: object) -> TypeGuard[TimedWord]:
    """Whether it is a word, and each of its fields of its kind."""
    if not (isinstance(word, TimedWord) and isinstance(word.text, str)):
        return False
    return all(isinstance(value, numbers.Real) for value in (word.start, word.end, word.certainty))


class _Whisper:
    """faster-whisper (SYSTRAN), with a model from a folder."""

    def __init__(self, folder: Path) -> None:
        if not (folder / MODEL_FILE).is_file():
            raise RecogniserError(
                f"{folder}: no model for faster-whisper in it ({MODEL_FILE} is missing). Convert or copy one "
                "there, such as Systran/faster-whisper-small; nothing is fetched from here"
            )
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise RecogniserError(
                f"the package faster-whisper cannot be used ({error}); install it beside this project: "
                ".venv/bin/pip install '.[whisper]'"
            ) from error
        try:
            self._model: Any = WhisperModel(str(folder), local_files_only=True)
        except (RuntimeError, ValueError, OSError) as error:
            raise RecogniserError(f"{folder}: faster-whisper cannot load this model ({error})") from error

    def __call__(self, samples: Samples, rate: int, language: str) -> list[TimedWord]:
        if rate != WHISPER_RATE_HZ:
            samples = soxr.resample(samples, rate, WHISPER_RATE_HZ)
        try:
            segments, _ = self._model.transcribe(samples, language=language, word_timestamps=True)
            heard = [word for segment in segments for word in segment.words or ()]
        except (RuntimeError, ValueError) as error:
            raise RecogniserError(f"faster-whisper: {error}") from error
        words: list[TimedWord] = []
        for each in heard:
            start = max(float(each.start), words[-1].start if words else 0.0)
            text = each.word.strip()
            if text:
                words.append(TimedWord(text, start, max(float(each.end), start), float(each.probability)))
        return words
