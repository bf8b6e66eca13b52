"""The folder of a trial: whose training it holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner.config import load_config
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.trial_process import write_trial


def test_a_training_of_a_study_that_was_here_before_is_not_taken_for_the_trial(tmp_path: Path) -> None:
    """As where its database was dropped: the old records would be told as the score of other values."""
    run, config = RunFolder(tmp_path / "trial-0003"), load_config("debug")
    write_trial(run, config, "toy", 3)
    write_trial(run, config, "toy", 3)  # the same one goes on
    other = replace(config, hparams=config.hparams.replace(learning_rate=2e-4))
    with pytest.raises(RunError, match="trial-0003 holds a training of other settings"):
        write_trial(run, other, "toy", 3)
    assert run.config().hparams == config.hparams


def test_a_trial_goes_on_where_the_recordings_lie_elsewhere_now(tmp_path: Path) -> None:
    run, config = RunFolder(tmp_path / "trial-0003"), load_config("debug")
    write_trial(run, replace(config, data_folder=tmp_path / "old"), "toy", 3)
    write_trial(run, replace(config, data_folder=tmp_path / "new"), "toy", 3)
    assert run.config().data_folder == tmp_path / "new"
