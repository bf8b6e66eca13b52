"""What a controller decides: a verdict, a reason and its figures; the sentence is made when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from smart_tuner.messages import ControlPhrase, DiagnosisPhrase, EndPhrase, Message, Phrase
from tacotron2.events import DecisionEvent


class Verdict(Enum):
    """What follows: nothing, a search for what is wrong, or the end of the training."""

    CONTINUE = "continue"
    DIAGNOSE = "diagnose"
    STOP = "stop"


class Reason(Enum):
    """Why; one sentence each."""

    SWITCHED_OFF = "switched_off"
    EARLIER_R = "earlier_r"
    AT_THE_END = "at_the_end"
    GAINING = "gaining"
    WAITING = "waiting"
    CONVERGED = "converged"
    PLATEAU_BELOW_TARGET = "plateau_below_target"
    ATTENTION_NOT_FORMED = "attention_not_formed"
    ATTENTION_SKIPS = "attention_skips"
    UNSTABLE = "unstable"


SENTENCES: dict[Reason, Phrase] = {
    Reason.SWITCHED_OFF: ControlPhrase.SWITCHED_OFF,
    Reason.EARLIER_R: ControlPhrase.EARLIER_R,
    Reason.AT_THE_END: ControlPhrase.AT_THE_END,
    Reason.GAINING: ControlPhrase.GAINING,
    Reason.WAITING: ControlPhrase.WAITING,
    Reason.CONVERGED: ControlPhrase.CONVERGED,
    Reason.PLATEAU_BELOW_TARGET: ControlPhrase.PLATEAU_BELOW_TARGET,
    Reason.ATTENTION_NOT_FORMED: EndPhrase.ATTENTION_NOT_FORMED,
    Reason.ATTENTION_SKIPS: DiagnosisPhrase.ATTENTION_SKIPS,
    Reason.UNSTABLE: DiagnosisPhrase.BEGUN_CALMER,
}
PHASES: dict[str, Phrase] = {
    "alignment": ControlPhrase.PHASE_ALIGNMENT,
    "learning": ControlPhrase.PHASE_LEARNING,
    "fine_tuning": ControlPhrase.PHASE_FINE_TUNING,
}


@dataclass(frozen=True)
class Decision:
    """Of one controller at one validation. `parameters` are plain values, those of the reason's sentence
    and others beside them."""

    verdict: Verdict
    reason: Reason
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> Message:
        """The sentence, in no language yet."""
        phrase = SENTENCES[self.reason]
        values = {name: self.parameters[name] for name in phrase.placeholders}
        if "phase" in values:
            values["phase"] = PHASES[values["phase"]]()
        return Message(phrase, values)

    def event(self, step: int, controller: str) -> DecisionEvent:
        """The record of it."""
        return DecisionEvent(step, controller, self.verdict.value, self.reason.value, dict(self.parameters))

    @classmethod
    def of(cls, event: DecisionEvent) -> Decision:
        """The decision in a record.

        Raises:
            ValueError: another version of the program wrote it, with other verdicts or reasons.
        """
        return cls(Verdict(event.verdict), Reason(event.reason), event.parameters)
