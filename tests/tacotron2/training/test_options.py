"""Every option of the optimisation and every dimension of a study is read: another value, other weights."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import Tensor

from smart_tuner.config import default_config
from smart_tuner.tuning.search_space import SearchSpace
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
    "freeze": "encoder",
}
OTHERWISE = {
    "teacher_forcing_decay_start",
    "teacher_forcing_decay_steps",
    "num_processes",
    "gradient_checkpointing",
    "max_train_minutes",
    "log_every",
    "report_every",
    "validate_every",
    "free_running_clips",
    "checkpoint_every",
    "keep_states",
    "keep_best",
    "calm_steps",
    "freeze_steps",
    "set_aside_bad_clips",
}
"""Who computes, at what price, until when, what is judged and kept, two of a schedule, and one that only a
training in trouble reads: tested where each has its place."""

ALL_PARTS = {
    "n_frames_per_step": 1,  # the recogniser needs more decoder steps than symbols
    "max_steps": 2,
    "validate_every": 2,
    "checkpoint_every": 2,
    "use_gst": True,
    "gst_tokens": 2,
    "gst_heads": 2,
    "gst_dim": 8,
    "gst_reference_filters": 2,
    "use_mmi": True,
    "use_ddc": True,
    "guide_loss_decay_start": 0,
    "guide_loss_decay_steps": 4,
    "drop_frame_rate": 0.01,
}
"""A training with everything in it that a study may weigh."""
PART_CHANGES = {
    "guided_attention_weight": 40.0,
    "guide_loss_decay_start": 1,
    "guide_loss_decay_steps": 8,
    "p_prenet_dropout": 0.2,
    "p_attention_dropout": 0.3,
    "p_decoder_dropout": 0.3,
    "p_convolution_dropout": 0.3,
    "drop_frame_rate": 0.2,
    "mmi_loss_weight": 2.0,
    "ddc_loss_weight": 2.0,
    "tpse_loss_weight": 2.0,
}


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


@pytest.fixture(scope="module")
def unchanged_parts(tiny: HParams, sets: Sets, tmp_path_factory: pytest.TempPathFactory) -> Tensor:
    return learned(tiny.replace(**ALL_PARTS), sets, tmp_path_factory.mktemp("parts"))


def test_every_dimension_of_a_study_is_tried_here() -> None:
    tuned = {each.leaf for each in SearchSpace.of(default_config()).dimensions}
    assert tuned - CHANGES.keys() == PART_CHANGES.keys()


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("key", PART_CHANGES)
def test_another_value_of_a_dimension_learns_something_else(
    key: str, tiny: HParams, sets: Sets, tmp_path: Path, unchanged_parts: Tensor
) -> None:
    changed = tiny.replace(**ALL_PARTS | {key: PART_CHANGES[key]})
    assert not torch.equal(learned(changed, sets, tmp_path), unchanged_parts)


@pytest.mark.usefixtures("blank_pictures")
def test_the_same_parts_learn_the_same(
    tiny: HParams, sets: Sets, tmp_path: Path, unchanged_parts: Tensor
) -> None:
    assert torch.equal(learned(tiny.replace(**ALL_PARTS), sets, tmp_path), unchanged_parts)
