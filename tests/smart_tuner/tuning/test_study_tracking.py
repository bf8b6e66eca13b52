"""A trial's weights are on the server before it counts; a server that is none, or stays away, is told."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from smart_tuner.optimization_engine import TrialFailedError
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.tuning import study_tracking
from smart_tuner.tuning.storage_retries import Retries
from smart_tuner.tuning.study_tracking import (
    CAUSE,
    TRACKING_VARIABLE,
    StudyTracking,
    StudyTrackingError,
    files_of,
    uploading,
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A trial with two sets of weights and a record."""
    run = RunFolder(tmp_path / "studies" / "toy" / "trials" / "trial-0003")
    run.checkpoints_folder.mkdir(parents=True)
    for step, quality in ((2, 0.7), (4, 0.6)):
        weights = run.checkpoints_folder / f"best-{step:07d}.ckpt"
        weights.write_bytes(b"w" * step)
        Path(f"{weights}.json").write_text(f'{{"quality": {quality}, "step": {step}}}')
    run.settings_file.write_text("train: {}\n")
    run.events_file.write_text("")
    return run


class Door(http.server.BaseHTTPRequestHandler):
    """A server that answers everything with one status."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Door) as door:
        threading.Thread(target=door.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{door.server_port}"
        door.shutdown()


@pytest.mark.parametrize(
    "uri", ["runs/mlruns", "file:///tmp/mlruns", "sqlite:///mlflow.db", "http://", "server:5000"]
)
def test_what_is_no_server_is_refused(uri: str) -> None:
    with pytest.raises(StudyTrackingError, match="http://HOST:5000"):
        StudyTracking(uri, "toy")


def test_a_server_is_asked_before_the_first_trial(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRACKING_VARIABLE, "")
    uploading(f"http://{server}/", "toy")
    monkeypatch.setattr(Door, "status", 401)  # the password is the client's matter
    tracking = StudyTracking(f"http://tuner:s3cret@{server}", "toy")
    tracking.check()
    assert tracking.spoken == f"http://{server}"
    monkeypatch.setattr(Door, "status", 404)
    with pytest.raises(StudyTrackingError, match=r"no MLflow server answers there \(HTTP 404\)"):
        uploading(f"http://{server}", "toy")
    with pytest.raises(StudyTrackingError, match="refused") as caught:
        uploading("http://tuner:s3cret@127.0.0.1:1", "toy")
    assert "s3cret" not in str(caught.value)
    uploading(None, "toy")(SimpleNamespace())  # type: ignore[arg-type] # no server: nothing is done


def test_the_best_weights_and_the_record_are_what_is_sent(run: RunFolder) -> None:
    assert set(files_of(run)) == {
        *("run.yaml", "events.jsonl"),
        *("checkpoints/best-0000002.ckpt", "checkpoints/best-0000002.ckpt.json"),
    }
    for file in run.checkpoints_folder.iterdir():
        file.unlink()
    with pytest.raises(RunError):
        files_of(run)


def test_an_upload_is_tried_again_and_given_up(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[dict[str, str]] = []
    answers = iter(
        [
            subprocess.CompletedProcess([], 1, "", "some words\nuser:s3cret was refused\n"),
            subprocess.TimeoutExpired([], 120.0),
            subprocess.CompletedProcess([], 0, "", ""),
            *[subprocess.CompletedProcess([], 1, "", "Connection to s3cret refused\n")] * 3,
        ]
    )

    def answer(command: list[str], *, env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert "s3cret" not in " ".join(command)
        calls.append(env)
        given = next(answers)
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr(study_tracking.subprocess, "run", answer)
    waits: list[float] = []
    tracking = StudyTracking("http://tuner:s3cret@server:5000", "toy", Retries(attempts=3), waits.append)
    tracking.upload(run, 3)
    assert len(calls) == 3 and len(waits) == 2
    assert calls[0]["MLFLOW_TRACKING_URI"] == "http://tuner:s3cret@server:5000"
    with pytest.raises(StudyTrackingError) as caught:
        tracking.upload(run, 3)
    assert len(calls) == 6
    assert str(caught.value) == (
        "http://server:5000: the weights could not be brought there in 3 attempts: Connection to *** refused"
    )


def test_a_trial_whose_weights_do_not_arrive_has_failed(
    server: str, run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACKING_VARIABLE, "")
    before_complete = uploading(f"http://{server}", "toy")
    task = SimpleNamespace(run=run, number=3)
    monkeypatch.setattr(StudyTracking, "_attempt", lambda *arguments: "down")
    monkeypatch.setattr(Retries, "waits", lambda self, chance: iter([0.0] * (self.attempts - 1)))
    with pytest.raises(TrialFailedError) as caught:
        before_complete(task)  # type: ignore[arg-type]
    assert caught.value.cause == CAUSE and "6 attempts: down" in str(caught.value)
    monkeypatch.setattr(StudyTracking, "_attempt", lambda *arguments: None)
    before_complete(task)  # type: ignore[arg-type]
    for file in run.checkpoints_folder.iterdir():
        file.unlink()
    with pytest.raises(TrialFailedError) as without_weights:
        before_complete(task)  # type: ignore[arg-type]
    assert without_weights.value.cause == "no_voice"


@pytest.mark.slow
def test_a_real_client_does_not_hang_on_a_dead_server(run: RunFolder) -> None:
    tracking = StudyTracking("http://127.0.0.1:1", "toy", Retries(attempts=1))
    with pytest.raises(StudyTrackingError, match="in 1 attempts: .*127.0.0.1"):
        tracking.upload(run, 3)


def test_importing_it_loads_no_mlflow() -> None:
    code = "import sys, smart_tuner.tuning.study_tracking; print('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"
