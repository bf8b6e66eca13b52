"""The interfaces start on free ports, prove to be ours, end with us, and never take anything of others."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from smart_tuner import service_process, services
from smart_tuner.config import ServiceSettings
from smart_tuner.messages import Language, render
from smart_tuner.service_process import ServiceAddress, ServiceError, ServiceProcess, free_port, port_is_free
from smart_tuner.services import Services, open_browser
from smart_tuner.tracking import Tracker
from tacotron2.events import FinishedEvent, StepEvent, to_json

HOST = "127.0.0.1"
TIMEOUT_S = 60.0
SOURCES = Path(service_process.__file__).parents[1]

# The server is a grandchild of the launcher, as MLflow's is.
FILE_SERVER = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'http.server', *sys.argv[1:]])"
DEAF_SERVER = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + FILE_SERVER


def told(service: ServiceProcess) -> str:
    reason = service.address().reason
    assert reason is not None
    return render(reason, Language.EN)


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
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def file_server(folder: Path, first_port: int, program: str = FILE_SERVER) -> ServiceProcess:
    def command(port: int) -> list[str]:
        return [sys.executable, "-c", program, str(port), "--bind", HOST]

    return ServiceProcess("Files", command, {}, HOST, first_port, "/", folder)


def started(service: ServiceProcess) -> psutil.Process:
    """Launch, wait, and return the launcher."""
    service.launch(set())
    service.wait_ready(time.monotonic() + TIMEOUT_S, set(), threading.Event())
    (launcher,) = launchers()
    return launcher


def launchers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "service_launcher" in command_of(child)]


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def read(url: str, **query: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}?{urllib.parse.urlencode(query)}", timeout=30) as response:
        return str(response.read().decode())


def port_of(url: str) -> int:
    return urllib.parse.urlsplit(url).port or 0


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_an_occupied_port_is_passed_by_and_so_is_one_already_given_out(other_program: int) -> None:
    assert not port_is_free(HOST, other_program)
    found = free_port(HOST, other_program, set())
    assert found > other_program
    assert free_port(HOST, other_program, {found}) > found
    assert read(f"http://{HOST}:{other_program}/") == "another program"


def test_no_free_port_is_told_with_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_process, "port_is_free", lambda host, port: False)
    with pytest.raises(ServiceError, match="no port from 65500 to 65535 is free"):
        free_port(HOST, 65500, set())


def test_another_programs_answer_is_not_taken_for_ours(
    other_program: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True])  # the port is taken between the look and the start

    def deceived(host: str, port: int) -> bool:
        return next(answers, None) or port_is_free(host, port)

    monkeypatch.setattr(service_process, "port_is_free", deceived)
    service = file_server(tmp_path, other_program)
    try:
        started(service)
        address = service.address()
        assert address.ready
        assert port_of(address.url) > other_program
        assert "another program" not in read(address.url + "/")
    finally:
        service.ask_to_end()
        service.wait_ended()
    assert read(f"http://{HOST}:{other_program}/") == "another program"


@pytest.mark.parametrize("program", [FILE_SERVER, DEAF_SERVER], ids=["obedient", "deaf to SIGTERM"])
def test_stopping_ends_the_whole_group_and_nothing_else(tmp_path: Path, program: str) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    service = file_server(tmp_path, any_free_port(), program)
    try:
        launcher = started(service)
        family = [launcher, *launcher.children(recursive=True)]
        assert len(family) == 3
        service.ask_to_end()
        service.wait_ended()
        wait_until(lambda: not any(member.is_running() for member in family))
        assert not service.address().ready
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_service_that_dies_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    service = ServiceProcess(
        "Broken",
        lambda port: [sys.executable, "-c", "raise SystemExit('no such store')"],
        {},
        HOST,
        any_free_port(),
        "/",
        tmp_path,
    )
    service.launch(set())
    service.wait_ready(time.monotonic() + TIMEOUT_S, set(), threading.Event())
    assert not service.address().ready
    assert "Broken ended before it answered" in told(service)
    assert "no such store" in told(service)
    service.wait_ended()


def test_a_service_that_never_answers_is_told_and_can_be_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    service = ServiceProcess("Mute", lambda port: command, {}, HOST, any_free_port(), "/", tmp_path)
    service.launch(set())
    service.wait_ready(time.monotonic() + 0.5, set(), threading.Event())
    assert "Mute did not answer" in told(service)
    service.ask_to_end()
    service.wait_ended()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    service = file_server(tmp_path / "file", any_free_port())
    service.launch(set())
    service.wait_ready(time.monotonic() + TIMEOUT_S, set(), threading.Event())
    assert "Files was not started" in told(service)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells about a dead parent at once")
def test_services_end_with_a_parent_that_is_killed_and_stay_when_only_its_thread_ends(tmp_path: Path) -> None:
    port = any_free_port()
    program = f"""
import sys, threading, time
from pathlib import Path
from smart_tuner.service_process import ServiceProcess
command = lambda port: [sys.executable, "-c", {FILE_SERVER!r}, str(port), "--bind", {HOST!r}]
service = ServiceProcess("Files", command, {{}}, {HOST!r}, {port}, "/", Path({str(tmp_path)!r}))
thread = threading.Thread(target=service.launch, args=(set(),))
thread.start()
thread.join()
service.wait_ready(time.monotonic() + {TIMEOUT_S}, set(), threading.Event())
print(service.address().ready, flush=True)
time.sleep(600)
"""
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"True\n"
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 3
        parent.send_signal(signal.SIGKILL)
        wait_until(lambda: not any(member.is_running() for member in family))
        assert port_is_free(HOST, port)
    finally:
        parent.kill()
        parent.communicate()


def fake_browser(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """A browser that notes the addresses it is asked for; returns how to read its notes."""
    notes, program = folder / "opened.txt", folder / "browser.sh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{notes}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    # webbrowser reads the environment once per process.
    monkeypatch.setattr("webbrowser._tryorder", None)
    monkeypatch.setattr("webbrowser._browsers", {})
    return lambda: notes.read_text().splitlines() if notes.exists() else []


def test_without_a_display_and_a_named_browser_none_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("webbrowser.get", lambda: pytest.fail("it would take the terminal over"))
    assert not open_browser("http://localhost:5000")


def test_services_that_are_switched_off_start_nothing(tmp_path: Path) -> None:
    with Services(ServiceSettings(enabled=False), tmp_path / "tracking", tmp_path) as services:
        assert services.start() == []
    assert list(tmp_path.iterdir()) == []


def test_a_stop_in_the_middle_of_the_start_ends_what_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(services, "server_command", lambda *where: silent)
    told: list[ServiceAddress] = []
    both = Services(ServiceSettings(mlflow_port=any_free_port()), tmp_path / "tracking", tmp_path)
    starting = threading.Thread(target=both.start, args=(told.append,))
    starting.start()
    wait_until(lambda: len(launchers()) == 2)
    family = launchers()
    both.stop()
    starting.join(TIMEOUT_S)
    assert not starting.is_alive()
    assert (told, launchers()) == ([], [])
    assert not any(member.is_running() for member in family)
    assert both.start(told.append) == []


@pytest.mark.slow
def test_both_interfaces_show_a_run_beside_a_program_on_their_port(
    other_program: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = fake_browser(tmp_path, monkeypatch)
    monkeypatch.setenv("PYTHONPATH", str(SOURCES))
    runs_root = tmp_path / "runs ю"
    run = runs_root / "20261122-demo"
    run.mkdir(parents=True)
    settings = ServiceSettings(
        mlflow_port=other_program, tensorboard_port=other_program, ready_timeout_s=200.0
    )
    with Services(settings, runs_root / "tracking", runs_root) as both:
        # The run writes while the servers come up, as it does in earnest.
        tracker = Tracker(run, runs_root / "tracking")
        tracker.start()
        losses = {"total": 0.25}
        events = [StepEvent(step, 1, losses, 1, 1, 1, 1, 1, 0, 1) for step in (1, 2)]
        lines = [to_json(event, time.time()) for event in (*events, FinishedEvent(2, "completed", 1.0))]
        (run / "events.jsonl").write_text("\n".join(lines) + "\n")
        (run / "run.yaml").write_text("seed: 7\n")
        told: list[ServiceAddress] = []
        mlflow, tensorboard = both.start(told.append)
        assert tracker.close(TIMEOUT_S)

        assert told == [mlflow, tensorboard]
        assert (mlflow.ready, tensorboard.ready) == (True, True), (mlflow.reason, tensorboard.reason)
        assert len({other_program, port_of(mlflow.url), port_of(tensorboard.url)}) == 3
        assert [address.url for address in both.start()] == [mlflow.url, tensorboard.url]
        assert mlflow.page == f"{mlflow.url}/#/experiments/1/runs?workflowType=machine_learning"
        wait_until(lambda: bool(opened()))
        assert shown_by_mlflow(mlflow.url) == ("FINISHED", [(1, 0.25), (2, 0.25)], "seed: 7\n")
        wait_until(lambda: len(shown_by_tensorboard(tensorboard.url)) == 2)
        assert shown_by_tensorboard(tensorboard.url) == [(1, 0.25), (2, 0.25)]
        assert read(f"http://{HOST}:{other_program}/") == "another program"
    assert opened() == [mlflow.page]
    assert port_is_free(HOST, port_of(mlflow.url))
    assert port_is_free(HOST, port_of(tensorboard.url))


def shown_by_mlflow(url: str) -> tuple[str, list[tuple[int, float]], str]:
    """Status, loss history and configuration file of the only run, over HTTP."""
    api = f"{url}/api/2.0/mlflow"
    name = {"experiment_name": "smart-tuner"}
    experiment = json.loads(read(f"{api}/experiments/get-by-name", **name))["experiment"]["experiment_id"]
    request = urllib.request.Request(
        f"{api}/runs/search",
        data=json.dumps({"experiment_ids": [experiment]}).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        (found,) = json.load(response)["runs"]
    run_id = found["info"]["run_id"]
    history: dict[str, Any] = json.loads(
        read(f"{api}/metrics/get-history", run_id=run_id, metric_key="train/loss/total")
    )
    configuration = read(f"{url}/get-artifact", run_uuid=run_id, path="run.yaml")
    points = [(int(point["step"]), point["value"]) for point in history["metrics"]]
    return found["info"]["status"], points, configuration


def shown_by_tensorboard(url: str) -> list[tuple[int, float]]:
    query = {"run": "20261122-demo", "tag": "train/loss/total"}
    with contextlib.suppress(urllib.error.HTTPError):  # not read yet
        points = json.loads(read(f"{url}/data/plugin/scalars/scalars", **query))
        return [(step, value) for _, step, value in points]
    return []
