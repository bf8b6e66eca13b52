"""A word, and when it is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TimedWord:
    """text: as in the transcript, punctuation attached; start and end in seconds of the recording; certainty
    0-1."""

    text: str
    start: float
    end: float
    certainty: float
