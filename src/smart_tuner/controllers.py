"""The controllers of a training, asked together: what it is to end for, and why."""

from __future__ import annotations

from collections.abc import Iterable

from smart_tuner.attention_deadline import AttentionDeadline
from smart_tuner.config import Config
from smart_tuner.decisions import Decision, Reason, Verdict
from smart_tuner.early_stop_controller import EarlyStopController, Plan
from smart_tuner.messages import Message
from smart_tuner.records import ExitCause
from tacotron2.events import DecisionEvent, Event, Stamped, ValidationEvent

ATTENTION, EARLY_STOPPING = "attention", "early_stopping"


class Controllers:
    """Follow the records of a run. What they know is made from those alone, so that an attempt that goes on
    from a checkpoint is given the records before.

    The attention deadline comes first: another seed may mend what early stopping would only end. No cure of
    a plateau is known yet, so that one below its target ends the training too.
    """

    def __init__(self, config: Config, history: Iterable[Stamped] = ()) -> None:
        history = list(history)
        self._attention = AttentionDeadline(config.attention, history)
        self._early = EarlyStopController(config.early_stop, Plan.of(config.hparams), history)
        self._plateau = _against(self._early.decision)
        self._ending: Decision | None = None

    def note(self, event: Event) -> list[DecisionEvent]:
        """Takes the next record of the run; what was decided on it, if not to go on as before."""
        missed = self._attention.note(event)
        self._plateau = _against(self._early.note(event) or self._early.decision)
        if not isinstance(event, ValidationEvent):
            return []
        decided = ((missed, ATTENTION), (self._plateau, EARLY_STOPPING))
        return [decision.event(event.step, name) for decision, name in decided if decision]

    def requested(self) -> str | None:
        """The cause to end the training for, if there is one; it is taken to be obeyed."""
        self._ending = self._attention.decision or self._plateau
        if self._ending is None:
            return None
        failed = self._ending.reason is Reason.ATTENTION_NOT_FORMED
        return ExitCause.ATTENTION_FAILED.value if failed else ExitCause.STOPPED.value

    def reason(self) -> Message | None:
        """Why a controller ended the training; None where none did."""
        return self._ending.message if self._ending else None


def _against(decision: Decision) -> Decision | None:
    """The decision, if it is not to go on."""
    return None if decision.verdict is Verdict.CONTINUE else decision
