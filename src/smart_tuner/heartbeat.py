"""The sign of life of the process that trains, from both ends: the file it touches, and the look at it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from smart_tuner.run_folder import LAST_WORDS_S, RunFolder

HEARTBEAT_S = 2.0
LONGEST_GAP_S = 2.0
"""More between two looks means that this process did not run either."""


class HeartbeatThread(threading.Thread):
    """Touches the heartbeat file, and asks the process to end when its supervisor is gone."""

    def __init__(self, file: Path, parent: int) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._file = file
        self._parent = parent

    def run(self) -> None:
        told = False
        while True:
            self._file.touch()
            if os.getppid() != self._parent and not told:
                told = True
                os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(HEARTBEAT_S)


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


class Heartbeat:
    """How long the worker has been silent, as far as we were watching.

    Time in which this process itself did not run (a suspended laptop, Ctrl-Z) does not count: the worker
    may have been stopped along with it.
    """

    def __init__(self, run: RunFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = run.heartbeat_file
        self._clock = clock
        self._seen = self._mark()
        self._looked = clock()
        self.silent_s = 0.0

    def _mark(self) -> int | None:
        try:
            return self._file.stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def look(self) -> float:
        """Seconds without a sign of life; to be called often."""
        now, mark = self._clock(), self._mark()
        if mark != self._seen:
            self._seen, self.silent_s = mark, 0.0
        else:
            self.silent_s += min(now - self._looked, LONGEST_GAP_S)
        self._looked = now
        return self.silent_s
