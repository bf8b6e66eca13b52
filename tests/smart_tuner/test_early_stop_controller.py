"""Early stopping: what each phase bears, what a plateau leads to, and what nothing may change."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from smart_tuner import EarlyStopController
from smart_tuner.config import ConfigError, default_config, load_config, preset_names
from smart_tuner.decisions import Decision, Reason, Verdict
from smart_tuner.early_stop_controller import Phase, Plan, firing_phases, futility, phase_at, reachable
from smart_tuner.early_stop_settings import EarlyStopSettings
from smart_tuner.messages import Language, render
from tacotron2.events import Event, RestartEvent, Stamped, StartedEvent, ValidationEvent

SETTINGS = EarlyStopSettings(
    alignment_patience_validations=3,
    alignment_min_delta=0.02,
    alignment_attention_threshold=0.4,
    learning_patience_validations=2,
    learning_min_delta=0.01,
    learning_attention_threshold=0.6,
    fine_tuning_patience_validations=2,
    fine_tuning_min_delta=0.005,
    fine_tuning_attention_threshold=0.8,
)
PLAN = Plan(max_steps=1000, max_seconds=0.0, validate_every=50)


def validation(
    step: int, quality: float | None, alignment: float = 0.7, seconds: float = 0.0
) -> ValidationEvent:
    free = {"attention_alignment": alignment}
    return ValidationEvent(step, {}, free, 1.0, quality, train_seconds=seconds)


def started(resumed: int | None = None) -> StartedEvent:
    return StartedEvent("cpu", "fp32", 1, 1, 1, 9, 1, 1, "", {}, resumed)


def follow(
    events: Sequence[Event], settings: EarlyStopSettings = SETTINGS, plan: Plan = PLAN
) -> list[Decision]:
    """The decision on each validation."""
    controller = EarlyStopController(settings, plan)
    return [decision for event in events if (decision := controller.note(event)) is not None]


def at(start: int, *qualities: float | None, alignment: float = 0.7, every: int = 50) -> list[Event]:
    return [validation(start + every * n, quality, alignment) for n, quality in enumerate(qualities)]


def test_the_defaults_are_the_values_of_the_report() -> None:
    assert EarlyStopSettings() == EarlyStopSettings(
        True, 0.3, 0.7, 200, 0.02, 0.4, 150, 0.001, 0.7, 100, 0.0005, 0.85
    )  # fmt: skip


@pytest.mark.parametrize(
    ("progress", "phase"),
    [(0.0, "alignment"), (0.299, "alignment"), (0.3, "learning"), (0.699, "learning"), (0.7, "fine_tuning")],
)
def test_phases_are_shares_of_the_training(progress: float, phase: str) -> None:
    assert phase_at(progress, SETTINGS) is Phase(phase)


@pytest.mark.parametrize(
    ("events", "verdict", "reason"),
    [
        # the phase of alignment bears three, and wants gains of more than 0.02
        (at(50, 0.3, 0.3, 0.3), "continue", "waiting"),
        (at(50, 0.3, 0.3, 0.3, 0.3), "stop", "converged"),
        (at(50, 0.3, 0.31, 0.315, 0.32), "stop", "converged"),  # 0.02 in all is not more than 0.02
        (at(50, 0.3, 0.31, 0.315, 0.321), "continue", "gaining"),  # small steps add up
        (at(50, 0.3, 0.3, 0.3, 0.3, alignment=0.39), "diagnose", "plateau_below_target"),
        (at(50, 0.3, 0.3, 0.3, 0.3, alignment=0.4), "stop", "converged"),
        # a voice that cannot be judged, or is none, is no gain
        (at(50, None, None, None), "diagnose", "plateau_below_target"),
        (at(50, math.nan, 0.02, math.nan, alignment=0.01), "diagnose", "plateau_below_target"),
        # learning bears two, from 300 on, whenever they were
        (at(350, 0.5, 0.5), "continue", "waiting"),
        (at(350, 0.5, 0.5, 0.505), "stop", "converged"),
        (at(350, 0.5, 0.5, 0.511), "continue", "gaining"),
        (at(200, 0.5, 0.5, 0.51), "stop", "converged"),  # borne before, no longer here
        (at(350, 0.5, 0.5, 0.5, alignment=0.59), "diagnose", "plateau_below_target"),
        # fine-tuning wants more alignment, and counts smaller gains
        (at(700, 0.5, 0.5, 0.5), "diagnose", "plateau_below_target"),
        (at(700, 0.5, 0.5, 0.506), "continue", "gaining"),
        (at(700, 0.5, 0.5, 0.5, alignment=0.8), "stop", "converged"),
        # nothing is stopped where it ends anyway
        (at(900, 0.5, 0.5, 0.5, alignment=0.8), "continue", "at_the_end"),
    ],
)
def test_a_plateau_is_borne_and_judged_by_its_phase(events: list[Event], verdict: str, reason: str) -> None:
    last = follow(events)[-1]
    assert (last.verdict.value, last.reason.value) == (verdict, reason)


def test_the_alignment_that_counts_is_that_of_the_best_weights() -> None:
    events = [validation(50, 0.3, 0.7), *at(100, 0.2, 0.2, 0.2, alignment=0.1)]
    assert follow(events)[-1].reason is Reason.CONVERGED
    events = [validation(50, 0.3, 0.1), *at(100, 0.2, 0.2, 0.2, alignment=0.7)]
    assert follow(events)[-1].reason is Reason.PLATEAU_BELOW_TARGET


def test_time_counts_where_it_ends_the_training_first() -> None:
    timed = dataclasses.replace(PLAN, max_seconds=100.0)
    events = [validation(50 * n, 0.3, seconds=s) for n, s in ((1, 9.0), (2, 30.0), (3, 71.0), (4, 100.0))]
    assert {each.parameters["phase"] for each in follow(events)} == {"alignment"}  # no limit in time
    decisions = follow(events, plan=timed)
    assert [each.parameters["phase"] for each in decisions] == [
        "alignment",
        "learning",
        "fine_tuning",
        "fine_tuning",
    ]
    assert decisions[-1].reason is Reason.AT_THE_END


def test_what_was_validated_at_an_earlier_r_does_not_count() -> None:
    plan = dataclasses.replace(PLAN, last_r_after=200)
    decisions = follow(at(50, 0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5), plan=plan)
    assert [each.reason for each in decisions] == [
        *[Reason.EARLIER_R] * 4,
        Reason.GAINING,
        Reason.WAITING,
        Reason.CONVERGED,
    ]
    # A good voice has less at a larger r: the report's 0.85 would make every one of them a plateau.
    assert [reachable(0.85, r) for r in (1, 2, 3, 7)] == pytest.approx([0.85, 0.819, 0.792, 0.792], abs=1e-3)
    assert reachable(0.4, 3) == 0.4
    schedule = default_config(["reduction_schedule=0:5,4000:2", "n_frames_per_step=2"])
    assert Plan.of(schedule.hparams) == Plan(100_000, 0.0, 500, 4000, 2)


def test_switched_off_it_never_ends_anything() -> None:
    off = dataclasses.replace(SETTINGS, early_stopping=False)
    assert {each.reason for each in follow(at(50, *[0.3] * 18), off)} == {Reason.SWITCHED_OFF}


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        ([started(200)], Reason.CONVERGED),  # nothing was lost, so that nothing is to be trained anew
        ([started(150)], Reason.WAITING),
        ([RestartEvent(1, "non_finite", 200, 150, [], 2.0), started(150)], Reason.WAITING),
        ([RestartEvent(1, "attention_failed", 200, None, [], 2.0), started()], Reason.WAITING),
    ],
)
def test_what_was_validated_by_weights_that_are_given_up_does_not_count(
    again: list[Event], reason: Reason
) -> None:
    history = [Stamped(0.0, event) for event in [started(), *at(50, 0.3, 0.3, 0.3, 0.3), *again]]
    controller = EarlyStopController(SETTINGS, PLAN, history)
    assert controller.decision.reason is reason


def test_a_training_that_begins_anew_begins_with_the_first_phase() -> None:
    controller = EarlyStopController(SETTINGS, PLAN)
    for event in at(650, 0.3, 0.4, 0.5):
        controller.note(event)
    assert controller.phase is Phase.FINE_TUNING
    controller.note(started(100))
    controller.note(validation(150, 0.4))
    assert controller.phase is Phase.FINE_TUNING
    controller.note(RestartEvent(1, "attention_failed", 200, None, [], 2.0))
    controller.note(validation(50, 0.4))
    assert controller.phase is Phase.ALIGNMENT


QUALITIES = st.one_of(st.none(), st.just(math.nan), st.floats(0.0, 1.0))
VALIDATIONS = st.builds(
    validation,
    st.integers(1, 20).map(lambda n: 50 * n),
    QUALITIES,
    st.floats(0.0, 1.0),
    st.floats(0.0, 900.0),
)
RESUMES = st.integers(1, 20).map(lambda n: started(50 * n))
HISTORIES = st.lists(st.one_of(VALIDATIONS, VALIDATIONS, VALIDATIONS, RESUMES), max_size=30)
SOME_SETTINGS = st.builds(
    EarlyStopSettings,
    alignment_patience_validations=st.integers(1, 6),
    learning_patience_validations=st.integers(1, 6),
    fine_tuning_patience_validations=st.integers(1, 6),
    alignment_min_delta=st.floats(0.0, 0.2),
    learning_min_delta=st.floats(0.0, 0.2),
    fine_tuning_min_delta=st.floats(0.0, 0.2),
)


@examples(max_examples=50)
@given(HISTORIES)
def test_phases_never_go_back(history: list[Event]) -> None:
    controller = EarlyStopController(SETTINGS, dataclasses.replace(PLAN, max_seconds=1000.0))
    phases = [list(Phase).index(controller.phase) for event in history if controller.note(event)]
    assert phases == sorted(phases)


@examples(max_examples=50)
@given(HISTORIES, SOME_SETTINGS, SOME_SETTINGS)
def test_state_round_trips_and_never_overrides_the_configuration(
    history: list[Event], settings: EarlyStopSettings, others: EarlyStopSettings
) -> None:
    controller = EarlyStopController(settings, PLAN)
    for event in history:
        controller.note(event)
    state = json.loads(json.dumps(controller.state_dict()))
    for chosen in (settings, others):
        restored, direct = EarlyStopController(chosen, PLAN), EarlyStopController(chosen, PLAN)
        restored.load_state_dict(state)
        for event in history:
            direct.note(event)
        assert restored.decision == direct.decision
        assert restored.note(validation(1000, 0.5)) == direct.note(validation(1000, 0.5))


@examples(max_examples=50)
@given(HISTORIES, HISTORIES)
def test_later_records_never_change_an_earlier_decision(before: list[Event], after: list[Event]) -> None:
    decisions = follow(before)
    assert follow([*before, *after])[: len(decisions)] == decisions


@examples(max_examples=50)
@given(HISTORIES)
def test_every_decision_has_a_sentence_and_a_record_in_plain_values(history: list[Event]) -> None:
    for decision in follow(history):
        event = decision.event(50, "early_stopping")
        assert Decision.of(event) == decision
        assert json.loads(json.dumps(event.parameters)) == event.parameters
        english, russian = (render(decision.message, language) for language in Language)
        assert english and russian and english != russian


@pytest.mark.parametrize(
    ("plan", "phases"),
    [
        (Plan(1000, 0.0, 50), ["alignment", "learning", "fine_tuning"]),
        (Plan(1000, 0.0, 100), ["learning", "fine_tuning"]),
        (Plan(1000, 0.0, 300), ["learning", "fine_tuning"]),
        (Plan(1000, 0.0, 400), ["fine_tuning"]),
        (Plan(1000, 0.0, 500), []),
        (Plan(1000, 0.0, 100, last_r_after=700), ["fine_tuning"]),
        (Plan(1000, 0.0, 100, last_r_after=800), []),
    ],
)
def test_which_phases_can_end_a_training_is_known_before(plan: Plan, phases: list[str]) -> None:
    assert [phase.value for phase in firing_phases(SETTINGS, plan)] == phases
    assert (futility(SETTINGS, plan) is None) == bool(phases)
    assert futility(dataclasses.replace(SETTINGS, early_stopping=False), plan) is None
    steps = range(plan.validate_every, 1000, plan.validate_every)
    flat = follow([validation(step, 0.0) for step in steps], plan=plan)
    fired = {each.parameters["phase"] for each in flat if each.verdict is not Verdict.CONTINUE}
    assert fired == set(phases)


@pytest.mark.parametrize("preset", preset_names())
def test_in_every_preset_it_can_happen_or_is_off(preset: str) -> None:
    config = load_config(preset)
    assert futility(config.early_stop, Plan.of(config.hparams)) is None
    assert config.early_stop.early_stopping is (preset != "debug")


def test_phases_must_end_in_their_order() -> None:
    with pytest.raises(ConfigError, match="override: early_stop.learning_phase_end=0.7: must be above"):
        load_config("demo", ["alignment_phase_end=0.8"])
