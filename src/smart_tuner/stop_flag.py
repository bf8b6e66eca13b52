"""How the processes are asked to end: by a signal, obeyed at the right moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from smart_tuner.records import ExitCause

CAUSE_OF_SIGNAL = {signal.SIGINT: ExitCause.INTERRUPTED, signal.SIGTERM: ExitCause.TERMINATED}


def ignore_requests() -> None:
    """For a process that ends with another one."""
    for number in CAUSE_OF_SIGNAL:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def noting_signals(received: list[signal.Signals]) -> Iterator[None]:
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


class StopRequestedError(Exception):
    """Somebody asked for the end while nothing had to be saved first."""


class StopFlag:
    """Remembers that the process was asked to end.

    Training asks for the flag and ends after a checkpoint. Everything else repeats cheaply: there the
    request is raised in the middle, inside `impatient()`.
    """

    def __init__(self) -> None:
        self.cause: ExitCause | None = None
        self._impatient = False

    def install(self) -> None:
        for number in CAUSE_OF_SIGNAL:
            signal.signal(number, self._note)

    def requested(self) -> str | None:
        """The cause, in the form the training loop wants."""
        return self.cause.value if self.cause else None

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """A block that a request ends at once."""
        self._impatient = True
        try:
            if self.cause:
                raise StopRequestedError
            yield
        finally:
            self._impatient = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        is_first = self.cause is None
        self.cause = self.cause or CAUSE_OF_SIGNAL[signal.Signals(number)]
        if self._impatient and is_first:
            raise StopRequestedError
