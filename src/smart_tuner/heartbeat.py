"""The sign of life of the process that trains, from both ends: the file it writes, and the look at it.

That the file is written proves that the process runs; that the number in it changes, that its work moves on.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from smart_tuner.run_folder import LAST_WORDS_S, RunFolder

Answer = TypeVar("Answer")
HEARTBEAT_S = 2.0
LONGEST_GAP_S = 2.0
"""More between two looks means that this process did not run either."""


class Work:
    """What the process has done, as a number that grows; the thread that works moves it, others read it."""

    def __init__(self) -> None:
        self.count = 0

    def moved(self) -> None:
        """A step, a clip, a record: something is done that was not done before."""
        self.count += 1

    def moved_by(self, question: Callable[[], Answer]) -> Callable[[], Answer]:
        """The same question; each time it is asked, the work has moved on."""

        def ask() -> Answer:
            self.moved()
            return question()

        return ask


class HeartbeatThread(threading.Thread):
    """Writes how far the work is, and asks the process to end when its supervisor is gone."""

    def __init__(self, file: Path, parent: int, work: Work) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._file = file
        self._parent = parent
        self._work = work

    def run(self) -> None:
        told = False
        while True:
            with suppress(OSError):  # a disk's trouble may pass; for ever, it is silence
                beat(self._file, self._work.count)
            if os.getppid() != self._parent and not told:
                told = True
                os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(HEARTBEAT_S)


def beat(file: Path, count: int) -> None:
    """One sign of life; of a full disk the time of the file is enough."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.utime(descriptor)
        with suppress(OSError):
            os.pwrite(descriptor, b"%020d\n" % count, 0)  # in place: a reader never finds it empty
    finally:
        os.close(descriptor)


class OrphanThread(threading.Thread):
    """Ends a process that has no heartbeat, some time after its supervisor is gone.

    Until then the worker may need it for its last checkpoint.
    """

    def __init__(self, parent: int) -> None:
        super().__init__(name="orphan", daemon=True)
        self._parent = parent

    def run(self) -> None:
        while os.getppid() == self._parent:
            time.sleep(HEARTBEAT_S)
        time.sleep(LAST_WORDS_S)
        os._exit(1)


class WatchedTime:
    """Seconds in which this process watched, by a clock that nobody sets.

    Time in which it did not run itself (a suspended laptop, Ctrl-Z) does not count: what it watches may have
    been stopped along with it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self.seconds = 0.0

    def look(self) -> float:
        """All of them so far; to be called often."""
        now = self._clock()
        self.seconds += min(now - self._looked, LONGEST_GAP_S)
        self._looked = now
        return self.seconds


class Heartbeat:
    """How long the worker has been silent, and its work has not moved on, as far as we were watching."""

    def __init__(self, run: RunFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = run.heartbeat_file
        self._time = WatchedTime(clock)
        self._mark, self._content = self._sign()
        self._heard = self._moved = 0.0

    def _sign(self) -> tuple[int, bytes]:
        """The time of the last sign, and what it said."""
        try:
            return self._file.stat().st_mtime_ns, self._file.read_bytes()
        except FileNotFoundError:
            return 0, b""

    def look(self) -> float:
        """Seconds without a sign of life; to be called often."""
        now, (mark, content) = self._time.look(), self._sign()
        if mark != self._mark:
            self._mark, self._heard = mark, now
        if content != self._content:
            self._content, self._moved = content, now
        return now - self._heard

    @property
    def standing_s(self) -> float:
        """Seconds in which the work has not moved on, as of the last look."""
        return self._time.seconds - self._moved
