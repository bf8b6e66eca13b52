"""What an attempt leaves when it ends, whatever ended it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from smart_tuner.emitter import Emitter
from smart_tuner.messages import EndPhrase
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import RunFolder
from tacotron2.files import StorageError

if TYPE_CHECKING:
    from smart_tuner.tracking import Tracker

TRACKER_CLOSE_S = 60.0
_LOGGER = logging.getLogger(__name__)


@contextmanager
def whatever_happens(run: RunFolder, emit: Emitter, tracker: Tracker) -> Iterator[list[Outcome]]:
    """Writes the outcome put into the list, or a crash; the traceback goes to the log as the process ends."""
    outcomes: list[Outcome] = []
    try:
        yield outcomes
    finally:
        error = sys.exception()
        reason = EndPhrase.PROGRAM_ERROR(kind=type(error).__name__, detail=str(error))
        outcome = outcomes[0] if outcomes else Outcome(ExitCause.CRASHED, reason, emit.step)
        with suppress(StorageError):  # a full disk takes neither; then the exit status tells the cause
            emit.end(outcome.cause)
            outcome.write(run.outcome_file)
        if not tracker.close(TRACKER_CLOSE_S):
            _LOGGER.warning("not everything was shown in MLflow and TensorBoard; the events are kept")
