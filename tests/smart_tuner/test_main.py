"""The main job around a fake worker: what it decides, tells, writes and returns."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

import smart_tuner
from smart_tuner import main as job
from smart_tuner.config import Config, ServiceSettings, SupervisorSettings
from smart_tuner.early_stop_settings import EarlyStopSettings
from smart_tuner.faults import Fault
from smart_tuner.main import MachineError, SmartTunerMain
from smart_tuner.messages import ServicePhrase
from smart_tuner.progress import Output, Verbosity
from smart_tuner.records import EventWriter, ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder, create, list_runs
from smart_tuner.services import ServiceAddress
from smart_tuner.summary import phase_seconds, summarise
from tacotron2.events import (
    Event,
    ExaminedEvent,
    FinishedEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
SOURCE = Path(__file__).parents[2] / "src"
CONFIG = Config(
    "debug", services=ServiceSettings(enabled=False), supervisor=SupervisorSettings(max_restarts=0)
)


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


class FakeTracker:
    """Notes what there is to show when it is started."""

    shown: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, run: Path, tracking_root: Path) -> None:
        assert tracking_root == run.parent / "tracking"
        self._run = RunFolder(run)

    def start(self) -> None:
        last = read_events(self._run.events_file)[0][-1].event
        assert isinstance(last, FinishedEvent | ExaminedEvent)
        summary = json.loads(self._run.summary_file.read_text())
        assert self._run.is_locked()
        self.shown.append((last.kind, summary["outcome"]["cause"]))

    def close(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What the parent showed in MLflow and TensorBoard after the worker's end."""
    monkeypatch.setattr(FakeTracker, "shown", [])
    monkeypatch.setattr(job, "Tracker", FakeTracker)
    return FakeTracker.shown


@pytest.fixture(autouse=True)
def _roomy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enough memory and disk, whatever else the real machine does at the moment."""
    real, plenty = job.inspect_machine, 2**40
    monkeypatch.setattr(
        job,
        "inspect_machine",
        lambda root: replace(real(root), memory_free_bytes=plenty, disk_free_bytes=plenty),
    )


def fake(scenario: str) -> Callable[[RunFolder, str], Sequence[str]]:
    return lambda run, device: [sys.executable, str(FAKE_WORKER), str(run.path), scenario]


def do(
    root: Path, scenario: str, new: bool = False, verbosity: Verbosity = Verbosity.NORMAL
) -> tuple[int, str]:
    stream = io.StringIO()
    main = SmartTunerMain(
        CONFIG, Output(stream, verbosity), runs_folder=root, new=new, command=fake(scenario)
    )
    return main.run(), stream.getvalue()


def test_the_public_name_is_this_class() -> None:
    assert smart_tuner.SmartTunerMain is SmartTunerMain
    with pytest.raises(AttributeError, match="SmartTuner"):
        smart_tuner.SmartTuner  # noqa: B018


def test_a_run_that_completes_leaves_a_summary_and_says_where_the_voice_is(
    tmp_path: Path, shown: list[tuple[str, str]]
) -> None:
    status, said = do(tmp_path, "complete")
    assert status == 0
    assert shown == [("examined", "completed")]
    (run,) = list_runs(tmp_path)
    for part in ("CPU cores", "New run", "estimated: 15 s", "step 10", str(run.samples_folder), "alignment"):
        assert part in said
    assert str(run.report_file) in said
    assert "completed" in run.report_file.read_text(encoding="utf-8")
    summary = json.loads(run.summary_file.read_text())
    assert summary["examination"]["attention_alignment"] == {"value": 0.8, "how": "measured"}
    assert summary["training"]["steps"]["value"] == 30
    assert summary["training"]["aligned_at_step"]["value"] == 20
    assert summary["attempts"][0]["seed"] == 1234
    assert summary["machine"]["cores"] >= 1
    assert "train: 2 of 14 clips left out" in said and "4 characters dropped ('@' 3 times, '#' once)" in said
    assert summary["data"]["train_left_out"]["value"] == 2
    assert summary["data"]["train_audio_seconds"]["value"] == 30.5
    assert summary["data"]["train_dropped_characters"]["value"] == {"@": 3, "#": 1}
    figures = [figure for part in ("examination", "training", "data") for figure in summary[part].values()]
    assert all(set(figure) == {"value", "how"} and figure["how"] for figure in figures)


@pytest.mark.parametrize(
    ("preset", "own", "warned"), [("demo", True, True), ("demo", False, False), ("debug", True, False)]
)
def test_the_demo_preset_on_recordings_of_ones_own_is_warned_about(
    tmp_path: Path, preset: str, own: bool, warned: bool
) -> None:
    config = replace(CONFIG, preset=preset, data_folder=tmp_path / "mine" if own else None)
    stream = io.StringIO()
    output = Output(stream, Verbosity.QUIET)
    assert SmartTunerMain(config, output, runs_folder=tmp_path, command=fake("complete")).run() == 0
    assert ("warning: the preset demo was made for the short clips" in stream.getvalue()) == warned


def test_a_run_without_a_voice_says_so(tmp_path: Path) -> None:
    status, said = do(tmp_path, "no_voice", verbosity=Verbosity.QUIET)
    assert status == 11
    assert "The run ended: no_voice. train.txt, line 3" in said and "let it speak" not in said


def test_a_training_that_a_controller_ended_leaves_a_voice_and_its_reason(tmp_path: Path) -> None:
    status, said = do(tmp_path, "stop_early", verbosity=Verbosity.QUIET)
    assert status == 0  # the attempt has that of its cause, for a person the job is done
    assert "The training was ended early: converged: no gain in quality for 5 validations" in said
    for part in ("Done.", "alignment of held-out sentences: 0.80", "let it speak"):
        assert part in said
    assert "same command" not in said  # nothing is left to do
    (run,) = list_runs(tmp_path)
    summary = json.loads(run.summary_file.read_text())
    assert summary["outcome"]["cause"] == "stopped"
    (decision,) = summary["decisions"]
    assert (decision["step"], decision["verdict"], decision["reason"]) == (20, "stop", "converged")
    assert decision["parameters"]["best_step"] == 20
    assert "New run" in do(tmp_path, "complete")[1]


@pytest.mark.parametrize("stop", [True, False])
def test_early_stopping_that_can_never_happen_is_warned_about(tmp_path: Path, stop: bool) -> None:
    config = replace(
        CONFIG,
        hparams=CONFIG.hparams.replace(max_steps=1000, validate_every=100),
        early_stop=EarlyStopSettings(early_stopping=stop),
    )
    stream = io.StringIO()
    output = Output(stream, Verbosity.QUIET)
    assert SmartTunerMain(config, output, runs_folder=tmp_path, command=fake("complete")).run() == 0
    warned = "warning: early stopping is on and can never happen: of 9 validations" in stream.getvalue()
    assert warned is stop


def test_quiet_leaves_the_warning_and_the_result(tmp_path: Path) -> None:
    _, said = do(tmp_path, "complete", verbosity=Verbosity.QUIET)
    assert said.startswith("warning: the texts look German\nDone.")


@pytest.mark.parametrize(
    ("scenario", "status", "words"),
    [
        ("data_error", 30, "line 3"),
        ("non_finite", 20, "non_finite"),
        ("killed", 1, "memory"),
        ("21", 21, "21"),
    ],
)
def test_a_failure_says_what_where_and_how_to_go_on(
    tmp_path: Path, shown: list[tuple[str, str]], scenario: str, status: int, words: str
) -> None:
    returned, said = do(tmp_path, scenario, verbosity=Verbosity.QUIET)
    (run,) = list_runs(tmp_path)
    assert returned == status
    assert shown == [("finished", run.outcome().cause.value)]  # type: ignore[union-attr]
    for part in (words, str(run.log_file), "same command", "--new", str(run.report_file)):
        assert part in said
    assert run.outcome().cause.value in run.report_file.read_text(encoding="utf-8")  # type: ignore[union-attr]
    assert json.loads(run.summary_file.read_text())["outcome"]["cause"] == run.outcome().cause.value  # type: ignore[union-attr]


def test_failed_then_resumed_then_finished_then_new(tmp_path: Path) -> None:
    assert "New run" in do(tmp_path, "killed")[1]
    (run,) = list_runs(tmp_path)
    status, said = do(tmp_path, "complete")
    assert status == 0 and f"Going on with the run {run.name}" in said
    assert "New run" in do(tmp_path, "complete")[1]
    assert len(list_runs(tmp_path)) == 2


def test_faults_make_a_new_run_and_are_in_its_folder_before_anything_starts(tmp_path: Path) -> None:
    do(tmp_path, "killed")
    stream, faults = io.StringIO(), [Fault("kill", 3), Fault("oom", 2)]
    main = SmartTunerMain(
        CONFIG, Output(stream), runs_folder=tmp_path, faults=faults, command=fake("complete")
    )
    assert main.run() == 0
    first, second = list_runs(tmp_path)
    assert not first.faults_file.exists()
    assert json.loads(second.faults_file.read_text()) == [
        {"kind": "kill", "step": 3},
        {"kind": "oom", "step": 2},
    ]
    assert "warning: this run is made to go wrong, as --inject says: kill@3, oom@2" in stream.getvalue()


def test_a_run_that_was_started_again_tells_it_on_screen_and_in_its_summary(tmp_path: Path) -> None:
    config = replace(CONFIG, supervisor=SupervisorSettings(backoff_s=0.001))
    stream = io.StringIO()
    scenarios = "non_finite@45/20/40!43,77,complete"
    main = SmartTunerMain(
        config, Output(stream, Verbosity.QUIET), runs_folder=tmp_path, command=fake(scenarios)
    )
    assert main.run() == 0
    (run,) = list_runs(tmp_path)
    said = stream.getvalue()
    assert "warning: the attempt ended: non_finite at step 43." in said
    assert "restart 1 in 0.001 s: going on from step 40; learning rate x 0.5" in said
    assert "the attempt ended: crashed at step 40. the worker ended with status 77" in said
    summary = json.loads(run.summary_file.read_text())
    assert [attempt["ended"]["cause"] for attempt in summary["attempts"]] == [
        "non_finite",
        "crashed",
        "completed",
    ]
    assert "seed" not in summary["attempts"][1]  # its training never began
    assert [restart["resume_step"] for restart in summary["restarts"]] == [40, 40]
    assert [incident["step"] for incident in summary["incidents"]] == [43]


def test_a_run_that_is_given_up_ends_with_the_last_cause_and_the_whole_story(tmp_path: Path) -> None:
    config = replace(CONFIG, supervisor=SupervisorSettings(backoff_s=0.001, max_restarts=1))
    stream = io.StringIO()
    main = SmartTunerMain(config, Output(stream), runs_folder=tmp_path, command=fake("77@9,21@7"))
    assert main.run() == 21
    (run,) = list_runs(tmp_path)
    for told in (stream.getvalue(), json.loads(run.summary_file.read_text())["outcome"]["message"]):
        assert "given up after 1 restart" in told and "crashed at step 9" in told
    assert "Start the same command again" in stream.getvalue()


def test_a_machine_that_is_too_small_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = job.inspect_machine
    monkeypatch.setattr(job, "inspect_machine", lambda root: replace(real(root), memory_free_bytes=10))
    with pytest.raises(MachineError, match="memory"):
        do(tmp_path / "runs", "complete")
    assert not (tmp_path / "runs").exists()


NO_ANSWER = ServicePhrase.NO_ANSWER(name="TensorBoard", url="http://localhost:6006", log="t.log")


class FakeServices:
    """Notes its life; TensorBoard never becomes ready."""

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def __call__(self, settings: ServiceSettings, tracking: Path, runs: Path, **_: object) -> FakeServices:
        return self

    def __enter__(self) -> FakeServices:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        if "stopped" not in self._log:
            self._log.append("stopped")

    def start(self, tell: Callable[[ServiceAddress], None]) -> None:
        self._log.append("started")
        tell(ServiceAddress("MLflow", "http://localhost:5000", True))
        tell(ServiceAddress("TensorBoard", "http://localhost:6006", False, NO_ANSWER))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("terminal", "waits"), [(True, True), (False, False)])
def test_the_interfaces_stay_up_only_where_somebody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool, waits: bool
) -> None:
    log: list[str] = []
    monkeypatch.setattr(job, "Services", FakeServices(log))
    monkeypatch.setattr(job, "wait_for_interrupt", lambda: log.append("waited"))
    stream = Terminal() if terminal else io.StringIO()
    config = replace(CONFIG, services=ServiceSettings())
    main = SmartTunerMain(config, Output(stream), runs_folder=tmp_path, command=fake("complete"))
    assert main.run() == 0
    assert log == (["started", "waited", "stopped"] if waits else ["started", "stopped"])
    assert "http://localhost:5000" in stream.getvalue()
    assert "the run goes on without TensorBoard: TensorBoard did not answer" in stream.getvalue()


def test_a_failed_run_does_not_wait_and_stops_the_interfaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    monkeypatch.setattr(job, "Services", FakeServices(log))
    config = replace(CONFIG, services=ServiceSettings())
    main = SmartTunerMain(config, Output(Terminal()), runs_folder=tmp_path, command=fake("data_error"))
    assert main.run() == 30
    assert log == ["started", "stopped"]


DRIVER = """
import sys
from pathlib import Path
from smart_tuner.config import Config, ServiceSettings
from smart_tuner import main as job
from smart_tuner.main import SmartTunerMain
from smart_tuner.progress import Output
config = Config("debug", services=ServiceSettings(enabled=False))
command = lambda run, device: [sys.executable, sys.argv[2], str(run.path), "patient"]
job.catch_up = lambda run: True
sys.exit(SmartTunerMain(config, Output(sys.stdout), runs_folder=Path(sys.argv[1]), command=command).run())
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_whole_command_ends_in_order_when_it_is_asked_to(
    tmp_path: Path, number: int, status: int
) -> None:
    command = [sys.executable, "-c", DRIVER, str(tmp_path), str(FAKE_WORKER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("training: 1,000 parameters"):
                os.kill(process.pid, number)
                break
        rest = process.stdout.read()
    assert process.returncode == status
    assert "stopping: a checkpoint is written first" in rest
    (run,) = list_runs(tmp_path)
    assert (run.path / "saved").exists()


STARTED = StartedEvent("cpu", "fp32", 1, 1234, 1000, 30, 12, 2, "abc", {})


def step(number: int) -> StepEvent:
    return StepEvent(number, 0, {}, 0.7, 1e-3, 0.0, 0.1, 1.0, 0.0, 0.5)


def test_phases_add_up_over_attempts_also_when_cut_off() -> None:
    events: list[tuple[float, Event]] = [
        (0, StageEvent("features", 0, 10)),
        (5, StageEvent("features", 10, 10)),
        (6, StageEvent("training", 0, 1)),
        (10, STARTED),
        (16, step(10)),  # killed here
        (100, StageEvent("features", 0, 10)),
        (101, StageEvent("features", 10, 10)),
        (102, StageEvent("training", 0, 1)),
        (109, step(20)),
        (112, StageEvent("training", 1, 1)),
    ]
    stream = [Stamped(time, event) for time, event in events]
    assert phase_seconds(stream) == {"features": 6.0, "training": 20.0}


def test_when_attention_formed_counts_training_alone(tmp_path: Path) -> None:
    def validation(number: int, alignment: float) -> ValidationEvent:
        return ValidationEvent(number, {}, {"attention_alignment": alignment}, 1.0)

    events: list[tuple[float, Event]] = [
        (10, STARTED),
        (30, validation(100, 0.4)),
        (1000, replace(STARTED, resumed_from_step=100)),
        (1015, validation(200, 0.41)),
        (1030, validation(300, 0.3)),
    ]
    run = create(tmp_path, CONFIG)
    with EventWriter(run.events_file):
        pass
    stream = [Stamped(time, event) for time, event in events]
    training = summarise(run, stream, job.inspect_machine(tmp_path), Outcome(ExitCause.COMPLETED))["training"]
    assert training["aligned_at_step"]["value"] == 200
    assert training["aligned_after_seconds"]["value"] == 35.0
    stream = stream[:2]
    training = summarise(run, stream, job.inspect_machine(tmp_path), Outcome(ExitCause.COMPLETED))["training"]
    assert training["aligned_at_step"]["value"] is None
