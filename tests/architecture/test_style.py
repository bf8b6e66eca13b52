"""The rules that machines enforce: lint, format and types over the whole tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "tool", ["ruff check", "ruff format --check", "mypy"], ids=lambda tool: tool.replace(" ", "_")
)
def test_the_tree_is_clean(tool: str) -> None:
    # mypy takes its files from pyproject.toml.
    arguments = tool.split() + (["."] if tool.startswith("ruff") else [])
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_source_file_is_left_out() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files", "src", "tests", "tools"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = {Path(line) for line in done.stdout.splitlines()}
    files = {path for folder in ("src", "tests", "tools") for path in (ROOT / folder).rglob("*.py")}
    assert files - seen == set()
