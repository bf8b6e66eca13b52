"""A real PostgreSQL: workers on two machines, one of them killed; and what is told when it cannot be used."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from smart_tuner.tuning.storage import Retries, StudyStorageError, live_settings, open_storage
from tests.smart_tuner.tuning.network import Machine, two_machines, why_no_network
from tests.smart_tuner.tuning.postgres_server import (
    PASSWORD,
    QUOTED,
    USER,
    Server,
    running_server,
    why_no_server,
)
from tests.smart_tuner.tuning.toy_study import check_nothing_lost_or_doubled, notes, said, toy_workers

TRIALS, WORKERS, QUEUED_BY_EACH, HANGS_AT = 500, 4, 25, 5

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_no_server() != "", reason=why_no_server() or "there is a server"),
]


@pytest.fixture(scope="module")
def machines() -> Iterator[list[Machine]]:
    """Before the server, which listens on their cables; none where namespaces cannot be made."""
    if why_no_network():
        yield []
        return
    with two_machines() as both:
        yield both


@pytest.fixture(scope="module")
def server(machines: list[Machine]) -> Iterator[Server]:
    with running_server(",".join(["127.0.0.1", *(each.server_address for each in machines)])) as running:
        with (running.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        running.run_sql("SELECT pg_reload_conf()")
        running.run_sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        yield running


@pytest.mark.timeout(600)  # about 45 s of processor time; five minutes on a machine that is busy otherwise
def test_four_workers_on_two_machines_and_one_is_killed(
    tmp_path: Path, server: Server, machines: list[Machine]
) -> None:
    if not machines:
        pytest.skip(why_no_network())
    server.make_database("toy")
    on_both = machines * (WORKERS // 2)
    addresses = [server.url("toy", each.server_address) for each in on_both]
    prefixes = [each.prefix for each in on_both]
    with toy_workers(tmp_path, addresses, TRIALS, QUEUED_BY_EACH, prefixes, HANGS_AT) as workers:
        while (
            notes(tmp_path, 0).exists() is False
            or len(notes(tmp_path, 0).read_text().splitlines()) < HANGS_AT
        ):
            assert workers[0].poll() is None, said(tmp_path)
            time.sleep(0.02)
        workers[0].kill()
        statuses = [worker.wait(540) for worker in workers[1:]]
    assert statuses == [0] * (WORKERS - 1), said(tmp_path)
    trials = check_nothing_lost_or_doubled(tmp_path, server.url("toy"), TRIALS, failed=1)
    (killed,) = [trial for trial in trials if trial.state == TrialState.FAIL]
    assert killed.number == int(notes(tmp_path, 0).read_text().splitlines()[HANGS_AT - 1].split()[0])
    (repeated,) = [trial for trial in trials if trial.system_attrs.get("retry_history") == [killed.number]]
    assert repeated.state == TrialState.COMPLETE
    assert repeated.params == killed.params
    queued = [t for t in trials if "fixed_params" in t.system_attrs and t.state == TrialState.COMPLETE]
    assert len({trial.number for trial in queued}) == WORKERS * QUEUED_BY_EACH
    assert PASSWORD not in said(tmp_path) and QUOTED not in said(tmp_path)


def test_a_restarted_server_is_waited_for(server: Server) -> None:
    server.make_database("cut")
    storage = open_storage(server.url("cut"), retries=Retries(first_wait_s=0.01))
    assert live_settings(storage) == {"pool_pre_ping": True}
    study = optuna.create_study(storage=storage)
    lost = 0

    def commit_and_lose_the_answer(connection: object) -> None:
        """The server ends the connection after it has done what was asked."""
        nonlocal lost
        plain_commit(connection)
        if lost < 3:
            lost += 1
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut'"
            server.run_sql(ended)
            connection.cursor().execute("SELECT 1")

    plain_commit = storage.engine.dialect.do_commit
    storage.engine.dialect.do_commit = commit_and_lose_the_answer
    study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=3)
    assert lost == 3
    assert [trial.state for trial in study.get_trials()] == [TrialState.COMPLETE] * 3


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("password", "does not accept this user name with this password"),
        ("database", "no such database; make it with `createdb"),
        ("port", "no server answers there (connection failed"),
        ("host", "no server answers there (failed to resolve host"),
        ("rights", "permission denied"),
        ("driver", "the driver of PostgreSQL is missing"),
    ],
)
def test_what_is_wrong_is_told_without_the_password(
    what: str,
    words: str,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    addresses = {
        "password": server.url("postgres", password=QUOTED + "x"),
        "database": server.url("nowhere"),
        "port": server.url("postgres").replace(f":{server.port}/", ":1/"),
        "host": server.url("postgres", host="nowhere.invalid"),
    }
    if what == "driver":
        monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StudyStorageError) as caught:
        open_storage(addresses.get(what, server.url("postgres")))
    assert words in str(caught.value)
    assert f"postgresql+psycopg://{USER}@" in str(caught.value)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert PASSWORD not in told and QUOTED not in told


def test_a_server_that_stays_away_is_given_up_without_the_password(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.make_database("away")
    storage = open_storage(server.url("away"), retries=Retries(attempts=3))
    waits: list[float] = []
    storage._sleep = waits.append
    study = optuna.create_study(storage=storage, study_name="toy")
    server.run_sql("ALTER DATABASE away CONNECTION LIMIT 0")
    storage.engine.dispose()
    with pytest.raises(StudyStorageError, match=r"in 3 attempts: .*too many connections") as passing:
        study.set_user_attr("a", 1)
    assert len(waits) == 2
    server.run_sql("ALTER DATABASE away CONNECTION LIMIT -1")
    study.set_user_attr("a", 2)
    assert study.user_attrs == {"a": 2}
    server.run_sql(f"ALTER ROLE {USER} PASSWORD 'another'")
    storage.engine.dispose()
    with pytest.raises(StudyStorageError, match=r"password authentication failed") as lasting:
        study.set_user_attr("a", 3)
    server.run_sql(f"ALTER ROLE {USER} PASSWORD '{PASSWORD}'")
    assert len(waits) == 2
    told = "".join(traceback.format_exception(passing.value) + traceback.format_exception(lasting.value))
    told += caplog.text + repr(storage) + repr(storage.address)
    assert PASSWORD not in told and QUOTED not in told
