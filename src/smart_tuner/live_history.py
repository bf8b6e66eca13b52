"""What a run has told so far, in bounded memory: made record by record, however they arrive."""

from __future__ import annotations

import math
from collections import deque

from smart_tuner.progress import RunFigures
from tacotron2.events import (
    CheckpointEvent,
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    FinishedEvent,
    IncidentEvent,
    KnobEvent,
    ReportEvent,
    RestartEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

MOST_POINTS = 256
"""Of a curve; twice as many are kept until neighbours become one."""
MOST_VALIDATIONS, MOST_HAPPENINGS = 512, 256
HAPPENINGS = (IncidentEvent, RestartEvent, DecisionEvent, DiagnosisEvent, CureEvent, KnobEvent, FinishedEvent)


class Curve:
    """Values over steps, from the first to the last; the longer it gets, the coarser. Only finite ones."""

    def __init__(self) -> None:
        self._points: list[tuple[int, float, int]] = []

    def add(self, step: int, value: float) -> None:
        """A further value."""
        if not math.isfinite(value):
            return
        self._points.append((step, value, 1))
        if len(self._points) >= 2 * MOST_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [_together(*pair) for pair in pairs]

    def go_back(self, step: int) -> None:
        """What came after `step` does not count any more."""
        while self._points and self._points[-1][0] > step:
            self._points.pop()

    @property
    def values(self) -> list[float]:
        """Means of equal stretches, the oldest first."""
        return [value for _, value, _ in self._points]


class LiveHistory:
    """The story of a run. Where it goes back to an earlier state, what came after that is forgotten.

    Args:
        max_steps: as planned; an attempt says it again.
        max_train_s: the training's time limit; 0: none.
    """

    def __init__(self, max_steps: int, max_train_s: float = 0.0) -> None:
        self.figures = RunFigures(max_train_s)
        self.figures.max_steps = max_steps
        self.stage: StageEvent | None = None
        self.started: StartedEvent | None = None
        self.last: StepEvent | None = None
        self.report: ReportEvent | None = None
        self.losses: dict[str, Curve] = {}
        self.reference = Curve()
        self.validations: deque[ValidationEvent] = deque(maxlen=MOST_VALIDATIONS)
        self.happened: deque[Stamped] = deque(maxlen=MOST_HAPPENINGS)
        self.num_attempts = self.num_validations = self.num_incidents = self.num_restarts = 0
        self.num_checkpoints = 0
        self._knobs: list[KnobEvent] = []

    @property
    def scales(self) -> dict[str, float]:
        """What the values of the schedules are multiplied by, where that is not 1."""
        newest = {event.knob: event.after for event in self._knobs}
        return {knob: scale for knob, scale in newest.items() if scale != 1.0}

    def add(self, stamped: Stamped) -> None:
        """One more record."""
        event = stamped.event
        self.figures.update(stamped)
        if isinstance(event, StageEvent):
            self.stage = event
        elif isinstance(event, StartedEvent):
            self._begin(event)
        elif isinstance(event, StepEvent):
            self._step(event)
        elif isinstance(event, ValidationEvent):
            self.validations.append(event)
            self.num_validations += 1
        elif isinstance(event, CheckpointEvent):
            self.num_checkpoints += 1
        elif isinstance(event, ReportEvent):
            self.report = event
        if isinstance(event, KnobEvent):
            self._knobs.append(event)
        self.num_incidents += isinstance(event, IncidentEvent)
        self.num_restarts += isinstance(event, RestartEvent)
        if isinstance(event, HAPPENINGS) and not _told_by_another(event):
            self._happens(stamped)

    def _happens(self, stamped: Stamped) -> None:
        before = self.happened[-1].event if self.happened else None
        if isinstance(stamped.event, RestartEvent) and isinstance(before, FinishedEvent):
            self.happened.pop()  # the restart names the end before it
        self.happened.append(stamped)

    def _begin(self, event: StartedEvent) -> None:
        self.started, self.last = event, None
        self.num_attempts += 1
        step = event.resumed_from_step or 0
        for curve in (*self.losses.values(), self.reference):
            curve.go_back(step)
        while self.validations and self.validations[-1].step > step:
            self.validations.pop()
            self.num_validations -= 1
        self._knobs = [knob for knob in self._knobs if knob.step <= step]

    def _step(self, event: StepEvent) -> None:
        self.last = event
        for name, value in event.losses.items():
            self.losses.setdefault(name, Curve()).add(event.step, value)
        self.reference.add(event.step, event.train_reference_loss)


def _told_by_another(event: Event) -> bool:
    """A cure or a restart says itself what it adjusts."""
    return isinstance(event, KnobEvent) and event.by in ("cure", "supervisor")


def _together(one: tuple[int, float, int], other: tuple[int, float, int]) -> tuple[int, float, int]:
    weight = one[2] + other[2]
    return other[0], (one[1] * one[2] + other[1] * other[2]) / weight, weight
