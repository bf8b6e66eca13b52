"""The Optuna dashboard of a study: served by our own process, to look at, its password told to nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import optuna
import psutil
import pytest

from smart_tuner.config import ServiceSettings
from smart_tuner.messages import Language, render
from smart_tuner.service_process import port_is_free
from smart_tuner.services import Services
from smart_tuner.tuning.storage import open_storage, sqlite_url
from tests.smart_tuner.tuning.postgres_server import PASSWORD, QUOTED, USER, running_server, why_no_server

HOST, TIMEOUT_S = "127.0.0.1", 90.0
SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"another program")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def other_program() -> Iterator[int]:
    """The port of an HTTP server that says 200 to everything and is not ours."""
    with HTTPServer((HOST, 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def answer(url: str, method: str = "GET") -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, method=method), timeout=30) as response:
        return str(response.read().decode())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def make_study(url: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="night", storage=open_storage(url), direction="maximize")
    study.add_trial(optuna.trial.create_trial(value=0.25))


COMMAND = """
import sys, time
from pathlib import Path
from smart_tuner.config import ServiceSettings
from smart_tuner.services import Services
folder, url, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
settings = ServiceSettings(optuna_port=port, open_browser=False)
services = Services(settings, folder / "tracking", folder, storage_url=url, dashboard_alone=True)
(address,) = services.start()
print(address.ready, address.url, address.page, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells about a dead parent at once")
def test_it_shows_the_study_beside_a_program_on_its_port_and_goes_when_the_command_is_killed(
    tmp_path: Path, other_program: int
) -> None:
    url = sqlite_url(tmp_path / "study.db")
    make_study(url)
    arguments = [sys.executable, "-c", COMMAND, str(tmp_path), url, str(other_program)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as command:
        try:
            assert command.stdout is not None
            ready, base, page = command.stdout.readline().split()
            family = psutil.Process(command.pid).children(recursive=True)
            port = int(base.rpartition(":")[2])
            assert (ready, page) == ("True", f"{base}/dashboard")
            assert port > other_program and len(family) == 2
            (study,) = json.loads(answer(f"{base}/api/studies"))["study_summaries"]
            assert study["study_name"] == "night"
            shown = json.loads(answer(f"{base}/api/studies/{study['study_id']}"))
            assert [trial["values"] for trial in shown["trials"]] == [[0.25]]
            assert "<title>Optuna Dashboard</title>" in answer(page)
            with pytest.raises(urllib.error.HTTPError, match="405"):
                answer(f"{base}/api/studies/{study['study_id']}", "DELETE")
            assert open_storage(url).get_study_id_from_name("night") == study["study_id"]
            command.send_signal(signal.SIGKILL)
            wait_until(lambda: not any(member.is_running() for member in family))
            assert port_is_free(HOST, port)
        finally:
            command.kill()
    assert answer(f"http://{HOST}:{other_program}/") == "another program"


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://{USER}:{QUOTED}@{HOST}:1/studies"
    settings = ServiceSettings(optuna_port=20_000 + os.getpid() % 20_000, open_browser=False)
    tracking = tmp_path / "tracking"
    with Services(settings, tracking, tmp_path, storage_url=url, dashboard_alone=True) as services:
        (address,) = services.start()
    assert not address.ready and address.reason is not None
    told = render(address.reason, Language.EN)
    (log,) = tracking.glob("optuna-*.log")
    assert "Optuna ended before it answered" in told and f"{USER}@{HOST}:1/studies" in told
    for text in (told, log.read_text()):
        assert PASSWORD not in text and QUOTED not in text and "s3cret" not in text


@pytest.mark.slow
@pytest.mark.skipif(why_no_server() != "", reason=why_no_server() or "there is a server")
def test_of_postgresql_neither_command_lines_nor_the_log_hold_the_password(tmp_path: Path) -> None:
    with running_server() as server:
        server.run_sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        server.make_database("studies")
        make_study(server.url("studies"))
        settings = ServiceSettings(open_browser=False)
        tracking = tmp_path / "tracking"
        url = server.url("studies")
        with Services(settings, tracking, tmp_path, storage_url=url, dashboard_alone=True) as services:
            (address,) = services.start()
            assert address.ready, address.reason
            (study,) = json.loads(answer(f"{address.url}/api/studies"))["study_summaries"]
            assert study["study_name"] == "night"
            family = psutil.Process().children(recursive=True)
            lines = [" ".join(each.cmdline()) for each in family if each.is_running()]
            assert any("smart_tuner.study_dashboard" in line for line in lines)
            assert not any("s3cret" in line for line in lines)
            server.run_sql("ALTER ROLE tuner LOGIN PASSWORD 'another'")
            server.run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'tuner'")
            with pytest.raises(OSError):  # what it says then goes to the log
                answer(f"{address.url}/api/studies")
        (log,) = tracking.glob("optuna-*.log")
        assert "s3cret" not in log.read_text()
