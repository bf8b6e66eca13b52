"""The parent of the processes that train: starts them, follows them, stops them, and says how they ended.

Nothing here imports torch: the supervisor starts fast and outlives whatever happens in the worker. The
worker runs in a process group of its own, so that Ctrl-C in the terminal reaches it once and through us.
Where several processes train, the worker is the first of them: the others do as it does and write no record.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO

from smart_tuner.config import SupervisorSettings
from smart_tuner.heartbeat import Heartbeat, WatchedTime
from smart_tuner.messages import EndPhrase, Message, TrainingPhrase
from smart_tuner.oom_kills import oom_kills
from smart_tuner.ranks import environments, first_failure
from smart_tuner.records import (
    EventWriter,
    ExitCause,
    Outcome,
    OutcomeError,
    cause_of_status,
    read_events,
)
from smart_tuner.run_folder import RunFolder
from smart_tuner.stop_flag import CAUSE_OF_SIGNAL, noting_signals
from tacotron2.events import FinishedEvent, Stamped, StartedEvent, StepEvent
from tacotron2.files import StorageError

POLL_S = 0.2
LOST_RANK_S = 60.0
"""What the worker may take to notice that another process of the training has failed, and to say so."""


def worker_command(run: RunFolder, device: str) -> list[str]:
    """The command line of the process that trains this run. It is told who watches it, because it could only
    ask too late where that one is killed at once."""
    told = ["--device", device, f"--parent={os.getpid()}"]
    return [sys.executable, "-m", "smart_tuner.worker", str(run.path), *told]


class Supervisor:
    """One attempt at one run.

    Args:
        run: its folder; the caller holds the lock.
        settings: the time a silent worker is given, and one whose work does not move on.
        command: what to start; it must follow the run-folder contract.
        num_processes: how many of it, to train together.
        signals: what this process was sent already, and is sent from now on.
        on_event: called with every record the worker writes, in this thread.
        notify: called with what the person who watches should know.
        count_oom_kills: how often the system has killed a process because memory ran out.
    """

    def __init__(
        self,
        run: RunFolder,
        settings: SupervisorSettings,
        command: Sequence[str],
        on_event: Callable[[Stamped], None],
        notify: Callable[[Message], None],
        num_processes: int = 1,
        count_oom_kills: Callable[[], int] = oom_kills,
        signals: list[signal.Signals] | None = None,
    ) -> None:
        self._run = run
        self._settings = settings
        self._command = list(command)
        self._on_event = on_event
        self._notify = notify
        self._num_processes = num_processes
        self._count_oom_kills = count_oom_kills
        self._oom_kills_before = 0
        self._others: list[subprocess.Popen[bytes]] = []
        self._failure: tuple[int, int] | None = None
        self._signals = [] if signals is None else signals
        self._offset = 0
        self._attempt = _Attempt()

    @property
    def asked_to_end(self) -> ExitCause | None:
        """The signal that came, whatever ended the attempt then."""
        return CAUSE_OF_SIGNAL[self._signals[0]] if self._signals else None

    def supervise(self) -> Outcome:
        """Run the worker to its end. The outcome is also in the run folder, whatever happened.

        Raises:
            StorageError: the run folder cannot be written, so that there was no attempt.
        """
        self._oom_kills_before = self._count_oom_kills()
        _, self._offset = read_events(self._run.events_file)
        self._run.forget_outcome()
        processes: list[subprocess.Popen[bytes]] = []
        with noting_signals(self._signals), self._run.open_log() as log:
            try:
                for environment in environments(self._num_processes):
                    processes.append(_start(self._command, log, environment))
                process, *self._others = processes
                verdict = self._follow(process)
            finally:
                for each in processes:
                    _end_group(each)
        self._forward_events()
        outcome = self._outcome(process.returncode, verdict)
        try:
            self._leave(outcome)
        except StorageError as error:
            self._notify(EndPhrase.NOT_LEFT(detail=str(error)))  # the caller is told the outcome all the same
        return outcome

    def _leave(self, outcome: Outcome) -> None:
        if self._attempt.cause != outcome.cause.value:
            # A killed worker could not say it, and one killed after its training had said something else.
            with EventWriter(self._run.events_file) as writer:
                writer.write(self._attempt.finished(outcome))
        outcome.write(self._run.outcome_file)

    def _follow(self, process: subprocess.Popen[bytes]) -> Outcome | None:
        """Until the worker ends or must be ended; an outcome when the supervisor decided it."""
        heartbeat, since_failure = Heartbeat(self._run), None
        handled = 0
        while _status(process) is None:
            self._forward_events()
            self._look_at_others()
            if self._failure is not None:
                since_failure = since_failure or WatchedTime()
                if since_failure.look() > LOST_RANK_S:
                    return Outcome(ExitCause.CRASHED, EndPhrase.NO_CHECKPOINT())
            signals = self._signals[handled:]
            for number, name in enumerate(signals, start=handled):
                if number == 0:
                    self._notify(TrainingPhrase.STOPPING())
                    process.send_signal(name)
                else:
                    return Outcome(CAUSE_OF_SIGNAL[self._signals[0]], EndPhrase.NO_CHECKPOINT())
            handled += len(signals)
            hung = self._hung(heartbeat)
            if hung is not None:
                return hung
            time.sleep(POLL_S)
        self._look_at_others()
        return None

    def _hung(self, heartbeat: Heartbeat) -> Outcome | None:
        longest = self._settings
        if heartbeat.look() > longest.heartbeat_timeout_s:
            return Outcome(ExitCause.HUNG, EndPhrase.SILENT(seconds=longest.heartbeat_timeout_s))
        if heartbeat.standing_s > longest.progress_timeout_s:
            return Outcome(ExitCause.HUNG, EndPhrase.NO_PROGRESS(seconds=longest.progress_timeout_s))
        return None

    def _look_at_others(self) -> None:
        """Before they are ended: which of them failed by itself."""
        statuses = {rank: _status(other) for rank, other in enumerate(self._others, start=1)}
        self._failure = self._failure or first_failure(statuses)

    def _forward_events(self) -> None:
        events, self._offset = read_events(self._run.events_file, self._offset)
        for stamped in events:
            self._attempt.update(stamped)
            self._on_event(stamped)

    def _outcome(self, status: int, verdict: Outcome | None) -> Outcome:
        """What the worker wrote; otherwise what its end tells."""
        try:
            written = self._run.outcome()
        except OutcomeError as error:
            return Outcome(ExitCause.CRASHED, error.message)
        if self._failure is not None and (written is None or written.cause is ExitCause.CRASHED):
            # The worker could only tell that another process was gone; that one's end tells why.
            rank, failed = self._failure
            end = self._end_by(failed)
            reason = EndPhrase.OF_PROCESS(number=rank + 1, count=self._num_processes, reason=end.reason)
            return Outcome(end.cause, reason, written.step if written else None)
        if written is not None:
            return written
        if verdict is None and self._signals and status < 0:
            verdict = Outcome(CAUSE_OF_SIGNAL[self._signals[0]], EndPhrase.NO_CHECKPOINT())
        return verdict or self._end_by(status)

    def _end_by(self, status: int) -> Outcome:
        """What the exit status of a process tells that left no outcome."""
        if status == -signal.SIGKILL and self._count_oom_kills() > self._oom_kills_before:
            return Outcome(ExitCause.OUT_OF_MEMORY, EndPhrase.OOM_KILLED())
        return Outcome(cause_of_status(status), _reason_of(status))


class _Attempt:
    """How far the worker came, by its records: what its last one needs if it does not write it itself."""

    def __init__(self) -> None:
        self.cause: str | None = None
        self._step = 0

    def update(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, StartedEvent):
            self._step = event.resumed_from_step or 0
        elif isinstance(event, StepEvent):
            self._step = event.step
        elif isinstance(event, FinishedEvent):
            self._step, self.cause = event.step, event.cause

    def finished(self, outcome: Outcome) -> FinishedEvent:
        return FinishedEvent(self._step if outcome.step is None else outcome.step, outcome.cause.value)


def _reason_of(status: int) -> Message:
    if status == -signal.SIGKILL:
        return EndPhrase.KILLED()
    if status < 0:
        return EndPhrase.SIGNALLED(signal=signal.Signals(-status).name)
    if status == ExitCause.STORAGE_ERROR.code:
        return EndPhrase.DISK_FULL()
    return EndPhrase.STATUS(status=status)


def _start(command: list[str], log: BinaryIO, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status of a process that is gone, where possible without releasing its process id.

    While the id is not released no stranger can get it, so its group may still be signalled.
    """
    if not hasattr(os, "waitid") or process.returncode is not None:
        return process.poll()
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the worker's process group, and collect the worker."""
    if process.returncode is None:
        # The group may be gone already; macOS answers EPERM for a group of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
