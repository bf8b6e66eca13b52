"""Which versions of a voice stay, and which is the best. Pure: figures in, an order out."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """What of a version decides about its place."""

    number: int
    run: str
    passed: bool
    """Whether it passed the quality gate."""
    r: int
    quality: float
    """Free running, of the validation utterances."""


def ranked(entries: Iterable[Entry]) -> list[Entry]:
    """The newest version of every run, the best first; what has no finite quality has no place.

    A voice that passed the gate comes before one that did not, then the smaller r, then quality, then the
    older one. Qualities of different r are never compared.
    """
    newest: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda each: each.number):
        if math.isfinite(entry.quality):
            newest[entry.run] = entry
    return sorted(newest.values(), key=lambda each: (not each.passed, each.r, -each.quality, each.number))


def superfluous(entries: Collection[Entry], keep: int, production: int | None) -> list[Entry]:
    """What leaves the registry: everything but the `keep` best and the version in production."""
    staying = {entry.number for entry in ranked(entries)[:keep]} | {production}
    return [entry for entry in entries if entry.number not in staying]


def place_of(candidate: Entry, others: Iterable[Entry]) -> int | None:
    """The place a new version would have among the others, from 1; None: none at all."""
    order = ranked([*others, candidate])
    return order.index(candidate) + 1 if candidate in order else None
