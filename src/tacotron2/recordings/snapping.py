"""Words begin and end at the pauses of a recording: that decides which clip a word belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from tacotron2.recordings.words import TimedWord

SNAP_S = 0.6
"""A word so near to a pause may be the one that begins after it."""
PUNCTUATION_S = 0.3
"""How much nearer a word after punctuation counts."""
_CLOSES = re.compile(r"[.,;:!?…—–-][\"'»“”)]*$")


def snapped(words: Sequence[TimedWord], speech: Sequence[tuple[float, float]]) -> list[TimedWord]:
    """The word nearest to the end of a pause begins there, and the one before it ends before the pause.

    What was put on the wrong side of the pause with them is carried over: it shares the speech there.

    Args:
        words: by their starts.
        speech: spans of voice activity in seconds, rising.
    """
    starts = np.array([word.start for word in words])
    closed = np.array([False, *(bool(_CLOSES.search(word.text)) for word in words[:-1])])
    ends = np.array([word.end for word in words])
    first = 1  # words that may still be moved
    for (begin, before), (after, finish) in pairwise(speech):
        # From the beginning of the pause for a word that was put before it, from its end for one behind it.
        apart = np.where(starts < after, np.abs(before - starts), starts - after) - PUNCTUATION_S * closed
        apart[:first] = np.inf
        nearest = int(np.argmin(apart))
        if apart[nearest] > SNAP_S:
            continue
        late = first + int(np.searchsorted(starts[first:nearest], before, side="right"))
        if late < nearest:  # these belong before the pause, the one before them makes room
            room = np.linspace(max(starts[late - 1], begin), before, nearest - late + 2)
            starts[late:nearest] = room[1:-1]
            ends[late - 1 : nearest] = room[1:]
        early = nearest + int(np.searchsorted(starts[nearest:], after))
        if early > nearest:  # these belong behind it
            following = starts[early] if early < len(starts) else np.inf
            room = np.linspace(after, min(following, finish), early - nearest + 1)
            starts[nearest:early] = room[:-1]
            ends[nearest:early] = room[1:]
        starts[nearest], ends[nearest - 1] = after, before
        first = nearest + 1
    following = np.concatenate([starts[1:], [np.inf]])
    ends = np.maximum(starts, np.minimum(ends, following))
    return [
        replace(word, start=float(start), end=float(end))
        for word, start, end in zip(words, starts, ends, strict=True)
    ]
