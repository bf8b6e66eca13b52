"""Where clips begin and end: in pauses between spans of speech, never inside a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tacotron2.recordings.settings import Settings
from tacotron2.recordings.speech import Spans
from tacotron2.recordings.words import TimedWord

MARGIN_S = 0.15
"""Kept before and after the speech of a clip, at most to the middle of the pause."""
CLOSURE_S = 0.4
"""A longer pause is never inside a word, whatever the times of words say."""
SENTENCE_PAUSE_S = 0.5
"""A pause of this length is cut in also where the clip would not be too long."""
LONGEST_PAUSE_S = 1.0
"""A longer one is in no clip: attention would have to wait in it."""
WANTED_SECONDS = 10.0
"""A clip longer than this is cut again where it can be."""


@dataclass(frozen=True)
class Stretch:
    """A part of a recording that becomes a clip, or cannot."""

    start: float
    """Seconds in the recording, margins included."""
    end: float
    wrong: str = ""
    """Why it cannot be one; empty where it can."""


def cut(spans: Spans, words: Sequence[TimedWord], seconds: float, settings: Settings) -> list[Stretch]:
    """All speech of the recording in stretches, in order.

    Cuts lie in pauses of `min_pause_s` or more that no word covers. A stretch is parted at its longest such
    pause while it is longer than WANTED_SECONDS, or the pause is one between sentences, and both parts are
    of `min_seconds` or more.

    Args:
        spans: of speech, in order.
        words: in order; a pause in the middle of one is not cut in.
        seconds: length of the recording.
    """
    groups = _parted_for_certain(_whole_words(spans, words))
    bounds = [part for group in groups for part in _parted(group, settings)]
    return [_stretch(bounds, place, seconds, settings) for place in range(len(bounds))]


def _whole_words(spans: Spans, words: Sequence[TimedWord]) -> Spans:
    """The spans, those joined whose short gap lies inside a word."""
    joined: Spans = []
    place = 0
    for start, end in spans:
        before = joined[-1][1] if joined else start - 2 * CLOSURE_S
        while place < len(words) and words[place].end < start:
            place += 1
        inside = place < len(words) and words[place].start < before
        if inside and start - before <= CLOSURE_S:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _parted_for_certain(spans: Spans) -> list[Spans]:
    """Groups of spans that lie further apart than LONGEST_PAUSE_S."""
    groups: list[Spans] = []
    for span in spans:
        if groups and span[0] - groups[-1][-1][1] <= LONGEST_PAUSE_S:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _parted(group: Spans, settings: Settings) -> Spans:
    """Start and end of the speech of each clip of a group."""
    bounds, open_groups = [], [group]
    while open_groups:
        spans = open_groups.pop()
        place = _best_cut(spans, settings)
        if place is None:
            bounds.append((spans[0][0], spans[-1][1]))
        else:
            open_groups += [spans[place:], spans[:place]]
    return bounds


def _best_cut(spans: Spans, settings: Settings) -> int | None:
    """Number of the span before which to cut; None where the group stays whole."""
    shortest = settings.min_seconds - 2 * MARGIN_S
    start, end = spans[0][0], spans[-1][1]
    length = end - start + 2 * MARGIN_S
    limit = min(WANTED_SECONDS, settings.max_seconds)
    allowed = [
        (spans[place][0] - spans[place - 1][1], -place)
        for place in range(1, len(spans))
        if spans[place - 1][1] - start >= shortest and end - spans[place][0] >= shortest
    ]
    pause, place = max(allowed, default=(0.0, 0))
    needed = settings.min_pause_s if length > limit else max(SENTENCE_PAUSE_S, settings.min_pause_s)
    return -place if pause >= needed else None


def _stretch(bounds: Spans, place: int, seconds: float, settings: Settings) -> Stretch:
    start, end = bounds[place]
    before = bounds[place - 1][1] if place else 0.0
    after = bounds[place + 1][0] if place + 1 < len(bounds) else seconds
    earliest = (before + start) / 2 if place else 0.0
    latest = (end + after) / 2 if place + 1 < len(bounds) else seconds
    first, last = max(start - MARGIN_S, earliest), min(end + MARGIN_S, latest)
    wrong, length = "", last - first
    if length < settings.min_seconds:
        wrong = f"too short: {length:.2f} s, less than {settings.min_seconds:g}"
    elif length > settings.max_seconds:
        pause = f"no pause of {settings.min_pause_s:g} s to cut in"
        wrong = f"too long: {length:.2f} s, more than {settings.max_seconds:g}, and {pause}"
    return Stretch(first, last, wrong)
