"""Studies whose trials are real processes: killed ones go on, and twenty leave nothing behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from smart_tuner.optimization_engine import TrialTask
from smart_tuner.records import read_events
from smart_tuner.run_folder import RunFolder, RunLockedError
from smart_tuner.tuning.study_folder import study_folder
from tacotron2.events import RestartEvent, StartedEvent
from tests.smart_tuner.toy_optimize import toy_job

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).with_name("toy_optimize.py")
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")


def record(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(study_folder(root, "toy").record_file.read_text())
    return content


def trial_folder(root: Path, number: int) -> RunFolder:
    return study_folder(root, "toy").trial(number)


def started(run: RunFolder) -> list[int | None]:
    """From where each attempt at a trial went on."""
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    return [event.resumed_from_step for event in events if isinstance(event, StartedEvent)]


def pid_of(root: Path, run: RunFolder, attempt: int = 0) -> int:
    """The process of a trial, once it has saved what it is to go on from."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        lines = (root / "pids").read_text().splitlines() if (root / "pids").exists() else []
        found = [int(line.split()[1]) for line in lines if line.split()[0] == run.name]
        if len(found) > attempt and (run.checkpoints_folder / "state-0000004.ckpt.json").exists():
            return found[attempt]
        time.sleep(0.05)
    raise AssertionError(f"{run.name} was not begun")


@pytest.mark.parametrize("killed", ["parent", "child", "both"])
def test_a_killed_study_goes_on_with_the_same_command(tmp_path: Path, killed: str) -> None:
    (tmp_path / "fault").write_text("wait@5")
    command = [sys.executable, str(TOY), str(tmp_path), "3"]
    parent = subprocess.Popen(command)
    run = trial_folder(tmp_path, 0)
    child = pid_of(tmp_path, run)
    (tmp_path / "fault").unlink()
    if killed in ("parent", "both"):
        parent.kill()
        assert parent.wait() == -signal.SIGKILL
    if killed in ("child", "both"):
        os.kill(child, signal.SIGKILL)
    status = parent.wait(PATIENCE_S) if killed == "child" else subprocess.run(command, check=False).returncode
    assert status == 0
    told = record(tmp_path)
    scores = [trial["score"] for trial in told["trials"] if trial["state"] == "COMPLETE"]
    assert len(scores) == 3 and told["failed_by"] in ({}, {"running": 1})
    assert started(run) == [None, 4]  # what was saved at step 4 is not done again
    if killed == "child":
        events = [stamped.event for stamped in read_events(run.events_file)[0]]
        assert any(isinstance(event, RestartEvent) for event in events)


def test_two_commands_do_not_work_on_one_study(tmp_path: Path) -> None:
    folder = study_folder(tmp_path, "toy")
    folder.create()
    lock = folder.lock()
    with pytest.raises(RunLockedError, match="another command works on this study"):
        toy_job(tmp_path, 3).optimize()
    lock.release()


def test_ctrl_c_ends_the_study_and_its_trial_goes_on(tmp_path: Path) -> None:
    (tmp_path / "fault").write_text("wait@5")
    command = [sys.executable, str(TOY), str(tmp_path), "3"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    pid_of(tmp_path, trial_folder(tmp_path, 0))
    parent.send_signal(signal.SIGINT)
    words, _ = parent.communicate(timeout=PATIENCE_S)
    assert parent.returncode == 130
    assert "The same command goes on with it" in words
    (tmp_path / "fault").unlink()
    assert subprocess.run(command, check=False).returncode == 0
    assert started(trial_folder(tmp_path, 0)) == [None, 4]
    assert record(tmp_path)["states"] == {"COMPLETE": 3, "FAIL": 1}


def test_twenty_trials_leave_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Memory, descriptors, threads, children and weights on disk: flat from the fifth trial on."""
    gc.collect()  # what other tests have left behind is closed now, not in the middle
    process, rows = psutil.Process(), list[tuple[int, ...]]()
    others = set(process.children(recursive=True))

    def look(task: TrialTask) -> None:
        kept = [path for path in tmp_path.rglob("*.ckpt") if path.parent.parent != task.run.path]
        rows.append(
            (
                process.memory_info().rss,
                process.num_fds(),
                process.num_threads(),
                len(set(process.children(recursive=True)) - others),
                len({path.parent for path in kept}),
            )
        )

    assert toy_job(tmp_path, 20, look).optimize() == 0
    assert len(rows) == 20
    memory, descriptors, threads, children, weights = zip(*rows[5:], strict=True)
    assert max(memory) - min(memory) < 12 * 2**20
    assert max(descriptors) - min(descriptors) <= 2 and max(threads) - min(threads) <= 1
    assert set(children) == {0}
    assert max(weights) <= 1  # those of the best trial
    assert len(list((study_folder(tmp_path, "toy").path / "trials").glob("trial-*/events.jsonl"))) == 20
