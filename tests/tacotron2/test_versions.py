"""What a run records about the program that made it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch

from tacotron2 import versions


def test_packages_that_are_there_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "RECORDED", ("torch", "a-package-nobody-has"))
    assert versions.installed_versions().keys() == {"python", "torch"}
    assert versions.installed_versions()["torch"] == torch.__version__


def test_commit_and_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "src" / "tacotron2" / "versions.py"
    monkeypatch.setattr(versions, "__file__", str(source))
    assert versions.source_commit() == "unknown"

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    source.parent.mkdir(parents=True)
    source.write_text("one", encoding="utf-8")
    git("init", "-q")
    assert versions.source_commit() == "unknown"  # no commit yet
    git("add", ".")
    git("commit", "-q", "-m", "one")
    commit = git("rev-parse", "HEAD")[:12]
    assert versions.source_commit() == commit
    (tmp_path / "notes").write_text("not a source file", encoding="utf-8")
    assert versions.source_commit() == commit
    source.write_text("two", encoding="utf-8")
    assert versions.source_commit() == f"{commit}+changes"
