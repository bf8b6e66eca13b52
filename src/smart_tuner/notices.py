"""What a person who is away is told, and by whom. A small contract: parts that tell know no messenger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Protocol

from smart_tuner.messages import Message


class NoticeKind(StrEnum):
    """What a notice is about."""

    STARTED = "started"
    FINISHED = "finished"
    STOPPED = "stopped"
    INCIDENT = "incident"
    RESTART = "restart"
    CURE = "cure"
    GOAL = "goal"
    BEST_MODEL = "best_model"
    TRIAL = "trial"
    VALIDATION = "validation"
    REPORT = "report"
    AUDIO = "audio"
    ANSWER = "answer"


class Importance(IntEnum):
    """Which notice gives way where there is no room for both."""

    PROGRESS = 0
    RESULT = 1
    TROUBLE = 2
    END = 3


@dataclass(frozen=True)
class Notice:
    """One thing to tell; picture and audio are files that exist when it is told."""

    kind: NoticeKind
    importance: Importance
    message: Message | str
    picture: Path | None = None
    audio: Path | None = None


class Notifier(Protocol):
    """Takes notices and returns at once; it raises nothing and never waits for a network."""

    def tell(self, notice: Notice) -> None:
        """Pass a notice on, at some time."""

    def close(self) -> None:
        """Pass on what is left, within a bound; further notices are dropped."""


class NoNotices:
    """Nobody is told."""

    def tell(self, notice: Notice) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
