"""smart_tuner_main.py: any Python 3 starts it, and it goes on in .venv or says what is missing."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "smart_tuner_main.py"


def start(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script of `folder` with a Python that is not the one in its .venv."""
    # In an environment sys._base_executable is the Python that made it.
    python = getattr(sys, "_base_executable", sys.executable)
    command = [python, str(folder / SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / SCRIPT, tmp_path)
    return tmp_path


def make_environment(folder: Path, python: str) -> None:
    commands = folder / ".venv" / "bin"
    commands.mkdir(parents=True)
    (folder / ".venv" / "pyvenv.cfg").touch()
    (commands / "python").write_text(python)
    (commands / "python").chmod(0o755)


def test_old_pythons_can_parse_it() -> None:
    ast.parse((ROOT / SCRIPT).read_text(encoding="utf-8"), feature_version=(3, 5))


def test_before_installation_it_names_the_command_to_run(folder: Path) -> None:
    done = start(folder)
    assert done.returncode == 1
    assert "Run ./install.sh first" in done.stderr
    assert "Traceback" not in done.stderr


def test_goes_on_in_the_environment_with_its_arguments(folder: Path) -> None:
    make_environment(folder, '#!/bin/sh\nprintf "%s|" "$@"\nexit 7\n')
    done = start(folder, "--new", "a b")
    assert done.stdout == f"{folder / SCRIPT}|--new|a b|"
    assert done.returncode == 7


def test_a_folder_that_is_no_environment_is_not_started_for_ever(folder: Path) -> None:
    make_environment(folder, f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / ".venv" / "pyvenv.cfg").unlink()
    assert "Run ./install.sh first" in start(folder).stderr


@pytest.mark.skipif(
    Path(sys.prefix).resolve() != (ROOT / ".venv").resolve(), reason="the tests run outside .venv"
)
def test_reaches_the_command_line_of_the_package() -> None:
    done = start(ROOT, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
