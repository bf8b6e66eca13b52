"""A study's database: its address, its settings, and operations that are tried again but done once."""

from __future__ import annotations

import itertools
import json
import logging
import random
import sqlite3
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, fail_stale_trials
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy import text

from smart_tuner.tuning.retrying_storage import CREATED, OVERWRITINGS, READINGS, RetryingStorage
from smart_tuner.tuning.storage import (
    Heartbeat,
    Retries,
    StudyStorageError,
    live_settings,
    open_storage,
    sqlite_url,
)

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed")  # trials asked for by hand

LOCKED = "database is locked"
DISTRIBUTION = optuna.distributions.FloatDistribution(0.0, 1.0)


@pytest.fixture(autouse=True)
def _no_waiting_inside_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own second thoughts about a new trial take up to two seconds each."""
    monkeypatch.setattr("optuna.storages._rdb.storage.time.sleep", lambda seconds: None)


@pytest.fixture
def database(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "study.db")


def opened(url: str, attempts: int = 5) -> tuple[RetryingStorage, list[float]]:
    """A storage, and the waits that it would have made."""
    storage, waits = open_storage(url, retries=Retries(attempts=attempts)), list[float]()
    storage._sleep = waits.append
    return storage, waits


class Faults:
    """Errors of the driver, put in at chosen calls of it."""

    def __init__(self, storage: RetryingStorage) -> None:
        self.count = 0
        self._chosen: Callable[[int], bool] = lambda number: False
        self._error: Exception = sqlite3.OperationalError(LOCKED)
        dialect = storage.engine.dialect
        self._execute, self._commit = dialect.do_execute, dialect.do_commit
        self._dialect = dialect

    def at_statements(self, chosen: Callable[[int], bool], error: Exception | None = None) -> None:
        def execute(*arguments: Any, **named: Any) -> Any:
            self._strike()
            return self._execute(*arguments, **named)

        self._set(chosen, error)
        self._dialect.do_execute = execute

    def at_commits(self, chosen: Callable[[int], bool], answer_lost: bool) -> None:
        def commit(connection: Any) -> None:
            if answer_lost:
                self._commit(connection)
            self._strike()
            if not answer_lost:
                self._commit(connection)

        self._set(chosen, None)
        self._dialect.do_commit = commit

    def end(self) -> None:
        self._dialect.do_execute, self._dialect.do_commit = self._execute, self._commit

    def _set(self, chosen: Callable[[int], bool], error: Exception | None) -> None:
        self.count, self._chosen, self._error = 0, chosen, error or self._error

    def _strike(self) -> None:
        self.count += 1
        if self._chosen(self.count):
            raise self._error


# Addresses


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("runs/study.db", "write `sqlite:////absolute/path/study.db` for a file"),
        (
            "mysql://tuner:s3cret@host/db",
            "not kept in `mysql`; use `sqlite:///PATH` on one machine or `postgresql+",
        ),
        ("postgresql://tuner:s3cret@host/db", "not kept in `postgresql`; use"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql+psycopg://tuner:s3cret@host", "names no DATABASE"),
        ("postgresql+psycopg://tuner:s3cret@/db", "names no HOST"),
        ("postgresql+psycopg://tuner:s3/cr@et@host/db", "write @ as %40"),
        ("postgresql+psycopg://tuner:s@3cret@host/db", "write @ as %40"),
        ("postgresql+psycopg://tuner:s3cret@host:port/db", "write @ as %40"),
    ],
)
def test_an_address_that_names_no_database_is_refused(url: str, words: str) -> None:
    with pytest.raises(StudyStorageError) as caught:
        open_storage(url)
    assert words in str(caught.value)
    assert not any(secret in str(caught.value) for secret in ("s3cret", "cr@et", "cret"))


def test_any_folder_can_hold_a_study(tmp_path: Path) -> None:
    file = tmp_path / "with space, 50%, a#b, {x}, %41, имя" / "study.db"
    file.parent.mkdir()
    optuna.create_study(storage=open_storage(sqlite_url(file)), study_name="toy")
    assert file.is_file()
    assert optuna.get_all_study_names(open_storage(sqlite_url(file))) == ["toy"]
    with pytest.raises(StudyStorageError, match="no \\? in its path|may have no"):
        sqlite_url(tmp_path / "why?" / "study.db")


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to be taken for one" * 20)
    with pytest.raises(StudyStorageError, match="file is not a database"):
        open_storage(sqlite_url(tmp_path / "text.db"))
    with pytest.raises(StudyStorageError, match="cannot be used"):
        open_storage(sqlite_url(tmp_path / "text.db" / "study.db"))


def test_a_first_opening_that_was_killed_is_made_good(database: str) -> None:
    storage, _ = opened(database)
    with storage.engine.begin() as connection:
        for table in ("alembic_version", "version_info", "trial_heartbeats", "trial_params"):
            connection.execute(text(f"DROP TABLE {table}"))
    study = optuna.create_study(storage=open_storage(database))
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=1)
    assert study.best_trial.number == 0


def test_the_live_connections_have_the_settings(database: str) -> None:
    storage, _ = opened(database)
    expected = {"journal_mode": "wal", "timeout": 300.0, "check_same_thread": False}
    assert live_settings(storage) == expected
    assert live_settings(optuna.create_study(storage=storage)._storage) == expected
    assert sqlite3.connect(database.removeprefix("sqlite:///")).execute("PRAGMA journal_mode").fetchone() == (
        "wal",
    )
    with pytest.raises(TypeError, match="InMemoryStorage"):
        live_settings(optuna.storages.InMemoryStorage())


# Trying again


def test_waits_grow_and_differ() -> None:
    retries = Retries(attempts=9, first_wait_s=1.0, longest_wait_s=16.0)
    one, other = (list(retries.waits(random.Random(seed))) for seed in (1, 2))
    bounds = [1.0, 2.0, 4.0, 8.0, 16.0, 16.0, 16.0, 16.0]
    for waits in (one, other):
        assert all(bound / 2 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    assert one != other
    assert list(Retries(attempts=1).waits(random.Random())) == []


def test_every_operation_of_a_storage_is_decided_about() -> None:
    asked = {
        name for base in (BaseStorage, BaseHeartbeat) for name in vars(base) if not name.startswith("__")
    }
    own = {name for name in vars(RetryingStorage) if not name.startswith("__")}
    not_in_the_database = {
        *("remove_session", "check_trial_is_updatable", "get_heartbeat_interval", "_abc_impl"),
        *("get_heartbeat_stale_trial_callback", "get_failed_trial_callback"),
    }
    made_by_others = {"create_new_trial", "get_trial_params"}
    assert asked - own - not_in_the_database - made_by_others == {"delete_study"}
    assert {*READINGS, *OVERWRITINGS} <= own


def script(storage: RetryingStorage, other: RetryingStorage, name: str) -> list[Any]:
    """All that a study does to its database; returns what it was told, without ids, times and marks."""
    try:
        study_id = storage.create_new_study([StudyDirection.MAXIMIZE], name)
    except optuna.exceptions.DuplicatedStudyError:  # made by an attempt whose answer was lost
        study_id = storage.get_study_id_from_name(name)
    storage.set_study_user_attr(study_id, "a", 1)
    storage.set_study_system_attr(study_id, "b", 2)
    waiting = optuna.create_trial(
        state=TrialState.WAITING, params={"x": 0.5}, distributions={"x": DISTRIBUTION}
    )
    queued = storage.create_new_trial(study_id, waiting)
    claims = [storage.set_trial_state_values(queued, TrialState.RUNNING)]
    claims.append(other.set_trial_state_values(queued, TrialState.RUNNING))
    new = storage.create_new_trial(study_id)
    storage.set_trial_param(new, "x", 0.25, DISTRIBUTION)
    storage.set_trial_user_attr(new, "c", [3])
    storage.set_trial_system_attr(new, "d", 4)
    storage.set_trial_intermediate_value(new, 1, 0.1)
    storage.record_heartbeat(new)
    ends = [storage.set_trial_state_values(queued, TrialState.COMPLETE, [0.5])]
    ends.append(storage.set_trial_state_values(new, TrialState.FAIL))
    trials = [
        (t.number, t.state, t.values, t.params, t.user_attrs, t.system_attrs.get("d"), t.intermediate_values)
        for t in storage.get_all_trials(study_id)
    ]
    study = storage.get_study_user_attrs(study_id), storage.get_study_system_attrs(study_id)
    best = storage.get_best_trial(study_id).number, storage.get_trial_param(new, "x")
    assert storage.get_study_name_from_id(study_id) == name
    return [claims, ends, trials, *study, best, storage.get_n_trials(study_id)]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "stride"), [("statement", 13), ("commit", 3), ("answer", 1)])
def test_whatever_fails_once_is_done_exactly_once(database: str, kind: str, stride: int) -> None:
    """A fault at one call of the driver after the other (at each 13th of 150 statements, each 3rd commit)."""
    (storage, _), (other, _) = opened(database), opened(database)
    expected = script(storage, other, "plain")
    assert expected[0] == [True, False]
    for number in itertools.count(stride, stride):
        faults = Faults(storage)
        if kind == "statement":
            faults.at_statements(lambda count, chosen=number: count == chosen)
        else:
            faults.at_commits(lambda count, chosen=number: count == chosen, kind == "answer")
        assert script(storage, other, f"{kind}-{number}") == expected, f"{kind} {number}"
        faults.end()
        if faults.count < number:
            break
    assert number > 20
    assert len(storage.get_all_studies()) == number // stride + 1


def test_a_lock_that_stays_ends_in_a_clear_error(database: str) -> None:
    storage, waits = opened(database, attempts=4)
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "toy")
    faults = Faults(storage)
    faults.at_statements(lambda count: True)
    with pytest.raises(StudyStorageError) as caught:
        storage.set_study_user_attr(study_id, "a", 1)
    assert str(caught.value) == f"{database}: the study's database did not answer in 4 attempts: {LOCKED}"
    assert faults.count == 4 and len(waits) == 3
    assert waits == sorted(waits)
    faults.end()
    assert storage.get_study_user_attrs(study_id) == {}


def test_an_error_that_stays_is_not_tried_again(database: str) -> None:
    storage, waits = opened(database)
    study_id = storage.create_new_study([StudyDirection.MINIMIZE], "toy")
    faults = Faults(storage)
    for error in (
        sqlite3.OperationalError("no such table: studies"),
        sqlite3.OperationalError("disk I/O error"),
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.DatabaseError("database disk image is malformed"),
    ):
        faults.at_statements(lambda count: count == 1, error)
        with pytest.raises(StudyStorageError, match=f"cannot be used: {error}"):
            storage.set_study_user_attr(study_id, "a", 1)
        assert faults.count == 1 and waits == []
        faults.end()
    with pytest.raises(optuna.exceptions.DuplicatedStudyError):
        storage.create_new_study([StudyDirection.MINIMIZE], "toy")
    with pytest.raises(KeyError):
        storage.get_study_id_from_name("no such study")
    assert waits == []


def test_a_beat_that_fails_leaves_the_next_one_to_it(database: str, caplog: pytest.LogCaptureFixture) -> None:
    storage, waits = opened(database)
    trial = storage.create_new_trial(storage.create_new_study([StudyDirection.MINIMIZE], "toy"))
    faults = Faults(storage)
    faults.at_statements(lambda count: count == 1)
    with caplog.at_level(logging.WARNING):
        storage.record_heartbeat(trial)
    assert "no heartbeat of the trial" in caplog.text and LOCKED in caplog.text
    assert waits == []
    faults.at_statements(lambda count: count == 1, sqlite3.OperationalError("database or disk is full"))
    storage.record_heartbeat(trial)  # in a thread, where it would end all further beats
    faults.end()
    storage.record_heartbeat(trial)


# Stale trials


def age_heartbeats(storage: RetryingStorage) -> None:
    with storage.engine.begin() as connection:
        assert connection.execute(
            text("UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-1 hour')")
        ).rowcount


@pytest.mark.parametrize("begun_by", ["new", "claimed"])
def test_a_trial_whose_process_died_before_its_first_beat_is_repeated(database: str, begun_by: str) -> None:
    dead = optuna.create_study(storage=open_storage(database), study_name="toy")
    if begun_by == "claimed":
        dead.enqueue_trial({"x": 0.5})
    dead.ask()
    storage, _ = opened(database)
    age_heartbeats(storage)
    study = optuna.load_study(study_name="toy", storage=storage)
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=1)
    states = [trial.state for trial in study.get_trials()]
    assert states == [TrialState.FAIL, TrialState.COMPLETE]
    assert (study.best_value == 0.5) == (begun_by == "claimed")


@pytest.mark.parametrize("done", [True, False])
def test_two_that_fail_a_stale_trial_queue_it_once(database: str, done: bool) -> None:
    """The first one's answer is lost, before or after its commit; the second is faster than its retry."""
    first, second = (
        optuna.create_study(storage=opened(database)[0], study_name="toy", load_if_exists=True) for _ in "12"
    )
    first.ask()
    storage = first._storage._backend
    age_heartbeats(storage)

    def second_comes(seconds: float) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fail_stale_trials(second)

    storage._sleep = second_comes
    faults = Faults(storage)
    # The first commit only reads which trials are stale.
    faults.at_commits(lambda count: count == 2, answer_lost=done)
    second_comes_after = faults.count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fail_stale_trials(first)
    assert faults.count > second_comes_after
    states = [trial.state for trial in first.get_trials()]
    assert states == [TrialState.FAIL, TrialState.WAITING]


def test_a_trial_that_dies_every_time_is_given_up(database: str) -> None:
    storage = open_storage(database, heartbeat=Heartbeat(interval_s=1, grace_s=2))
    study = optuna.create_study(storage=storage, study_name="toy")
    for _ in range(6):
        study.ask()
        age_heartbeats(storage)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fail_stale_trials(study)
    history = [trial.system_attrs.get("retry_history", []) for trial in study.get_trials()]
    assert history == [[], [0], [0, 1], [0, 1, 2], [], [4], [4, 5]]
    marks = [json.dumps(trial.system_attrs[CREATED]) for trial in study.get_trials()]
    assert len(set(marks)) == len(marks)
