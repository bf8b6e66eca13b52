"""Learning rate and teacher forcing are tables of steps."""

from __future__ import annotations

import math

import pytest

from tacotron2.hparams import create_hparams
from tacotron2.training.schedule import learning_rate, teacher_forcing


@pytest.mark.parametrize(
    ("settings", "table"),
    [
        ("max_steps=100", {0: 1.0, 50: 1.0, 99: 1.0}),
        ("max_steps=100,warmup_steps=4", {0: 0.25, 1: 0.5, 2: 0.75, 3: 1.0, 4: 1.0, 99: 1.0}),
        ("max_steps=100,learning_rate_final_share=0.01", {0: 1.0, 50: 0.1, 100: 0.01, 150: 0.01}),
        (
            "max_steps=100,learning_rate_final_share=0.25,learning_rate_decay_start=60",
            {0: 1.0, 60: 1.0, 80: 0.5, 100: 0.25},
        ),
        # A decay that begins during the warm-up multiplies with it.
        (
            "max_steps=8,warmup_steps=4,learning_rate_final_share=0.0625",
            {0: 0.25, 2: 0.375, 4: 0.25, 8: 0.0625},
        ),
        # It would begin after the last step: the plateau is all there is.
        ("max_steps=10,learning_rate_final_share=0.5,learning_rate_decay_start=10", {0: 1.0, 9: 1.0}),
    ],
)
def test_shares_of_the_highest_rate(settings: str, table: dict[int, float]) -> None:
    train = create_hparams(f"learning_rate=2e-3,{settings}").train
    for step, share in table.items():
        assert math.isclose(learning_rate(train, step), 2e-3 * share, rel_tol=1e-12), step


@pytest.mark.parametrize(
    ("settings", "table"),
    [
        ("", {0: 1.0, 99: 1.0, 10**6: 1.0}),
        ("teacher_forcing_final=0.2,teacher_forcing_decay_steps=10", {0: 1.0, 5: 0.6, 10: 0.2, 99: 0.2}),
        (
            "teacher_forcing_final=0,teacher_forcing_decay_start=100,teacher_forcing_decay_steps=50",
            {0: 1.0, 100: 1.0, 101: 0.98, 125: 0.5, 150: 0.0, 999: 0.0},
        ),
    ],
)
def test_shares_of_teacher_forcing(settings: str, table: dict[int, float]) -> None:
    train = create_hparams(settings).train
    for step, share in table.items():
        assert math.isclose(teacher_forcing(train, step), share, rel_tol=1e-12, abs_tol=1e-12), step
