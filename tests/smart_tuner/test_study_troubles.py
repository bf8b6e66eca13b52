"""What comes between a study and its end: signals, lost heartbeats, a database that goes, several workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from smart_tuner.optimization_engine import TrialTask
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.stop_requests import request_stop
from smart_tuner.tuning.abandoned import retry_abandoned, this_machine, try_again
from smart_tuner.tuning.storage import open_storage, sqlite_url
from smart_tuner.tuning.storage_address import StudyStorageError
from smart_tuner.tuning.storage_retries import Retries
from smart_tuner.tuning.trial_facts import Fact
from smart_tuner.tuning.trial_watch import TrialWatch
from tacotron2.events import Stamped
from tests.smart_tuner.engine_study import Study, Trials, states, tuned
from tests.smart_tuner.fake_trial import validation

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed")  # trials asked for by hand

FLAT = ("tuning.num_rungs=0",)
DEAD = f"{this_machine()} 99999999 1"
"""The name of a worker of this machine that is gone."""


class Between(Trials):
    """Does something once, before the trial of a number is run."""

    def __init__(self, number: int, before: Callable[[TrialTask], None]) -> None:
        super().__init__()
        self._number, self._before = number, before

    def __call__(self, task: TrialTask, on_event: Callable[[Stamped], None]) -> Outcome:
        if task.number == self._number:
            self._number = -1
            self._before(task)
        return super().__call__(task, on_event)


def test_a_trial_that_another_worker_has_taken_over_ends_nothing(tmp_path: Path) -> None:
    """A machine that slept finds its trial failed by the others, who missed its heartbeats."""
    storage = optuna.storages.InMemoryStorage()

    def taken(task: TrialTask) -> None:
        other = optuna.load_study(study_name="toy", storage=storage)
        other.tell(task.number, state=optuna.trial.TrialState.FAIL)
        try_again(other, other.get_trials()[task.number])

    study = Study(tmp_path, tuned("tuning.trials=4", *FLAT), Between(1, taken), storage)
    assert study.outcome.cause is ExitCause.COMPLETED
    assert "trial 1: no sign of life" in study.words
    assert states(study) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert study.trials[2].params == study.trials[1].params


def test_a_repetition_that_was_just_claimed_is_not_taken_for_abandoned(tmp_path: Path) -> None:
    storage = open_storage(sqlite_url(tmp_path / "study.db"))
    study = optuna.create_study(storage=storage)
    dead = study.ask({"x": optuna.distributions.FloatDistribution(0.0, 1.0)})
    dead.set_user_attr(Fact.WORKER, DEAD)
    assert retry_abandoned(study) == 1
    study.ask()  # another slot has it, and is about to write its name
    assert retry_abandoned(study) == 0
    assert [trial.state.name for trial in study.get_trials()] == ["FAIL", "RUNNING"]


def test_what_was_queued_before_its_process_died_is_queued_once(tmp_path: Path) -> None:
    study = optuna.create_study()
    cut = study.ask()
    cut.set_user_attr(Fact.WORKER, DEAD)
    assert try_again(study, study.get_trials()[0])  # and then it is killed, before it could tell its end
    assert retry_abandoned(study) == 0
    assert [trial.state.name for trial in study.get_trials()] == ["FAIL", "WAITING"]


@pytest.mark.parametrize("moment", ["before it is safe", "between two trials"])
def test_ctrl_c_loses_no_trial(tmp_path: Path, moment: str) -> None:
    looks: list[None] = []

    def safe(task: TrialTask) -> None:
        if moment == "before it is safe" and task.number == 1:
            raise KeyboardInterrupt  # while its weights are on their way to the server

    def asked() -> None:
        looks.append(None)
        if moment == "between two trials" and len(looks) == 3:
            raise KeyboardInterrupt

    config = tuned("tuning.trials=3", *FLAT)
    first = Study(tmp_path, config, Trials(), before_complete=safe, asked_to_end=asked)
    assert first.outcome.cause is ExitCause.INTERRUPTED
    second = Study(tmp_path, config, Trials(), first.storage)
    complete = [trial for trial in second.trials if trial.state.name == "COMPLETE"]
    assert len(complete) == 3
    assert complete[1].params == second.engine.space.values_of(config.hparams)


def test_who_was_asked_to_end_while_the_cost_was_measured_begins_no_trial(tmp_path: Path) -> None:
    trials = Trials()
    study = Study(tmp_path, tuned(), trials, asked_to_end=lambda: ExitCause.INTERRUPTED)
    assert study.outcome.cause is ExitCause.INTERRUPTED and trials.ran == []


def test_a_database_that_goes_away_during_a_trial_is_told_and_the_trial_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "study.db"
    storage = open_storage(sqlite_url(database), retries=Retries(attempts=1))
    config = tuned("tuning.trials=2", *FLAT)

    def gone(task: TrialTask) -> None:
        storage.engine.dispose()
        database.rename(database.with_name("away"))
        database.mkdir()

    with pytest.raises(StudyStorageError, match="study.db"):
        Study(tmp_path, config, Between(1, gone), storage)
    database.rmdir()
    database.with_name("away").rename(database)
    monkeypatch.setattr("smart_tuner.tuning.abandoned.is_gone", lambda worker: True)  # the command has ended
    second = Study(tmp_path, config, Trials(), open_storage(sqlite_url(database)))
    assert states(second) == ["COMPLETE", "FAIL", "COMPLETE"]
    assert second.trials[2].params == second.trials[1].params


def test_a_rung_that_was_passed_is_not_decided_again() -> None:
    """A trial that was cut off behind its rung, where it would be among the worst by now, goes on."""
    config, told, pruned = tuned(), list[int](), list[None]()

    def at_rung(rung: int, score: float) -> bool:
        told.append(rung)
        return True

    watch = TrialWatch(config.tuning, config.gate, (2, 4), at_rung, lambda: pruned.append(None))
    watch.go_on([Stamped(0.0, validation(2, config.hparams))], pruned=False)
    assert (told, pruned, watch.pruned) == ([1], [], False)
    watch.note(Stamped(1.0, validation(4, config.hparams)))
    assert (told, pruned, watch.pruned) == ([1, 2], [None], True)


def test_a_trial_that_was_given_up_just_before_a_kill_is_not_trained_on(tmp_path: Path) -> None:
    config = tuned("tuning.trials=3", *FLAT)

    def cut(task: TrialTask) -> None:
        task.run.path.mkdir(parents=True, exist_ok=True)
        Trials()(task, lambda stamped: None)  # its records
        request_stop(task.run, "pruning")
        raise KeyboardInterrupt

    first = Study(tmp_path, config, Between(2, cut))
    assert first.outcome.cause is ExitCause.INTERRUPTED
    trials = Trials()
    second = Study(tmp_path, config, trials, first.storage)
    assert states(second) == ["COMPLETE", "COMPLETE", "FAIL", "PRUNED"] and trials.ran == []


def test_more_trials_reach_those_who_have_joined(tmp_path: Path) -> None:
    config = tuned("tuning.trials=2", *FLAT)
    storage = optuna.storages.InMemoryStorage()

    def more(task: TrialTask) -> None:
        asked = replace(config, tuning=replace(config.tuning, trials=5))
        Study(tmp_path, asked, Trials(), storage, asked_to_end=lambda: ExitCause.INTERRUPTED)

    Study(tmp_path, config, Trials(), storage, asked_to_end=lambda: ExitCause.INTERRUPTED)
    joined = Study(tmp_path, config, Between(1, more), storage, slot=1_000_000)
    assert states(joined) == ["COMPLETE"] * 5
    assert "trials: 5" in joined.engine.study.user_attrs["settings"]  # who joins now is told the same
