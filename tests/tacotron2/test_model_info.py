"""What a model is said to have and to cost."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tacotron2.hparams import create_hparams
from tacotron2.model_info import ModelInfo, describe
from tacotron2.models import Tacotron2
from tacotron2.self_check import WITHOUT_GRADIENT
from tests.tacotron2.test_trainable import NARROW

REPORT = {
    "embedding": 30_720,
    "encoder": 5_513_728,
    "decoder": 23_229_585,
    "postnet": 4_348_144,
    "decoder_secondary": 23_332_065,
    "mi": 1_099_825,
    "gst": 501_600,
    "tpse_gst": 755_968,
}


@pytest.mark.slow
def test_the_models_of_the_report() -> None:
    report = describe(create_hparams(), seconds=1.0)
    assert {module.name: module.parameters for module in report.modules} == REPORT
    assert (report.parameters, report.normalised_parameters) == (58_811_635, 4112)
    assert [module.without for module in report.modules] == [()] * 8
    assert report.optimizer_bytes == pytest.approx(2 * 4 * 58_811_635, rel=1e-4)
    assert report.weights_bytes == pytest.approx(4 * 58_811_635, rel=1e-3)
    plain = describe(create_hparams("use_gst=False,use_mmi=False,use_ddc=False,n_symbols=148"), seconds=0.2)
    assert plain.parameters == 28_193_153
    assert [module.name for module in plain.modules] == ["embedding", "encoder", "decoder", "postnet"]


def described(overrides: str = "") -> ModelInfo:
    return describe(create_hparams(NARROW + overrides), seconds=0.8)


def test_the_gradients() -> None:
    """The tensors in front of a batch normalisation are found by watching; here they are known by name."""
    info = described("n_speakers=3")
    assert {module.name for module in info.modules} == {*REPORT, "speaker_embedding"}
    model = Tacotron2(create_hparams(NARROW + "n_speakers=3"))
    for module in info.modules:
        names = [f"{module.name}.{name}" for name, _ in getattr(model, module.name).named_parameters()]
        known = [name for name in names if WITHOUT_GRADIENT.fullmatch(name)]
        assert module.normalised == len(known)
        assert (module.learning, module.without) == (len(names) - len(known), ())


def test_what_learns_nothing_is_named() -> None:
    """A second decoder whose losses have no weight."""
    info = described("ddc_decoder_weight=0,ddc_loss_weight=0")
    second = next(module for module in info.modules if module.name == "decoder_secondary")
    assert second.learning == 0 and "decoder_secondary.gate_layer.weight" in second.without
    assert all(not module.without for module in info.modules if module is not second)


def test_costs_follow_the_model() -> None:
    plain = "use_gst=False,use_mmi=False,use_ddc=False,"
    whole, alone, coarse = described(), described(plain), described(plain + "n_frames_per_step=4")
    assert whole.training.macs > 1.5 * alone.training.macs > 2.5 * coarse.training.macs
    assert whole.training.bytes > 1.5 * alone.training.bytes > 2.5 * coarse.training.bytes
    assert alone.training.macs > 2 * alone.synthesis.macs > 4 * coarse.synthesis.macs
    assert coarse.symbols <= coarse.seconds * 22050 / 256 / 4 / 2
    again = described(plain + "gradient_checkpointing=True")
    assert again.training.bytes < 0.7 * alone.training.bytes
    assert again.training.macs > 1.2 * alone.training.macs


def test_nothing_else_is_changed() -> None:
    before = torch.random.get_rng_state()
    first = described()
    assert torch.equal(before, torch.random.get_rng_state()) and torch.backends.mkldnn.enabled
    assert dataclasses.asdict(described()) == dataclasses.asdict(first)
