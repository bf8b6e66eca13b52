"""Costs against sums that one can do by hand."""

from __future__ import annotations

import torch
from torch import nn

from tacotron2.counters import KeptBytes, LiveBytes, MacCounter
from tacotron2.hparams import create_hparams
from tacotron2.models.lstm import dropped_lstm
from tacotron2.models.prenet import Prenet


def test_the_prenet_forward_and_backward() -> None:
    """Each layer once forward and once for its weights; the second also for its input."""
    prenet = Prenet(80, create_hparams().model)
    frames = 2 * 7
    first, second = frames * 80 * 256, frames * 256 * 256
    with MacCounter() as counter:
        said = prenet(torch.randn(2, 7, 80), None)
        forward = counter.macs
        said.sum().backward()
    assert forward == first + second
    assert counter.macs == 2 * first + 3 * second


def test_convolutions_recurrent_layers_and_vectors() -> None:
    with torch.no_grad():
        with MacCounter() as counter:
            nn.Conv1d(3, 4, 5, padding=2)(torch.randn(2, 3, 11))
        assert counter.macs == 2 * 11 * 3 * 4 * 5
        with MacCounter() as counter:
            nn.LSTM(6, 5, batch_first=True)(torch.randn(2, 9, 6))
        assert counter.macs == 2 * 9 * 4 * 5 * (6 + 5)
        with MacCounter() as counter:
            torch.mv(torch.randn(8, 3), torch.randn(3))
            torch.zeros(8).addmv_(torch.randn(8, 3), torch.randn(3))
        assert counter.macs == 2 * 8 * 3


def test_a_backward_of_our_own() -> None:
    """The decoder's LSTM: a product a step forward, two backward, the first step's input being fixed."""
    steps, batch, units = 6, 2, 5
    inputs, weight = torch.randn(steps, batch, 20, requires_grad=True), torch.randn(20, 5, requires_grad=True)
    dropped, begin = torch.ones(steps, batch, units), torch.zeros(batch, units)
    one = batch * 4 * units * units
    with MacCounter() as counter:
        said, _ = dropped_lstm(inputs, weight, dropped, (begin, begin))
        assert counter.macs == steps * one
        said.sum().backward()
    assert counter.macs == steps * one + (steps - 1) * one + steps * one


def test_bytes_that_are_kept() -> None:
    """Of two layers the first keeps its input, tanh its output, which is the second's input as well."""
    layers = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 3))
    kept = KeptBytes(layers)
    with kept:
        layers(torch.randn(7, 10)).sum()
    assert kept.bytes == 4 * 7 * (10 + 20)


def test_bytes_that_are_alive() -> None:
    given = torch.zeros(1000)
    with LiveBytes() as live:
        first = given + 1.0
        assert live.most == 4000
        view = first.view(10, 100)
        view.add_(1.0)
        assert live.most == 4000
        del first, view
        again = given + 1.0
        assert live.most == 4000
        both = torch.cat((again, again))
    assert live.most == 12_000 and both.numel() == 2000
