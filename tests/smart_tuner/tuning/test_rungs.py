"""When a trial is ended early: the places, the rule, and what they are worth."""

from __future__ import annotations

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_tuner.config import load_config
from smart_tuner.tuning.rungs import goes_on, make_pruner, rank_correlations, rung_steps, spearman
from smart_tuner.tuning.search_space import SearchSpace


@pytest.mark.parametrize(
    ("steps", "every", "rungs", "factor", "places"),
    [
        (300, 50, 3, 3, (50, 100)),  # 1/27 and 1/9 of six validations fall together
        (2700, 100, 3, 3, (100, 300, 900)),
        (300, 50, 1, 2, (150,)),
        (300, 50, 0, 3, ()),
        (50, 50, 3, 3, ()),  # the only validation is the end
        (120, 50, 2, 2, (50, 100)),  # the third validation, at the end, is no rung
    ],
)
def test_the_places(steps: int, every: int, rungs: int, factor: int, places: tuple[int, ...]) -> None:
    assert rung_steps(steps, every, rungs, factor) == places


@pytest.mark.parametrize("preset", ["probe", "demo", "small", "ljspeech"])
def test_every_batch_size_has_its_rungs_at_the_same_work(preset: str) -> None:
    config = load_config(preset)
    space, base = SearchSpace.of(config), config.hparams
    work = set()
    for batch in (8, 16, 32):
        train = space.apply(base, {"batch_size": batch}).train
        steps = rung_steps(train.max_steps, train.validate_every, 3, 3)
        work.add(tuple(round(step * batch / (base.validate_every * base.batch_size)) for step in steps))
    assert len(work) == 1


@pytest.mark.parametrize(
    ("score", "others", "factor", "on"),
    [
        (0.1, [0.9, 0.9, 0.9], 3, True),  # too few to compare with
        (0.1, [0.2, 0.3, 0.4, 0.5], 3, False),
        (0.45, [0.2, 0.3, 0.4, 0.5], 3, True),  # second of five: two go on
        (0.35, [0.2, 0.3, 0.4, 0.5], 3, False),
        (0.35, [0.2, 0.3, 0.4, 0.5], 2, True),
        (0.5, [0.5] * 8, 3, True),  # nobody is better
    ],
)
def test_who_goes_on(score: float, others: list[float], factor: int, on: bool) -> None:
    assert goes_on(score, others, factor) is on


@given(st.lists(st.floats(0, 1), min_size=4, max_size=30), st.floats(0, 1), st.integers(2, 5))
def test_a_better_score_never_ends_earlier(others: list[float], score: float, factor: int) -> None:
    if goes_on(score, others, factor):
        assert goes_on(min(1.0, score + 0.1), others, factor)


@pytest.mark.parametrize(("cause", "on"), [("interrupted", True), ("running", True), ("crashed", False)])
def test_a_trial_that_goes_on_under_another_number_is_compared_with_once(cause: str, on: bool) -> None:
    study = optuna.create_study(direction="maximize", pruner=make_pruner(3))
    for score in (0.9, 0.9, 0.8, 0.1):  # the first one was cut off, and the second one is its repetition
        trial = study.ask()
        trial.report(score, 1)
        if trial.number == 0:
            trial.set_user_attr("cause", cause)
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    trial = study.ask()
    trial.report(0.85, 1)
    assert trial.should_prune() is not on


def test_what_was_enqueued_to_compare_with_is_never_ended() -> None:
    chance = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(direction="maximize", pruner=make_pruner(3), sampler=chance)
    study.enqueue_trial({"x": 0.0})
    ended = []

    def objective(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        trial.report(x, 1)
        if trial.should_prune():
            ended.append(trial.number)
            raise optuna.TrialPruned
        return x

    study.optimize(objective, n_trials=20)
    assert 0 not in ended and len(ended) >= 6
    worst = study.trials[0]
    assert worst.value == 0.0 and worst.state.name == "COMPLETE"


def test_spearman_agrees_with_what_is_known() -> None:
    assert spearman([1, 2, 3, 4], [10, 20, 30, 40]) == pytest.approx(1.0)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)
    # 1 - 6 * (0 + 1 + 1 + 0 + 0) / (5 * 24)
    assert spearman([1, 2, 3, 4, 5], [1, 3, 2, 4, 5]) == pytest.approx(0.9)
    assert spearman([1, 1, 2], [1, 1, 2]) == pytest.approx(1.0)
    assert spearman([1, 2], [1, 2]) is None
    assert spearman([1, 1, 1], [1, 2, 3]) is None


def test_the_correlation_of_a_rung_leaves_out_what_was_ended_there() -> None:
    study = optuna.create_study(direction="maximize")
    for first, last in ((0.1, 0.2), (0.2, 0.3), (0.3, 0.5), (0.9, None)):
        trial = study.ask()
        trial.report(first, 1)
        study.tell(trial, last, None if last is not None else optuna.trial.TrialState.PRUNED)
    assert rank_correlations(study.trials) == {1: pytest.approx(1.0)}
