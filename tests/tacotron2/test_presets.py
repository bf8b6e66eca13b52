"""Every preset is built and learns for one step, on the smallest batch there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tacotron2 import Tacotron2, Tacotron2Loss
from tacotron2.data.dataset import Batch
from tacotron2.schema import read_hparams
from tacotron2.training.schedule import learning_rate

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize("preset", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_one_step(preset: str) -> None:
    hparams = read_hparams(CONFIGS / f"{preset}.yaml")
    torch.manual_seed(0)
    model = Tacotron2(hparams)
    num_steps = 4
    lengths = torch.tensor([num_steps * model.r, (num_steps - 1) * model.r])
    gate = torch.zeros(2, num_steps)
    gate[0, 3:] = gate[1, 2:] = 1.0
    mel = torch.randn(2, num_steps * model.r, hparams.n_mel_channels)
    batch = Batch(torch.randint(24, 50, (2, 7)), torch.tensor([7, 5]), mel, lengths, gate, ("a", "b"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate(hparams.train, 0))
    before = model.embedding.weight.detach().clone()
    output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
    losses = Tacotron2Loss(hparams)(output, batch, 1.0)
    losses.total.backward()
    optimizer.step()
    assert torch.isfinite(losses.total) and losses.guided_attention > 0
    assert not torch.equal(before, model.embedding.weight)
    last = learning_rate(hparams.train, hparams.train.max_steps)
    assert last == pytest.approx(hparams.learning_rate * hparams.learning_rate_final_share)
