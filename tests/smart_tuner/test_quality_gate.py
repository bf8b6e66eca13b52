"""The quality gate: every bar, what is missing, and what the command says and returns."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from smart_tuner.cli import app
from smart_tuner.config import load_config
from smart_tuner.quality_gate import check
from smart_tuner.records import EventWriter
from smart_tuner.run_folder import RunFolder, create
from smart_tuner.tuning.settings import GateSettings
from tacotron2.events import ValidationEvent

DEBUG = load_config("debug")
AT_THE_BARS: dict[str, float | None] = {
    "attention_alignment": 0.4,
    "gate_accuracy": 0.6,
    "val_loss": 30.0,
    "stop_error_steps": 5.0,
    "never_stopped_rate": 0.05,
    "skip_rate": 0.02,
    "repeat_rate": 0.02,
    "mcd_dtw_db": 25.0,
}
TEACHER_FORCED = ("gate_accuracy", "val_loss")


def failed(figures: dict[str, float | None]) -> list[str]:
    return [each.name for each in check(figures, GateSettings()) if not each.passed]


def test_a_voice_at_every_bar_passes() -> None:
    assert failed(AT_THE_BARS) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attention_alignment", 0.39),
        ("gate_accuracy", 0.59),
        ("val_loss", 30.1),
        ("stop_error_steps", 5.1),
        ("never_stopped_rate", 0.06),
        ("skip_rate", 0.021),
        ("repeat_rate", 0.021),
        ("mcd_dtw_db", 25.1),
        *[(name, value) for name in AT_THE_BARS for value in (None, math.nan, math.inf, -math.inf)],
    ],
)
def test_one_figure_beyond_its_bar_missing_or_no_number_fails_alone(name: str, value: float | None) -> None:
    assert failed({**AT_THE_BARS, name: value}) == [name]
    assert failed({key: kept for key, kept in AT_THE_BARS.items() if key != name}) == [name]


def examination(run: RunFolder, figures: dict[str, Any]) -> None:
    public = {f"teacher_forced_{name}" if name in TEACHER_FORCED else name: figures[name] for name in figures}
    content = {"checkpoint": "checkpoints/best-0000006.ckpt"}
    told = {name: {"value": value, "how": "measured"} for name, value in public.items()}
    run.examination_file.write_text(json.dumps(content | {"figures": told}))


def asked(run: RunFolder, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["gate", run.name, "--runs-folder", str(run.root), *arguments])


def test_the_command_says_which_failed_and_returns_it(tmp_path: Path) -> None:
    run = create(tmp_path, DEBUG)
    examination(run, AT_THE_BARS)
    done = asked(run)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "The gate is open.")
    assert "best-0000006" in done.output
    examination(run, {**AT_THE_BARS, "gate_accuracy": 0.5, "mcd_dtw_db": None})
    done = asked(run)
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        1,
        "The gate is shut: gate_accuracy, mcd_dtw_db.",
    )
    assert "0.500  >= 0.6    FAILED" in done.output and "FAILED: no figure" in done.output
    assert "Порог качества не пройден: gate_accuracy, mcd_dtw_db." in asked(run, "--messages", "ru").output


def test_the_bars_are_those_of_the_run(tmp_path: Path) -> None:
    run = create(tmp_path, replace(DEBUG, gate=GateSettings(min_attention_alignment=0.3)))
    examination(run, {**AT_THE_BARS, "attention_alignment": 0.31})
    assert asked(run).exit_code == 0


def test_before_the_examination_the_best_validation_at_the_last_r_is_judged(tmp_path: Path) -> None:
    hparams = DEBUG.hparams.replace(reduction_schedule="0:5,20:3")
    run = create(tmp_path, replace(DEBUG, hparams=hparams))
    assert asked(run).exit_code == 1  # nothing is known to be good
    assert "neither examined nor validated" in asked(run).output
    forced = {name: float(AT_THE_BARS[name] or 0.0) for name in TEACHER_FORCED}
    free = {name: float(value or 0.0) for name, value in AT_THE_BARS.items() if name not in TEACHER_FORCED}
    with EventWriter(run.events_file) as writer:
        writer.write(ValidationEvent(10, forced, {"attention_alignment": 0.9}, 1.0, 0.9))
        writer.write(ValidationEvent(30, forced, free, 1.0, 0.5))
        writer.write(ValidationEvent(40, {"val_loss": math.nan}, free, 1.0, None))
    done = asked(run)
    assert done.exit_code == 0, done.output
    assert "the validation at step 30" in done.output


def test_an_examination_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    run = create(tmp_path, DEBUG)
    for content in ("{", "[]", '{"figures": {"skip_rate": {"value": "low"}}, "checkpoint": ""}'):
        run.examination_file.write_text(content)
        done = asked(run)
        assert done.exit_code == 2 and "examination.json: not the figures of an examination" in done.output
