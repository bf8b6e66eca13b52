"""Whether every parameter of a model learns from a batch, as the report means it."""

from __future__ import annotations

import torch

from tacotron2.data.dataset import Batch
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight
from tacotron2.models import Tacotron2
from tacotron2.self_check import WITHOUT_GRADIENT


def assert_everything_learns(model: Tacotron2, hparams: HParams, batch: Batch) -> None:
    """Each tensor's largest gradient against the median of its module's, and each symbol's that occurs."""
    output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
    losses = Tacotron2Loss(hparams)(output, batch, guided_attention_weight(hparams.loss, 0))
    assert losses.auxiliary["mmi_left_out"] == 0
    losses.total.backward()
    assert 0 < losses.terms()["mmi_factor"] <= hparams.max_gaf
    largest = {
        name: 0.0 if p.grad is None else float(p.grad.abs().max())
        for name, p in model.named_parameters()
        if not WITHOUT_GRADIENT.fullmatch(name)
    }
    for module in {name.partition(".")[0] for name in largest}:
        mine = {name: value for name, value in largest.items() if name.partition(".")[0] == module}
        median = float(torch.tensor(list(mine.values())).median())
        assert median > 0
        assert [name for name, value in mine.items() if value <= 1e-6 * median] == []
    occurring = batch.text[torch.arange(batch.text.size(1)) < batch.text_lengths[:, None]].unique()
    assert model.embedding.weight.grad is not None
    assert model.embedding.weight.grad[occurring].abs().amax(1).min() > 0
