"""The search of a study with trials that take no time: who is run, how each is counted, what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from smart_tuner.config import ConfigError, load_config
from smart_tuner.messages import Language, Message, render
from smart_tuner.optimization_engine import OptimizationEngine, TrialTask
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.tuning.budget import Budget, BudgetEnd, Spent
from smart_tuner.tuning.study_folder import study_folder
from smart_tuner.tuning.study_result import write_result
from smart_tuner.tuning.trial_facts import Fact, winner
from tacotron2.events import Stamped
from tacotron2.hparams import HParams
from tests.smart_tuner.engine_study import Study, Trials, states, tuned

ONE_CHOICE = [f"space.{key}=" for key in load_config("debug").space.__dict__ if key.endswith("_range")]


def test_the_first_trials_are_the_reports_and_the_presets_values(tmp_path: Path) -> None:
    config, trials = tuned("tuning.trials=3", "tuning.num_rungs=0"), Trials()
    study = Study(tmp_path, config, trials)
    report, preset, third = study.trials
    assert report.params == study.engine.space.values_of(HParams())
    assert preset.params == study.engine.space.values_of(config.hparams)
    assert study.facts(Fact.PROPOSER) == ["enqueued", "enqueued", "start-up"]
    assert third.params not in (report.params, preset.params)
    assert len({task.config.hparams.train.seed for task in trials.ran}) == 3
    assert study.outcome.cause is ExitCause.COMPLETED
    assert render(study.outcome.reason, Language.EN) == "the budget is used up: 3 trials"


def test_the_same_seed_proposes_the_same_and_a_worker_that_goes_on_something_new(tmp_path: Path) -> None:
    config = tuned("tuning.trials=4", "tuning.num_rungs=0")
    params = [[t.params for t in Study(tmp_path / name, config, Trials()).trials] for name in ("one", "two")]
    assert params[0] == params[1]
    first = Study(tmp_path / "three", config, Trials())
    more = replace(config, tuning=replace(config.tuning, trials=8))
    second = Study(tmp_path / "three", more, Trials(), first.storage)
    proposed = [str(trial.params) for trial in second.trials]
    assert len(proposed) == len(set(proposed)) == 8


@pytest.mark.parametrize(
    "cause", [ExitCause.NON_FINITE, ExitCause.OUT_OF_MEMORY, ExitCause.CRASHED, ExitCause.HUNG]
)
def test_a_failed_trial_has_its_cause_and_no_score(tmp_path: Path, cause: ExitCause) -> None:
    study = Study(
        tmp_path, tuned("tuning.trials=4", "tuning.num_rungs=0"), Trials({2: Outcome(cause, "so it went")})
    )
    assert states(study) == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert study.trials[2].value is None
    assert study.facts(Fact.CAUSE)[2] == cause.value
    assert study.facts(Fact.REASON)[2] == "so it went"
    assert f"trial 2 failed: {cause.value}. so it went" in study.words


def test_what_cannot_be_judged_has_failed(tmp_path: Path) -> None:
    study = Study(tmp_path, tuned("tuning.trials=3"), Trials(spoilt=(1,)))
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE"]
    assert study.facts(Fact.CAUSE)[1] == "objective_error"
    assert "mel_quality_score is missing" in study.facts(Fact.REASON)[1]


@pytest.mark.parametrize(
    "cause", [ExitCause.DATA_ERROR, ExitCause.CONFIGURATION_ERROR, ExitCause.STORAGE_ERROR]
)
def test_what_every_trial_would_meet_ends_the_study(tmp_path: Path, cause: ExitCause) -> None:
    trials = Trials({1: Outcome(cause, "no such file")})
    study = Study(tmp_path, tuned("tuning.trials=9"), trials)
    assert (study.outcome.cause, len(trials.ran)) == (cause, 2)
    assert states(study) == ["COMPLETE", "FAIL", "WAITING"]  # its values did nothing wrong


def test_a_study_in_which_nothing_works_ends(tmp_path: Path) -> None:
    trials = Trials({number: Outcome(ExitCause.CRASHED, "no") for number in range(20)})
    study = Study(tmp_path, tuned("tuning.trials=20"), trials)
    assert (study.outcome.cause, len(trials.ran)) == (ExitCause.CRASHED, 5)
    assert "the first 5 trials have all failed, the last one by crashed: no" in study.outcome.message


def test_an_interrupted_trial_goes_on_in_its_folder(tmp_path: Path) -> None:
    config = tuned("tuning.trials=4", "tuning.num_rungs=0")
    first = Study(tmp_path, config, Trials({2: Outcome(ExitCause.INTERRUPTED, "Ctrl-C")}))
    assert first.outcome.cause is ExitCause.INTERRUPTED
    assert states(first) == ["COMPLETE", "COMPLETE", "FAIL", "WAITING"]
    trials = Trials()
    second = Study(tmp_path, config, trials, first.storage)
    assert second.outcome.cause is ExitCause.COMPLETED
    assert states(second) == ["COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    cut, again = second.trials[2:4]
    assert again.params == cut.params
    assert [task.run.name for task in trials.ran] == ["trial-0002", "trial-0004"]
    assert trials.ran[0].config.hparams.train.seed == (config.tuning.study_seed * 10_007 + 2) % 2**31


def test_a_trial_that_goes_on_keeps_its_proposer(tmp_path: Path) -> None:
    config = tuned("tuning.trials=14", "tuning.population=4", "tuning.num_rungs=0")
    first = Study(tmp_path, config, Trials({5: Outcome(ExitCause.INTERRUPTED, "Ctrl-C")}))
    second = Study(tmp_path, config, Trials(), first.storage)
    proposers = second.facts(Fact.PROPOSER)
    assert proposers[4:9] == ["cma-es:0"] * 5 and "cma-es:1" in proposers
    assert second.trials[6].params == second.trials[5].params


def test_tpe_begins_when_enough_trials_have_an_answer(tmp_path: Path, monkeypatch: Any) -> None:
    sample, proposed = optuna.samplers.TPESampler._sample, set[int]()

    def noted(self: Any, study: Any, trial: optuna.trial.FrozenTrial, space: Any) -> Any:
        proposed.add(trial.number)
        return sample(self, study, trial, space)

    monkeypatch.setattr(optuna.samplers.TPESampler, "_sample", noted)
    crash = Outcome(ExitCause.CRASHED, "so it went")
    config = tuned("tuning.sampler=tpe", "tuning.trials=8", "tuning.num_rungs=0")
    study = Study(tmp_path, config, Trials({2: crash, 3: crash}))
    assert study.facts(Fact.PROPOSER) == ["enqueued"] * 2 + ["start-up"] * 4 + ["tpe"] * 2
    assert proposed == {6, 7}


def test_ctrl_c_outside_of_a_training_queues_the_trial_again(tmp_path: Path) -> None:
    class Waiting(Trials):
        def __call__(self, task: TrialTask, on_event: Callable[[Stamped], None]) -> Outcome:
            if task.number == 1:
                raise KeyboardInterrupt  # while it waits for its device
            return super().__call__(task, on_event)

    config = tuned("tuning.trials=3", "tuning.num_rungs=0")
    first = Study(tmp_path, config, Waiting())
    assert first.outcome.cause is ExitCause.INTERRUPTED
    second = Study(tmp_path, config, Trials(), first.storage)
    assert states(second) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert second.trials[2].params == second.engine.space.values_of(config.hparams)


def test_two_slots_do_not_begin_the_last_trial_twice(tmp_path: Path) -> None:
    """The other slot takes the last trial between this one's look at the budget and its own trial."""
    config = tuned("tuning.trials=3", "tuning.num_rungs=0")
    storage, trials = optuna.storages.InMemoryStorage(), Trials()

    def tell(message: Message) -> None:
        if not others and "trial 1:" in render(message, Language.EN):
            others.append(engine.study.ask(engine.space.distributions()))
            others[0].set_user_attr(Fact.WORKER, "other 1 1.0")

    others: list[optuna.Trial] = []
    engine = OptimizationEngine(config, study_folder(tmp_path, "toy"), storage, trials, tell)
    budget, looks = engine.budget, iter([None] * 3)
    object.__setattr__(
        engine,
        "budget",
        SimpleNamespace(trials=3, hours=0.0, steps=0, used_up=lambda *_: next(looks, BudgetEnd.TRIALS)),
    )
    outcome = engine.run()
    assert budget.trials == 3 and outcome.cause is ExitCause.COMPLETED
    assert [task.number for task in trials.ran] == [0, 1]
    assert engine.trials()[3].user_attrs[Fact.CAUSE] == "over_budget"
    assert render(outcome.reason, Language.EN) == "the budget is used up: 3 trials"


def test_a_trial_whose_worker_died_before_it_had_a_name_holds_no_budget(tmp_path: Path) -> None:
    config = tuned("tuning.trials=3", "tuning.num_rungs=0")
    first = Study(tmp_path, replace(config, tuning=replace(config.tuning, trials=2)), Trials())
    first.engine.study.ask(first.engine.space.distributions())  # and nothing more
    second = Study(tmp_path, config, Trials(), first.storage)
    assert sum(state == "COMPLETE" for state in states(second)) == 3


def test_the_same_values_are_not_run_twice(tmp_path: Path) -> None:
    trials = Trials()
    study = Study(tmp_path, tuned("tuning.trials=8", *ONE_CHOICE), trials)
    assert len(trials.ran) == 3  # batches of 8, 16 and 32
    repeated = [trial for trial in study.trials if trial.user_attrs.get(Fact.SAME_AS) is not None]
    assert len(repeated) == 5
    for trial in repeated:
        earlier = study.trials[trial.user_attrs[Fact.SAME_AS]]
        assert (trial.params, trial.value) == (earlier.params, earlier.value)
    assert "not run again" in study.words


def test_the_worst_are_pruned_and_what_is_compared_with_is_not(tmp_path: Path) -> None:
    study = Study(tmp_path, tuned("tuning.trials=20", "tuning.sampler=random"), Trials())
    assert states(study)[:2] == ["COMPLETE", "COMPLETE"]
    pruned = [trial for trial in study.trials if trial.state.name == "PRUNED"]
    complete = [trial for trial in study.trials[2:] if trial.state.name == "COMPLETE"]
    assert len(pruned) >= 5
    assert {trial.user_attrs[Fact.CAUSE] for trial in pruned} == {"pruned"}
    assert max(trial.value or 0.0 for trial in pruned) < max(trial.value or 0.0 for trial in complete)
    assert all(trial.user_attrs[Fact.STEPS] < 8 for trial in pruned)


def test_a_generation_is_told_when_it_is_complete(tmp_path: Path) -> None:
    study = Study(tmp_path, tuned("tuning.trials=16", "tuning.population=5", "tuning.num_rungs=0"), Trials())
    assert study.engine.plan.kind == "cma-es"
    proposers = study.facts(Fact.PROPOSER)
    assert proposers[:4] == ["enqueued", "enqueued", "start-up", "start-up"]
    assert proposers[4:9] == ["cma-es:0"] * 5 and proposers[9:14] == ["cma-es:1"] * 5
    told = [line for line in study.words.splitlines() if "CMA-ES is active" in line]
    assert told == [f"CMA-ES is active: generation {number} is complete" for number in (1, 2)]
    assert study.words.index(told[0]) > study.words.index("trial 8:")


def test_a_budget_too_small_for_the_evolution_says_so(tmp_path: Path) -> None:
    study = Study(tmp_path, tuned("tuning.trials=5"), Trials())
    assert "CMA-ES" not in study.words
    assert "5 trials are too few for CMA-ES" in render(study.engine.plan.why, Language.EN)
    assert set(study.facts(Fact.PROPOSER)[2:]) == {"start-up", "tpe"}


def test_other_settings_or_other_recordings_are_another_study(tmp_path: Path) -> None:
    config = tuned("tuning.trials=2")
    study = Study(tmp_path, config, Trials())
    study.engine.require_data(["a", "b"])
    study.engine.require_data(["a", "b"])
    with pytest.raises(ConfigError, match="learn from other recordings"):
        study.engine.require_data(["a", "c"])
    with pytest.raises(ConfigError, match="tunes other settings"):
        Study(tmp_path, tuned("train.grad_clip_thresh=0.7"), Trials(), study.storage)
    elsewhere = replace(config, data_folder=tmp_path)  # the recordings may lie somewhere else
    assert Study(tmp_path, elsewhere, Trials(), study.storage).outcome.cause is ExitCause.COMPLETED


def test_the_result_trains_as_it_is_and_the_gate_keeps_the_rest_out(tmp_path: Path) -> None:
    config = tuned("tuning.trials=12", "gate.min_attention_alignment=0.3")
    study = Study(tmp_path, config, Trials())
    result = write_result(study.engine.study, study.folder, config, study.engine.space, study.engine.plan)
    best = winner(study.trials)
    assert best is not None and result.best is not None and result.best.number == best.number
    trained = load_config(study.folder.best_file)
    expected = study.engine.space.apply(config.hparams, best.params)
    assert trained.hparams == expected
    shut = replace(config, gate=replace(config.gate, max_validation_loss=0.5))
    none = Study(tmp_path / "shut", shut, Trials())
    result = write_result(none.engine.study, none.folder, shut, none.engine.space, none.engine.plan)
    assert result.best is None and not none.folder.best_file.exists()
    assert all(trial.user_attrs[Fact.GATE_FAILURES] for trial in none.trials)


@pytest.mark.parametrize(
    ("budget", "spent", "slots", "end"),
    [
        (Budget(3), [Spent(1, 1)] * 2, 1, None),
        (Budget(3), [Spent(1, 1)] * 3, 1, BudgetEnd.TRIALS),
        (Budget(3), [Spent(1, 1)] * 2 + [Spent(0, 0, running=True)], 1, BudgetEnd.TRIALS),
        (Budget(99, hours=1), [Spent(1700, 1)], 1, None),
        (Budget(99, hours=1), [Spent(1900, 1)], 1, BudgetEnd.HOURS),  # the next one would not end in time
        (Budget(99, hours=1), [Spent(1900, 1)], 2, None),
        (Budget(99, hours=1), [Spent(1900, 1), Spent(0, 0, running=True)], 1, BudgetEnd.HOURS),
        (Budget(99, steps=100), [Spent(1, 40)], 1, None),
        (Budget(99, steps=100), [Spent(1, 61)], 1, BudgetEnd.STEPS),
        (Budget(99, steps=100), [Spent(1, 20), Spent(1, 0, running=True)], 1, BudgetEnd.STEPS),
        (Budget(1, hours=0.001), [], 1, None),  # without any experience the first one begins
    ],
)
def test_the_budget(budget: Budget, spent: list[Spent], slots: int, end: BudgetEnd | None) -> None:
    assert budget.used_up(spent, slots, trial_steps=41) is end
