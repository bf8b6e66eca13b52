"""A run followed from outside, by its folder alone: what is new in its record, and the signs of life.

Nothing in the folder is written or locked; many may look at once, also from another machine.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from smart_tuner.auto_tuning import is_tuned
from smart_tuner.config import Config
from smart_tuner.live_history import LiveHistory
from smart_tuner.live_state import Signs
from smart_tuner.messages import MonitorPhrase
from smart_tuner.records import Outcome, OutcomeError
from smart_tuner.restart_history import History, HistoryError
from smart_tuner.run_folder import RunError, RunFolder
from tacotron2.events import EventError, Stamped, from_json

TAIL_BYTES = 256
"""So much of what was read last is looked at again: where it has changed, the file is another one."""


class EventFollower:
    """Reads an event stream as it grows, each byte once.

    A last line without its end waits for the rest. Where the file is shorter than what was read, or holds
    something else there, it has been replaced, and all of it is read anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._tail = b""
        self.skipped = 0
        """Complete lines that were no record: of another version, or damaged by a disk."""

    def poll(self) -> tuple[bool, list[Stamped]]:
        """Whether what was told before does not hold any more, and the records that are new."""
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, self._offset - len(self._tail)))
                anew = file.read(len(self._tail)) != self._tail
                if anew:
                    self._begin()
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:
            anew = self._offset > 0
            self._begin()
            return anew, []
        complete = content[: content.rfind(b"\n") + 1]
        self._offset += len(complete)
        self._tail = (self._tail + complete)[-TAIL_BYTES:]
        return anew, list(self._records(complete))

    def _begin(self) -> None:
        self._offset, self._tail, self.skipped = 0, b"", 0

    def _records(self, complete: bytes) -> list[Stamped]:
        records = []
        for line in complete.split(b"\n")[:-1]:
            try:
                records.append(from_json(line.decode("utf-8", errors="replace")))
            except EventError:
                self.skipped += 1
        return records


@dataclass(frozen=True)
class BestWeights:
    """The checkpoint that would speak now."""

    step: int
    quality: float


@dataclass(frozen=True)
class RunLook:
    """Everything that a view of a run shows, at one moment."""

    name: str
    path: Path
    now: float
    history: LiveHistory
    signs: Signs
    best: BestWeights | None
    restarts: History
    skipped_lines: int
    timeout_s: float
    """The supervisor's own patience."""


class RunFollower:
    """Looks at one run again and again.

    Raises:
        ConfigError: its configuration cannot be read, or is of another version.
    """

    def __init__(self, run: RunFolder, clock: Callable[[], float] = time.time) -> None:
        self._run = run
        self._clock = clock
        self._config = run.config()
        self._events = EventFollower(run.events_file)
        self._history = _new_history(self._config)
        self._best: BestWeights | None = None
        self._best_known_at = -1

    def look(self) -> RunLook:
        """The run as it is now.

        Raises:
            RunError: its folder is not there any more.
        """
        if not self._run.settings_file.is_file():
            raise RunError(MonitorPhrase.RUN_GONE(path=self._run.path))
        anew, news = self._events.poll()
        if anew:
            self._history, self._best_known_at = _new_history(self._config), -1
        for stamped in news:
            self._history.add(stamped)
        now, restarts = self._clock(), _restarts(self._run)
        return RunLook(
            self._run.name,
            self._run.path,
            now,
            self._history,
            _signs(self._run, restarts, now),
            self._best_weights(),
            restarts,
            self._events.skipped,
            self._config.supervisor.heartbeat_timeout_s,
        )

    def _best_weights(self) -> BestWeights | None:
        """Looked for again only when a checkpoint was written."""
        if self._best_known_at != self._history.num_checkpoints:
            self._best_known_at, self._best = self._history.num_checkpoints, _best(self._run)
        return self._best


def heard_at(run: RunFolder) -> float | None:
    """When the worker last gave a sign of life (unix seconds)."""
    try:
        return run.heartbeat_file.stat().st_mtime
    except OSError:
        return None


def _new_history(config: Config) -> LiveHistory:
    train = config.hparams.train
    return LiveHistory(train.max_steps, train.max_train_minutes * 60)


def _restarts(run: RunFolder) -> History:
    try:
        return History.read(run.recovery_file)
    except HistoryError:
        return History()


def _outcome(run: RunFolder) -> Outcome | None:
    try:
        return run.outcome()
    except OutcomeError:
        return None


def _signs(run: RunFolder, restarts: History, now: float) -> Signs:
    heard, last = heard_at(run), restarts.restarts[-1] if restarts.restarts else None
    try:
        made = run.settings_file.stat().st_mtime
    except OSError:
        made = now
    return Signs(
        made_ago_s=now - made,
        heard_ago_s=None if heard is None else now - heard,
        outcome=_outcome(run),
        phase=restarts.phase,
        restart=None if last is None else last.attempt,
        restart_due_s=0.0 if last is None else last.time + last.delay_s - now,
        tuning=run.tuning_file.exists() and not is_tuned(run),
        stop_asked=run.stop_request_file.exists(),
        stop_step=_stop_step(run),
    )


def _stop_step(run: RunFolder) -> int | None:
    try:
        return int(json.loads(run.stop_request_file.read_text(encoding="utf-8"))["step"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _best(run: RunFolder) -> BestWeights | None:
    try:
        sidecar = Path(f"{run.best_checkpoint()}.json")
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
        return BestWeights(int(facts["step"]), float(facts["quality"]))
    except (OSError, ValueError, TypeError, KeyError):  # RunError, none yet, is a ValueError
        return None
