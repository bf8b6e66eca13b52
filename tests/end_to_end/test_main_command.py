"""The main command as a user starts it, whole, on the `debug` preset: nothing in it is replaced.

Two runs serve all tests. The first is watched with its interfaces up; the second is refused to a second
process, ended by SIGTERM in the middle of its training and gone on with. The worker is held by SIGSTOP while
something is looked at, so that no test depends on the speed of the machine.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from smart_tuner.records import read_events
from smart_tuner.run_folder import RunFolder, list_runs
from smart_tuner.tracking_store import database_uri
from tacotron2.events import DataEvent, EstimateEvent, StartedEvent, StepEvent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_MLFLOW_PORT = 5000
NUM_STEPS = 30
NUM_TEST_CLIPS = 4
SETTINGS = [
    f"--set=train.max_steps={NUM_STEPS}",  # long enough to be interrupted
    "--set=train.validate_every=15",
    "--set=train.checkpoint_every=15",
    "--set=services.ready_timeout_s=300",  # a busy machine is no failure
    "--set=supervisor.heartbeat_timeout_s=3600",  # the worker is held on purpose
]
PATIENCE_S = 300.0
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"} | more


class Command:
    """The main command in a child, its output in a file."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self._folder = folder
        self._said = folder / f"said-{time.monotonic_ns()}.txt"
        line = [sys.executable, str(ROOT / "smart_tuner_main.py"), "--preset=debug", *SETTINGS]
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [*line, f"--runs-folder={folder / 'runs'}", *options],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=environment(**variables),
            )

    @property
    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def wait_for(self, pattern: str) -> str:
        """What the first group of the pattern stands for, as soon as it was said."""
        self.wait_until(lambda: re.search(pattern, self.said) is not None)
        found = re.search(pattern, self.said)
        assert found is not None
        return found.group(1)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def end(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()

    @contextmanager
    def worker_held(self) -> Iterator[None]:
        """The training process does nothing in the block, and keeps nobody from MLflow's store."""
        children = psutil.Process(self.process.pid).children()
        (worker,) = [child for child in children if "smart_tuner.worker" in child.cmdline()]
        worker.suspend()
        while has_locked(worker.pid, self._folder / "runs" / "tracking" / "mlflow.lock"):
            worker.resume()
            time.sleep(0.02)
            worker.suspend()
        try:
            yield
        finally:
            worker.resume()


def has_locked(pid: int, file: Path) -> bool:
    """Whether the process holds the lock on the file, as the kernel lists them."""
    if not file.exists():
        return False
    inode = str(file.stat().st_ino)
    locks = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return any(lock[-4] == str(pid) and lock[-3].split(":")[-1] == inode for lock in locks)


@dataclass(frozen=True)
class Watched:
    """The first run: what it left, and what was seen while it ran."""

    folder: Path
    run: RunFolder
    status: int
    said: str
    mlflow_page: str
    tensorboard_page: str
    experiments_served: list[str]
    runs_served_by_tensorboard: list[str]
    browser_calls: list[str]

    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.run.summary_file.read_text(encoding="utf-8")))


@contextmanager
def port_taken(port: int) -> Iterator[None]:
    """Somebody listens on the port: this process, if nobody else does."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen()
        except OSError:
            pass  # somebody else does
        yield


def get(page: str, path: str) -> Any:
    """JSON from the server of a page."""
    server = urlsplit(page)
    with OPENER.open(f"{server.scheme}://{server.netloc}{path}", timeout=30) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a folder ю")


@pytest.fixture(scope="module")
def watched(folder: Path) -> Watched:
    calls, browser = folder / "calls.txt", folder / "browser.sh"
    browser.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> "{calls}"\n')
    browser.chmod(0o755)
    with port_taken(DEFAULT_MLFLOW_PORT):
        command = Command(folder, BROWSER=str(browser))
        try:
            command.wait_for("(measuring the speed)")
            with command.worker_held():
                mlflow = command.wait_for(r"MLflow answers on (\S+)")
                tensorboard = command.wait_for(r"TensorBoard answers on (\S+)")
                found = get(mlflow, "/api/2.0/mlflow/experiments/search?max_results=10")
                served = get(tensorboard, "/data/runs")
                command.wait_until(calls.exists)
        finally:
            status = command.end()
    (run,) = list_runs(folder / "runs")
    experiments = [experiment["name"] for experiment in found["experiments"]]
    seen = (mlflow, tensorboard, experiments, served, calls.read_text().splitlines())
    return Watched(folder, run, status, command.said, *seen)


def smart_tuner(folder: Path, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Another command of the package, in the folder with the runs."""
    return subprocess.run(
        [sys.executable, "-m", "smart_tuner.cli", *arguments],
        cwd=folder,
        env=environment(),
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_it_ends_well_and_stops_the_interfaces(watched: Watched) -> None:
    assert watched.status == 0, watched.said
    for page in (watched.mlflow_page, watched.tensorboard_page):
        with pytest.raises(OSError):
            get(page, "/")
    left = [process for process in psutil.process_iter() if str(watched.folder) in _command_line(process)]
    assert left == []


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def test_the_interfaces_answered_while_it_ran(watched: Watched) -> None:
    assert "smart-tuner" in watched.experiments_served
    assert isinstance(watched.runs_served_by_tensorboard, list)
    assert (urlsplit(watched.mlflow_page).port or 0) > DEFAULT_MLFLOW_PORT  # that one was taken
    assert watched.browser_calls == [watched.mlflow_page]


def test_what_it_costs_is_told_before_the_training_begins(watched: Watched) -> None:
    assert 0 < watched.said.index("estimated: ") < watched.said.index("training: ")
    assert re.search(r"estimated: \d+ s of training .*, \d+ MiB of disk", watched.said)
    events = [stamped.event for stamped in read_events(watched.run.events_file)[0]]
    order = [type(event) for event in events if isinstance(event, EstimateEvent | StartedEvent | StepEvent)]
    assert order[:3] == [EstimateEvent, StartedEvent, StepEvent]
    splits = {event.split: event.clips for event in events if isinstance(event, DataEvent)}
    assert splits["test"] == NUM_TEST_CLIPS and set(splits) == {"train", "validation", "test"}


def test_it_leaves_a_voice_with_figures(watched: Watched) -> None:
    sounds = sorted(watched.run.samples_folder.glob("*.wav"))
    assert len(sounds) == NUM_TEST_CLIPS
    for path in sounds:
        with wave.open(str(path)) as sound:
            assert sound.getframerate() == 22050 and sound.getnframes() > 0
    assert str(watched.run.samples_folder) in watched.said
    summary = watched.summary()
    assert summary["outcome"]["cause"] == "completed"
    assert summary["training"]["steps"]["value"] == NUM_STEPS
    assert {"attention_alignment", "nearest_own_rate", "never_stopped"} <= set(summary["examination"])
    figures = [figure for part in ("examination", "training", "data") for figure in summary[part].values()]
    assert all(set(figure) == {"value", "how"} and figure["how"] for figure in figures)


def test_it_keeps_two_states_the_best_weights_and_pictures_of_attention(watched: Watched) -> None:
    names = sorted(path.name for path in watched.run.checkpoints_folder.glob("*.ckpt"))
    assert names[0].startswith("best-")
    assert names[1:] == ["state-0000015.ckpt", f"state-{NUM_STEPS:07d}.ckpt"]
    pictures = sorted(path.name for path in (watched.run.path / "attention").iterdir())
    assert pictures == ["step-0000015.png", "step-0000030.png"]


def test_the_list_of_runs_shows_it(watched: Watched) -> None:
    answer = smart_tuner(watched.folder, "runs", "list")
    (line,) = [line for line in answer.stdout.splitlines() if watched.run.name in line]
    assert line.split()[1:3] == ["completed", str(NUM_STEPS)]


@pytest.mark.parametrize("source", ["argument", "file", "standard input"])
def test_its_voice_speaks(watched: Watched, source: str) -> None:
    text, target = "Hi there.", watched.folder / f"{source}.wav"
    written = watched.folder / "text.txt"
    written.write_text(text + "\n", encoding="utf-8")
    options = {"argument": [text], "file": [f"--file={written}"], "standard input": []}[source]
    answer = smart_tuner(
        watched.folder,
        "synthesize",
        f"--run={watched.run.name}",
        f"--output={target}",
        *options,
        given=text if source == "standard input" else None,
    )
    assert answer.returncode == 0, answer.stderr
    with wave.open(str(target)) as sound:
        assert sound.getnframes() > 0
    assert re.search(r"attention_alignment (\d\.\d\d|not measurable)", answer.stdout)
    assert re.search(r"ended by: (stop token|length bound)", answer.stdout)


def mlflow_run(run: RunFolder) -> tuple[Any, Any]:
    from mlflow import MlflowClient

    client = MlflowClient(database_uri(run.root / "tracking"))
    experiment = client.get_experiment_by_name("smart-tuner")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (found,) = [found for found in runs if found.info.run_name == run.name]
    return client, found


def test_mlflow_holds_all_of_it(watched: Watched) -> None:
    client, found = mlflow_run(watched.run)
    assert found.info.status == "FINISHED"
    assert found.data.params["train.max_steps"] == str(NUM_STEPS)
    for name in ("train/loss/total", "validation/quality", "voice/attention_alignment"):
        assert name in found.data.metrics
    run_id = found.info.run_id
    places = {folder: client.list_artifacts(run_id, folder) for folder in ("", "attention", "audio")}
    assert {"summary.json", "run.yaml"} <= {artifact.path for artifact in places[""]}
    assert len(places["attention"]) == 2 and len(places["audio"]) == 4
    stored = client.download_artifacts(run_id, "summary.json")
    assert Path(stored).read_text() == watched.run.summary_file.read_text()


@dataclass(frozen=True)
class Interrupted:
    """The second run: ended by SIGTERM, then the same command once more."""

    run: RunFolder
    refused: tuple[int, str]
    first: tuple[int, str]
    state_in_between: str
    second: tuple[int, str]


@pytest.fixture(scope="module")
def interrupted(watched: Watched) -> Interrupted:
    def steps() -> list[RunFolder]:
        return [run for run in list_runs(watched.folder / "runs")[1:] if '"step"' in _text(run.events_file)]

    first = Command(watched.folder, "--no-services")
    try:
        first.wait_until(lambda: bool(steps()))
        with first.worker_held():
            other = Command(watched.folder, "--no-services")
            refused = other.end(), other.said
            first.process.send_signal(signal.SIGTERM)
            first.wait_for("(stopping: a checkpoint is written)")
    finally:
        first_status = first.end()
    (run,) = steps()
    between = smart_tuner(watched.folder, "runs", "list").stdout
    second = Command(watched.folder, "--no-services")
    second_status = second.end()
    return Interrupted(run, refused, (first_status, first.said), between, (second_status, second.said))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_the_same_command_after_a_finished_run_makes_a_new_one(interrupted: Interrupted) -> None:
    assert f"New run {interrupted.run.name}" in interrupted.first[1]


def test_a_second_start_at_once_is_refused_in_words(interrupted: Interrupted) -> None:
    status, said = interrupted.refused
    assert status == 2
    assert f"{interrupted.run.name} is already being worked on" in said and "--new" in said
    assert "Traceback" not in said


def test_sigterm_ends_it_in_order(interrupted: Interrupted) -> None:
    status, said = interrupted.first
    assert status == 128 + signal.SIGTERM, said
    assert "The run ended: terminated" in said and "same command" in said
    assert re.search(rf"{interrupted.run.name} +terminated", interrupted.state_in_between)


def test_the_same_command_goes_on_where_it_stopped(interrupted: Interrupted, watched: Watched) -> None:
    status, said = interrupted.second
    assert status == 0, said
    assert f"Going on with the run {interrupted.run.name}" in said
    events = [stamped.event for stamped in read_events(interrupted.run.events_file)[0]]
    assert [event.step for event in events if isinstance(event, StepEvent)] == [*range(1, NUM_STEPS + 1)]
    resumed = [event.resumed_from_step for event in events if isinstance(event, StartedEvent)]
    assert resumed[0] is None and 0 < (resumed[1] or 0) < NUM_STEPS and len(resumed) == 2
    assert [run.name for run in list_runs(watched.folder / "runs")] == [
        watched.run.name,
        interrupted.run.name,
    ]


def test_mlflow_shows_both_attempts_as_one_run(interrupted: Interrupted) -> None:
    client, found = mlflow_run(interrupted.run)
    assert (found.info.status, found.data.tags["cause"]) == ("FINISHED", "completed")
    history = client.get_metric_history(found.info.run_id, "train/loss/total")
    assert [metric.step for metric in history] == [*range(1, NUM_STEPS + 1)]


def test_the_demo_corpus_can_be_made_alone(folder: Path) -> None:
    target = folder / "corpus"
    answer = smart_tuner(folder, "data", "demo", "--preset=debug", f"--folder={target}")
    assert answer.returncode == 0, answer.stderr
    assert f"test.txt: {NUM_TEST_CLIPS} utterances" in answer.stdout
    lists = {path.name for path in target.rglob("*.txt")}
    assert lists == {"train.txt", "validation.txt", "test.txt"}
