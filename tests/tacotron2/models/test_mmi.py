"""The recogniser's pull: one backward pass gives what two and the formula give."""

from __future__ import annotations

import pytest
import torch

from tacotron2.models.mmi import balanced, gradient_adaptive_factor

NAN = float("nan")


@pytest.mark.parametrize(
    ("speech", "recogniser", "expected"),
    [
        ([0.1, -0.2], [0.4, -0.8], 0.25),  # at its largest entry as large as the speech's largest
        ([0.1, -2.0], [0.4, -0.8], 0.5),  # the cap
        ([0.0, 0.0], [0.4, -0.8], 0.0),
        ([0.1, -0.2], [0.0, 0.0], 0.5),
        ([0.0, 0.0], [0.0, 0.0], 0.5),
        ([NAN, 0.1], [0.4, 0.8], 0.5),  # not the factor's to hide: the gradient stays NaN
    ],
)
def test_adaptive_factor(speech: list[float], recogniser: list[float], expected: float) -> None:
    factor = gradient_adaptive_factor(torch.tensor(speech), torch.tensor(recogniser), cap=0.5)
    assert factor.item() == pytest.approx(expected)


def test_gradients_meet_scaled_in_one_pass() -> None:
    torch.manual_seed(0)
    weight = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    x = torch.randn(3, 5, 6, dtype=torch.float64)

    def speech_loss(y: torch.Tensor) -> torch.Tensor:
        return y.square().mean()

    def recogniser_loss(y: torch.Tensor) -> torch.Tensor:
        return 30.0 * torch.sin(y).mean()

    first, second, factor = balanced(x @ weight, cap=0.5)
    assert torch.equal(first, x @ weight) and torch.equal(second, x @ weight) and factor == 0
    (speech_loss(first) + recogniser_loss(second)).backward()
    projection = (x @ weight).detach().requires_grad_()
    (d_speech,) = torch.autograd.grad(speech_loss(projection), projection)
    (d_recogniser,) = torch.autograd.grad(recogniser_loss(projection), projection)
    expected = gradient_adaptive_factor(d_speech, d_recogniser, 0.5)
    assert 0 < expected < 0.5 and factor == expected
    (by_hand,) = torch.autograd.grad(x @ weight, weight, d_speech + expected * d_recogniser)
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, by_hand)


@pytest.mark.parametrize("used", [0, 1])
def test_a_gradient_alone_is_left_as_it_is(used: int) -> None:
    x = torch.ones(2, 3, requires_grad=True)
    balanced(x, cap=0.5)[used].mul(7.0).sum().backward()
    assert torch.equal(x.grad, torch.full((2, 3), 7.0))
