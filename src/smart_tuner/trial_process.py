"""One trial of a study: a run like any other, watched and started again, but neither examined nor changed.

A restart that would change what a trial measures, another rate or another seed, is not for trials: one that
is not finite has failed, and how well attention forms is told by its score.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from smart_tuner.config import Config
from smart_tuner.kept_states import remove_later
from smart_tuner.messages import Message, StudyPhrase
from smart_tuner.records import ExitCause, Outcome, read_events, write_atomically
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.self_healing import SelfHealing
from smart_tuner.supervisor import worker_command
from smart_tuner.trial_record import TrialRecord
from tacotron2.events import Stamped, ValidationEvent

TRIED_AGAIN = (ExitCause.CRASHED, ExitCause.HUNG, ExitCause.OUT_OF_MEMORY)
"""Ends of an attempt after which the same training goes on, its batches in more parts at most."""
SHOWN_FOLDERS = ("attention", "spectrograms", "audio", "reports")


def trial_command(run: RunFolder, device: str, *options: str) -> list[str]:
    """The command line of the process that runs a trial; options as `smart_tuner.worker` has them."""
    return [*worker_command(run, device), "--no-examination", *options]


def write_trial(run: RunFolder, config: Config, study: str, number: int) -> None:
    """Lay the run folder of a trial; the configuration of one that is there already stays as it is, but for
    the place of the recordings.

    Raises:
        RunError: it holds a training of other settings, of a study that was here before.
        ConfigError: the configuration that is there cannot be read.
        StorageError: it cannot be written.
    """
    run.path.mkdir(parents=True, exist_ok=True)
    if run.settings_file.exists():
        there = run.config()
        if there.hparams != config.hparams:
            raise RunError(StudyPhrase.OTHER_TRIAL_THERE(folder=run.path))
        if there.data_folder == config.data_folder:
            return
    TrialRecord(study, number).write(run.trial_file)
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
    """Remove what an ended trial no longer needs: its states, and without `keep_best` its weights too, what
    replays incidents, and what was shown before its last validation.

    Configuration, records, log, pictures and audio stay.
    """
    if keep_best:
        remove_later(run.checkpoints_folder, -1)
    else:
        shutil.rmtree(run.checkpoints_folder, ignore_errors=True)
        shutil.rmtree(run.path / "incidents", ignore_errors=True)
        shown = _last_shown(run)
        for path in (path for folder in SHOWN_FOLDERS for path in run.path.glob(f"{folder}/*")):
            if path not in shown:
                path.unlink(missing_ok=True)


def _last_shown(run: RunFolder) -> set[Path]:
    """Pictures and sounds of the last validation."""
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    last = next((event for event in reversed(events) if isinstance(event, ValidationEvent)), None)
    if last is None:
        return set()
    names = [last.attention_image, last.spectrogram_image, *last.audio]
    return {run.path / name for name in names if name}
