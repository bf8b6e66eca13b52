"""Every option of the optimisation is read: changing it changes the weights that come out."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tacotron2 import load_model, train
from tacotron2.data.dataset import TextMelLoader
from tacotron2.hparams import HParams, TrainParams

Sets = tuple[TextMelLoader, TextMelLoader]

BASE = {
    "max_steps": 4,
    "validate_every": 4,
    "checkpoint_every": 4,
    "warmup_steps": 2,
    "learning_rate_final_share": 0.5,
    "learning_rate_decay_start": 1,
}
CHANGES = {
    "learning_rate": 2e-3,
    "learning_rate_final_share": 0.1,
    "learning_rate_decay_start": 3,
    "warmup_steps": 3,
    "weight_decay": 0.5,
    "batch_size": 8,
    "accumulation_steps": 2,
    "grad_clip_thresh": 0.01,
    "precision": "bf16",
    "max_steps": 3,
    "seed": 7,
    "reduction_schedule": "0:5 2:3",
    "teacher_forcing_final": 0.0,
}
OTHERWISE = {
    "teacher_forcing_decay_start",
    "teacher_forcing_decay_steps",
    "num_processes",
    "gradient_checkpointing",
    "max_train_minutes",
    "log_every",
    "validate_every",
    "free_running_clips",
    "checkpoint_every",
    "keep_states",
    "keep_best",
    "calm_steps",
}
"""Who computes, at what price, until when, what is judged and kept, two of a schedule, and one that only a
training in trouble reads: tested where each has its place."""


def learned(hparams: HParams, sets: Sets, folder: Path) -> Tensor:
    """The weights after the last step."""
    result = train(hparams, *sets, folder, device="cpu")
    assert result.step == hparams.max_steps and result.best_checkpoint is not None
    return torch.cat([p.detach().flatten() for p in load_model(result.best_checkpoint).parameters()])


@pytest.fixture(scope="module")
def unchanged(tiny: HParams, sets: Sets, tmp_path_factory: pytest.TempPathFactory) -> Tensor:
    return learned(tiny.replace(**BASE), sets, tmp_path_factory.mktemp("unchanged"))


def test_no_option_is_forgotten() -> None:
    assert CHANGES.keys() | OTHERWISE == {leaf.name for leaf in fields(TrainParams)}


@pytest.mark.usefixtures("blank_pictures")
def test_the_same_options_learn_the_same(
    tiny: HParams, sets: Sets, tmp_path: Path, unchanged: Tensor
) -> None:
    assert torch.equal(learned(tiny.replace(**BASE), sets, tmp_path), unchanged)


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("key", CHANGES)
def test_another_value_learns_something_else(
    key: str, tiny: HParams, sets: Sets, tmp_path: Path, unchanged: Tensor
) -> None:
    changed = tiny.replace(**BASE | {key: CHANGES[key]})
    assert not torch.equal(learned(changed, sets, tmp_path), unchanged)
