"""The bundled speech synthesiser (eSpeak NG) as a child process: a job on standard input, speech out.

Run by path, `python -P espeak.py`, and never imported by the package: the library is global state and the
same call made twice in one process may differ, while one fixed order in a fresh process, with a fixed seed
for its noise, always gives the same bytes. Standard library and `espeakng_loader` only.

The job is one JSON object, and the answers are JSON lines:

    {"voice", "words_per_minute", "clips": [[text, absolute wav path], ...]}
                            {"samples", "sampling_rate", "words"} after each clip; words: for each that is
                            said, the place of its first character in the text and its first sample
    {"voice", "words": [...]}
                            {"phonemes": [...]}, one for each word

or one last {"error", "setting"} and exit code 1; "setting" is true where another voice would help.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import wave
from pathlib import Path
from typing import Any

# Names and values of speak_lib.h.
AUDIO_OUTPUT_SYNCHRONOUS = 2  # the asynchronous mode gives the same samples in ten times the time
INITIALIZE_DONT_EXIT = 0x8000
PARAMETER_RATE = 1
POSITION_CHARACTER = 1
CHARS_UTF8 = 1
PHONEMES_IPA = 2
EVENT_END_OF_LIST = 0
EVENT_WORD = 1
EE_OK = 0

NOISE_SEED = 1  # of breath and hiss; the library would take the time of day


class Event(ctypes.Structure):
    """espeak_EVENT; text_position counts characters from 1."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


class EspeakError(RuntimeError):
    """The synthesiser cannot do the job; the message says why in a user's words."""


class VoiceError(EspeakError):
    """There is no such voice."""


class Espeak:
    """One initialised synthesiser with its voice; there can be only one in a process."""

    def __init__(self, voice: str) -> None:
        self._library, data = _load()
        os.chdir(data.parent)  # the library's own buffer ends after some 150 characters of path
        self.sampling_rate: int = self._library.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, 0, b".", INITIALIZE_DONT_EXIT
        )
        if self.sampling_rate <= 0:
            raise EspeakError(f"the speech synthesiser cannot read its data in {data}")
        _check_voice(voice, data)
        if self._library.espeak_SetVoiceByName(voice.encode()) != EE_OK:
            raise VoiceError(f"demo.demo_voice={voice!r}: the speech synthesiser cannot load this voice")
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(NOISE_SEED))
        self._chunks: list[bytes] = []
        self.words: list[tuple[int, int]] = []  # of what `say` has just said: (character, sample)
        self._callback = Callback(self._collect)  # the library keeps a bare pointer: hold the reference
        self._library.espeak_SetSynthCallback(self._callback)

    def set_rate(self, words_per_minute: int) -> None:
        """How fast `say` speaks."""
        self._library.espeak_SetParameter(PARAMETER_RATE, words_per_minute, 0)

    def phonemes(self, word: str) -> str:
        """The word in the International Phonetic Alphabet, with stress marks."""
        ask = self._library.espeak_TextToPhonemes
        ask.restype, ask.argtypes = ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
        rest, parts = ctypes.c_char_p(word.encode()), []
        while rest.value:
            parts.append((ask(ctypes.byref(rest), CHARS_UTF8, PHONEMES_IPA) or b"").decode())
        return "".join(parts)

    def say(self, text: str) -> bytes:
        """The text as 16-bit mono samples at `sampling_rate`."""
        self._chunks.clear()
        self.words.clear()
        encoded = text.encode() + b"\0"
        status = self._library.espeak_Synth(
            encoded, ctypes.c_size_t(len(encoded)), 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None
        )
        if status != EE_OK or not self._chunks:
            raise EspeakError(f"the speech synthesiser said nothing for {text!r}")
        return b"".join(self._chunks)

    def _collect(self, samples: Any, num_samples: int, events: Any) -> int:
        if samples and num_samples > 0:
            self._chunks.append(ctypes.string_at(samples, 2 * num_samples))
        index = 0
        while events and events[index].type != EVENT_END_OF_LIST:
            if events[index].type == EVENT_WORD:
                self.words.append((events[index].text_position - 1, events[index].sample))
            index += 1
        return 0


def _check_voice(voice: str, data: Path) -> None:
    """The library itself ignores an unknown variant, and crashes on some names that are no language."""
    language, plus, variant = voice.partition("+")
    if language.lower() not in {path.name.lower() for path in (data / "lang").rglob("*") if path.is_file()}:
        raise VoiceError(
            f"demo.demo_voice={voice!r}: the speech synthesiser has no language {language!r}; "
            "take one such as en-us, or with a variant, en-us+f3"
        )
    variants = sorted(path.name for path in (data / "voices" / "!v").iterdir())
    if plus and variant not in variants:
        raise VoiceError(
            f"demo.demo_voice={voice!r}: the speech synthesiser has no variant {variant!r}; "
            f"it has {', '.join(variants)}"
        )


def _load() -> tuple[ctypes.CDLL, Path]:
    """The shared library and its data folder."""
    try:
        import espeakng_loader  # here, so that its absence becomes a sentence
    except ImportError:
        raise EspeakError(
            "the package espeakng-loader is not installed; install it, or do without it: train on "
            "recordings of your own, with text.stress=marks"
        ) from None
    try:
        return ctypes.CDLL(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
    except (OSError, RuntimeError) as error:
        raise EspeakError(f"the bundled speech synthesiser does not load on this machine: {error}") from None


def _write_wav(path: str, samples: bytes, sampling_rate: int) -> None:
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sampling_rate)
        file.writeframes(samples)


def _answer(**record: object) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Do the job on standard input; the exit code."""
    job = json.load(sys.stdin)
    try:
        espeak = Espeak(job["voice"])
        if "words" in job:
            _answer(phonemes=[espeak.phonemes(word) for word in job["words"]])
            return 0
        espeak.set_rate(job["words_per_minute"])
        for text, path in job["clips"]:
            samples = espeak.say(text)
            _write_wav(path, samples, espeak.sampling_rate)
            _answer(samples=len(samples) // 2, sampling_rate=espeak.sampling_rate, words=espeak.words)
    except (EspeakError, OSError) as error:
        _answer(error=str(error), setting=isinstance(error, VoiceError))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
