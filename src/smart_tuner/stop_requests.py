"""The one word downwards: a file in the run folder that asks a training to end at a step.

It reaches a worker of any supervisor, also one on another machine that shares the folder. The worker looks
for it after every update; ended so, it has saved a full state, and the run can be gone on with.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from smart_tuner.records import ExitCause, write_atomically
from smart_tuner.run_folder import RunFolder
from tacotron2.events import Event, StartedEvent

_LOGGER = logging.getLogger(__name__)


def request_stop(run: RunFolder, by: str, step: int | None = None) -> None:
    """Ask the training of a run to end after the update to `step`; None: after the next one.

    Where that step is one of a validation, it still takes place. A later request replaces an earlier one.

    Raises:
        StorageError: it cannot be written.
    """
    write_atomically(run.stop_request_file, json.dumps({"by": by, "step": step}) + "\n")


def withdraw_stop(run: RunFolder) -> None:
    """Nobody wants the run to end any more; to be called before it is started again."""
    run.stop_request_file.unlink(missing_ok=True)


def asked_by(run: RunFolder) -> str | None:
    """Who asks the run to end; None where nobody does, or the request cannot be read."""
    try:
        return str(json.loads(run.stop_request_file.read_text(encoding="utf-8"))["by"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


class StopRequests:
    """Looks for a request after every update of an attempt."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._step = 0
        self._warned = False

    def note(self, event: Event) -> None:
        """The records of the attempt: the first one tells from which step on it counts."""
        if isinstance(event, StartedEvent):
            self._step = event.resumed_from_step or 0

    def requested(self) -> str | None:
        """To be called once after every update: the cause to end for, if there is one."""
        self._step += 1
        try:
            self._file.stat()
        except OSError:  # as a rule: there is none
            return None
        try:
            step = json.loads(self._file.read_text(encoding="utf-8"))["step"]
            due = step is None or self._step >= int(step)
        except FileNotFoundError:  # withdrawn in this moment
            return None
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            # Not obeyed: a stray file must not end days of training. A signal still does.
            if not self._warned:
                _LOGGER.warning("%s: not a request to stop (%s); it is passed over", self._file, error)
                self._warned = True
            return None
        return ExitCause.STOPPED.value if due else None
