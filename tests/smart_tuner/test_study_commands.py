"""`smart-tuner study`: the list, and what came out of one so far, read from a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from smart_tuner.config import load_config
from smart_tuner.study_commands import study_app
from smart_tuner.tuning.storage import open_storage, sqlite_url
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import Fact
from tests.smart_tuner.tuning.judged_study import judged_study

CONFIG = load_config("probe")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFolder:
    """A study of five trials that goes on: one more was begun."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SMART_TUNER_STORAGE", raising=False)
    found = StudyFolder(tmp_path / "runs" / "studies" / "night")
    found.create()
    found.write(CONFIG)
    storage = open_storage(sqlite_url(found.database_file))
    running = judged_study(CONFIG, 5, storage=storage, study_name="night").ask()
    running.set_user_attr(Fact.WORKER, "elsewhere 1 1.0")
    return found


def call(*arguments: str) -> Result:
    return CliRunner().invoke(study_app, list(arguments))


def test_a_running_study_is_shown_with_its_pictures(folder: StudyFolder) -> None:
    answer = call("show", "night")
    assert answer.exit_code == 0, answer.output
    assert "learning_rate" in answer.stdout and "history.png, parallel.png" in answer.stdout
    assert "smart-tuner train --preset runs/studies/night/best.yaml" in answer.stdout
    assert folder.history_picture.is_file() and folder.parallel_picture.is_file()
    assert load_config(folder.best_file).preset == "night-best"
    russian = call("show", "night", "--messages", "ru")
    assert "Картинки" in russian.stdout and "Лучшая" in russian.stdout


def test_the_list_counts_the_trials(folder: StudyFolder) -> None:
    elsewhere = StudyFolder(folder.path.parent / "cluster")
    elsewhere.create()
    elsewhere.write(CONFIG)
    answer = call("list")
    assert answer.exit_code == 0, answer.output
    heads, cluster, night = (line.split() for line in answer.stdout.splitlines())
    assert heads == ["study", "trials", "complete", "best"]
    assert cluster == ["cluster", "-", "-", "-"]
    assert night[:2] == ["night", "6"] and 0.4 < float(night[3]) < 0.8


def test_a_damaged_study_does_not_hide_the_others(folder: StudyFolder) -> None:
    damaged = StudyFolder(folder.path.parent / "damaged")
    damaged.create()
    damaged.write(CONFIG)
    damaged.database_file.write_bytes(b"no database" * 1000)
    answer = call("list")
    assert answer.exit_code == 0, answer.output
    assert [line.split()[:2] for line in answer.stdout.splitlines()[1:]] == [["damaged", "?"], ["night", "6"]]
    assert "cannot be used" in answer.stderr
    shown = call("show", "damaged")
    assert shown.exit_code == 2 and "cannot be used" in shown.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "day"), "there is no study"),
        (("show", "../night"), "no name for a study"),
        (("show", "night", "--storage", "sqlite:///other.db"), "holds no study night"),
    ],
)
def test_a_study_that_is_not_there(folder: StudyFolder, arguments: tuple[str, ...], told: str) -> None:
    answer = call(*arguments)
    assert answer.exit_code == 2 and told in answer.output


def test_a_study_that_is_kept_elsewhere_wants_its_storage(folder: StudyFolder) -> None:
    folder.database_file.unlink()
    answer = call("show", "night")
    assert answer.exit_code == 2 and "--storage" in answer.output
    assert not folder.database_file.exists()  # looking makes nothing


def test_no_studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("list").stdout == "no studies in runs\n"
