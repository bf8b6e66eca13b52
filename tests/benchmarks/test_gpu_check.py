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
from torch import Tensor

from tests.benchmarks.test_benchmarks import ROOT, run_script

NO_CARD = {"CUDA_VISIBLE_DEVICES": ""}


GIB, MIB = 2**30, 2**20


class SmallCard:
    """A card of 16 GiB, half of one in use, that needs 100 MiB and 300 for every utterance of a batch."""

    total, free = 16 * GIB, 31 * GIB // 2

    def __init__(self) -> None:
        self.fraction, self.peak = 1.0, 0

    def update(self, batch: Any, naive: bool = False, bf16: bool = False) -> Tensor:
        needed = (100 + 300 * len(batch.text_lengths)) * MIB
        if needed > self.fraction * self.total:
            raise torch.OutOfMemoryError
        self.peak = needed
        return torch.zeros(())

    def limit(self, fraction: float) -> None:
        self.fraction = fraction


@pytest.fixture
def small_card(script: Any, monkeypatch: pytest.MonkeyPatch) -> SmallCard:
    card, short = SmallCard(), script.memory.size("tiny").replace(max_seconds=0.5)
    monkeypatch.setattr(script.memory, "size", lambda name: short)
    monkeypatch.setattr(script.Card, "release", lambda self: None)
    monkeypatch.setattr(
        script.memory.Training, "update", lambda self, *args, **how: card.update(*args, **how)
    )
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (card.free, card.total))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 0)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: card.peak)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", card.limit)
    return card


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


def test_the_largest_batch_is_found_from_any_guess(script: Any, small_card: SmallCard) -> None:
    """7.5 GiB hold 25 utterances."""
    card = script.Card("cpu", True, 1)
    training = script.memory.begin(card, "tiny")
    small_card.fraction = 7.5 / 16
    found = {guess: script.memory.largest(card, training, guess) for guess in (-3, 10, 25, 26, 60)}
    assert all(23 <= batch <= 25 for batch in found.values()), found
    small_card.fraction = 1e-3
    assert script.memory.largest(card, training, 1) == 0


def test_memory_of_cards_of_several_sizes(
    script: Any, small_card: SmallCard, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.memory.memory(script.Card("cpu", True, 1)) == []
    assert "| tiny, 0.5 s | 32 | 300 | 25 | 38 | the card is smaller |" in capsys.readouterr().out
    assert small_card.fraction == 1.0


def test_out_of_memory_is_survived_or_told(
    script: Any, small_card: SmallCard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    card = script.Card("cpu", True, 1)
    assert script.memory.out_of_memory(card) == []
    assert "| tiny | 64 | 0.0 | 0.0 | yes |" in capsys.readouterr().out  # 32 fit
    in_use = iter((0, 5 * MIB))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: next(in_use))
    assert script.memory.out_of_memory(card) == ["memory was not given back"]


@pytest.mark.parametrize("wrong", [0.0, 0.01])
def test_graphs_are_compared_from_the_same_beginning(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: float
) -> None:
    """With a recording that runs the function itself: its warm-up must leave no trace."""

    class Played:
        def __init__(self, function: Any) -> None:
            self.function = function
            for _ in range(3):
                function()

        def __call__(self) -> Tensor:
            return self.function() * (1 + wrong)

    monkeypatch.setattr(script.graphs, "Recorded", Played)
    failures = script.graphs.graphs(script.Card("cpu", True, 1))
    assert len(failures) == (3 if wrong else 0), capsys.readouterr().out
