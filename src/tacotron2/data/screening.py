"""Looks at every recording that a folder names, and says of each that is not used why. Only reads."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from tacotron2.audio import RATES_HZ, AudioError, Samples, read_samples, trim_silence
from tacotron2.data.dataset import wrong_length
from tacotron2.data.entries import Entry, Fault, RejectedError, Rejection, printable, require_inside
from tacotron2.data.formats import AUDIO_ENDINGS, is_audio
from tacotron2.hparams import HParams
from tacotron2.text import TextError, text_to_sequence

SILENT_PEAK = 1e-3
"""Full scale is 1: a recording whose loudest sample is 60 dB below it holds no speech."""
FULL_SCALE = 0.999
"""Samples beyond this count as clipped; 16 bit end at 0.99997."""
CLIPPED_SHARE = 0.01
"""More clipped samples than this are heard as distortion all through."""
MOST_CHARACTERS_PER_S = 30.0
"""Spoken characters, numbers spelled out; the fastest readers reach about 25."""
FEWEST_CHARACTERS_PER_S = 3.0
"""The slowest readers, with pauses, have about 6; one second is free, so that a single word may be slow."""
LENGTH_MARGIN = 10.0
"""A header may claim this many times data.max_seconds before anything is decoded: silence may be cut off."""
LARGEST_BYTES = 2**30
"""Decoded, all channels."""


def screen(
    entries: Sequence[Entry],
    folder: Path,
    hparams: HParams,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Entry], list[Rejection]]:
    """The entries that can be used, in their order, and the others with the reason.

    An id that occurs again in a list is rejected; the first of its entries counts, also where it cannot be
    used. Of a recording in several of the user's own lists the one that is held out counts.
    """
    kept: list[Entry] = []
    rejected: list[Rejection] = []
    first: dict[tuple[str, str], str] = {}
    held_out = _held_out(entries)
    root = folder.resolve()
    for done, entry in enumerate(entries, start=1):
        try:
            _check_once(entry, first, held_out)
            _check(entry, folder, root, hparams)
            kept.append(entry)
        except RejectedError as error:
            rejected.append(error.of(printable(entry.id), entry.place))
        if progress is not None:
            progress(done, len(entries))
    return kept, rejected


def _held_out(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Path of each recording that the user's own lists hold out; what both hold out belongs to the test."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.split == "test" or (
            entry.split == "validation" and os.path.normpath(entry.audio) not in found
        ):
            found[os.path.normpath(entry.audio)] = entry
    return found


def _check_once(entry: Entry, first: dict[tuple[str, str], str], held_out: Mapping[str, Entry]) -> None:
    """Notes the entry's id; RejectedError where it was used before, or the recording is held out."""
    key = (entry.split, entry.id)
    if key in first:
        raise RejectedError(Fault.DUPLICATE, f"already used: {first[key]}")
    first[key] = entry.place
    other = held_out.get(os.path.normpath(entry.audio))
    if other is not None and other.split != entry.split:
        wrong = f"also {other.place}; it stays there alone, or what is measured would not be unseen"
        raise RejectedError(Fault.LEAK, wrong)


def _check(entry: Entry, folder: Path, root: Path, hparams: HParams) -> None:
    """RejectedError with the first reason against the entry; the cheap questions come first."""
    num_characters = _num_characters(entry.text, hparams)
    check_file(entry.audio, folder, root, hparams.data.max_seconds)
    num_samples = _num_trimmed(folder / entry.audio, hparams)
    reason = wrong_length(1 + num_samples // hparams.audio.hop_length, hparams)
    if reason:
        raise RejectedError(Fault.LENGTH, reason)
    check_rate(num_characters, num_samples / hparams.audio.sampling_rate)


def check_file(audio: str, folder: Path, root: Path, max_seconds: float) -> tuple[float, int]:
    """Seconds and rate in Hz by the header of a recording; RejectedError where it must not be decoded.

    Args:
        audio: its path from the folder.
        root: the folder, resolved.
        max_seconds: `data.max_seconds`.
    """
    _check_name(audio)
    require_inside(folder / audio, root)
    return _check_header(folder / audio, max_seconds)


def _num_characters(text: str, hparams: HParams) -> int:
    """Symbols to be spoken, without start and end."""
    if not text.strip():
        raise RejectedError(Fault.EMPTY_TEXT, "nothing is said to be spoken in it")
    try:
        encoded = text_to_sequence(text, hparams.text.language, hparams.text.unreadable)
    except TextError as error:
        raise RejectedError(Fault.CHARACTER, str(error)) from error
    return len(encoded.ids) - 2


def _check_name(name: str) -> None:
    """A path that can stand in a list `path|text`, of a known kind of recording."""
    odd = any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    if odd or "|" in name or name != name.strip():
        wrong = "it holds '|', a control character, a space at an end, or bytes that are not UTF-8"
        raise RejectedError(Fault.NAME, f"{wrong}; rename the file")
    if not is_audio(name):
        wrong = f"{os.path.splitext(name)[1] or 'no ending'!r} is not the ending of a recording"
        raise RejectedError(Fault.UNREADABLE, f"{wrong}; it must be one of {', '.join(AUDIO_ENDINGS)}")


def _check_header(path: Path, max_seconds: float) -> tuple[float, int]:
    """Refuses what must not be decoded: no file, an empty one, or one that claims to be huge."""
    try:
        num_bytes = path.stat().st_size if path.is_file() else None
    except OSError as error:
        raise RejectedError(Fault.UNREADABLE, f"it cannot be reached ({error.strerror})") from error
    if num_bytes is None:
        raise RejectedError(Fault.MISSING, f"there is no file {path}")
    if not num_bytes:
        raise RejectedError(Fault.UNREADABLE, "the file has no bytes")
    try:
        header = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = str(error).rpartition(": ")[2].rstrip(".")
        raise RejectedError(Fault.UNREADABLE, f"{reason}; use wav or flac") from error
    if not RATES_HZ[0] <= header.samplerate <= RATES_HZ[1]:
        raise RejectedError(Fault.UNREADABLE, f"its header claims {header.samplerate} samples a second")
    seconds = header.frames / header.samplerate
    if seconds > LENGTH_MARGIN * max_seconds:
        wrong = f"its header claims {seconds:,.0f} s, far above data.max_seconds={max_seconds:g}; cut it"
        raise RejectedError(Fault.LENGTH, wrong)
    if 4 * header.frames * header.channels > LARGEST_BYTES:
        raise RejectedError(Fault.LENGTH, f"its header claims {header.channels} channels; use one")
    return seconds, header.samplerate


def _num_trimmed(path: Path, hparams: HParams) -> int:
    """Samples at the model's rate after trimming."""
    try:
        samples, rate = read_samples(path)
    except (AudioError, OSError) as error:
        raise RejectedError(Fault.UNREADABLE, str(error).removeprefix(f"{path}: ")) from error
    _check_loudness(samples)
    if rate != hparams.audio.sampling_rate:
        samples = soxr.resample(samples, rate, hparams.audio.sampling_rate)
    return len(trim_silence(samples, hparams.audio))


def _check_loudness(samples: Samples) -> None:
    magnitude = np.abs(samples)
    if magnitude.max() < SILENT_PEAK:
        raise RejectedError(Fault.SILENT, "its loudest sample is more than 60 dB below full scale")
    share = float(np.mean(magnitude >= FULL_SCALE))
    if share > CLIPPED_SHARE:
        wrong = f"{share:.1%} of its samples are at full scale, more than {CLIPPED_SHARE:.0%}"
        raise RejectedError(Fault.CLIPPED, f"{wrong}; record it less loud")


def check_rate(num_characters: int, seconds: float) -> None:
    """RejectedError where so much text cannot be said in so many seconds, or hardly any is."""
    said = f"{num_characters} characters in {seconds:.2f} s"
    if num_characters > MOST_CHARACTERS_PER_S * seconds:
        raise RejectedError(Fault.MISMATCH, f"{said}, more than {MOST_CHARACTERS_PER_S:g} a second")
    if num_characters < FEWEST_CHARACTERS_PER_S * (seconds - 1.0):
        wrong = f"{said}, fewer than {FEWEST_CHARACTERS_PER_S:g} a second after the first"
        raise RejectedError(Fault.MISMATCH, wrong)
