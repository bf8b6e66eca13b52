"""A quick look at a folder of recordings, headers only: how much speech it holds. Only reads."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tacotron2.data.corpus import contents_key
from tacotron2.data.entries import RejectedError
from tacotron2.data.formats import read_contents
from tacotron2.data.screening import check_file
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams


@dataclass(frozen=True)
class Survey:
    """What the headers say. Loudness, texts and silence at the ends are not looked at."""

    layout: str
    """Which form the folder has, in words."""
    named: int
    """Clips that the folder names."""
    clips: int
    """Those with a readable header and a length within data.min_seconds to data.max_seconds."""
    hours: float
    """Of these clips together."""
    sampling_rate: int
    """The most frequent one in Hz; 0 without clips."""
    letter_pairs: int = 0
    """Distinct pairs of neighbouring letters in the texts of these clips, upper and lower case alike."""
    speakers: int = 1
    """Of these clips; those whose speaker is not named are one."""


def survey(
    folder: Path, home: Path, hparams: HParams, progress: Callable[[int, int], None] | None = None
) -> Survey:
    """Measures the folder, or finds what an earlier call has measured of the same files.

    Args:
        home: where the result is kept, as `survey-<key>.json` with the key of the folder's lists.
        progress: told (done, total) clips.

    Raises:
        DataError: the folder has no known form, or several.
    """
    contents = read_contents(folder)
    file = home / f"survey-{contents_key(contents, folder, hparams)}.json"
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        if known.keys() == {each.name for each in dataclasses.fields(Survey)}:
            return Survey(**known)
    except (OSError, ValueError, TypeError, AttributeError):
        pass  # not made yet, or not whole
    root, data = folder.resolve(), hparams.data
    rates: Counter[int] = Counter()
    seconds, pairs, speakers = 0.0, set[str](), set[str]()
    for done, entry in enumerate(contents.entries, start=1):
        try:
            length, rate = check_file(entry.audio, folder, root, data.max_seconds)
        except RejectedError:
            length = rate = 0
        if rate and data.min_seconds <= length <= data.max_seconds:
            rates[rate] += 1
            seconds += length
            pairs |= letter_pairs(entry.text)
            speakers.add(entry.speaker)
        if progress is not None:
            progress(done, len(contents.entries))
    named = len(contents.entries) + len(contents.rejected)
    usual = rates.most_common(1)[0][0] if rates else 0
    said = len(pairs), max(1, len(speakers))
    found = Survey(contents.layout, named, rates.total(), seconds / 3600, usual, *said)
    write_atomically(file, json.dumps(dataclasses.asdict(found), ensure_ascii=False).encode())
    return found


def letter_pairs(text: str) -> set[str]:
    """The pairs of letters that stand beside each other in a text, in lower case."""
    return {one + other for one, other in pairwise(text.lower()) if one.isalpha() and other.isalpha()}
