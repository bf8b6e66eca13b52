"""Whether attention has formed in time: validations in, a verdict out.

What never aligns by the deadline hardly ever does later; another seed often does at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from smart_tuner.config import AttentionSettings
from smart_tuner.messages import EndPhrase, Message
from smart_tuner.records import ExitCause
from tacotron2.events import Event, RestartEvent, Stamped, StartedEvent, ValidationEvent

ALIGNMENT = "attention_alignment"


class AttentionDeadline:
    """Follows the records of a run. Its state is made from them alone, so that an attempt that goes on from
    a checkpoint is given those before."""

    def __init__(self, settings: AttentionSettings, history: Iterable[Stamped] = ()) -> None:
        self._settings = settings
        self._validations: list[tuple[int, float]] = []
        self._missed = False
        for stamped in history:
            self.note(stamped.event)
        self._missed = False  # the attempt that it ended is over

    def note(self, event: Event) -> None:
        """Takes the next record of the run."""
        if isinstance(event, StartedEvent):
            self._go_back_to(event.resumed_from_step or 0)
        elif isinstance(event, RestartEvent):
            self._go_back_to(event.resume_step or 0)
        elif isinstance(event, ValidationEvent):
            self._validations.append((event.step, event.free_running.get(ALIGNMENT, 0.0)))
            self._missed = has_failed(self._validations, self._settings)

    def requested(self) -> str | None:
        """The cause to end the training for, if there is one."""
        return ExitCause.ATTENTION_FAILED.value if self._missed else None

    def reason(self) -> Message:
        """How far attention was, in words."""
        best = max((value for _, value in self._validations), default=0.0)
        step = self._validations[-1][0] if self._validations else 0
        return EndPhrase.ATTENTION_NOT_FORMED(step=step, best=best, threshold=self._settings.threshold)

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
