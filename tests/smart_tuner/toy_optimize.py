"""`toy_optimize.py RUNS_FOLDER TRIALS`: the command `optimize` with trials that need no torch."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from smart_tuner.config import Config, load_config
from smart_tuner.device_slots import Slot
from smart_tuner.optimization_engine import TrialTask
from smart_tuner.progress import Output
from smart_tuner.run_folder import RunFolder
from smart_tuner.study_job import StudyJob
from smart_tuner.tuning.storage_address import sqlite_url
from smart_tuner.tuning.study_folder import study_folder

FAKE_TRIAL = Path(__file__).with_name("fake_trial.py")


def fake_command(run: RunFolder, device: str, *options: str) -> list[str]:
    return [sys.executable, str(FAKE_TRIAL), str(run.path), *options]


def toy_config(trials: int) -> Config:
    return load_config(
        "debug",
        [
            *("train.max_steps=8", "train.validate_every=2", "train.checkpoint_every=2"),
            *("tuning.startup_trials=4", "tuning.num_rungs=0", f"tuning.trials={trials}"),
            *("supervisor.backoff_s=0.001", "gate.min_attention_alignment=0.01"),
            "space.batch_size_choices=",  # all trials have as many updates
        ],
    )


def toy_job(
    root: Path,
    trials: int,
    looked: Callable[[TrialTask], None] = lambda task: None,
    storage: str | None = None,
    data: Path | None = None,
) -> StudyJob:
    folder, output = study_folder(root, "toy"), Output(sys.stdout)
    return StudyJob(
        replace(toy_config(trials), data_folder=data),
        folder,
        storage or sqlite_url(folder.database_file),
        [Slot("0")],
        "cpu",
        output,
        before_complete=looked,
        command=fake_command,
    )


if __name__ == "__main__":
    sys.exit(toy_job(Path(sys.argv[1]), int(sys.argv[2])).optimize())
