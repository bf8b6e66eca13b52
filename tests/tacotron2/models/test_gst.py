"""Style tokens: what is heard in a recording depends on its frames alone, and the guess moves nothing."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tacotron2.hparams import create_hparams
from tacotron2.models.gst import StylePredictor, StyleTokens

MODEL = create_hparams("gst_dim=16,gst_heads=2,gst_tokens=5,gst_reference_filters=2").model
LENGTHS = torch.tensor([130, 65, 3, 1])


@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_no_style(training: bool) -> None:
    torch.manual_seed(0)
    tokens = StyleTokens(20, MODEL).double().train(training)
    mel = torch.randn(4, 130, 20, dtype=torch.float64)
    padded = nn.functional.pad(mel, (0, 0, 0, 77), value=5.0)
    torch.testing.assert_close(tokens(mel, LENGTHS), tokens(padded, LENGTHS))
    if not training:  # there each is normalised by itself
        alone = torch.cat([tokens(mel[i : i + 1, :n], LENGTHS[i : i + 1]) for i, n in enumerate(LENGTHS)])
        torch.testing.assert_close(tokens(mel, LENGTHS), alone)


def test_reference_encoder_is_plain_convolutions_and_a_gru_without_padding() -> None:
    torch.manual_seed(1)
    encoder = StyleTokens(20, MODEL).eval().reference_encoder
    mel = torch.randn(2, 64, 20)
    x = mel[:, None]
    for convolution, norm in zip(encoder.convolutions, encoder.norms, strict=True):
        flat = norm(convolution(x).flatten(2))
        x = torch.relu(flat).view(convolution(x).shape)
    _, last = encoder.rnn(x.transpose(1, 2).flatten(2))
    torch.testing.assert_close(encoder(mel, torch.tensor([64, 64])), last[0])


def test_a_style_is_made_of_the_tokens_it_weighs() -> None:
    torch.manual_seed(2)
    tokens = StyleTokens(20, MODEL)
    weights = tokens.token_layer.weights(tokens.reference_encoder(torch.randn(3, 70, 20), LENGTHS[1:]))
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 2))
    pure = tokens.from_weights(torch.eye(5))
    torch.testing.assert_close(tokens.from_weights(torch.full((1, 5), 0.2)), pure.mean(0, keepdim=True))
    per_head = tokens.from_weights(weights)
    expected = torch.cat([weights[:, head] @ pure[:, 8 * head : 8 * head + 8] for head in range(2)], dim=1)
    torch.testing.assert_close(per_head, expected)


@pytest.mark.parametrize("training", [True, False])
def test_the_guess_ignores_padding_and_moves_no_encoder(training: bool) -> None:
    torch.manual_seed(3)
    predictor = StylePredictor(12, MODEL).double().train(training)
    lengths = torch.tensor([9, 4, 1])
    memory = torch.randn(3, 9, 12, dtype=torch.float64, requires_grad=True)
    masked = memory * (torch.arange(9) < lengths[:, None])[:, :, None]
    style = predictor(masked, lengths)
    torch.testing.assert_close(style, predictor(nn.functional.pad(masked, (0, 0, 0, 6)), lengths))
    assert float(style.detach().abs().max()) < 1.0
    style.sum().backward()
    assert memory.grad is None
