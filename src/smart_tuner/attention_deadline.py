"""Whether attention has formed in time: validations in, a verdict out.

What never aligns by the deadline hardly ever does later; another seed often does at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from smart_tuner.config import AttentionSettings
from smart_tuner.decisions import Decision, Reason, Verdict
from tacotron2.events import Event, RestartEvent, Stamped, StartedEvent, ValidationEvent

ALIGNMENT = "attention_alignment"


class AttentionDeadline:
    """Follows the records of a run. Its state is made from them alone, so that an attempt that goes on from
    a checkpoint is given those before."""

    def __init__(self, settings: AttentionSettings, history: Iterable[Stamped] = ()) -> None:
        self._settings = settings
        self._validations: list[tuple[int, float]] = []
        self.decision: Decision | None = None
        """To end the training, as soon as attention has failed in it."""
        for stamped in history:
            self.note(stamped.event)
        self.decision = None  # the attempt that it ended is over

    def note(self, event: Event) -> Decision | None:
        """Takes the next record of the run; the decision, where it leads to one."""
        if isinstance(event, StartedEvent):
            self._go_back_to(event.resumed_from_step or 0)
        elif isinstance(event, RestartEvent):
            self._go_back_to(event.resume_step or 0)
        elif isinstance(event, ValidationEvent):
            self._validations.append((event.step, event.free_running.get(ALIGNMENT, 0.0)))
            self.decision = judge(self._validations, self._settings)
            return self.decision
        return None

    def _go_back_to(self, step: int) -> None:
        """What was validated later belongs to weights that are given up."""
        self._validations = [(at, value) for at, value in self._validations if at <= step]


def has_failed(validations: Iterable[tuple[int, float]], settings: AttentionSettings) -> bool:
    """Of validations as (step, free-running alignment): whether the deadline is reached, and by none of them
    the alignment was above the threshold. An alignment that is not a number counts as none."""
    seen = list(validations)
    return any(step >= settings.deadline_steps for step, _ in seen) and not any(
        alignment > settings.threshold for _, alignment in seen
    )


def judge(validations: Iterable[tuple[int, float]], settings: AttentionSettings) -> Decision | None:
    """The decision to end, if it `has_failed`."""
    seen = list(validations)
    if not has_failed(seen, settings):
        return None
    best = max((alignment for _, alignment in seen if math.isfinite(alignment)), default=0.0)
    figures = {"step": seen[-1][0], "best": best, "threshold": settings.threshold}
    return Decision(Verdict.STOP, Reason.ATTENTION_NOT_FORMED, figures)
