"""Attention by location alone: its prior, its oracle, and that content does not move it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from tacotron2.hparams import create_hparams
from tacotron2.models.location_relative import LocationRelativeAttention, beta_binomial

MODEL = create_hparams("attention=location-relative,attention_rnn_dim=8,attention_dim=5").model


def test_the_prior_moves_by_one_symbol_on_average() -> None:
    prior = beta_binomial(11, 0.1, 0.9)
    assert prior.sum().item() == pytest.approx(1.0)
    assert (prior * torch.arange(11)).sum().item() == pytest.approx(1.0)
    assert prior[0].item() == pytest.approx(0.7400, abs=1e-3)


def test_one_step_position_by_position() -> None:
    torch.manual_seed(0)
    attention = LocationRelativeAttention(MODEL).double()
    query, memory = torch.randn(1, 8).double(), torch.randn(1, 14, 3).double()
    last = torch.softmax(torch.randn(14).double() * 3, 0)
    mask = torch.arange(14)[None] < 12
    context, weights = attention(query, memory, attention.process_memory(memory), last.expand(1, 2, 14), mask)
    filters = attention.filter_layer(torch.tanh(attention.query_layer(query))).view(8, 21)
    prior = beta_binomial(11, 0.1, 0.9).double()
    energies = []
    for j in range(12):
        around = torch.stack(
            [last[j + i - 10] if 0 <= j + i - 10 < 14 else last.new_zeros(()) for i in range(21)]
        )
        sums = attention.static_projection(attention.static_layer(around)) + attention.dynamic_projection(
            filters @ around
        )
        stepped = sum(prior[k] * last[j - k] for k in range(11) if j >= k)
        energies.append(attention.v(torch.tanh(sums))[0] + torch.log(stepped.clamp_min(1e-6)))
    expected = functional.pad(torch.softmax(torch.stack(energies), 0), (0, 2))
    torch.testing.assert_close(weights[0], expected)
    torch.testing.assert_close(context[0], expected @ memory[0])


def test_it_begins_on_the_first_symbol_and_never_reads_the_content() -> None:
    torch.manual_seed(1)
    attention = LocationRelativeAttention(MODEL)
    memory, mask = torch.randn(2, 30, 3), torch.ones(2, 30, dtype=torch.bool)
    history = attention.initial_history(memory)
    query = torch.randn(2, 8)
    _, weights = attention(query, memory, attention.process_memory(memory), history, mask)
    other = torch.randn(2, 30, 3)
    _, again = attention(query, other, attention.process_memory(other), history, mask)
    assert torch.equal(weights, again)
    assert weights[:, :11].sum(1).min() > 0.9  # within the reach of one step
