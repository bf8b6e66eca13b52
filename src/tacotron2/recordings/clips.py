"""One recording to its clips: what a process of the pool does. The record of it is written last."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tacotron2.audio import save_wav
from tacotron2.data.entries import RejectedError, require_inside
from tacotron2.data.screening import check_rate
from tacotron2.files import write_atomically
from tacotron2.recordings.alignment import AlignmentError, align_words
from tacotron2.recordings.cutting import Stretch, cut
from tacotron2.recordings.listing import Source
from tacotron2.recordings.quality import Loudness, clipped_share, level
from tacotron2.recordings.reading import Decoded, ReadingError, decode
from tacotron2.recordings.recognisers import RecogniserError, open_recogniser
from tacotron2.recordings.settings import SAMPLING_RATE, Settings
from tacotron2.recordings.speech import Spans, band_powers, spans_of
from tacotron2.recordings.transcripts import TranscriptError, find_transcript, read_transcript
from tacotron2.recordings.words import TimedWord
from tacotron2.text import TextError, text_to_sequence

VERSION = 2
"""Part of every key; raised when the same recording begins to give other clips."""
WAVS, RECORDS = "wavs", "recordings"

Told = Callable[[float], None]


@dataclass(frozen=True)
class Clip:
    """A finished clip, or one that is rejected."""

    id: str
    start: float
    end: float
    """Seconds in the recording."""
    text: str = ""
    snr_db: float | None = None
    clipped: float = 0.0
    gain_db: float = 0.0
    certainty: float = 0.0
    """Mean of its words; lowest: of the least certain one."""
    lowest: float = 0.0
    wrong: str = ""
    """Why it is rejected; empty where it is not."""


@dataclass(frozen=True)
class Record:
    """What became of a recording."""

    key: str
    """Hash of the bytes of recording and transcript, of the settings and of VERSION."""
    name: str
    seconds: float = 0.0
    wrong: str = ""
    """Why the whole is rejected; empty where it is not."""
    clips: list[Clip] = field(default_factory=list)

    @property
    def good(self) -> list[Clip]:
        return [clip for clip in self.clips if not clip.wrong]


@dataclass(frozen=True)
class Job:
    """One recording and where its clips go."""

    source: Source
    folder: Path
    output: Path
    settings: Settings

    @property
    def record_file(self) -> Path:
        return self.output / RECORDS / f"{self.source.slug}.json"


def prepare_recording(job: Job, work: Path, told: Told) -> Record:
    """Its record, with all clips written; of an earlier call where recording and settings are the same.

    Args:
        work: a folder for what is only needed meanwhile.
        told: is given the seconds of the recording that are done.

    Raises:
        RecogniserError: there is no such recogniser.
        OSError: something cannot be written.
    """
    if job.source.wrong:
        return Record("", job.source.name, wrong=job.source.wrong)
    try:
        transcript = _transcript(job)
        key = _key(job, transcript)
    except (RejectedError, OSError) as error:
        return Record("", job.source.name, wrong=str(error))
    known = read_record(job.record_file)
    if known is not None and known.key == key and all(_wav(job, clip).is_file() for clip in known.good):
        return known
    for clip in known.good if known is not None else ():
        _wav(job, clip).unlink(missing_ok=True)
    job.record_file.unlink(missing_ok=True)
    record = _make(job, key, transcript, work, told)
    content = json.dumps(dataclasses.asdict(record), ensure_ascii=False, indent=1)
    write_atomically(job.record_file, (content + "\n").encode())
    return record


def read_record(path: Path) -> Record | None:
    """What `prepare_recording` has written; None where there is nothing whole."""
    try:
        plain: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Record(**plain | {"clips": [Clip(**clip) for clip in plain["clips"]]})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _transcript(job: Job) -> Path | None:
    path = find_transcript(job.source.path)
    if path is not None:
        require_inside(path, job.folder.resolve())
    return path


def _key(job: Job, transcript: Path | None) -> str:
    digest = hashlib.sha256(repr((VERSION, job.source.name, job.source.slug, job.settings)).encode())
    for path in (job.source.path, transcript):
        if path is not None:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest() + path.suffix.encode())
    return digest.hexdigest()


def _make(job: Job, key: str, transcript: Path | None, work: Path, told: Told) -> Record:
    name, settings = job.source.name, job.settings
    if transcript is None and not settings.recogniser:
        wrong = f"no transcript beside it ({job.source.path.stem}.srt, .vtt or .txt), and no recogniser"
        return Record(key, name, wrong=wrong)
    samples_file = work / f"{job.source.slug}.f32"
    try:
        decoded = decode(job.source.path, samples_file, told)
        powers = band_powers(decoded.samples, SAMPLING_RATE)
        spans = spans_of(powers)
        words = _words(decoded, spans, transcript, settings)
        stretches = cut(spans, words, decoded.seconds, settings)
        maker = _Maker(job, decoded, spans, Loudness(powers, spans))
        clips = [
            maker.clip(number, stretch, _inside(words, stretch))
            for number, stretch in enumerate(stretches, start=1)
        ]
        return Record(key, name, round(decoded.seconds, 3), clips=clips)
    except (ReadingError, TranscriptError, AlignmentError, RejectedError) as error:
        return Record(key, name, wrong=str(error))
    finally:
        samples_file.unlink(missing_ok=True)


def _words(decoded: Decoded, spans: Spans, transcript: Path | None, settings: Settings) -> list[TimedWord]:
    if not spans:
        raise ReadingError("no speech is found in it")
    if transcript is not None:
        passages = read_transcript(transcript)
        return align_words(decoded.samples, SAMPLING_RATE, passages, spans, settings.language)
    recogniser = open_recogniser(settings.recogniser)
    try:
        return recogniser(decoded.samples, SAMPLING_RATE, settings.language)
    except RecogniserError as error:  # of this recording alone: that it opens was seen
        raise ReadingError(f"the recogniser cannot hear it: {error}") from error


def _inside(words: Sequence[TimedWord], stretch: Stretch) -> list[TimedWord]:
    """The words whose middle lies in the stretch."""
    return [word for word in words if stretch.start <= (word.start + word.end) / 2 < stretch.end]


def _wav(job: Job, clip: Clip) -> Path:
    return job.output / WAVS / f"{clip.id}.wav"


class _Maker:
    """Judges and writes the clips of one recording."""

    def __init__(self, job: Job, decoded: Decoded, spans: Spans, loudness: Loudness) -> None:
        self._job = job
        self._decoded = decoded
        self._spans = spans
        self._loudness = loudness

    def clip(self, number: int, stretch: Stretch, words: Sequence[TimedWord]) -> Clip:
        """The clip of a stretch, its wav file written unless something is wrong."""
        start, end = stretch.start, stretch.end
        clip = Clip(
            f"{self._job.source.slug}-{number:05d}",
            round(start, 3),
            round(end, 3),
            " ".join(word.text.replace("|", " ") for word in words),
            _rounded(self._loudness.snr_db(start, end)),
            round(clipped_share(self._decoded.clipped, self._decoded.source_rate, start, end), 5),
            certainty=round(sum(word.certainty for word in words) / max(1, len(words)), 2),
            lowest=round(min((word.certainty for word in words), default=0.0), 2),
        )
        wrong = stretch.wrong or self._wrong(clip)
        if wrong:
            return dataclasses.replace(clip, wrong=wrong)
        samples = self._decoded.samples[round(start * SAMPLING_RATE) : round(end * SAMPLING_RATE)]
        spoken = [span for span in self._spans if span[1] > start and span[0] < end]
        levelled = level(samples, spoken, start, SAMPLING_RATE)
        save_wav(_wav(self._job, clip), levelled.samples, SAMPLING_RATE)
        return dataclasses.replace(clip, gain_db=round(levelled.gain_db, 2))

    def _wrong(self, clip: Clip) -> str:
        """The first reason against a clip; empty without one."""
        settings = self._job.settings
        if clip.clipped > settings.max_clipped:
            return f"clipped: {clip.clipped:.2%} of its samples lie in flattened peaks, more than " + (
                f"{settings.max_clipped:.2%}"
            )
        if clip.snr_db is not None and clip.snr_db < settings.min_snr_db:
            limit = f"{settings.min_snr_db:g} dB"
            return f"noisy: its speech lies {clip.snr_db:.1f} dB above the pauses, less than {limit}"
        if not clip.text:
            return "no text: no word of the transcript lies in it"
        least = settings.min_certainty
        if clip.certainty < least or clip.lowest < least / 2:
            found = f"certainty {clip.certainty:.2f}, of the least certain word {clip.lowest:.2f}"
            return f"uncertain text: {found}, less than {least:g} and {least / 2:g} ({clip.text})"
        return self._wrong_text(clip)

    def _wrong_text(self, clip: Clip) -> str:
        try:
            encoded = text_to_sequence(clip.text, self._job.settings.language)
            check_rate(len(encoded.ids) - 2, clip.end - clip.start)
        except TextError as error:
            return f"unreadable text: {error}"
        except RejectedError as error:
            return f"{error} ({clip.text})"
        return ""


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
