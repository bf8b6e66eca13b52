"""The course of a training as diagnosis sees it: figures of its records, without what was given up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeVar

from tacotron2.events import (
    ClipsEvent,
    CureEvent,
    DiagnosisEvent,
    Event,
    IncidentEvent,
    KnobEvent,
    RestartEvent,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

USUAL_RECORDS = 5
"""Step records before a validation whose median stands for the training loss there."""


class _Placed(Protocol):
    @property
    def step(self) -> int: ...


Record = TypeVar("Record", bound=_Placed)


@dataclass(frozen=True)
class Look:
    """One validation, and where the training stood at it.

    `forced`, `free`: the figures of the two passes that are finite. `score`: the objective, 0 where it could
    not be had. `train_loss`: reference loss of training batches, `norm`: of their gradients, both the usual
    one just before, None before the first record. `guide_weight`: of guided attention then; `r`: the
    reduction factor.
    """

    step: int
    forced: Mapping[str, float]
    free: Mapping[str, float]
    score: float
    train_loss: float | None = None
    norm: float | None = None
    guide_weight: float = 0.0
    r: int | None = None


class Course:
    """What is on record of the weights that the training has now, the oldest first.

    Attributes:
        first_loss: the first training loss on record.
        clips: the last record of how single recordings fare.
    """

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.incidents: list[IncidentEvent] = []
        self.diagnoses: list[DiagnosisEvent] = []
        self.cures: list[CureEvent] = []
        self.changes: list[KnobEvent] = []
        self.first_loss: float | None = None
        self.clips: ClipsEvent | None = None
        self._recent: list[StepEvent] = []

    def note(self, event: Event, score: float = 0.0) -> None:
        """The next record; `score`: the objective of a validation."""
        if isinstance(event, StartedEvent):
            self._go_back_to(event.resumed_from_step or 0)
        elif isinstance(event, RestartEvent):
            self._go_back_to(event.resume_step or 0)
        elif isinstance(event, StepEvent) and math.isfinite(event.train_reference_loss):
            self.first_loss = event.train_reference_loss if self.first_loss is None else self.first_loss
            self._recent = [*self._recent, event][-USUAL_RECORDS:]
        elif isinstance(event, ValidationEvent):
            self.looks.append(_look(event, self._recent, score))
        elif isinstance(event, IncidentEvent):
            self.incidents.append(event)
        elif isinstance(event, DiagnosisEvent):
            self.diagnoses.append(event)
        elif isinstance(event, CureEvent):
            self.cures.append(event)
        elif isinstance(event, KnobEvent):
            self.changes.append(event)
        elif isinstance(event, ClipsEvent):
            self.clips = event

    def _go_back_to(self, step: int) -> None:
        """What came later belongs to weights that are given up."""
        self.looks, self.incidents = _until(self.looks, step), _until(self.incidents, step)
        self.diagnoses, self.cures = _until(self.diagnoses, step), _until(self.cures, step)
        self.changes, self._recent = _until(self.changes, step), _until(self._recent, step)
        if self.clips is not None and self.clips.step > step:
            self.clips = None
        if step == 0:
            self.first_loss = None


def _look(event: ValidationEvent, recent: Sequence[StepEvent], score: float) -> Look:
    figures = _finite(event.teacher_forced), _finite(event.free_running)
    if not recent:
        return Look(event.step, *figures, score)
    loss = median(each.train_reference_loss for each in recent)
    norm = median(each.grad_norm for each in recent)
    last = recent[-1]
    return Look(event.step, *figures, score, loss, norm, last.guided_attention_weight, last.n_frames_per_step)


def _until(records: Iterable[Record], step: int) -> list[Record]:
    return [record for record in records if record.step <= step]


def _finite(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if value is not None and math.isfinite(value)}
