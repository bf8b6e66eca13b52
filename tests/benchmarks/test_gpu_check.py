"""The check of a card, where there is none: it says so, names what it skips, and notices what is wrong."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.benchmarks.test_benchmarks import ROOT, run_script

NO_CARD = {"CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("gpu_check")


@pytest.mark.slow
def test_without_a_card_it_says_so_and_fails() -> None:
    done = run_script("gpu_check", **NO_CARD)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "gpu_check: this machine has no usable CUDA device; nothing was checked\n"


@pytest.mark.slow
def test_a_cpu_is_no_card() -> None:
    done = run_script("gpu_check", "--device", "cpu")
    assert done.returncode == 2
    assert "add --tiny" in done.stderr


@pytest.mark.slow
def test_one_part_alone_and_the_parts_that_need_a_card() -> None:
    done = run_script("gpu_check", "--tiny", "--device", "cpu", "--pairs", "1", "--part", "step")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"^\| (\w+) \| \d+ \| \d+ \| passed \|$", done.stdout, re.MULTILINE) == ["step"]
    done = run_script("gpu_check", "--tiny", "--device", "cpu", "--part", "graphs")
    assert done.returncode == 0, done.stderr
    assert "| graphs |  | 70 | skipped: needs a CUDA device |" in done.stdout


def test_all_parts_fit_into_nine_minutes(script: Any) -> None:
    assert sum(part.seconds for part in script.PARTS.values()) <= 9 * 60


def test_a_part_that_fails_or_takes_too_long_fails_the_check(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = {"results": 1, "step": subprocess.TimeoutExpired("step", 40)}

    def run(command: list[str], timeout: float | None, check: bool) -> SimpleNamespace:
        status = verdicts.get(command[-1], 0)
        if isinstance(status, Exception):
            raise status
        return SimpleNamespace(returncode=status)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(sys, "argv", ["gpu_check.py"])
    assert not script.run_all(SimpleNamespace(device="cuda", part=None))
    told = capsys.readouterr().out
    assert "| results | 0 | 80 | FAILED, status 1 |" in told
    assert "| step | 0 | 40 | FAILED, its time was up |" in told
    assert told.count("| passed |") == len(script.PARTS) - 2


@pytest.mark.parametrize("field", ["mel", "alignments", "loss", "gradient"])
@pytest.mark.parametrize("wrong", [0.3, float("nan")])
def test_a_result_that_is_not_equal_is_noticed(script: Any, field: str, wrong: float) -> None:
    agreement = script.agreement
    right = agreement.Outcome(*(torch.linspace(1, 2, 8) for _ in range(4)))
    assert agreement.judged("", "bf16", right, right)[1]
    values = vars(right) | {field: vars(right)[field] * (1 + wrong)}
    row, near = agreement.judged("", "bf16", agreement.Outcome(**values), right)
    assert not near and row[-1] == "FAR"
