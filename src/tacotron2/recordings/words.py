"""A word and when it is said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TimedWord:
    """One word of a recording."""

    text: str
    """As in the transcript, punctuation attached."""
    start: float
    """Seconds in the recording."""
    end: float
    certainty: float
    """0 to 1."""
