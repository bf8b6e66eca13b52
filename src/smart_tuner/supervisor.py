"""The parent of the process that trains: starts it, follows it, stops it, and says how it ended.

Nothing here imports torch: the supervisor starts fast and outlives whatever happens in the worker. The
worker runs in a process group of its own, so that Ctrl-C in the terminal reaches it once and through us.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from smart_tuner.config import SupervisorSettings
from smart_tuner.heartbeat import Heartbeat
from smart_tuner.records import (
    EventWriter,
    ExitCause,
    Outcome,
    OutcomeError,
    cause_of_status,
    read_events,
)
from smart_tuner.run_folder import RunFolder
from smart_tuner.stop_flag import CAUSE_OF_SIGNAL
from tacotron2.events import FinishedEvent, Stamped, StartedEvent, StepEvent
from tacotron2.files import StorageError

POLL_S = 0.2


def worker_command(run: RunFolder, device: str) -> list[str]:
    """The command line of the process that trains this run."""
    return [sys.executable, "-m", "smart_tuner.worker", str(run.path), "--device", device]


class Supervisor:
    """One attempt at one run.

    Args:
        run: its folder; the caller holds the lock.
        settings: the time a silent worker is given.
        command: what to start; it must follow the run-folder contract.
        on_event: called with every record the worker writes, in this thread.
        notify: called with a sentence for the person who watches.
    """

    def __init__(
        self,
        run: RunFolder,
        settings: SupervisorSettings,
        command: Sequence[str],
        on_event: Callable[[Stamped], None],
        notify: Callable[[str], None],
    ) -> None:
        self._run = run
        self._settings = settings
        self._command = list(command)
        self._on_event = on_event
        self._notify = notify
        self._signals: list[signal.Signals] = []
        self._offset = 0
        self._attempt = _Attempt()

    def supervise(self) -> Outcome:
        """Run the worker to its end. The outcome is also in the run folder, whatever happened."""
        _, self._offset = read_events(self._run.events_file)
        self._run.outcome_file.unlink(missing_ok=True)
        with _noting_signals(self._signals), self._run.log_file.open("ab") as log:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                verdict = self._follow(process)
            finally:
                _end_group(process)
        self._forward_events()
        outcome = self._outcome(process.returncode, verdict)
        try:
            self._leave(outcome)
        except StorageError as error:
            self._notify(f"warning: {error}")  # the caller is told the outcome all the same
        return outcome

    def _leave(self, outcome: Outcome) -> None:
        if self._attempt.cause != outcome.cause.value:
            # A killed worker could not say it, and one killed after its training had said something else.
            with EventWriter(self._run.events_file) as writer:
                writer.write(self._attempt.finished(outcome))
        outcome.write(self._run.outcome_file)

    def _follow(self, process: subprocess.Popen[bytes]) -> ExitCause | None:
        """Until the worker ends or must be ended; a cause when the supervisor decided it."""
        heartbeat = Heartbeat(self._run)
        handled = 0
        while not _has_ended(process):
            self._forward_events()
            signals = self._signals[handled:]
            for number, name in enumerate(signals, start=handled):
                if number == 0:
                    self._notify("stopping: a checkpoint is written first. Ctrl-C again ends it at once.")
                    process.send_signal(name)
                else:
                    return CAUSE_OF_SIGNAL[self._signals[0]]
            handled += len(signals)
            if heartbeat.look() > self._settings.heartbeat_timeout_s:
                return ExitCause.HUNG
            time.sleep(POLL_S)
        return None

    def _forward_events(self) -> None:
        events, self._offset = read_events(self._run.events_file, self._offset)
        for stamped in events:
            self._attempt.update(stamped)
            self._on_event(stamped)

    def _outcome(self, status: int, verdict: ExitCause | None) -> Outcome:
        """What the worker wrote; otherwise what its end tells."""
        try:
            written = self._run.outcome()
        except OutcomeError as error:
            return Outcome(ExitCause.CRASHED, str(error))
        if written is not None:
            return written
        if verdict is ExitCause.HUNG:
            return Outcome(
                verdict,
                f"the worker gave no sign of life for {self._settings.heartbeat_timeout_s:g} s and was ended",
            )
        if verdict is None and self._signals and status < 0:
            verdict = CAUSE_OF_SIGNAL[self._signals[0]]
        if verdict is not None:
            return Outcome(verdict, "the worker was ended before it could write a checkpoint")
        return Outcome(cause_of_status(status), _sentence_for(status))


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


def _sentence_for(status: int) -> str:
    if status == -signal.SIGKILL:
        return "the worker was killed from outside; the usual reason is that the machine ran out of memory"
    if status < 0:
        return f"the worker was ended by the signal {signal.Signals(-status).name}"
    if status == ExitCause.STORAGE_ERROR.code:
        return "nothing more could be written into the run folder; the usual reason is a full disk"
    return f"the worker ended with status {status} and left no outcome"


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the worker is gone, where possible without releasing its process id.

    While the id is not released no stranger can get it, so its group may still be signalled.
    """
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the worker's process group, and collect the worker."""
    if process.returncode is None:
        # The group may be gone already; macOS answers EPERM for a group of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def _noting_signals(received: list[signal.Signals]) -> Iterator[None]:
    """Collect Ctrl-C and SIGTERM instead of ending; outside the main thread nothing can be collected."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, frame: FrameType | None) -> None:
        received.append(signal.Signals(number))

    before = {name: signal.signal(name, note) for name in CAUSE_OF_SIGNAL}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
