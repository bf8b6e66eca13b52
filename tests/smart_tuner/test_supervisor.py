"""The supervisor with real child processes; the worker is a fake that misbehaves as told."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smart_tuner import supervisor
from smart_tuner.config import Config, SupervisorSettings
from smart_tuner.heartbeat import Heartbeat
from smart_tuner.messages import Language, Message, render
from smart_tuner.records import EventWriter, ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder, create
from smart_tuner.supervisor import Supervisor
from tacotron2.events import Event, FinishedEvent, StageEvent, StartedEvent, StepEvent
from tacotron2.files import StorageError

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path, Config("debug"))


class Watch:
    """Supervises a scenario; `signals` are sent to this process when the worker says that it has started."""

    def __init__(
        self,
        run: RunFolder,
        scenario: str,
        *signals: int,
        heartbeat_timeout_s: float = 60.0,
        progress_timeout_s: float = 900.0,
        num_processes: int = 1,
        count_oom_kills: Callable[[], int] = lambda: 0,
    ) -> None:
        self.events: list[Event] = []
        self.told: list[Message] = []
        self._signals = list(signals)
        command = [sys.executable, str(FAKE_WORKER), str(run.path), scenario]
        settings = SupervisorSettings(heartbeat_timeout_s, progress_timeout_s)
        watched = Supervisor(
            run,
            settings,
            command,
            lambda s: self._note(s.event),
            self._hear,
            num_processes,
            count_oom_kills,
        )
        self.outcome = watched.supervise()
        self.asked_to_end = watched.asked_to_end

    def _note(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, StartedEvent) and self._signals:
            os.kill(os.getpid(), self._signals.pop(0))

    def _hear(self, message: Message) -> None:
        self.told.append(message)
        if self._signals:
            os.kill(os.getpid(), self._signals.pop(0))


def is_alive(pid_file: Path) -> bool:
    try:
        state = Path("/proc", pid_file.read_text(), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return not pid_file.exists()  # one that was never noted is not gone
    return state.rsplit(")", 1)[1].split()[0] != "Z"


def is_gone_soon(pid_file: Path) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(pid_file) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid_file)


def test_a_run_that_completes(run: RunFolder) -> None:
    watch = Watch(run, "complete")
    assert watch.outcome == Outcome(ExitCause.COMPLETED, "trained for 30 steps", 30) == run.outcome()
    assert [event.step for event in watch.events if isinstance(event, StepEvent)] == [10, 20, 30]
    assert not watch.asked_to_end
    assert "the worker speaks" in run.log_file.read_text()


def test_only_the_records_of_this_attempt_are_forwarded_and_the_old_outcome_is_void(run: RunFolder) -> None:
    with EventWriter(run.events_file) as writer:
        writer.write(StageEvent("data", 1, 2))
    Outcome(ExitCause.INTERRUPTED).write(run.outcome_file)
    watch = Watch(run, "killed")
    assert [type(event) for event in watch.events] == [StartedEvent]
    assert watch.outcome.cause is ExitCause.CRASHED


@pytest.mark.parametrize(
    ("scenario", "cause", "words"),
    [
        ("data_error", ExitCause.DATA_ERROR, "line 3"),
        ("30", ExitCause.DATA_ERROR, "status 30"),
        ("21", ExitCause.OUT_OF_MEMORY, "status 21"),
        ("32", ExitCause.STORAGE_ERROR, "full disk"),
        ("0", ExitCause.CRASHED, "left no outcome"),
        ("77", ExitCause.CRASHED, "status 77"),
        ("segfault", ExitCause.CRASHED, "SIGSEGV"),
        ("killed", ExitCause.CRASHED, "killed from outside"),
        ("killed_after_training", ExitCause.CRASHED, "killed from outside"),
    ],
)
def test_every_end_has_a_cause(run: RunFolder, scenario: str, cause: ExitCause, words: str) -> None:
    outcome = Watch(run, scenario).outcome
    assert outcome.cause is cause
    assert words in outcome.message
    assert run.outcome() == outcome
    last = read_events(run.events_file)[0][-1].event
    assert isinstance(last, FinishedEvent) and last.cause == cause.value


def test_an_outcome_that_cannot_be_written_is_told_all_the_same(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Outcome, path: Path) -> None:
        raise StorageError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(Outcome, "write", full)
    watch = Watch(run, "32")
    assert watch.outcome.cause is ExitCause.STORAGE_ERROR and run.outcome() is None
    (told,) = watch.told
    words = f"warning: {run.outcome_file}: cannot be written (No space left on device)"
    assert render(told, Language.EN) == words


def test_an_end_that_the_worker_told_is_not_told_again(run: RunFolder) -> None:
    Watch(run, "complete")
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    assert [event for event in events if isinstance(event, FinishedEvent)] == [
        FinishedEvent(30, "completed", 15.0)
    ]


def test_the_end_of_a_killed_worker_names_the_last_step(run: RunFolder) -> None:
    Watch(run, "killed_after_training")
    last = read_events(run.events_file)[0][-1].event
    assert last == FinishedEvent(30, "crashed", None)


@pytest.fixture
def fast_clock(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds for every look; stands still until the worker has started, however slow the machine is."""
    looks = itertools.count()

    def clock() -> float:
        return 2.0 * next(looks) if run.events_file.exists() and run.events_file.stat().st_size else 0.0

    monkeypatch.setattr(supervisor, "Heartbeat", lambda folder: Heartbeat(folder, clock))


@pytest.mark.usefixtures("fast_clock")
def test_a_silent_worker_is_ended_with_its_whole_group(run: RunFolder) -> None:
    watch = Watch(run, "hang", heartbeat_timeout_s=5.0)
    assert watch.outcome.cause is ExitCause.HUNG
    assert is_gone_soon(run.path / "worker.pid")
    assert is_gone_soon(run.path / "inner.pid")


@pytest.mark.usefixtures("fast_clock")
def test_a_worker_that_lives_but_whose_work_stands_still_is_ended(run: RunFolder) -> None:
    """It beats all the time; only the number that it writes stays the same."""
    outcome = Watch(run, "stand", heartbeat_timeout_s=1e6, progress_timeout_s=5.0).outcome
    assert outcome.cause is ExitCause.HUNG and "did not move on for 5 s" in outcome.message
    assert is_gone_soon(run.path / "worker.pid")


@pytest.mark.usefixtures("fast_clock")
def test_a_stopped_worker_is_hung(run: RunFolder) -> None:
    """SIGSTOP reaches the worker alone, for ever; it must be ended all the same."""

    class Stopping(Watch):
        def _note(self, event: Event) -> None:
            if isinstance(event, StartedEvent):
                os.kill(int((run.path / "worker.pid").read_text()), signal.SIGSTOP)

    assert Stopping(run, "patient", heartbeat_timeout_s=9.0).outcome.cause is ExitCause.HUNG
    assert is_gone_soon(run.path / "worker.pid")


@pytest.mark.parametrize(
    ("scenario", "counts", "cause", "words"),
    [
        ("killed", [3, 4], ExitCause.OUT_OF_MEMORY, "because memory ran out"),
        ("killed", [3, 3], ExitCause.CRASHED, "killed from outside"),
        ("killed_after_training", [0, 1], ExitCause.OUT_OF_MEMORY, "because memory ran out"),
        ("77", [3, 4], ExitCause.CRASHED, "status 77"),  # somebody else was killed
    ],
)
def test_a_worker_that_the_system_killed_for_its_memory_ran_out_of_it(
    run: RunFolder, scenario: str, counts: list[int], cause: ExitCause, words: str
) -> None:
    outcome = Watch(run, scenario, count_oom_kills=iter(counts).__next__).outcome
    assert outcome.cause is cause and words in outcome.message


@pytest.mark.parametrize(
    ("number", "cause"), [(signal.SIGINT, ExitCause.INTERRUPTED), (signal.SIGTERM, ExitCause.TERMINATED)]
)
def test_a_signal_is_passed_on_and_the_checkpoint_waited_for(
    run: RunFolder, number: int, cause: ExitCause
) -> None:
    before = signal.getsignal(number)
    watch = Watch(run, "patient", number)
    assert watch.outcome == Outcome(cause, "the training stopped at step 7", 7)
    assert (run.path / "saved").exists()
    assert len(watch.told) == 1 and watch.asked_to_end
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_a_worker_that_does_not_listen(run: RunFolder) -> None:
    watch = Watch(run, "stubborn", signal.SIGINT, signal.SIGINT)
    assert watch.outcome.cause is ExitCause.INTERRUPTED
    assert is_gone_soon(run.path / "worker.pid")
    assert is_gone_soon(run.path / "inner.pid")


def test_a_worker_that_does_not_notice_a_failed_process_is_ended(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOST_RANK_S", 0.1)
    outcome = Watch(run, "stubborn+21", num_processes=3).outcome
    assert outcome.cause is ExitCause.OUT_OF_MEMORY
    assert re.match(r"process [23] of 3: .*status 21", outcome.message), "whichever was seen first"
    assert is_gone_soon(run.path / "worker.pid")


@pytest.mark.parametrize(
    ("scenario", "cause", "words"),
    [
        ("complete+0", ExitCause.COMPLETED, "trained"),
        ("data_error+40", ExitCause.DATA_ERROR, "line 3"),  # the others ended because the worker had
        ("data_error+21", ExitCause.DATA_ERROR, "line 3"),  # the worker knows better
    ],
)
def test_the_end_of_the_first_process_counts_unless_it_crashed(
    run: RunFolder, scenario: str, cause: ExitCause, words: str
) -> None:
    outcome = Watch(run, scenario, num_processes=2).outcome
    assert outcome.cause is cause and words in outcome.message


ORPHAN = """
import os, sys, time
from pathlib import Path
from smart_tuner import heartbeat
from smart_tuner.stop_flag import StopFlag
folder, parent, stop = Path(sys.argv[1]), os.getppid(), StopFlag()
stop.install()
heartbeat.HEARTBEAT_S = 0.05
heartbeat.HeartbeatThread(folder / "heartbeat", parent, heartbeat.Work()).start()
(folder / "ready").touch()
while stop.requested() is None:
    time.sleep(0.02)
(folder / "ending").write_text(stop.requested())
(folder / "ending").rename(folder / "ended")
"""

PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
time.sleep(600)
"""


def test_a_worker_whose_supervisor_dies_asks_itself_to_end(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ORPHAN, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not (tmp_path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not (tmp_path / "ended").exists()
    parent.kill()
    parent.wait()
    while not (tmp_path / "ended").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (tmp_path / "ended").read_text() == "terminated"
