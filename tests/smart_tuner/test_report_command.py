"""`smart-tuner report`: of a run, of a study, also while both go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from smart_tuner.config import load_config
from smart_tuner.report_command import report
from smart_tuner.tuning.storage import open_storage, sqlite_url
from tests.smart_tuner.reports.recorded_run import STARTED, new_run, step, write
from tests.smart_tuner.reports.recorded_study import recorded_study
from tests.smart_tuner.tuning.judged_study import judged_study

APP = typer.Typer()
APP.command()(report)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(APP, list(arguments))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_of_a_run_that_goes_on(runs: Path) -> None:
    run = new_run(runs)
    write(run, [STARTED, step(1)])
    lock = run.lock()
    try:
        answer = call(run.name[:11], "--runs-folder", str(runs))
    finally:
        lock.release()
    assert answer.exit_code == 0, answer.output
    assert str(run.report_file) in answer.stdout
    assert "still going on" in run.report_file.read_text(encoding="utf-8")
    assert call(str(run.path), "--messages", "ru").exit_code == 0
    assert 'lang="ru"' in run.report_file.read_text(encoding="utf-8")


def test_of_a_study_it_is_that_of_its_trials_now(runs: Path) -> None:
    folder = recorded_study(runs, "night")
    config = load_config("probe")
    folder.write(config)
    judged_study(config, 3, storage=open_storage(sqlite_url(folder.database_file)), study_name="night")
    answer = call("night", "--runs-folder", str(runs))
    assert answer.exit_code == 0, answer.output
    assert len(json.loads(folder.record_file.read_text(encoding="utf-8"))["trials"]) == 3
    assert "All trials: 3 of 3" in folder.report_file.read_text(encoding="utf-8")


def test_of_a_study_that_is_kept_elsewhere_it_is_that_of_the_last_record(runs: Path) -> None:
    folder = recorded_study(runs)
    assert call(str(folder.path)).exit_code == 0
    assert "All trials: 4 of 4" in folder.report_file.read_text(encoding="utf-8")
    assert not folder.database_file.exists()


def test_of_nothing(runs: Path) -> None:
    answer = call("nothing", "--runs-folder", str(runs))
    assert answer.exit_code == 2 and "no run 'nothing'" in answer.output
