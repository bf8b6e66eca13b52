"""A run's recorded history against a configuration: who would have decided what, and when.

Replayed is what decides on validations: early stopping, the attention deadline, and the guard's judgement of
them. Its judgement of updates is not: their norms are recorded as means over several updates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from smart_tuner.config import Config
from smart_tuner.controllers import Controllers
from smart_tuner.cures import BEGUN, CURE
from smart_tuner.decisions import Decision, Verdict
from smart_tuner.early_stop_controller import EarlyStopController, Plan
from smart_tuner.messages import ControlPhrase, Language, Message, Phrase, render
from smart_tuner.wording import CAUSES, INCIDENTS, cure_told, trouble_found
from tacotron2.detectors import ValidationWatch
from tacotron2.events import (
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    FinishedEvent,
    KnobEvent,
    RestartEvent,
    Stamped,
    StartedEvent,
    ValidationEvent,
)

DECIDED = (DecisionEvent, DiagnosisEvent, CureEvent)
"""Records of decisions: they are made anew."""
CONTROLLERS: dict[str, Phrase] = {
    "early_stopping": ControlPhrase.BY_EARLY_STOPPING,
    "attention": ControlPhrase.BY_ATTENTION,
    "diagnosis": ControlPhrase.BY_DIAGNOSIS,
    "cure": ControlPhrase.BY_CURE,
    "guard": ControlPhrase.BY_GUARD,
    "recorded": ControlPhrase.AS_RECORDED,
}


@dataclass(frozen=True)
class Row:
    """One thing that was decided, or that is on record."""

    step: int
    controller: str
    verdict: str
    why: Message | None


@dataclass(frozen=True)
class Replay:
    """Everything that was decided, and what the first decision to end would have meant."""

    rows: Sequence[Row]
    end: Row | None
    """The first end that a controller wants."""
    share: float | None
    """Of the best quality on record, what the best weights until that end had."""


def replay(stream: Sequence[Stamped], config: Config, every: bool = False) -> Replay:
    """The stream of a run, from its beginning, judged by a configuration.

    Args:
        every: also each validation on which early stopping goes on; else only where its phase begins.
    """
    plan = Plan.of(config.hparams)
    early, controllers = EarlyStopController(config.early_stop, plan), Controllers(config)
    guard, turned = _Guard(), _cured_steps(stream)
    rows: list[Row] = []
    ends: list[Row] = []
    before: Decision | None = None
    for event in (stamped.event for stamped in stream):
        rows += [Row(step, "guard", kind, INCIDENTS[kind]()) for step, kind in guard.note(event)]
        decided = [] if isinstance(event, DECIDED) else controllers.note(event)
        for told in decided:
            if isinstance(told, CureEvent) and told.state == BEGUN and told.step not in turned:
                # That this training was not given it is no reason to take it for impossible.
                controllers.note(KnobEvent(told.step, told.knob, 1.0, told.factor, CURE, told.trouble))
        ends += [_row(told) for told in decided if isinstance(told, DecisionEvent)][:1]
        plateau = early.note(event)
        rows += [_row(told) for told in decided if not _is_early(told)]
        if plateau and isinstance(event, ValidationEvent):
            if every or _is_new(plateau, before):
                rows.append(Row(event.step, "early_stopping", plateau.verdict.value, plateau.message))
            before = plateau
        rows += _recorded(event)
    return Replay(rows, ends[0] if ends else None, _share(stream, ends[0].step, plan) if ends else None)


def table(result: Replay, config: Config, language: Language) -> Iterator[str]:
    """The rows as a person reads them, and the last line that tells what they mean."""
    who = {name: render(phrase(), language) for name, phrase in CONTROLLERS.items()}
    width = max(map(len, who.values()))
    for row in result.rows:
        verdict = row.verdict if row.controller != "guard" else ""
        why = render(row.why, language) if row.why else ""
        yield f"{row.step:>7}  {who[row.controller]:<{width}}  {verdict:<9}  {why}".rstrip()
    end, total = result.end, config.hparams.train.max_steps
    if end is None:
        yield render(ControlPhrase.NOBODY_ENDS(), language)
        return
    by = CONTROLLERS[end.controller]()
    if result.share is None:
        yield render(ControlPhrase.WOULD_END(by=by, step=end.step, total=total), language)
    else:
        told = ControlPhrase.WOULD_END_WITH(by=by, step=end.step, total=total, share=result.share)
        yield render(told, language)


class _Guard:
    """The guard's watch over validations; what is given up is forgotten, as by the state it goes back to."""

    def __init__(self) -> None:
        self._seen: list[ValidationEvent] = []
        self._watch = ValidationWatch()

    def note(self, event: Event) -> list[tuple[int, str]]:
        if isinstance(event, StartedEvent | RestartEvent):
            resumed = event.resumed_from_step if isinstance(event, StartedEvent) else event.resume_step
            self._seen = [each for each in self._seen if each.step <= (resumed or 0)]
            self._watch = ValidationWatch()
            for each in self._seen:
                self._watch.judge(each.teacher_forced, each.free_running)
        if not isinstance(event, ValidationEvent):
            return []
        self._seen.append(event)
        return [(event.step, kind) for kind in self._watch.judge(event.teacher_forced, event.free_running)]


def _row(event: Event) -> Row:
    """What was decided now."""
    if isinstance(event, DecisionEvent):
        decision = Decision.of(event)
        return Row(event.step, event.controller, event.verdict, decision.message)
    if isinstance(event, DiagnosisEvent):
        return Row(event.step, "diagnosis", "found", trouble_found(event))
    assert isinstance(event, CureEvent)
    return Row(event.step, "cure", event.state, cure_told(event))


def _is_early(event: Event) -> bool:
    return isinstance(event, DecisionEvent) and event.controller == "early_stopping"


def _cured_steps(stream: Iterable[Stamped]) -> set[int]:
    """Where the recorded training was changed by a cure."""
    events = (stamped.event for stamped in stream)
    return {event.step for event in events if isinstance(event, KnobEvent) and event.by == CURE}


def _is_new(decision: Decision, before: Decision | None) -> bool:
    """Whether the phase begins, or the verdict is another."""
    if before is None or decision.verdict is not before.verdict:
        return True
    if decision.verdict is Verdict.CONTINUE:
        return decision.parameters.get("phase") != before.parameters.get("phase")
    return decision.reason is not before.reason


def _recorded(event: Event) -> list[Row]:
    """How attempts of the run ended in fact."""
    if isinstance(event, RestartEvent):
        return [Row(event.resume_step or 0, "recorded", "restart", _cause(event.cause))]
    if isinstance(event, FinishedEvent):
        return [Row(event.step, "recorded", "end", _cause(event.cause))]
    return []


def _cause(cause: str) -> Message | None:
    return next((phrase() for each, phrase in CAUSES.items() if each.value == cause), None)


def _share(stream: Iterable[Stamped], step: int, plan: Plan) -> float | None:
    """Best quality until the step against the best of all, at the last reduction factor."""
    validations = [stamped.event for stamped in stream if isinstance(stamped.event, ValidationEvent)]
    found = [(each.step, each.quality) for each in validations if each.step > plan.last_r_after]
    known = [(at, quality) for at, quality in found if quality is not None and quality == quality]
    best = max((quality for _, quality in known), default=0.0)
    until = max((quality for at, quality in known if at <= step), default=0.0)
    return until / best if best > 0 else None
