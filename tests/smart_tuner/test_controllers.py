"""The controllers of a training together: who ends it, for which cause, and what is on record of that."""

from __future__ import annotations

import pytest

from smart_tuner.config import AttentionSettings, Config
from smart_tuner.controllers import Controllers
from smart_tuner.cure_settings import CureSettings
from smart_tuner.decisions import Decision
from smart_tuner.early_stop_settings import EarlyStopSettings
from smart_tuner.messages import Language, render
from tacotron2.events import (
    DecisionEvent,
    Event,
    RestartEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)
from tacotron2.hparams import HParams

HPARAMS = HParams().replace(max_steps=1000, validate_every=50)
STEP = StepEvent(7, 0, {}, 0.7, 1e-3, 0.0, 0.1, 1.0, 0.0, 0.5)


def config(patience: int = 3, deadline: int = 900) -> Config:
    early = EarlyStopSettings(alignment_patience_validations=patience)
    attention = AttentionSettings(deadline_steps=deadline)
    return Config("x", HPARAMS, attention=attention, early_stop=early, cure=CureSettings(curing=False))


def validation(step: int, quality: float, alignment: float) -> ValidationEvent:
    return ValidationEvent(step, {}, {"attention_alignment": alignment}, 1.0, quality)


def flat(count: int, alignment: float) -> list[Event]:
    return [validation(50 * (n + 1), 0.3, alignment) for n in range(count)]


@pytest.mark.parametrize(
    ("chosen", "alignment", "cause", "recorded"),
    [
        (config(patience=9), 0.7, None, []),
        (config(), 0.7, "stopped", [("early_stopping", "stop", "converged")]),
        (config(), 0.1, "stopped", [("early_stopping", "diagnose", "plateau_below_target")]),
        (
            config(patience=9, deadline=200),
            0.1,
            "attention_failed",
            [("attention", "stop", "attention_not_formed")],
        ),
        # both at once: another seed may mend it
        (
            config(deadline=200),
            0.1,
            "attention_failed",
            [
                ("attention", "stop", "attention_not_formed"),
                ("early_stopping", "diagnose", "plateau_below_target"),
            ],
        ),
    ],
)
def test_a_plateau_or_a_missed_deadline_ends_the_training(
    chosen: Config, alignment: float, cause: str | None, recorded: list[tuple[str, str, str]]
) -> None:
    controllers = Controllers(chosen)
    told = [each for event in (*flat(4, alignment), STEP) for each in controllers.note(event)]
    events = [each for each in told if isinstance(each, DecisionEvent)]
    assert [(each.controller, each.verdict, each.reason) for each in events] == recorded
    assert all(each.step == 200 for each in events)
    assert controllers.requested() == cause
    reason = controllers.reason()
    assert (reason is None) == (cause is None)
    if reason is not None:
        assert render(reason, Language.EN) == render(Decision.of(events[0]).message, Language.EN)


def test_a_training_that_somebody_else_ended_first_was_not_ended_by_a_plateau() -> None:
    controllers = Controllers(config())
    for event in flat(4, 0.7):
        controllers.note(event)
    assert controllers.reason() is None
    assert controllers.requested() == "stopped"
    assert controllers.reason() is not None


def test_an_attempt_that_goes_on_after_the_end_was_decided_ends_at_once() -> None:
    """Its examination was interrupted: there is nothing more to train."""
    before = Controllers(config())
    events = [each for event in flat(4, 0.7) for each in (event, *before.note(event))]
    history = [Stamped(0.0, event) for event in (*events, started(200))]
    assert Controllers(config(), history).requested() == "stopped"
    assert Controllers(config(), [*history[:-1], Stamped(0.0, started(150))]).requested() is None


def test_another_seed_is_judged_anew() -> None:
    restart = RestartEvent(1, "attention_failed", 200, None, [], 2.0)
    history = [Stamped(0.0, event) for event in (*flat(4, 0.1), restart, started(None))]
    controllers = Controllers(config(deadline=200), history)
    assert controllers.requested() is None
    assert controllers.note(validation(50, 0.3, 0.1)) == []


def started(resumed: int | None) -> StartedEvent:
    return StartedEvent("cpu", "fp32", 1, 1, 1, 9, 1, 1, "", {}, resumed)
