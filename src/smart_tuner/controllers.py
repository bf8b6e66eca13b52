"""The controllers of a training, asked together: what is to be tried, what it is to end for, and why."""

from __future__ import annotations

from collections.abc import Iterable

from smart_tuner.attention_deadline import AttentionDeadline
from smart_tuner.config import Config
from smart_tuner.cures import CURE, CureController, Experience
from smart_tuner.decisions import Decision, Reason, Verdict
from smart_tuner.diagnosis import FORMED, Trouble
from smart_tuner.early_stop_controller import ALIGNMENT, EarlyStopController, Plan
from smart_tuner.messages import Message
from smart_tuner.objective import ObjectiveError, judge
from smart_tuner.records import ExitCause
from tacotron2.events import (
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    RestartEvent,
    Stamped,
    StartedEvent,
    ValidationEvent,
)

ATTENTION, EARLY_STOPPING, DIAGNOSIS = "attention", "early_stopping", "diagnosis"
CAUSES = {
    Reason.ATTENTION_NOT_FORMED: ExitCause.ATTENTION_FAILED,
    Reason.ATTENTION_SKIPS: ExitCause.ATTENTION_FAILED,
    Reason.UNSTABLE: ExitCause.UNSTABLE,
}
"""What a decision to begin anew ends the attempt for; every other end is a stop."""
YOUNG, VERY_YOUNG = 0.5, 0.3
"""Shares of the training until which it may begin anew, and until which also where attention had formed."""
Adjustment = tuple[str, float, int, str, str]
"""Knob, factor, step, by whom and why, as `tacotron2.training.Request` takes them."""


class Controllers:
    """Follow the records of a run. What they know is made from those alone, so that an attempt that goes on
    from a checkpoint is given the records before.

    The attention deadline comes first: another seed may mend what early stopping would only end. A plateau
    below its target is ended when no cure is left. While a cure is being judged nothing else decides.

    Args:
        config: every threshold.
        history: the records of the run before this attempt.
        experience: what earlier runs taught about cures.
    """

    def __init__(
        self, config: Config, history: Iterable[Stamped] = (), experience: Experience | None = None
    ) -> None:
        history = list(history)
        self._config, self._plan = config, Plan.of(config.hparams)
        self._attention = AttentionDeadline(config.attention, history)
        self._early = EarlyStopController(config.early_stop, self._plan, history)
        self._cures = CureController(config.cure, config.hparams, experience or {})
        self._seeds_left = config.attention.max_new_seeds
        self._calmer_left = min(config.cure.calmer_restarts, config.supervisor.max_restarts)
        for stamped in history:
            self._note_course(stamped.event)
        self._due = _decided_before(history)
        self._ending: Decision | None = None
        self._wanted: list[Adjustment] = []

    def note(self, event: Event) -> list[Event]:
        """Takes the next record of the run; what was decided on it, if not to go on as before."""
        missed = self._attention.note(event)
        plateau = self._early.note(event)
        self._note_course(event)
        if not isinstance(event, ValidationEvent):
            return []
        anew = None if self._cures.is_judging else self._anew(event)
        treated = self._treat(plateau is not None and plateau.verdict is Verdict.DIAGNOSE, anew is None)
        if (
            plateau is not None and plateau.verdict is Verdict.DIAGNOSE
        ):  # judged just now: the next one decides
            plateau = None if any(isinstance(each, CureEvent) for each in treated) else plateau
        ends: list[tuple[Decision | None, str]] = []
        if not self._cures.is_judging:
            ends = [
                (missed, ATTENTION),
                (anew, DIAGNOSIS),
                (_to_end(plateau), EARLY_STOPPING),
            ]
        decided = [(decision, name) for decision, name in ends if decision is not None]
        self._due = decided[0][0] if decided else None
        return [*treated, *(decision.event(event.step, name) for decision, name in decided)]

    def adjustments(self) -> list[Adjustment]:
        """What the training is to adjust after the validation just noted; it is taken to be done."""
        wanted, self._wanted = self._wanted, []
        return wanted

    def requested(self) -> str | None:
        """The cause to end the training for, if there is one; it is taken to be obeyed."""
        self._ending = self._due
        if self._ending is None:
            return None
        return CAUSES.get(self._ending.reason, ExitCause.STOPPED).value

    def reason(self) -> Message | None:
        """Why a controller ended the training; None where none did."""
        return self._ending.message if self._ending else None

    def _note_course(self, event: Event) -> None:
        self._cures.note(event, self._score(event))
        if isinstance(event, RestartEvent):
            self._seeds_left -= event.cause == ExitCause.ATTENTION_FAILED.value
            self._calmer_left -= event.cause == ExitCause.UNSTABLE.value

    def _treat(self, plateau: bool, tries: bool) -> list[DiagnosisEvent | CureEvent]:
        """What is found, and what is begun, kept or undone; its requests are kept for `adjustments`."""
        treated = self._cures.decide(plateau, tries)
        for event in treated:
            if isinstance(event, CureEvent):
                factor = self._cures.requested_factor(event)
                if factor is not None:
                    self._wanted.append((event.knob, factor, event.step, CURE, event.trouble))
            self._cures.note(event)
        return treated

    def _anew(self, event: ValidationEvent) -> Decision | None:
        """The decision that a young training is to begin anew: with another seed, which is what helps an
        attention that skips, or at a lower rate where it became unstable and does not read the text."""
        progress = self._plan.progress(event.step, event.train_seconds or 0.0)
        if not (self._config.cure.curing and progress <= YOUNG):
            return None
        found = {each.trouble: each.evidence for each in self._cures.diagnoses()}
        seen = [look.free.get(ALIGNMENT, 0.0) for look in self._cures.course.looks]
        lost = seen[-1] < FORMED and (max(seen) < FORMED or progress <= VERY_YOUNG)
        if Trouble.INSTABILITY in found and lost and self._calmer_left > 0:
            figures = {"step": event.step, "incidents": found[Trouble.INSTABILITY]["incidents"]}
            return Decision(Verdict.STOP, Reason.UNSTABLE, figures)
        if Trouble.ATTENTION_SKIPPING in found and self._seeds_left > 0:
            figures = {"step": event.step, "skip_rate": found[Trouble.ATTENTION_SKIPPING]["skip_rate"]}
            return Decision(Verdict.STOP, Reason.ATTENTION_SKIPS, figures)
        return None

    def _score(self, event: Event) -> float:
        """The objective of a validation; 0 where a figure of it is missing, and of other records."""
        if not isinstance(event, ValidationEvent):
            return 0.0
        try:
            return judge(event, self._config.tuning, self._config.gate).value
        except ObjectiveError:
            return 0.0


def _decided_before(history: Iterable[Stamped]) -> Decision | None:
    """The end that early stopping had decided on, where the attempt was broken off before it was complete."""
    due: tuple[int, Decision] | None = None
    for event in (stamped.event for stamped in history):
        if isinstance(event, ValidationEvent):
            due = None
        elif isinstance(event, DecisionEvent) and event.controller == EARLY_STOPPING:
            due = event.step, Decision.of(event)
        elif isinstance(event, StartedEvent | RestartEvent):
            resumed = event.resumed_from_step if isinstance(event, StartedEvent) else event.resume_step
            due = due if due is not None and due[0] <= (resumed or 0) else None
    return due[1] if due else None


def _to_end(decision: Decision | None) -> Decision | None:
    """The decision, if it is not to go on."""
    return None if decision is None or decision.verdict is Verdict.CONTINUE else decision
