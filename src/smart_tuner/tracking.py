"""Shows a run in MLflow and TensorBoard by following its `events.jsonl` from the side.

The file is the only thing shared with training: a store that is locked, broken or slow delays what is shown
and nothing else. How far each store has come is kept in the run's `tracking.json`, so a resumed run goes on
in the same place; without that file everything is written anew from the events.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from smart_tuner.mlflow_writer import MlflowWriter
from smart_tuner.records import read_events
from smart_tuner.tensorboard_writer import TensorBoardWriter
from smart_tuner.tracking_store import TrackingStoreError
from tacotron2.events import Stamped

POLL_INTERVAL_S = 1.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 30.0
_logger = logging.getLogger(__name__)


class Writer(Protocol):
    """One store. `target` is what it writes to; a target other than the remembered one is still empty."""

    name: str
    target: str

    def write(self, events: Sequence[Stamped]) -> None:
        """Write `events`, so that writing them once more would not be seen."""

    def close(self) -> None:
        """Give everything back."""


class Tracker:
    """Follows one run with a thread per store; none of its methods raises because of a store."""

    def __init__(self, run_folder: Path, tracking_root: Path) -> None:
        state = _State(run_folder / "tracking.json")
        events = run_folder / "events.jsonl"
        self._followers = [
            _Follower(
                "mlflow", lambda target: MlflowWriter(run_folder, tracking_root, target), events, state
            ),
            _Follower("tensorboard", lambda target: TensorBoardWriter(run_folder, target), events, state),
        ]

    def start(self) -> None:
        """Begin to follow; returns at once, the packages are imported in the threads."""
        for follower in self._followers:
            follower.start()

    def close(self, timeout_s: float = 30.0) -> bool:
        """Write what is left, for at most `timeout_s` seconds; True when all of it was written."""
        deadline = time.monotonic() + timeout_s
        for follower in self._followers:
            follower.finish(deadline)
        for follower in self._followers:
            follower.join(max(0.0, deadline - time.monotonic()))
        behind = [follower.name for follower in self._followers if not follower.drained]
        if behind:
            _logger.warning("not everything was shown in %s; the events are kept", " and ".join(behind))
        return not behind


class _State:
    """`tracking.json`: the target and the offset reached (bytes of `events.jsonl`), by store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def load(self, store: str) -> tuple[str | None, int]:
        """The remembered target and offset; None and 0 where nothing was written yet."""
        entry = self._read().get(store, {})
        try:
            return str(entry["target"]), int(entry["offset"])
        except (KeyError, TypeError, ValueError):
            return None, 0

    def save(self, store: str, target: str, offset: int) -> None:
        with self._lock:
            content = self._read() | {store: {"target": target, "offset": offset}}
            temporary = self._path.with_suffix(".json.tmp")
            temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
            os.replace(temporary, self._path)  # without fsync: what a power cut loses is written twice

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


class _Follower(threading.Thread):
    """Carries the events of one file into one store."""

    def __init__(
        self, store: str, open_writer: Callable[[str | None], Writer], events: Path, state: _State
    ) -> None:
        super().__init__(name=f"tracking-{store}", daemon=True)
        self.drained = False
        self._store = store
        self._open_writer = open_writer
        self._events = events
        self._state = state
        self._writer: Writer | None = None
        self._offset = 0
        self._finishing = threading.Event()
        self._deadline = float("inf")
        self._num_failures = 0

    def finish(self, deadline: float) -> None:
        """Ask for the end: when all is written, or at `deadline` (monotonic clock)."""
        self._deadline = deadline
        self._finishing.set()

    def run(self) -> None:
        while True:
            last_round = self._finishing.is_set()  # looked at before reading: later lines are not missed
            try:
                if self._advance():
                    continue
                if last_round:
                    self._close()
                    return
                self._finishing.wait(POLL_INTERVAL_S)
            except ImportError as error:
                _logger.warning("%s shows nothing of this run: %s", self._store, error)
                return
            except (TrackingStoreError, OSError) as error:
                if not self._wait_after(error):
                    return

    def _advance(self) -> bool:
        """Write the next events; False when there were none."""
        if self._writer is None:
            target, offset = self._state.load(self._store)
            self._writer = self._open_writer(target)
            known = self._writer.target == target and offset <= self._length()
            self._offset = offset if known else 0
            self._state.save(self._store, self._writer.target, self._offset)
        events, offset = read_events(self._events, self._offset)
        if offset == self._offset:
            return False
        self._writer.write(events)
        self._state.save(self._store, self._writer.target, offset)
        self._offset = offset
        if self._num_failures:
            _logger.info("%s can be written again", self._store)
            self._num_failures = 0
        return True

    def _length(self) -> int:
        """Bytes of the stream: a power cut may have taken lines that were shown already."""
        return self._events.stat().st_size if self._events.exists() else 0

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self.drained = True

    def _wait_after(self, error: Exception) -> bool:
        """Back off after a failure, told once per outage; False when the time to finish is over."""
        if self._num_failures == 0:
            _logger.warning("%s cannot be written now, training goes on: %s", self._store, error)
        pause_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0**self._num_failures)
        self._num_failures += 1
        self._writer = None
        until = time.monotonic() + pause_s
        while time.monotonic() < min(until, self._deadline):
            time.sleep(0.1)
            if self._finishing.is_set():
                until = min(until, time.monotonic() + FIRST_RETRY_S)
        return time.monotonic() < self._deadline
