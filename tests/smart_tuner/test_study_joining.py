"""Joining a study: what it brings along, what it must not overwrite, what it leaves."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from smart_tuner.config import ConfigError
from smart_tuner.run_folder import RunError
from smart_tuner.study_joining import joined_config
from smart_tuner.tuning.storage import open_storage
from smart_tuner.tuning.storage_address import sqlite_url
from smart_tuner.tuning.study_folder import study_folder
from smart_tuner.tuning.study_identity import keep_budget
from tests.smart_tuner.toy_optimize import toy_config, toy_job

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")


def test_who_joins_has_the_budget_of_now_and_keeps_the_best_weights_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "first", study_folder(tmp_path / "second", "toy")
    assert toy_job(first, 1).optimize() == 0
    url = sqlite_url(study_folder(first, "toy").database_file)
    assert joined_config(url, second, None).tuning.trials == 1
    keep_budget(optuna.load_study(study_name="toy", storage=open_storage(url)), toy_config(3))
    config = joined_config(url, second, tmp_path)
    assert config.tuning.trials == 3 and config.data_folder == tmp_path
    assert not second.path.exists()  # nothing is laid before all is checked
    assert toy_job(tmp_path / "second", 3, storage=url).join() == 0
    assert len(list(second.path.glob("trials/trial-*/events.jsonl"))) == 2
    assert len(list(second.path.glob("trials/trial-*/checkpoints"))) <= 1


def test_a_folder_of_another_study_is_left_as_it_is(tmp_path: Path) -> None:
    config = toy_config(1)
    folder = study_folder(tmp_path, "toy")
    folder.create()
    folder.write(replace(config, hparams=config.hparams.replace(grad_clip_thresh=0.7)))
    before = folder.settings_file.read_text()
    for work in (toy_job(tmp_path, 1).join, toy_job(tmp_path, 1).optimize):
        with pytest.raises(RunError, match=r"study\.yaml is of a study with other settings"):
            work()
    assert folder.settings_file.read_text() == before and not folder.database_file.exists()


def test_other_recordings_at_another_place_are_found_out(tmp_path: Path) -> None:
    assert toy_job(tmp_path, 1, data=tmp_path / "mine").optimize() == 0
    with pytest.raises(ConfigError, match="learn from other recordings"):
        toy_job(tmp_path, 2, data=tmp_path / "others").optimize()
    assert toy_job(tmp_path, 1, data=tmp_path / "mine").optimize() == 0
