"""The process that trains: every end of it leaves an outcome, a last record and an exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from smart_tuner import worker
from smart_tuner.attempt_end import whatever_happens
from smart_tuner.config import load_config
from smart_tuner.emitter import Emitter
from smart_tuner.records import EventWriter, ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder, create
from smart_tuner.stop_flag import StopFlag
from smart_tuner.supervisor import worker_command
from smart_tuner.tracking import Tracker
from tacotron2.events import Event, FinishedEvent, IncidentEvent, StepEvent
from tests.smart_tuner.fake_worker import save_state

SOURCE = Path(__file__).parents[2] / "src"
DEBUG = load_config("debug")
STEP = StepEvent(7, 0, {}, 0.7, 1e-3, 0.0, 0.1, 1.0, 0.0, 0.5)


class FakeTracker:
    """Says when it was closed: after the last record, before the outcome."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.closed_in_order = False

    def close(self, timeout_s: float) -> bool:
        self.closed_in_order = isinstance(last_event(self._run), FinishedEvent) and bool(self._run.outcome())
        return True


def last_event(run: RunFolder) -> Event:
    return read_events(run.events_file)[0][-1].event


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(ExitCause.COMPLETED, "trained", 7), FinishedEvent(7, "completed", 3.0)),
        # The training ended well, what came after it did not.
        (Outcome(ExitCause.TERMINATED, "stopped", 7), FinishedEvent(7, "terminated")),
        (None, FinishedEvent(7, "crashed")),
    ],
)
def test_the_end_is_told_once_and_as_it_was(
    tmp_path: Path, outcome: Outcome | None, expected: FinishedEvent
) -> None:
    run = create(tmp_path, DEBUG)
    tracker = FakeTracker(run)
    with EventWriter(run.events_file) as writer:
        emit = Emitter(writer)
        emit(STEP)
        emit(FinishedEvent(7, "completed", 3.0))
        try:
            with whatever_happens(run, emit, cast(Tracker, tracker)) as outcomes:
                if outcome is None:
                    raise ZeroDivisionError("by nothing")
                outcomes.append(outcome)
        except ZeroDivisionError:
            assert outcome is None
    assert [stamped.event for stamped in read_events(run.events_file)[0]] == [STEP, expected]
    written = run.outcome()
    assert written is not None and written.cause.value == expected.cause
    assert outcome in (written, None)
    assert outcome or "ZeroDivisionError: by nothing" in written.message
    assert tracker.closed_in_order


def job_of(run: RunFolder, writer: EventWriter) -> worker.Job:
    return worker.Job(run, run.config(), worker.Assignment("cpu"), Emitter(writer), StopFlag())


def test_every_error_of_a_training_has_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from tacotron2.checkpoint import CheckpointError
    from tacotron2.files import StorageError
    from tacotron2.training import LostRankError, NonFiniteLossError
    from tacotron2.training.state import NonFiniteWeightsError

    def one_too_many() -> None:
        torch.empty(1 << 48)

    def failing(error: BaseException) -> Callable[[], None]:
        def fail() -> None:
            raise error

        return fail

    run = create(tmp_path, DEBUG)
    ends: list[tuple[Callable[[], None], ExitCause]] = [
        (failing(torch.OutOfMemoryError("CUDA out of memory")), ExitCause.OUT_OF_MEMORY),
        (failing(MemoryError()), ExitCause.OUT_OF_MEMORY),
        (one_too_many, ExitCause.OUT_OF_MEMORY),
        (failing(NonFiniteLossError("3 within 10")), ExitCause.NON_FINITE),
        (failing(NonFiniteWeightsError("gate")), ExitCause.NON_FINITE),
        (failing(StorageError("full")), ExitCause.STORAGE_ERROR),
        (failing(CheckpointError("damaged")), ExitCause.DATA_ERROR),
        (failing(LostRankError("gone")), ExitCause.CRASHED),
    ]
    with EventWriter(run.events_file) as writer:
        for fail, cause in ends:
            monkeypatch.setattr(worker.Job, "execute", lambda job, fail=fail: fail())
            outcome = worker.attempt(run, worker.Assignment("cpu"), Emitter(writer), StopFlag())
            assert (outcome.cause, bool(outcome.message)) == (cause, True)
        monkeypatch.setattr(worker.Job, "execute", lambda job: failing(RuntimeError("a shape"))())
        with pytest.raises(RuntimeError, match="a shape"):
            worker.attempt(run, worker.Assignment("cpu"), Emitter(writer), StopFlag())


def test_memory_is_measured_before_a_training_begins_and_not_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured is told, and asked for."""
    from tacotron2 import training
    from tacotron2.training.memory import MemoryFit

    asked: list[list[training.Request]] = []

    def train(job: worker.Job, train_set: object, held_out: object, requests: list[training.Request]) -> Any:
        asked.append(requests)
        return SimpleNamespace(cause="terminated", step=3)

    sets = dict.fromkeys(("train", "validation", "test"), SimpleNamespace(text_lengths=[5], lengths=[30]))
    cost = SimpleNamespace(step_seconds=0.1, train_seconds=1.0, disk_bytes=9, seconds_by_r={})
    monkeypatch.setattr(worker.Job, "_sets", lambda job: sets)
    monkeypatch.setattr(worker.Job, "_train", train)
    monkeypatch.setattr(training, "fit_memory", lambda *_: MemoryFit(8, 5, 4))
    monkeypatch.setattr(training, "estimate", lambda *_: cost)
    run = create(tmp_path, DEBUG)
    with EventWriter(run.events_file) as writer:
        assert job_of(run, writer).execute().cause is ExitCause.TERMINATED
        save_state(run.path, 3)
        job_of(run, writer).execute()
    begun, gone_on = asked
    assert [(request.knob, request.factor) for request in begun] == [("micro_batches", 4.0)]
    assert gone_on == []
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    (incident,) = [event for event in events if isinstance(event, IncidentEvent)]
    assert (incident.incident, incident.details["needed_bytes"]) == ("micro_batch", 5)


def test_a_worker_is_told_whose_end_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for later, the parent of one whose supervisor was killed at once would be somebody else."""
    run, watched = RunFolder(tmp_path), list[int]()

    def lead(run: RunFolder, assigned: worker.Assignment, parent: int, stop: StopFlag) -> int:
        watched.append(parent)
        return 0

    monkeypatch.setattr(worker, "lead", lead)
    monkeypatch.setattr(StopFlag, "install", lambda flag: None)
    _, _, _, *told = worker_command(run, "cpu")
    for arguments in ([str(run.path), *told[1:]], [str(run.path)]):
        assert worker.main(arguments) == 0
    assert watched == [os.getpid(), os.getppid()]


@pytest.mark.slow
def test_recordings_that_are_not_there_are_a_data_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    run = create(tmp_path, replace(DEBUG, data_folder=tmp_path / "nowhere"))
    command = [sys.executable, "-m", "smart_tuner.worker", str(run.path), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCause.DATA_ERROR.code, done.stderr
    outcome = run.outcome()
    assert outcome is not None and outcome.cause is ExitCause.DATA_ERROR
    assert str(tmp_path / "nowhere") in outcome.message
    assert last_event(run) == FinishedEvent(0, "data_error")
    assert run.heartbeat_file.exists()


@pytest.mark.slow
def test_recordings_of_which_none_can_be_used_are_a_data_error_and_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    folder = tmp_path / "mine"
    (folder / "wavs").mkdir(parents=True)
    (folder / "wavs" / "a.wav").touch()
    (folder / "metadata.csv").write_text("a|hello\nb|there\n")
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    run = create(tmp_path / "runs", replace(DEBUG, data_folder=folder))
    command = [sys.executable, "-m", "smart_tuner.worker", str(run.path), "--device", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == ExitCause.DATA_ERROR.code, done.stderr
    outcome = run.outcome()
    assert outcome is not None
    assert "none of 2 clips can be used" in outcome.message
    assert "1 unreadable recording, 1 no such recording" in outcome.message
    (table,) = (tmp_path / "runs" / "data").glob("own-*/rejected.tsv")
    assert str(table) in outcome.message
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before
