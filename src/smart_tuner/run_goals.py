"""The four goals of a run, and when it has reached each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from smart_tuner.messages import Message, NoticePhrase, Phrase
from tacotron2.events import Event, StartedEvent, StepEvent, ValidationEvent

ALIGNMENT_DEADLINE = 1000
CONFIRMED_BY = 2
"""Readings in a row that make a goal reached, so that one lucky reading does not."""


@dataclass(frozen=True)
class Goal:
    """A bar that a figure of the run is to pass; above it or below it."""

    phrase: Phrase
    bar: float
    above: bool
    inclusive: bool = False
    deadline: int | None = None
    late_phrase: Phrase | None = None
    """What is told where it was passed after the deadline."""

    def met(self, value: float) -> bool:
        """Whether one reading passes; NaN never does."""
        if self.inclusive and value == self.bar:
            return True
        return value > self.bar if self.above else value < self.bar


GOALS: dict[str, Goal] = {
    "attention_alignment": Goal(
        NoticePhrase.GOAL_ALIGNMENT,
        0.4,
        above=True,
        deadline=ALIGNMENT_DEADLINE,
        late_phrase=NoticePhrase.GOAL_ALIGNMENT_LATE,
    ),
    "reference_loss": Goal(NoticePhrase.GOAL_REFERENCE_LOSS, 0.8, above=False, inclusive=True),
    "val_loss": Goal(NoticePhrase.GOAL_VALIDATION_LOSS, 30.0, above=False),
    "gate_accuracy": Goal(NoticePhrase.GOAL_GATE_ACCURACY, 0.6, above=True),
}


class Goals:
    """Which goals a run has reached; fed with all of its records, it knows the same after a resume."""

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self._streaks: dict[str, int] = {}
        self._first_step: dict[str, int] = {}

    def update(self, event: Event) -> list[Message]:
        """Take one record in; the goals it reaches, each once for the run."""
        if isinstance(event, StartedEvent):
            self._streaks.clear()
        told = []
        for name, (step, value) in _readings(event).items():
            goal = GOALS[name]
            if name in self.reached:
                continue
            if not goal.met(value):
                self._streaks[name] = 0
                continue
            self._streaks[name] = self._streaks.get(name, 0) + 1
            if self._streaks[name] == 1:
                self._first_step[name] = step
            if self._streaks[name] >= CONFIRMED_BY:
                self.reached.add(name)
                told.append(_told(goal, self._first_step[name], value))
        return told


def _readings(event: Event) -> dict[str, tuple[int, float]]:
    if isinstance(event, StepEvent):
        return {"reference_loss": (event.step, event.train_reference_loss)}
    if isinstance(event, ValidationEvent):
        return {
            "attention_alignment": (event.step, event.free_running.get("attention_alignment", math.nan)),
            "val_loss": (event.step, event.teacher_forced.get("val_loss", math.nan)),
            "gate_accuracy": (event.step, event.teacher_forced.get("gate_accuracy", math.nan)),
        }
    return {}


def _told(goal: Goal, step: int, value: float) -> Message:
    figures: dict[str, int | float] = {"step": step, "value": value, "bar": goal.bar}
    if goal.deadline is None:
        return Message(goal.phrase, figures)
    late = goal.late_phrase if step > goal.deadline else None
    return Message(late or goal.phrase, figures | {"deadline": goal.deadline})
