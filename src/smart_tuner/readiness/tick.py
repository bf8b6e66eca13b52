"""One thing that was checked, and how it turned out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from smart_tuner.messages import Message, Phrase, ReadinessPhrase

Words = Message | str


class Status(StrEnum):
    """How a check turned out. Only a failed one makes a machine not ready."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    UNCHECKED = "unchecked"


class Group(StrEnum):
    """What a check belongs to, in the order of the report."""

    IMPORTS = "imports"
    SOURCES = "sources"
    SETTINGS = "settings"
    PARTS = "parts"
    MODEL = "model"
    DATA = "data"
    MACHINE = "machine"
    DATABASES = "databases"
    INTERFACES = "interfaces"
    NOTICES = "notices"
    GOAL = "goal"


GROUP_TITLES: dict[Group, Phrase] = {
    Group.IMPORTS: ReadinessPhrase.GROUP_IMPORTS,
    Group.SOURCES: ReadinessPhrase.GROUP_SOURCES,
    Group.SETTINGS: ReadinessPhrase.GROUP_SETTINGS,
    Group.PARTS: ReadinessPhrase.GROUP_PARTS,
    Group.MODEL: ReadinessPhrase.GROUP_MODEL,
    Group.DATA: ReadinessPhrase.GROUP_DATA,
    Group.MACHINE: ReadinessPhrase.GROUP_MACHINE,
    Group.DATABASES: ReadinessPhrase.GROUP_DATABASES,
    Group.INTERFACES: ReadinessPhrase.GROUP_INTERFACES,
    Group.NOTICES: ReadinessPhrase.GROUP_NOTICES,
    Group.GOAL: ReadinessPhrase.GROUP_GOAL,
}


@dataclass(frozen=True)
class Tick:
    """A check. `name` is the same in every language and version; `remedy` says what to do.

    needs: names of checks without which this one says nothing: where it failed and one of them did not pass,
        it counts as not checked.
    """

    name: str
    group: Group
    title: Words
    status: Status
    detail: Words = ""
    remedy: Words | None = None
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status is Status.FAILED and not self.remedy:
            raise ValueError(f"{self.name}: a failed check says what to do")


def settled(ticks: Sequence[Tick]) -> list[Tick]:
    """The same in the order of their groups; a failure that another one explains is not counted twice."""
    not_passed = [tick.name for tick in ticks if tick.status in (Status.FAILED, Status.UNCHECKED)]
    found = []
    for tick in ticks:
        blocking = next((name for name in not_passed if name in tick.needs), None)
        if tick.status is Status.FAILED and blocking is not None:
            waits = ReadinessPhrase.WAITS_FOR(name=blocking)
            tick = replace(tick, status=Status.UNCHECKED, detail=waits, remedy=None)
        found.append(tick)
    order = list(Group)
    return sorted(found, key=lambda tick: order.index(tick.group))
