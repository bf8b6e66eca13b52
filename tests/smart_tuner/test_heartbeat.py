"""The sign of life: what a silence is, what standing still is, and what neither is."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from smart_tuner.config import Config
from smart_tuner.emitter import Emitter
from smart_tuner.heartbeat import LONGEST_GAP_S, Heartbeat, HeartbeatThread, Work, beat
from smart_tuner.records import EventWriter
from smart_tuner.run_folder import RunFolder, create
from smart_tuner.supervisor import POLL_S
from tacotron2.events import StageEvent


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path, Config("debug"))


class Watched:
    """A heartbeat under a clock that the test sets."""

    def __init__(self, run: RunFolder) -> None:
        self.now = 0.0
        self._file = run.heartbeat_file
        self.heartbeat = Heartbeat(run, lambda: self.now)

    def look_after(self, seconds: float) -> tuple[float, float]:
        """Silent and standing for how long, by looks every `POLL_S` in so many seconds."""
        for _ in range(round(seconds / POLL_S)):
            self.now += POLL_S
            self.heartbeat.look()
        return round(self.heartbeat.look(), 6), round(self.heartbeat.standing_s, 6)

    def beat(self, count: int, time: float) -> None:
        beat(self._file, count)
        os.utime(self._file, (time, time))


def test_time_in_which_we_did_not_run_is_no_silence(run: RunFolder) -> None:
    run.heartbeat_file.touch()
    watched = Watched(run)
    assert watched.look_after(2.0) == (2.0, 2.0)
    watched.now += 3600.0
    silent, standing = watched.look_after(0.0)
    assert silent == standing == pytest.approx(2.0 + LONGEST_GAP_S)
    os.utime(run.heartbeat_file, (5, 5))
    assert watched.heartbeat.look() == 0.0


def test_a_sign_of_life_is_no_progress(run: RunFolder) -> None:
    watched = Watched(run)
    watched.beat(0, 1.0)
    assert watched.look_after(0.0) == (0.0, 0.0)
    watched.look_after(1.0)
    watched.beat(0, 2.0)
    assert watched.look_after(1.0) == (1.0 - POLL_S, 2.0)
    watched.beat(1, 3.0)
    assert watched.look_after(1.0) == (1.0 - POLL_S, 1.0 - POLL_S)


def test_a_clock_of_the_machine_that_jumps_changes_nothing(run: RunFolder) -> None:
    """Times of files are compared with each other alone: any change is a sign, also into the past."""
    watched = Watched(run)
    watched.beat(0, 1e9)
    watched.look_after(1.0)
    watched.beat(0, 5.0)
    assert watched.look_after(0.0)[0] == 0.0


def test_a_number_replaces_a_longer_one_in_place(tmp_path: Path) -> None:
    """A new worker counts from the beginning."""
    file = tmp_path / "heartbeat"
    beat(file, 123_456)
    beat(file, 7)
    assert int(file.read_text()) == 7


def test_the_thread_writes_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_tuner.heartbeat.HEARTBEAT_S", 0.01)
    work, file = Work(), tmp_path / "heartbeat"
    work.moved()
    HeartbeatThread(file, os.getppid(), work).start()
    pause, done = threading.Event(), work.moved_by(lambda: "an answer")
    assert done() == "an answer"
    for _ in range(1000):
        if file.exists() and file.read_text() and int(file.read_text()) == 2:
            return
        pause.wait(0.01)
    pytest.fail("the count of two never came")


def test_a_thread_that_cannot_write_still_ends_a_process_whose_supervisor_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = threading.Event()
    monkeypatch.setattr("smart_tuner.heartbeat.HEARTBEAT_S", 0.01)
    monkeypatch.setattr("smart_tuner.heartbeat.os.kill", lambda process, number: asked.set())
    HeartbeatThread(tmp_path / "no such folder" / "heartbeat", os.getppid() + 1, Work()).start()
    assert asked.wait(60)


def test_records_and_the_progress_of_stages_move_the_work(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events.jsonl") as writer:
        emit = Emitter(writer)
        emit(StageEvent("data", 0, 9))
        progress = emit.stage("features")
        before = emit.work.count
        for done in range(5):
            progress(done, 9)
    assert before == 1 and emit.work.count >= before + 5
