"""`smart-tuner model info` with the real library in its child."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smart_tuner.config import load_config
from tests.smart_tuner.test_cli import SOURCE, call


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


def test_the_table_in_both_languages(tmp_path: Path) -> None:
    status, said, complaint = call(tmp_path, "model", "info", "--preset", "debug")
    assert (status, complaint) == (0, "")
    head, *rows = said.splitlines()
    assert head.split("  ")[0] == "module"
    cells = {row.split()[0]: row.split()[1:] for row in rows[:5]}
    assert list(cells) == ["embedding", "encoder", "decoder", "postnet", "all"]
    assert cells["embedding"] == ["960", "1", "1", "0"]
    assert cells["all"][0] == "33,473" and cells["all"][3] == "3"
    assert "Every other tensor gets a gradient." in rows
    assert any("in training" in row for row in rows) and any("at synthesis" in row for row in rows)
    status, said, _ = call(tmp_path, "model", "info", "--preset", "debug", "--messages", "ru")
    assert status == 0 and said.startswith("модуль") and "Секунда речи при синтезе" in said
    assert list(tmp_path.iterdir()) == []


def test_a_program_reads_it(tmp_path: Path) -> None:
    """Without a preset, the defaults with what was set; losses that are off are seen in the gradients."""
    debug = load_config("debug").hparams.to_dict()
    changes = [f"{key}={value}" for key, value in {**debug["model"], **debug["train"]}.items()]
    changes += ["use_ddc=true", "ddc_loss_weight=0", "loss.ddc_decoder_weight=0"]
    arguments = [argument for change in changes for argument in ("--set", change)]
    status, said, complaint = call(tmp_path, "model", "info", "--json", *arguments)
    assert (status, complaint) == (0, "")
    told = json.loads(said)
    assert told["parameters"] == sum(module["parameters"] for module in told["modules"])
    modules = {module["name"]: module for module in told["modules"]}
    assert modules["embedding"]["without"] == [] and modules["decoder_secondary"]["learning"] == 0
    assert 0 < told["synthesis"]["macs"] < told["training"]["macs"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "debugg"], "'debugg': no such preset; did you mean 'debug'?"),
        (["--preset", "no.yaml"], "no.yaml: no such file"),
        (["--set", "batch_size=0"], "train.batch_size='0': must be a whole number >= 1"),
        (["--set", "gst_heads=3"], "model.gst_dim"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: list[str], words: str) -> None:
    status, said, complaint = call(tmp_path, "model", "info", *arguments)
    assert (status, said) == (31, "")
    assert words in complaint and "Traceback" not in complaint


def test_the_memory_of_cards_in_both_languages(tmp_path: Path) -> None:
    short = ("model", "memory", "--preset", "debug", "--seconds", "1")
    status, said, complaint = call(tmp_path, *short)
    assert (status, complaint) == (0, "")
    head, *rows, how = said.splitlines()
    assert head.split("  ")[0] == "card, GB" and "no card was measured" in how
    assert [row.split()[0] for row in rows] == ["8"] * 6 + ["12"] * 6 + ["24"] * 6
    assert {row.split()[1] for row in rows} == {"fp32", "bf16", "fp16"}
    status, said, _ = call(tmp_path, *short, "--precision", "fp32", "--card", "8", "--messages", "ru")
    assert status == 0 and said.startswith("карта, ГБ") and len(said.splitlines()) == 4


def test_a_program_reads_the_memory_of_cards(tmp_path: Path) -> None:
    arguments = ("--seconds", "1", "--card", "1", "--card", "24", "--precision", "bf16")
    status, said, complaint = call(tmp_path, "model", "memory", "--preset", "debug", "--json", *arguments)
    assert (status, complaint) == (0, "")
    told = json.loads(said)
    assert (told["seconds"], told["batch_size"]) == (1.0, 8)
    fits = {(fit["card_bytes"] >> 30, fit["checkpointing"]): fit for fit in told["fits"]}
    assert set(fits) == {(card, again) for card in (1, 24) for again in (False, True)}
    assert fits[1, False]["rows"] < fits[1, True]["rows"] < fits[24, True]["rows"]
    assert fits[24, False]["as_planned"] and fits[24, False]["needed_bytes"] < 24 << 30


@pytest.mark.parametrize(
    ("arguments", "expected", "words"),
    [
        (["--preset", "debugg"], 31, "'debugg': no such preset; did you mean 'debug'?"),
        (["--set", "batch_size=0"], 31, "train.batch_size='0': must be a whole number >= 1"),
        (["--card", "0"], 2, "'--card': Input should be greater than or equal to 1"),
        (["--seconds", "none"], 2, "'--seconds': Input should be a valid number"),
        (["--precision", "int8"], 2, "'--precision': "),
    ],
)
def test_mistakes_of_the_memory_of_cards(
    tmp_path: Path, arguments: list[str], expected: int, words: str
) -> None:
    status, said, complaint = call(tmp_path, "model", "memory", *arguments)
    assert (status, said) == (expected, "") and words in complaint and "Traceback" not in complaint
