"""Every parameter learns, and every option of model and loss is read."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from tacotron2.data.dataset import Item, TextMelCollate, mel_statistics
from tacotron2.hparams import HParams, LossParams, ModelParams, TrainParams, create_hparams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight
from tacotron2.models import Tacotron2
from tacotron2.reduction import stage_at
from tacotron2.self_check import WITHOUT_GRADIENT
from tacotron2.training.schedule import teacher_forcing
from tests.gradients import assert_everything_learns

NARROW = (
    "n_mel_channels=20,symbols_embedding_dim=12,encoder_embedding_dim=16,encoder_n_convolutions=2,prenet_dim=16,"
    "attention_rnn_dim=20,attention_dim=8,attention_location_n_filters=4,decoder_rnn_dim=18,"
    "postnet_embedding_dim=16,postnet_n_convolutions=3,gst_dim=16,gst_reference_filters=4,"
)


def test_the_biases_without_gradient_are_the_known_ones() -> None:
    with torch.device("meta"):
        model = Tacotron2(create_hparams())
    sizes = [p.numel() for name, p in model.named_parameters() if WITHOUT_GRADIENT.fullmatch(name)]
    assert sum(sizes) == 4112 and len(sizes) == 3 + 5 + 6


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(NARROW, id="narrow"),
        pytest.param(NARROW + "attention=location-relative", id="location-relative"),
        pytest.param("n_mel_channels=20", id="report", marks=pytest.mark.slow),
    ],
)
def test_every_parameter_learns(overrides: str, train_set: object, items: list[Item]) -> None:
    """On recordings: each tensor's largest gradient against the median of its module's.

    Three in a row each: the reference encoder's recurrence begins to matter beyond 64 frames.
    """
    torch.manual_seed(0)
    hparams = create_hparams(overrides)
    model = Tacotron2(hparams)
    model.set_mel_statistics(*mel_statistics(train_set))  # type: ignore[arg-type]
    threes = [(items[i - 2], items[i - 1], items[i]) for i in range(len(items))]
    longer = [
        Item(torch.cat([x.ids for x in three]), torch.cat([x.mel for x in three]), three[0].utterance)
        for three in threes
    ]
    batch = TextMelCollate(model.r)(longer)
    assert_everything_learns(model, hparams, batch)


# What each key is changed to, against NARROW with BASE.
BASE = (
    "p_prenet_dropout=0.4,max_decoder_seconds=0.2,gate_threshold=0.8,guide_loss_decay_start=100,"
    "guide_loss_decay_steps=400,guide_loss_final_share=0.1,"
)
CHANGES = {
    "n_symbols": "70",
    "symbols_embedding_dim": "14",
    "encoder_embedding_dim": "18",
    "encoder_n_convolutions": "1",
    "encoder_kernel_size": "3",
    "prenet_dim": "12",
    "p_prenet_dropout": "0.2",
    "prenet_dropout_at_synthesis": "False",
    "attention_rnn_dim": "22",
    "attention_dim": "6",
    "attention_location_n_filters": "3",
    "attention_location_kernel_size": "7",
    "decoder_rnn_dim": "22",
    "p_attention_dropout": "0.2",
    "p_decoder_dropout": "0.3",
    "n_frames_per_step": "2",
    "postnet_embedding_dim": "12",
    "postnet_kernel_size": "3",
    "postnet_n_convolutions": "2",
    "p_convolution_dropout": "0.2",
    "attention": "location-relative",
    "n_speakers": "3",
    "use_gst": "False",
    "gst_tokens": "6",
    "gst_heads": "2",
    "gst_dim": "24",
    "gst_reference_filters": "3",
    "use_mmi": "False",
    "drop_frame_rate": "0.2",
    "use_ddc": "False",
    "ddc_frames_per_step": "4",
    "gate_threshold": "0.2",
    "max_decoder_seconds": "0.3",
    "gate_loss_weight": "2",
    "gate_positive_weight": "3",
    "guided_attention_weight": "10",
    "guided_attention_sigma": "0.4",
    "guide_loss_decay_start": "200",
    "guide_loss_decay_steps": "800",
    "guide_loss_final_share": "0.5",
    "mmi_loss_weight": "2",
    "use_gaf": "False",
    "max_gaf": "0.01",
    "ddc_decoder_weight": "2",
    "ddc_loss_weight": "2",
    "tpse_loss_weight": "2",
}

# Those of the training that go into the model; against SCHEDULED as well.
SCHEDULED = (
    "n_frames_per_step=2,reduction_schedule=0:4 200:3 400:2,teacher_forcing_final=0.5,"
    "teacher_forcing_decay_start=100,teacher_forcing_decay_steps=400,"
)
SCHEDULES = {
    "reduction_schedule": "0:4 400:2",
    "teacher_forcing_final": "0.2",
    "teacher_forcing_decay_start": "200",
    "teacher_forcing_decay_steps": "200",
}


def computed(hparams: HParams) -> list[Tensor]:
    """Losses and gradients of the update at step 300, and what is spoken, of equal weights and inputs."""
    torch.manual_seed(1)
    model = Tacotron2(hparams)
    model.decoder.set_r(stage_at(hparams.reduction_stages, 300).r)
    criterion = Tacotron2Loss(hparams, model.r)
    torch.manual_seed(2)
    text, text_lengths = torch.randint(1, 60, (2, 7)), torch.tensor([7, 5])
    mel, mel_lengths = torch.randn(2, 24, 20), torch.tensor([24, 17])
    steps = (mel_lengths + model.r - 1) // model.r
    gate = (torch.arange(24 // model.r) >= steps[:, None] - 1).float()
    batch = SimpleNamespace(text=text, text_lengths=text_lengths, mel=mel, mel_lengths=mel_lengths, gate=gate)
    speakers = torch.tensor([0, 2]) if hparams.n_speakers > 1 else None
    torch.manual_seed(3)
    forced = teacher_forcing(hparams.train, 300)
    output = model(text, text_lengths, mel, mel_lengths, speakers, forced)
    losses = criterion(output, batch, guided_attention_weight(hparams.loss, 300))
    losses.total.backward()
    gradients = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    torch.manual_seed(4)
    spoken = model.eval().infer(text, text_lengths, speakers=speakers)
    return [losses.total.detach(), torch.cat(gradients), spoken.mel, spoken.step_lengths]


@pytest.fixture(scope="module")
def unchanged() -> list[Tensor]:
    return computed(create_hparams(NARROW + BASE))


def test_the_same_settings_compute_the_same(unchanged: list[Tensor]) -> None:
    again = computed(create_hparams(NARROW + BASE))
    assert all(torch.equal(a, b) for a, b in zip(unchanged, again, strict=True))


@pytest.mark.parametrize(
    "key", [leaf.name for section in (ModelParams, LossParams) for leaf in fields(section)]
)
def test_every_option_changes_what_is_computed(key: str, unchanged: list[Tensor]) -> None:
    changed = computed(create_hparams(f"{NARROW}{BASE}{key}={CHANGES[key]}"))
    assert not all(torch.equal(a, b) for a, b in zip(unchanged, changed, strict=True))


@pytest.fixture(scope="module")
def scheduled() -> list[Tensor]:
    return computed(create_hparams(NARROW + BASE + SCHEDULED))


@pytest.mark.parametrize("key", SCHEDULES)
def test_every_schedule_changes_what_is_computed(key: str, scheduled: list[Tensor]) -> None:
    assert key in {leaf.name for leaf in fields(TrainParams)}
    changed = computed(create_hparams(f"{NARROW}{BASE}{SCHEDULED}{key}={SCHEDULES[key]}"))
    assert not all(torch.equal(a, b) for a, b in zip(scheduled, changed, strict=True))
