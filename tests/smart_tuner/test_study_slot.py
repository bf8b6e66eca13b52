"""A further device of a study, as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from smart_tuner.study_job import STORAGE_VARIABLE
from smart_tuner.tuning.storage_address import sqlite_url
from smart_tuner.tuning.study_folder import StudyFolder, study_folder
from tests.smart_tuner.toy_optimize import toy_config

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    found = study_folder(tmp_path, "toy")
    found.create()
    found.write(toy_config(1))
    return found


def slot(folder: StudyFolder, parent: int) -> subprocess.CompletedProcess[str]:
    arguments = [str(folder.path), "cpu", "1", "1", "2", str(parent), "NORMAL", "en"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        STORAGE_VARIABLE: sqlite_url(folder.database_file),
    }
    command = [sys.executable, "-m", "smart_tuner.study_slot", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_storage_that_cannot_be_used_is_told_in_words(folder: StudyFolder) -> None:
    folder.database_file.write_bytes(b"no database" * 1000)
    ended = slot(folder, os.getpid())
    assert ended.returncode == 2
    assert "cannot be used" in ended.stderr and "Traceback" not in ended.stderr


def test_a_slot_whose_command_was_killed_before_it_began_ends(folder: StudyFolder) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    ended = slot(folder, gone.pid)
    assert ended.returncode == 143 and ended.stderr == ""
    assert not (folder.path / "trials").exists()
