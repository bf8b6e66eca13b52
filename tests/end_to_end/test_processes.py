"""Two processes train one model, as a user starts them: one of them killed, asked to stop, gone on with.

One run serves all tests, in the order of what happens to it: a process is killed, the command is asked to
end, and `torchrun` brings the run to its end.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder, list_runs
from tacotron2.events import Event, StartedEvent, StepEvent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
NUM_STEPS = 60
PATIENCE_S = 600.0
SETTINGS = [
    f"--set=train.max_steps={NUM_STEPS}",  # long enough for two interruptions
    "--set=train.checkpoint_every=3",
    "--set=train.validate_every=60",
    "--set=demo.demo_clips=20",
    "--set=supervisor.max_restarts=0",  # each attempt is looked at by itself
]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


def events_of(run: RunFolder) -> list[Event]:
    return [stamped.event for stamped in read_events(run.events_file)[0]]


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@dataclass(frozen=True)
class Attempt:
    """How it ended, and what it left."""

    status: int
    said: str
    outcome: Outcome
    events: list[Event]
    """Of this attempt alone."""
    pids: list[int]
    state: int
    """The step of the checkpoint to go on from."""

    @property
    def steps(self) -> list[int]:
        return [event.step for event in self.events if isinstance(event, StepEvent)]

    @property
    def started(self) -> StartedEvent:
        (event,) = [event for event in self.events if isinstance(event, StartedEvent)]
        return event


def attempt(folder: Path, command: list[str], interfere: Callable[[psutil.Process], None] | None) -> Attempt:
    """Runs a command that trains; `interfere` is given it after some steps, its workers held."""
    log, runs = folder / f"said-{time.monotonic_ns()}.txt", folder / "runs"
    before = {run.name: len(events_of(run)) for run in list_runs(runs)}

    def fresh() -> list[Event]:
        return [event for run in list_runs(runs) for event in events_of(run)[before.get(run.name, 0) :]]

    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment()
        )
    pids = []
    try:
        # More than the steps from one checkpoint to the next, so that there is one to go on from.
        wait_until(lambda: sum(isinstance(event, StepEvent) for event in fresh()) >= 4, process, log)
        parent = psutil.Process(process.pid)
        pids = [child.pid for child in workers(parent)]
        if interfere is not None:
            interfere(parent)
        status = process.wait(PATIENCE_S)
    finally:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()
    (run,) = list_runs(runs)
    outcome = run.outcome()
    assert outcome is not None, log.read_text()
    state = max(run.checkpoints_folder.glob("state-*.ckpt"))
    step = int(re.sub(r"\D", "", state.name))
    return Attempt(status, log.read_text(), outcome, fresh(), pids, step)


def workers(parent: psutil.Process) -> list[psutil.Process]:
    """In the order of their ranks."""
    found = [child for child in parent.children(recursive=True) if "smart_tuner.worker" in child.cmdline()]
    return sorted(found, key=lambda child: child.environ()["RANK"])


def kill_second(parent: psutil.Process) -> None:
    first, second = workers(parent)
    first.suspend()  # the training cannot come to its end meanwhile
    second.kill()
    first.resume()


def main_command(folder: Path) -> list[str]:
    line = [sys.executable, str(ROOT / "smart_tuner_main.py"), "--preset=debug", "--no-services"]
    return [*line, "--device=cpu", "--processes=2", f"--runs-folder={folder / 'runs'}", *SETTINGS]


def torchrun(folder: Path) -> list[str]:
    (run,) = list_runs(folder / "runs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    line = [sys.executable, "-m", "torch.distributed.run", "--max-restarts=0", "--nnodes=1"]
    place = ["--nproc-per-node=2", "--node-rank=0", "--master-addr=127.0.0.1", f"--master-port={port}"]
    return [*line, *place, "-m", "smart_tuner.worker", str(run.path), "--device=cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def killed(folder: Path) -> Attempt:
    return attempt(folder, main_command(folder), kill_second)


@pytest.fixture(scope="module")
def terminated(folder: Path, killed: Attempt) -> Attempt:
    return attempt(folder, main_command(folder), lambda parent: parent.send_signal(signal.SIGTERM))


@pytest.fixture(scope="module")
def finished(folder: Path, terminated: Attempt) -> Attempt:
    return attempt(folder, torchrun(folder), None)


def test_a_killed_process_ends_the_attempt_with_its_cause(killed: Attempt) -> None:
    assert killed.status == ExitCause.CRASHED.code == 1
    assert killed.outcome.cause is ExitCause.CRASHED
    assert "process 2 of 2" in killed.outcome.message and "killed from outside" in killed.outcome.message
    assert killed.started.processes == 2
    assert len(killed.pids) == 2 and all(map(is_gone, killed.pids))


def test_a_request_to_end_leaves_the_state_of_all_processes(killed: Attempt, terminated: Attempt) -> None:
    assert terminated.started.resumed_from_step == killed.state >= 3
    assert terminated.status == ExitCause.TERMINATED.code, terminated.said
    assert terminated.outcome.cause is ExitCause.TERMINATED
    assert terminated.state == terminated.outcome.step == terminated.steps[-1] < NUM_STEPS
    assert len(terminated.pids) == 2 and all(map(is_gone, terminated.pids))


def test_torchrun_goes_on_with_the_run(terminated: Attempt, finished: Attempt) -> None:
    assert finished.status == 0, finished.said
    assert finished.started.resumed_from_step == terminated.state
    assert finished.steps == list(range(terminated.state + 1, NUM_STEPS + 1))
    assert finished.outcome.cause is ExitCause.COMPLETED
