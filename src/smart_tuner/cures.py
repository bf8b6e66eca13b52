"""What is tried against a trouble: one bounded change at a time, judged by the objective, undone if it harms.

Everything here is a function of the records of the run, of the settings, and of what earlier runs taught
(`Experience`), which is fixed when the run begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smart_tuner.course import Course
from smart_tuner.cure_settings import CureSettings
from smart_tuner.diagnosis import Diagnosis, Trouble, diagnose
from tacotron2.events import CureEvent, DiagnosisEvent, Event, KnobEvent
from tacotron2.hparams import HParams

BEGUN, KEPT, UNDONE, VOID = "begun", "kept", "undone", "void"
"""States of a cure; void: the knob stood at its bound, so nothing was changed."""
CURE = "cure"
"""Who asks, in the record of a changed knob."""
LEARNING_RATE, GUIDE, STOP_WEIGHT, DROPOUT = (
    "learning_rate",
    "guided_attention_weight",
    "gate_positive_weight",
    "dropout",
)


@dataclass(frozen=True)
class Action:
    """A knob of the training (`tacotron2.training.knobs`), and what it is multiplied by."""

    knob: str
    factor: float


PRESCRIPTIONS: dict[Trouble, tuple[Action, ...]] = {
    Trouble.INSTABILITY: (Action(LEARNING_RATE, 0.25),),
    Trouble.STAGNATION: (Action(LEARNING_RATE, 8.0),),
    Trouble.ATTENTION_DIFFUSE: (Action(GUIDE, 8.0), Action(LEARNING_RATE, 2.0)),
    Trouble.ATTENTION_STUCK: (Action(GUIDE, 8.0), Action(LEARNING_RATE, 0.5)),
    Trouble.ATTENTION_REPEATING: (Action(GUIDE, 4.0), Action(LEARNING_RATE, 0.5)),
    Trouble.NEVER_STOPS: (Action(STOP_WEIGHT, 16.0),),
    Trouble.STOPS_EARLY: (Action(STOP_WEIGHT, 1 / 16),),
    Trouble.OVERFITTING: (Action(DROPOUT, 4.0), Action(LEARNING_RATE, 0.5)),
    Trouble.PLATEAU: (Action(LEARNING_RATE, 0.5), Action(LEARNING_RATE, 2.0)),
}
"""What is tried, in this order where earlier runs teach no other. Against skipping no knob helped
(docs/diagnosis.md): another seed does, while the training is young. Troubles of the data are told."""

Experience = Mapping[tuple[str, str, float], float]
"""Trouble, knob and factor to the reward that is expected of them, from runs before."""


class CureController:
    """Follows the records of a run; finds troubles at its validations, and says what is to be tried.

    Args:
        settings: how long, how often, what counts as harm.
        hparams: those of the training.
        experience: what earlier runs taught.
    """

    def __init__(self, settings: CureSettings, hparams: HParams, experience: Experience) -> None:
        self._settings, self._hparams, self._experience = settings, hparams, experience
        self.course = Course()

    def note(self, event: Event, score: float = 0.0) -> None:
        """The next record of the run, also those that were made of what this one decided."""
        self.course.note(event, score)

    @property
    def is_judging(self) -> bool:
        """Whether a cure was begun and is not judged yet."""
        return self._current is not None

    def decide(self, plateau: bool = False, tries: bool = True) -> list[DiagnosisEvent | CureEvent]:
        """To be asked once after a validation was noted: what was found, and what is begun, kept or undone.

        Args:
            plateau: early stopping has found that the training gets no better, below its target.
            tries: something may be begun now.
        """
        current, course = self._current, self.course
        if not course.looks:
            return []
        if current is not None:
            judged = self._judged(current)
            return [judged] if judged else []
        if not plateau and self._is_cooling_down():
            return []
        found = self.diagnoses(plateau)
        told = [self._told(each) for each in found[:1] if not self._was_told(each)]
        begun = self._begun(found) if self._settings.curing and tries else None
        return [*told, begun] if begun else list(told)

    def diagnoses(self, plateau: bool = False) -> list[Diagnosis]:
        """Everything that is found now, the surest first."""
        last = self.course.cures[-1].step if self.course.cures else 0
        known = [
            each
            for each in diagnose(self.course, last)
            if plateau or each.confidence >= self._settings.min_confidence
        ]
        if plateau and not known:
            look = self.course.looks[-1]
            evidence = {"alignment": look.free.get("attention_alignment", 0.0), "score": look.score}
            known = [Diagnosis(Trouble.PLATEAU, self._settings.min_confidence, evidence)]
        return known

    @property
    def _current(self) -> CureEvent | None:
        last = self.course.cures[-1] if self.course.cures else None
        return last if last is not None and last.state == BEGUN else None

    def _judged(self, cure: CureEvent) -> CureEvent | None:
        """The cure at its end, if it is due."""
        after = [look for look in self.course.looks if look.step > cure.step]
        if self._change(cure) is None:
            return _ended(cure, self.course.looks[-1].step, VOID, self.course.looks[-1].score)
        if len(after) < self._settings.judge_after_validations:
            return None
        score = after[-1].score
        harmed = score < cure.score - self._settings.harm
        return _ended(cure, after[-1].step, UNDONE if harmed else KEPT, score)

    def _change(self, cure: CureEvent) -> KnobEvent | None:
        """What the training made of the request; None where its bounds left nothing of it."""
        begun = [each.step for each in self.course.cures if each.state == BEGUN]
        wanted = (begun[-1], cure.knob, CURE) if begun else None
        changes = reversed(self.course.changes)
        return next((each for each in changes if (each.step, each.knob, each.by) == wanted), None)

    def requested_factor(self, event: CureEvent) -> float | None:
        """What the training is to multiply the knob by for this record; None: nothing."""
        if event.state == BEGUN:
            return event.factor
        change = self._change(event)
        if event.state != UNDONE or change is None:
            return None
        return change.before / change.after  # not of what was asked for: a bound may have cut that

    def _is_cooling_down(self) -> bool:
        if not self.course.cures:
            return False
        last = self.course.cures[-1].step
        return sum(look.step > last for look in self.course.looks) <= self._settings.cool_down_validations

    def _begun(self, found: Sequence[Diagnosis]) -> CureEvent | None:
        """The first cure that is left for the surest trouble that has one."""
        begun = sum(cure.state == BEGUN for cure in self.course.cures)
        if begun >= self._settings.most_cures:
            return None
        look, train = self.course.looks[-1], self._hparams.train
        left = (train.max_steps - look.step) // train.validate_every
        if left < self._settings.judge_after_validations:
            return None  # it could not be judged any more
        for diagnosis in found:
            for action in self._ranked(diagnosis.trouble):
                if self._is_open(diagnosis.trouble, action):
                    trouble = diagnosis.trouble.value
                    return CureEvent(look.step, BEGUN, trouble, action.knob, action.factor, look.score)
        return None

    def _ranked(self, trouble: Trouble) -> list[Action]:
        actions = PRESCRIPTIONS.get(trouble, ())
        return sorted(
            actions, key=lambda each: -self._experience.get((trouble.value, each.knob, each.factor), 0.0)
        )

    def _is_open(self, trouble: Trouble, action: Action) -> bool:
        """Whether it can do something, and did not fail in this training; what helped may be done again."""
        if action.knob == GUIDE and not self.course.looks[-1].guide_weight:
            return False  # its schedule has ended: nothing to multiply
        model = self._hparams.model
        dropped = model.p_convolution_dropout + model.p_attention_dropout + model.p_decoder_dropout
        if action.knob == DROPOUT and not dropped:
            return False
        tried = [
            cure
            for cure in self.course.cures
            if (cure.trouble, cure.knob, cure.factor) == (trouble.value, action.knob, action.factor)
        ]
        gains = [(each.score_after or 0.0) - each.score for each in tried if each.state == KEPT]
        failed = any(each.state in (UNDONE, VOID) for each in tried)
        return not failed and (not gains or gains[-1] > self._settings.harm)

    def _was_told(self, diagnosis: Diagnosis) -> bool:
        """Whether it was the last thing told; it is not told again at every validation."""
        last = self.course.diagnoses[-1] if self.course.diagnoses else None
        return last is not None and last.trouble == diagnosis.trouble.value

    def _told(self, diagnosis: Diagnosis) -> DiagnosisEvent:
        step = self.course.looks[-1].step
        evidence = {name: value for name, value in diagnosis.evidence.items() if value is not None}
        return DiagnosisEvent(step, diagnosis.trouble.value, diagnosis.confidence, evidence)


def _ended(cure: CureEvent, step: int, state: str, score: float) -> CureEvent:
    return CureEvent(step, state, cure.trouble, cure.knob, cure.factor, cure.score, score)
