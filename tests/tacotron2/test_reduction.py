"""The table of reduction factors: what it says at each step, and what cannot be one."""

from __future__ import annotations

import pytest

from tacotron2.hparams import HParamsError, create_hparams
from tacotron2.reduction import Stage, parse_schedule, stage_at

SCHEDULE = "0:7,4000:5,8000:3,16000:2"


def test_the_r_of_each_step() -> None:
    stages = parse_schedule(SCHEDULE, 2)
    table = {0: 7, 3999: 7, 4000: 5, 7999: 5, 8000: 3, 15_999: 3, 16_000: 2, 10**8: 2}
    assert {step: stage_at(stages, step).r for step in table} == table


@pytest.mark.parametrize("text", ["0:7 4000:5 8000:3 16000:2", " 0:7,  4000:5,,8000:3, 16000:2 "])
def test_blanks_serve_as_well_as_commas(text: str) -> None:
    assert parse_schedule(text, 2) == parse_schedule(SCHEDULE, 2)


@pytest.mark.parametrize("text", ["", "  "])
def test_without_a_table_r_is_one(text: str) -> None:
    assert parse_schedule(text, 3) == (Stage(0, 3),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("7", "'7' is none"),
        ("0:7,4000", "'4000' is none"),
        ("0:7,4000=2", "'4000=2' is none"),
        ("0:-7,4000:2", "'0:-7' is none"),
        ("100:7,4000:2", "must begin at step 0, not at 100"),
        ("0:7,4000:5,4000:2", "must have rising steps (4000 after 4000)"),
        ("0:7,4000:5,300:2", "must have rising steps (300 after 4000)"),
        ("0:3,4000:5,8000:2", "must have falling r (5 after 3)"),
        ("0:3,4000:3,8000:2", "must have falling r (3 after 3)"),
        ("0:11,4000:2", "must have r <= 10 (it begins with 11)"),
        ("0:7,4000:3", "must end with r = model.n_frames_per_step (2, not 3)"),
        ("0:7,4000:0", "must end with r = model.n_frames_per_step (2, not 0)"),
    ],
)
def test_what_is_no_table_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_schedule(text, 2)
    assert told in str(caught.value)


def test_settings_know_their_stages() -> None:
    hparams = create_hparams("n_frames_per_step=2,reduction_schedule=0:5 10:2")
    assert hparams.reduction_stages == (Stage(0, 5), Stage(10, 2))
    with pytest.raises(HParamsError, match=r"train\.reduction_schedule='0:5 10:3': must end with"):
        create_hparams("n_frames_per_step=2,reduction_schedule=0:5 10:3")
