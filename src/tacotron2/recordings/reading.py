"""A long recording, decoded once and in blocks to one channel at one rate, into a file that is then mapped.

So an hour takes disk (318 MB) and not memory, and everything after it may look at any place of it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tacotron2.audio import RATES_HZ, Samples
from tacotron2.recordings.settings import SAMPLING_RATE

AUDIO_ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aiff", ".aif", ".au", ".caf", ".w64")
"""Read by libsndfile."""
VIDEO_ENDINGS = (".m4a", ".aac", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".wma", ".avi")
"""Read by the program ffmpeg, where there is one."""
BLOCK_S = 20
LONGEST_S = 24 * 3600.0
"""A header that claims more is damaged."""
FULL_SCALE = 0.99
"""Samples at least this large may have been cut off there; 8 bits end at 0.992."""
FLAT_SAMPLES = 3
"""So many of them in a row are a flattened peak; a clean peak has one or two."""
CLIPPED_FRAME_S = 0.01

Blocks = Iterator[NDArray[np.float32]]
Told = Callable[[float], None]
"""Is given the seconds that are done."""


class ReadingError(ValueError):
    """A recording cannot be read; the message says why and what would be right."""


@dataclass(frozen=True)
class Decoded:
    """One recording, ready to be cut."""

    samples: Samples
    """(L,) at SAMPLING_RATE, mapped from a file."""
    clipped: NDArray[np.int32]
    """For each CLIPPED_FRAME_S of it: samples in flattened peaks, in the channel that has most."""
    source_rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLING_RATE


def is_recording(path: Path) -> bool:
    """Whether the name has the ending of a recording or a video."""
    return path.suffix.lower() in AUDIO_ENDINGS + VIDEO_ENDINGS


def header_seconds(path: Path) -> float:
    """Length as the header tells it; 0 where it does not, or the file is damaged."""
    try:
        found = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError):
        return 0.0
    return float(found.frames / found.samplerate) if found.samplerate else 0.0


def decode(path: Path, target: Path, told: Told = lambda seconds: None) -> Decoded:
    """Decodes into the file `target`, which the result is mapped from.

    Raises:
        ReadingError: damaged, empty, silent all through, not finite, or no program to read it with.
        OSError: `target` cannot be written.
    """
    rate, blocks = _through_ffmpeg(path) if path.suffix.lower() in VIDEO_ENDINGS else _through_library(path)
    resampler = soxr.ResampleStream(rate, SAMPLING_RATE, 1, dtype="float32")
    counter = _ClippedCounter(rate)
    peak, seconds = 0.0, 0.0
    with target.open("wb") as file:
        for block in blocks:
            if not np.isfinite(block).all():
                raise ReadingError("holds values that are not finite numbers")
            counter.add(block)
            mono = block.mean(axis=1, dtype=np.float32)
            peak = max(peak, float(np.abs(mono).max(initial=0.0)))
            file.write(resampler.resample_chunk(mono).tobytes())
            seconds += len(block) / rate
            told(seconds)
        file.write(resampler.resample_chunk(np.zeros(0, np.float32), last=True).tobytes())
        size = file.tell()
    if not size:
        raise ReadingError("holds no samples")
    if peak < 1e-3:
        raise ReadingError("is silent: its loudest sample is more than 60 dB below full scale")
    samples: Samples = np.memmap(target, dtype=np.float32, mode="r")
    return Decoded(samples, counter.counts(), rate)


def _through_library(path: Path) -> tuple[int, Blocks]:
    try:
        header = soundfile.info(path)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ReadingError(_unreadable(error)) from error
    if not RATES_HZ[0] <= header.samplerate <= RATES_HZ[1]:
        raise ReadingError(f"its header claims {header.samplerate} samples a second; save it as wav anew")
    if header.frames / header.samplerate > LONGEST_S:
        raise ReadingError(f"its header claims {header.frames / header.samplerate / 3600:,.0f} hours; cut it")

    def blocks() -> Blocks:
        try:
            with soundfile.SoundFile(path) as file:
                length = BLOCK_S * header.samplerate
                while len(block := file.read(length, dtype="float32", always_2d=True)):
                    yield block
        except (soundfile.LibsndfileError, OSError) as error:
            raise ReadingError(_unreadable(error)) from error

    return int(header.samplerate), blocks()


def _unreadable(error: Exception) -> str:
    reason = str(error).rpartition(": ")[2].strip().rstrip(".")
    return f"not a readable recording ({reason}); save it as wav or flac"


def _through_ffmpeg(path: Path) -> tuple[int, Blocks]:
    """One channel at SAMPLING_RATE, from whatever ffmpeg finds in the file."""
    program = shutil.which("ffmpeg")
    if program is None:
        raise ReadingError(
            f"{path.suffix} is read by the program ffmpeg, which is not installed here; install it, or save "
            "the sound as wav, flac, mp3 or ogg"
        )
    # The name behind "file:" is never an address, and nothing else is opened for it.
    source = ["-protocol_whitelist", "file,pipe", "-i", f"file:{path.resolve()}", "-map", "0:a:0"]
    sink = ["-f", "f32le", "-ac", "1", "-ar", str(SAMPLING_RATE), "pipe:1"]
    return SAMPLING_RATE, _ffmpeg_blocks([program, "-nostdin", "-v", "error", *source, *sink])


def _ffmpeg_blocks(command: list[str]) -> Blocks:
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout is not None and child.stderr is not None
    try:
        while raw := child.stdout.read(4 * BLOCK_S * SAMPLING_RATE):
            yield np.frombuffer(raw[: len(raw) // 4 * 4], np.float32)[:, None]
        words = child.stderr.read(400).decode(errors="replace").strip()
        if child.wait():
            raise ReadingError(f"ffmpeg cannot read it: {' '.join(words.split()) or 'no reason told'}")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        child.stderr.close()


class _ClippedCounter:
    """Counts samples of flattened peaks over CLIPPED_FRAME_S each; a peak cut by two blocks loses little."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frames: list[NDArray[np.int32]] = []
        self._done = 0

    def add(self, block: NDArray[np.float32]) -> None:
        """The next (L, channels) samples."""
        flags = (np.abs(block) >= FULL_SCALE).astype(np.int8)
        edges = np.diff(np.pad(flags, ((1, 1), (0, 0))), axis=0)
        flat = np.zeros((len(block) + 1, block.shape[1]), np.int8)
        for channel in range(block.shape[1]):
            starts, ends = np.flatnonzero(edges[:, channel] > 0), np.flatnonzero(edges[:, channel] < 0)
            long = ends - starts >= FLAT_SAMPLES
            flat[starts[long], channel] += 1
            flat[ends[long], channel] -= 1
        inside = np.cumsum(flat[:-1], axis=0).max(axis=1, initial=0)
        numbers = ((self._done + np.arange(len(block))) / self._rate / CLIPPED_FRAME_S).astype(int)
        first = numbers[0] if len(numbers) else 0
        counts = np.bincount(numbers - first, weights=inside).astype(np.int32)
        self._put(int(first), counts)
        self._done += len(block)

    def _put(self, first: int, counts: NDArray[np.int32]) -> None:
        have = sum(map(len, self._frames))
        if have > first and len(counts):  # the frame that the last block began
            self._frames[-1][-1] += counts[0]
            counts = counts[1:]
        self._frames.append(counts)

    def counts(self) -> NDArray[np.int32]:
        return np.concatenate([np.zeros(0, np.int32), *self._frames])
