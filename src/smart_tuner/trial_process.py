"""One trial of a study: a run like any other, watched and started again, but neither examined nor changed.

A restart that would change what a trial measures, another rate or another seed, is not for trials: one that
is not finite has failed, and how well attention forms is told by its score.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence

from smart_tuner.config import Config
from smart_tuner.kept_states import remove_later
from smart_tuner.messages import Message
from smart_tuner.records import ExitCause, Outcome, write_atomically
from smart_tuner.run_folder import RunFolder
from smart_tuner.self_healing import SelfHealing
from smart_tuner.supervisor import worker_command
from tacotron2.events import Stamped

TRIED_AGAIN = (ExitCause.CRASHED, ExitCause.HUNG, ExitCause.OUT_OF_MEMORY)
"""Ends of an attempt after which the same training goes on, its batches in more parts at most."""


def trial_command(run: RunFolder, device: str, *options: str) -> list[str]:
    """The command line of the process that runs a trial; options as `smart_tuner.worker` has them."""
    return [*worker_command(run, device), "--no-examination", *options]


def write_trial(run: RunFolder, config: Config, study: str, number: int) -> None:
    """Lay the run folder of a trial; the configuration of one that is there already stays as it is.

    Raises:
        StorageError: it cannot be written.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    if run.settings_file.exists():
        return
    write_atomically(run.trial_file, json.dumps({"study": study, "number": number}) + "\n")
    write_atomically(run.settings_file, config.to_yaml())  # last: with it the folder is a run


def run_trial(
    run: RunFolder,
    config: Config,
    command: Sequence[str],
    on_event: Callable[[Stamped], None],
    notify: Callable[[Message], None],
) -> tuple[Outcome, ExitCause | None]:
    """Run a trial, or go on with it, to an end of any kind; the caller holds the lock of its folder.

    Returns how it ended, and the signal by which this process was asked to end meanwhile: a trial that was
    at its end by itself just then is complete all the same.

    Raises:
        HistoryError: the restarts of earlier attempts cannot be read.
        StorageError: what an earlier process left undone cannot be written.
    """
    healing = SelfHealing(run, config, command, on_event, notify, notify, TRIED_AGAIN)
    return healing.train(), healing.asked_to_end


def tidy_trial(run: RunFolder, *, keep_best: bool) -> None:
    """Remove what an ended trial no longer needs: its states, and without `keep_best` its weights too.

    Configuration, records, pictures and audio stay.
    """
    if keep_best:
        remove_later(run.checkpoints_folder, -1)
    else:
        shutil.rmtree(run.checkpoints_folder, ignore_errors=True)
