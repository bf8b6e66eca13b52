"""What a folder of recordings holds, before it is trained on: figures, gaps, and clips to listen to.

The clips are those that a training would use, screened by the same rules; the others stand in the result
with their reasons.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tacotron2.data.advice import advice
from tacotron2.data.corpus import contents_key
from tacotron2.data.entries import SPLITS, Entry, Rejection
from tacotron2.data.formats import read_contents
from tacotron2.data.screening import screen
from tacotron2.data.survey import letter_pairs
from tacotron2.data.utterances import DataError
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams
from tacotron2.recordings.clip_measures import ClipMeasures, measure
from tacotron2.recordings.outliers import OF_TEXTS, oddities
from tacotron2.text import SYMBOLS, find_language, text_to_sequence

VERSION = 1
"""Of the result; part of the key under which it is kept."""
QUANTILES = (0, 5, 25, 50, 75, 95, 100)
TOLD = (
    "seconds",
    "speech_seconds",
    "leading_seconds",
    "trailing_seconds",
    "pause_share",
    "level_db",
    "noise_db",
    "snr_db",
    "peak",
    "clipped_share",
    "bandwidth_hz",
    "symbols_per_second",
)
"""Measures whose distribution is told."""
ENDINGS = ".?!"
AT_ONCE = 16
"""Clips that a process takes at once."""

Progress = Callable[[int, int], None]


def analyse(folder: Path, home: Path, hparams: HParams, progress: Progress | None = None) -> dict[str, Any]:
    """All of it as plain values (docs/analyzing.md tells each); of the same files what was found before.

    Args:
        home: where the result is kept.
        progress: told (done, total): every clip twice, once screened and once measured.

    Raises:
        DataError: the folder has no known form, or none of its clips can be used.
    """
    contents = read_contents(folder)
    file = home / f"analysis-{VERSION}-{contents_key(contents, folder, hparams)}.json"
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        pass  # not made yet, or not whole
    total = len(contents.entries)
    kept, screened = screen(
        contents.entries, folder, hparams, progress and (lambda done, _: progress(done, 2 * total))
    )
    rejected = [*contents.rejected, *screened]
    if not kept:
        first = f"; the first: {rejected[0].place}: {rejected[0].reason}" if rejected else ""
        raise DataError(f"{folder}, taken as {contents.layout}: none of its clips can be used{first}")
    measured = _measured([folder / entry.audio for entry in kept], total, progress)
    result = _result(contents.layout, kept, measured, rejected, hparams)
    write_atomically(file, json.dumps(result, ensure_ascii=False).encode())
    return result


def _measured(paths: Sequence[Path], named: int, progress: Progress | None) -> list[ClipMeasures]:
    workers = max(1, min(len(os.sched_getaffinity(0)), len(paths) // AT_ONCE))
    measured = []
    with ProcessPoolExecutor(workers) as pool:
        for done, one in enumerate(pool.map(measure, paths, chunksize=AT_ONCE), start=1):
            measured.append(one)
            if progress is not None:
                progress(2 * named - len(paths) + done, 2 * named)
    return measured


def _result(
    layout: str,
    kept: Sequence[Entry],
    measured: Sequence[ClipMeasures],
    rejected: Sequence[Rejection],
    hparams: HParams,
) -> dict[str, Any]:
    settings = hparams.text
    encoded = [text_to_sequence(each.text, settings.language, settings.unreadable) for each in kept]
    said = [len(each.ids) - 2 for each in encoded]
    clips: list[dict[str, Any]] = []
    for entry, one, symbols in zip(kept, measured, said, strict=True):
        named = {"id": entry.id, "audio": entry.audio, "text": entry.text, "place": entry.place}
        named |= {"speaker": entry.speaker, "split": entry.split}
        tempo = symbols / max(one.speech_seconds, 0.02)
        clips.append(named | dataclasses.asdict(one) | {"symbols": symbols, "symbols_per_second": tempo})
    columns = {name: [clip[name] for clip in clips] for name in TOLD}
    splits = {split: [entry for entry in kept if (entry.split or "train") == split] for split in SPLITS}
    return {
        "version": VERSION,
        "layout": layout,
        "language": settings.language,
        "hours": sum(columns["seconds"]) / 3600,
        "speech_hours": sum(columns["speech_seconds"]) / 3600,
        "clips": clips,
        "rejected": [{"id": each.id, "place": each.place, "reason": each.reason} for each in rejected],
        "distributions": {name: _distribution(values) for name, values in columns.items()},
        "symbols": _symbols([index for each in encoded for index in each.ids[1:-1]], settings.language),
        "dropped": dict(Counter(character for each in encoded for character in each.dropped)),
        "letter_pairs": len(set().union(*(letter_pairs(entry.text) for entry in kept))),
        "endings": dict(Counter(_ending(entry.text) for entry in kept)),
        "speakers": _by_speaker(kept, columns["seconds"]),
        "sampling_rates": {str(rate): count for rate, count in _rates(measured)},
        "same_audio": _alike(kept, [one.digest for one in measured]),
        "same_text": _alike(kept, [" ".join(entry.text.casefold().split()) for entry in kept]),
        "splits": {split: len(entries) for split, entries in splits.items()},
        "advice": list(advice(kept, splits, hparams)),
        "odd": [
            dataclasses.asdict(each) | {"of_text": each.oddity in OF_TEXTS}
            for each in oddities(columns, said, [entry.speaker for entry in kept])
        ],
    }


def _distribution(values: Sequence[float]) -> dict[str, float]:
    """Mean, and values that so many percent of the clips do not exceed."""
    told = {f"p{quantile}": float(np.percentile(values, quantile)) for quantile in QUANTILES}
    return {"mean": float(np.mean(values)), **told}


def _symbols(ids: Sequence[int], language: str) -> dict[str, int]:
    """How often each symbol is said; letters of the language that never are stand there with 0."""
    counts = Counter(SYMBOLS[index] for index in ids)
    letters = sorted(letter for letter in find_language(language).letters if letter in SYMBOLS)
    return dict(counts.most_common()) | {letter: 0 for letter in letters if letter not in counts}


def _ending(text: str) -> str:
    last = text.rstrip("\"'»“”)] ")[-1:]
    return last if last and last in ENDINGS else ""


def _by_speaker(kept: Sequence[Entry], seconds: Sequence[float]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(lambda: {"clips": 0, "hours": 0.0})
    for entry, length in zip(kept, seconds, strict=True):
        found[entry.speaker]["clips"] += 1
        found[entry.speaker]["hours"] += length / 3600
    return dict(found)


def _rates(measured: Sequence[ClipMeasures]) -> list[tuple[int, int]]:
    return Counter(one.sampling_rate for one in measured).most_common()


def _alike(kept: Sequence[Entry], keys: Sequence[str]) -> list[list[str]]:
    """Ids of clips with the same key, more than one each."""
    groups: Mapping[str, list[str]] = defaultdict(list)
    for entry, key in zip(kept, keys, strict=True):
        groups[key].append(entry.id)
    return [ids for ids in groups.values() if len(ids) > 1]
