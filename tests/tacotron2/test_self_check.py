"""What the library says of itself: each thing broken once, and only its check fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tacotron2 import self_check as module
from tacotron2.hparams import HParams, create_hparams
from tacotron2.models import Tacotron2
from tacotron2.self_check import Job, SelfCheck, self_check, silent_symbols, without_gradient
from tacotron2.training.card_memory import BESIDE_BYTES, CARD_SHARE
from tacotron2.training.memory import FREE_SHARE
from tests.tacotron2.test_trainable import NARROW

REPORT = create_hparams(NARROW)


def job(folder: Path, hparams: HParams = REPORT, recordings: Path | None = None) -> Job:
    return Job(hparams, folder / "home", recordings, 300, 10**9, report=REPORT)


def results(asked: Job) -> dict[str, dict[str, Any]]:
    return {each["checked"]: each for each in self_check(asked) if "checked" in each}


def test_every_check_tells_facts(tmp_path: Path) -> None:
    found = results(job(tmp_path))
    assert all("facts" in each for each in found.values()), found
    facts = {name: each["facts"] for name, each in found.items()}
    assert facts["data"] == {"kind": "none"}
    assert facts["gradients"]["without"] == [] and facts["gradients"]["silent_symbols"] == []
    assert facts["parameters"]["count"] == facts["parameters"]["learning"] != facts["parameters"]["expected"]
    assert set(facts["losses"]["terms"]) == set(module.LOSSES_AT_START)
    assert list((tmp_path).iterdir()) == []  # nothing is left


def test_the_report_s_rate_moves_too_little_and_the_demo_s_enough(tmp_path: Path) -> None:
    def moved(overrides: str, goal: int) -> float:
        asked = Job(create_hparams(overrides), tmp_path, None, goal, 1)
        return float(SelfCheck(asked, tmp_path).checks()["rate"][0]()["moved"])

    assert moved("", 1000) == pytest.approx(5e-6 * 1000)
    assert moved("learning_rate=1e-4", 1000) <= module.FAILED_MOVEMENT + 1e-12
    assert moved("learning_rate=1e-3", 200) >= module.ENOUGH_MOVEMENT - 1e-12
    assert moved("learning_rate=1e-3,max_steps=20", 1000) == pytest.approx(0.02)
    assert moved("learning_rate=1e-3,warmup_steps=100", 100) == pytest.approx(0.0505)


def broken(name: str) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise RuntimeError(f"{name} is torn")

    return fail


@pytest.mark.parametrize(
    ("target", "failed", "waiting"),
    [
        ("make_demo", "speech", {"TextMelLoader", "step", "gradients", "losses"}),
        ("TextMelCollate", "TextMelCollate", {"step", "gradients", "losses"}),
        ("Tacotron2Loss", "Tacotron2Loss", {"step", "gradients", "losses", "batch", "cards"}),
        ("one_step", "step", {"gradients", "losses"}),
        ("without_gradient", "gradients", set()),
        ("rows_of", "batch", {"cards"}),
        ("card_fit", "cards", set()),
        ("find_demo", "data", set()),
        ("learning_rate", "rate", set()),
    ],
)
def test_one_thing_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, failed: str, waiting: set[str]
) -> None:
    monkeypatch.setattr(module, target, broken(target))
    found = results(job(tmp_path))
    assert {name: each["error"] for name, each in found.items() if "error" in each} == {
        failed: f"{target} is torn"
    }
    assert {name for name, each in found.items() if "waits_for" in each} == waiting


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    found = results(job(tmp_path, recordings=tmp_path / "mine"))
    assert "mine" in found["data"]["error"] and "facts" in found["batch"]


def test_a_batch_that_does_not_fit_goes_in_parts(tmp_path: Path) -> None:
    asked = Job(REPORT, tmp_path, None, 300, 10**7, report=REPORT)
    facts = results(asked)["batch"]["facts"]
    assert facts["parts"] > facts["planned"] and facts["rows"] < REPORT.train.batch_size


def test_a_card_is_asked_for_more_than_tensors_take(tmp_path: Path) -> None:
    found = {card: results(dataclasses.replace(job(tmp_path), card=card)) for card in (False, True)}
    here, there = (found[card]["batch"]["facts"] for card in (False, True))
    assert there["available"] == round(CARD_SHARE * 10**9) and here["available"] == round(FREE_SHARE * 10**9)
    assert there["needed"] > BESIDE_BYTES + here["needed"] * there["rows"] / here["rows"]
    assert [size for size, *_ in found[False]["cards"]["facts"]["cards"]] == [8, 12, 24]
    assert found[True]["cards"]["facts"]["cards"] == []


def test_what_gets_no_gradient_is_named() -> None:
    hparams = create_hparams(NARROW)
    torch.manual_seed(0)
    model = Tacotron2(hparams)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    assert without_gradient(model) == []
    model.postnet.convolutions[0].convolution.weight.grad = None
    assert without_gradient(model) == ["postnet.convolutions.0.convolution.weight"]
    model.embedding.weight.grad[7] = 0.0  # type: ignore[index]
    batch = type("B", (), {"text": torch.tensor([[7, 8]]), "text_lengths": torch.tensor([2])})
    assert silent_symbols(model, batch) == [7]  # type: ignore[arg-type]
