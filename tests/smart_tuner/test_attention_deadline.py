"""By when attention must have formed: what counts, and what an attempt remembers of those before."""

from __future__ import annotations

import math

import pytest

from smart_tuner.attention_deadline import AttentionDeadline, has_failed
from smart_tuner.config import AttentionSettings
from smart_tuner.messages import Language, render
from tacotron2.events import Event, RestartEvent, Stamped, StartedEvent, ValidationEvent

SETTINGS = AttentionSettings(deadline_steps=300, threshold=0.4, max_new_seeds=2)


@pytest.mark.parametrize(
    ("validations", "failed"),
    [
        ([], False),
        ([(299, 0.1)], False),
        ([(300, 0.1)], True),
        ([(250, 0.1), (350, 0.2)], True),  # the first one after it
        ([(300, 0.4)], True),  # above it, not at it
        ([(300, 0.41)], False),
        ([(100, 0.5), (300, 0.1)], False),  # lost again is another trouble
        ([(300, math.nan)], True),
    ],
)
def test_a_verdict_needs_the_deadline_and_no_alignment_so_far(
    validations: list[tuple[int, float]], failed: bool
) -> None:
    assert has_failed(validations, SETTINGS) is failed


def validation(step: int, alignment: float) -> ValidationEvent:
    return ValidationEvent(step, {}, {"attention_alignment": alignment}, 1.0)


def started(resumed: int | None) -> StartedEvent:
    return StartedEvent("cpu", "fp32", 1, 1, 1, 9, 1, 1, "", {}, resumed)


def restart(resume: int | None) -> RestartEvent:
    return RestartEvent(1, "attention_failed", 300, resume, [], 2.0)


@pytest.mark.parametrize(
    ("history", "failed"),
    [
        ([], True),
        ([started(None), validation(200, 0.6), started(250)], False),
        ([started(None), validation(200, 0.6), started(100)], True),  # those weights are gone
        ([started(None), validation(200, 0.6), restart(None)], True),
        ([started(None), validation(200, 0.6), restart(None), started(None)], True),
        ([started(None), validation(200, 0.6), restart(200), started(200)], False),
    ],
)
def test_an_attempt_remembers_what_its_weights_have_shown(history: list[Event], failed: bool) -> None:
    deadline = AttentionDeadline(SETTINGS, [Stamped(0.0, event) for event in history])
    assert deadline.decision is None
    deadline.note(validation(300, 0.2))
    assert (deadline.decision is not None) == failed


def test_an_attempt_that_goes_on_after_a_verdict_is_judged_by_its_own_next_validation() -> None:
    history = [Stamped(0.0, event) for event in (started(None), validation(300, 0.2), started(301))]
    deadline = AttentionDeadline(SETTINGS, history)
    assert deadline.decision is None
    assert deadline.note(validation(350, 0.5)) is None


def test_the_reason_names_step_and_figures() -> None:
    deadline = AttentionDeadline(SETTINGS)
    assert deadline.note(validation(200, 0.31)) is None
    decision = deadline.note(validation(300, math.nan))
    assert decision is not None
    assert "step 300: free-running alignment 0.31 at best, more than 0.4" in render(
        decision.message, Language.EN
    )
