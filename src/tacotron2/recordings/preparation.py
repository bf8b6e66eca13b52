"""A folder of long recordings to a folder of clips with texts, which training accepts.

    output/
        wavs/ID.wav                 the clips, 22,050 Hz, mono, 16 bit
        train.txt validation.txt test.txt    wavs/ID.wav|text
        rejected.tsv                every clip and recording that is not used: id, place, reason
        recordings/NAME.json        what became of each recording, written last
        preparation.json            settings and counts, written last of all

A recording is done by one process and known by a hash of its bytes, its transcript and the settings: one that
is done is not done again, and the result does not depend on how many processes there are. What is written
depends on nothing else, so the same folder and settings give the same bytes.
"""

from __future__ import annotations

import dataclasses
import json
import math
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.managers import SyncManager
from pathlib import Path

from filelock import FileLock, Timeout

from tacotron2.data.corpus import split_ids
from tacotron2.data.entries import SPLITS
from tacotron2.files import write_atomically
from tacotron2.recordings.clips import RECORDS, WAVS, Clip, Job, Record, prepare_recording
from tacotron2.recordings.listing import Source, find_recordings, require_text
from tacotron2.recordings.reading import header_seconds
from tacotron2.recordings.recognisers import open_recogniser
from tacotron2.recordings.settings import PreparationError, Settings
from tacotron2.text import find_language

REPORT = "preparation.json"
LOCK, WORK = ".lock", ".work-"
REJECTED = "rejected.tsv"
HELD_OUT_CLIPS = 48
"""Wanted in each held-out list."""
LARGEST_SHARE = 10
"""Each of them takes at most one in so many clips, but for the recording that it takes whole."""
FEWEST = 2
GAP_CLIPS = 1
"""Of a recording that is parted, so many between what is trained on and what is held out are left out."""
WATCHED_S = 0.5

Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class Prepared:
    """What there is now."""

    output: Path
    recordings: int
    recordings_rejected: int
    seconds: float
    """Of all recordings that could be read."""
    clips: dict[str, int]
    """Of each list."""
    clip_seconds: float
    """Of all clips that are kept."""
    rejected: int
    """Clips that are not."""
    first_reason: str
    """Of the first recording that was rejected as a whole; empty where none was."""


def prepare(
    folder: Path, output: Path, settings: Settings, workers: int, progress: Progress | None = None
) -> Prepared:
    """Everything from the recordings in `folder` to the lists in `output`.

    Args:
        workers: processes; more than there are recordings are of no use.
        progress: told (seconds done, seconds in all) of recordings, by their headers.

    Raises:
        PreparationError: no recording, no text for any, or `output` is another's or inside of `folder`.
        RecogniserError: there is no such recogniser.
        LanguageError: no such language.
        OSError: something cannot be written.
    """
    find_language(settings.language)
    if settings.recogniser:
        open_recogniser(settings.recogniser)  # its mistakes before any work
    sources = find_recordings(folder)
    if not settings.recogniser:
        require_text(folder, sources)
    _check_output(folder, output)
    output.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / LOCK, timeout=0):
            return _prepare(folder, output, settings, sources, workers, progress)
    except Timeout:
        raise PreparationError(f"{output}: another process prepares it; wait for its end") from None


def _prepare(
    folder: Path,
    output: Path,
    settings: Settings,
    sources: Sequence[Source],
    workers: int,
    progress: Progress | None,
) -> Prepared:
    for part in (WAVS, RECORDS):
        (output / part).mkdir(exist_ok=True)
    _tidy(output)
    write_atomically(output / REPORT, _plain({"folder": str(folder.resolve()), "finished": False}))
    records = _records([Job(source, folder, output, settings) for source in sources], workers, progress)
    _forget_others(output, sources, records)
    splits = split_recordings(records)
    for split in SPLITS:
        lines = "".join(f"{WAVS}/{clip.id}.wav|{clip.text}\n" for clip in splits[split])
        write_atomically(output / f"{split}.txt", lines.encode())
    write_atomically(output / REJECTED, _rejected(records, splits).encode())
    prepared = _prepared(output, records, splits)
    told = {name: value for name, value in dataclasses.asdict(prepared).items() if name != "output"}
    told |= {"settings": dataclasses.asdict(settings), "folder": str(folder.resolve()), "finished": True}
    write_atomically(output / REPORT, _plain(told))
    return prepared


def split_recordings(records: Sequence[Record]) -> dict[str, list[Clip]]:
    """The clips of each list, in their order; no recording is in two lists, unless there are too few.

    Recordings are ranked by a hash of their names. Validation and test take whole ones, the smallest that
    suffice first, while more than half of all clips are left to learn from. Where that cannot be, because
    there are one or two recordings, the end of the last one is held out, with a clip left out between.
    """
    filled = [record for record in records if record.good]
    total = sum(len(record.good) for record in filled)
    wanted = max(FEWEST, min(HELD_OUT_CLIPS, total // LARGEST_SHARE))
    by_name = {record.name: record for record in filled}
    ranked = [by_name[name] for name in split_ids(list(by_name), 0, len(by_name), 0)]
    splits: dict[str, list[Clip]] = {split: [] for split in SPLITS}
    left = total
    held: dict[str, str] = {}
    for split in ("validation", "test"):
        free = [record for record in ranked if record.name not in held]
        fitting = [record for record in free if len(record.good) >= wanted]
        chosen = min(fitting, key=lambda record: len(record.good), default=None)
        if chosen is not None and len(chosen.good) <= 2 * wanted and left - len(chosen.good) > total // 2:
            held[chosen.name] = split
            left -= len(chosen.good)
            splits[split] = chosen.good
    rest = [clip for record in filled if record.name not in held for clip in record.good]
    for split in ("test", "validation"):
        if not splits[split] and len(rest) > 2 * (wanted + GAP_CLIPS):
            rest, splits[split] = rest[: -wanted - GAP_CLIPS], rest[-wanted:]
    splits["train"] = rest
    return splits


def _check_output(folder: Path, output: Path) -> None:
    """PreparationError where the clips would lie among the recordings, or somebody else's files are."""
    if output.resolve().is_relative_to(folder.resolve()):
        raise PreparationError(f"{output} lies inside of {folder}; choose an --output beside it")
    report = output / REPORT
    if not output.exists() or {path.name for path in output.iterdir()} <= {LOCK}:
        return
    try:
        made_of = json.loads(report.read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PreparationError(
            f"{output} holds files that are not of a preparation; choose another --output, or empty it"
        ) from error
    if made_of != str(folder.resolve()):
        raise PreparationError(f"{output} was made of {made_of}; choose another --output")


def _tidy(output: Path) -> None:
    """Removes what a kill has left half written: names that begin with a dot, in our own folders."""
    for path in (*output.glob(f"{WORK}*"), *output.glob(".*.txt-*"), *output.glob(".*.json-*")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in (*output.glob(f"{WAVS}/.*"), *output.glob(f"{RECORDS}/.*")):
        path.unlink()


def _records(jobs: Sequence[Job], workers: int, progress: Progress | None) -> list[Record]:
    """A record for each job, in their order; the longest are begun first: none is waited for alone."""
    lengths = [header_seconds(job.source.path) for job in jobs]
    fresh = multiprocessing.get_context("spawn")
    manager = SyncManager(ctx=fresh)
    manager.start(_end_with_parent, (os.getpid(),))
    with (
        tempfile.TemporaryDirectory(prefix=WORK, dir=jobs[0].output) as work,
        manager,
        ProcessPoolExecutor(max(1, min(workers, len(jobs))), fresh, _end_with_parent, (os.getpid(),)) as pool,
    ):
        done: MutableMapping[int, float] = manager.dict()
        order = sorted(range(len(jobs)), key=lambda index: -lengths[index])
        futures = {index: pool.submit(_one, jobs[index], Path(work), index, done) for index in order}
        try:
            _watch([futures[index] for index in range(len(jobs))], lengths, done, progress)
            return [futures[index].result() for index in range(len(jobs))]
        except BrokenProcessPool as error:
            raise PreparationError(
                "a process that prepared a recording was ended from outside, probably for want of memory; "
                "the same command goes on, with fewer --workers it needs less"
            ) from error
        except BaseException:  # Ctrl-C too: what is not begun is not to be begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _end_with_parent(parent: int) -> None:
    """Begins to watch: a process of the pool must not outlive a parent that was killed. Ctrl-C is the
    parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCHED_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _one(job: Job, work: Path, index: int, done: MutableMapping[int, float]) -> Record:
    return prepare_recording(job, work, lambda seconds: done.update({index: seconds}))


def _watch(
    futures: Sequence[Future[Record]],
    lengths: Sequence[float],
    done: MutableMapping[int, float],
    progress: Progress | None,
) -> None:
    """Tells how far it is until all have ended, or raises what the first that failed has raised."""
    running: Iterable[Future[Record]] = futures
    total = math.fsum(lengths)
    while running:
        ended, running = wait(running, timeout=WATCHED_S)
        for future in ended:
            future.result()
        if progress is not None:
            # Reading counts as half of the work; a recording that is done already is not read again.
            read = {index: seconds / 2 for index, seconds in done.items()}
            read |= {index: lengths[index] for index, future in enumerate(futures) if future.done()}
            progress(math.fsum(min(read[index], lengths[index]) for index in read), total)


def _forget_others(output: Path, sources: Sequence[Source], records: Sequence[Record]) -> None:
    """Removes clips and records of recordings that are no longer there."""
    slugs = {source.slug for source in sources}
    for path in (output / RECORDS).glob("*.json"):
        if path.stem not in slugs:
            path.unlink()
    kept = {f"{clip.id}.wav" for record in records for clip in record.good}
    for path in (output / WAVS).glob("*.wav"):
        if path.name not in kept:
            path.unlink()


def _rejected(records: Sequence[Record], splits: dict[str, list[Clip]]) -> str:
    """Tab-separated: id, place, reason."""
    used = {clip.id for clips in splits.values() for clip in clips}
    rows = [("id", "place", "reason")]
    for record in records:
        if record.wrong:
            rows.append((record.name, record.name, record.wrong))
        for clip in record.clips:
            place = f"{record.name}, {clip.start:.2f}-{clip.end:.2f} s"
            if clip.wrong:
                rows.append((clip.id, place, clip.wrong))
            elif clip.id not in used:
                rows.append((clip.id, place, "between what is trained on and what is held out"))
    return "".join("\t".join(" ".join(field.split()) for field in row) + "\n" for row in rows)


def _prepared(output: Path, records: Sequence[Record], splits: dict[str, list[Clip]]) -> Prepared:
    return Prepared(
        output=output,
        recordings=len(records),
        recordings_rejected=sum(bool(record.wrong) for record in records),
        seconds=round(math.fsum(record.seconds for record in records), 3),
        clips={split: len(clips) for split, clips in splits.items()},
        clip_seconds=round(
            math.fsum(clip.end - clip.start for clips in splits.values() for clip in clips), 3
        ),
        rejected=sum(bool(clip.wrong) for record in records for clip in record.clips),
        first_reason=next((f"{record.name}: {record.wrong}" for record in records if record.wrong), ""),
    )


def _plain(content: dict[str, object]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, default=str) + "\n").encode()
