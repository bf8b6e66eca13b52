"""The loops with backward by hand, against gradcheck, against autograd, and in every mode they run in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tacotron2.hparams import create_hparams
from tacotron2.models import Tacotron2
from tacotron2.models.decoder import Decoder, DecoderMasks
from tacotron2.models.lstm import dropped_lstm
from tacotron2.models.masking import length_mask
from tacotron2.models.products import linear, over_steps, packed, product
from tacotron2.models.recurrence import Attending, attend

SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "symbols_embedding_dim=12,encoder_embedding_dim=16,prenet_dim=8,attention_rnn_dim=20,attention_dim=8,"
    "attention_location_n_filters=4,attention_location_kernel_size=5,decoder_rnn_dim=18,"
    "postnet_embedding_dim=8,n_frames_per_step=3,"
)
LENGTHS = torch.tensor([11, 7, 9, 3])
STEPS = 10


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def attention_operands(kernel_size: int = 3) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Leaves of a tiny `attended`, its mask and its dropout factors."""
    steps, batch, length, units, width, dim = 3, 2, 4, 3, 2, 3
    leaves = (
        leaf(steps, batch, 4 * units),
        leaf(4 * units, units + width),
        leaf(dim, units),
        leaf(dim, 2, kernel_size),
        leaf(1, dim),
        leaf(batch, length, dim),
        leaf(batch, length, width),
        leaf(batch, units),
        leaf(batch, units + width),
        leaf(batch, 2, length),
    )
    dropped = torch.randint(0, 2, (steps, batch, units)).double() * 2
    return leaves, length_mask(torch.tensor([4, 2]), length), dropped


def attended(*operands: Tensor | None) -> tuple[Tensor, Tensor]:
    """`attend` in two pieces, the second of which begins where the first ended; the seams are within reach of
    every gradient."""
    inputs, *weights, cell, state, history, mask, dropped = operands
    states, alignments, before = [], [], Attending(cell, state, history)
    for piece in (slice(0, 1), slice(1, None)):
        factors = None if dropped is None else dropped[piece]
        one, other, before = attend(inputs[piece], *weights, mask, factors, before)
        states.append(one)
        alignments.append(other)
    return torch.cat(states), torch.cat(alignments) + before.history.sum((0, 1)) + before.cell.sum()


@pytest.mark.parametrize("kernel_size", [1, 3, 7])
@pytest.mark.parametrize("drop", [True, False])
def test_attention_passes_gradcheck(kernel_size: int, drop: bool) -> None:
    torch.manual_seed(0)
    leaves, mask, dropped = attention_operands(kernel_size)
    assert torch.autograd.gradcheck(lambda *x: attended(*x, mask, dropped if drop else None), leaves)


def test_lstm_passes_gradcheck() -> None:
    torch.manual_seed(0)
    dropped = torch.randint(0, 2, (4, 2, 3)).double() * 2
    leaves = (leaf(4, 2, 12), leaf(12, 3), leaf(2, 3), leaf(2, 3))
    assert torch.autograd.gradcheck(lambda x, w, *begin: dropped_lstm(x, w, dropped, begin), leaves)


def test_each_gradient_is_right_alone() -> None:
    """When only some operands need gradients, theirs are the same as when all do."""
    torch.manual_seed(1)
    leaves, mask, dropped = attention_operands()
    states, weights = attended(*leaves, mask, dropped)
    expected = torch.autograd.grad(states.square().sum() + weights.pow(3).sum(), leaves)
    for index, gradient in enumerate(expected):
        operands = [x if i == index else x.detach() for i, x in enumerate(leaves)]
        states, weights = attended(*operands, mask, dropped)
        (alone,) = torch.autograd.grad(states.square().sum() + weights.pow(3).sum(), [leaves[index]])
        torch.testing.assert_close(alone, gradient, rtol=1e-12, atol=1e-12)


def test_either_output_may_be_unused() -> None:
    torch.manual_seed(2)
    leaves, mask, dropped = attention_operands()
    for output in (0, 1):
        assert torch.autograd.gradcheck(lambda *x, o=output: attended(*x, mask, dropped)[o], leaves)


def decoder_and_inputs(dtype: torch.dtype) -> tuple[Decoder, Tensor, Tensor, DecoderMasks]:
    torch.manual_seed(3)
    overrides = "p_attention_dropout=0.2,p_decoder_dropout=0.3"
    decoder = Tacotron2(create_hparams(SMALL + overrides)).to(dtype).decoder
    values = torch.randn(4, 11, 16, dtype=dtype) * length_mask(LENGTHS, 11)[:, :, None]
    values.requires_grad_()
    return decoder, values, torch.randn(4, 30, 80, dtype=dtype), decoder.draw_masks(4, STEPS, values, True)


def score_of(
    path: Callable[..., object], decoder: Decoder, values: Tensor, mel: Tensor, masks: object
) -> Tensor:
    output = path(decoder.prepare_memory(values, LENGTHS), mel, masks)
    parts = [getattr(output, name).double() for name in ("mel", "gate_logits", "alignments")]
    return parts[0].square().sum() + parts[1].sum() + parts[2].pow(3).sum()


def test_backward_twice_is_twice_the_gradient() -> None:
    decoder, values, mel, masks = decoder_and_inputs(torch.float64)
    score = score_of(decoder, decoder, values, mel, masks)
    operands = [values, *decoder.parameters()]
    first = torch.autograd.grad(score, operands, retain_graph=True)
    second = torch.autograd.grad(score, operands)
    naive = torch.autograd.grad(score_of(decoder.decode_stepwise, decoder, values, mel, masks), operands)
    for one, two, expected in zip(first, second, naive, strict=True):
        assert torch.equal(one, two)
        torch.testing.assert_close(one, expected, rtol=1e-9, atol=1e-11)


def test_second_derivatives_are_refused() -> None:
    decoder, values, mel, masks = decoder_and_inputs(torch.float64)
    score = score_of(decoder, decoder, values, mel, masks)
    (gradient,) = torch.autograd.grad(score, [values], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_the_numbers_are_the_same(mode: Callable[[], torch.no_grad]) -> None:
    decoder, values, mel, masks = decoder_and_inputs(torch.float64)
    expected = decoder(decoder.prepare_memory(values, LENGTHS), mel, masks)
    with mode():
        output = decoder(decoder.prepare_memory(values, LENGTHS), mel, masks)
    assert not output.mel.requires_grad
    assert torch.equal(output.mel, expected.mel) and torch.equal(output.alignments, expected.alignments)


def test_frozen_weights_leave_the_other_gradients_alone() -> None:
    decoder, values, mel, masks = decoder_and_inputs(torch.float64)
    (expected,) = torch.autograd.grad(score_of(decoder, decoder, values, mel, masks), [values])
    decoder.requires_grad_(False)
    (gradient,) = torch.autograd.grad(score_of(decoder, decoder, values, mel, masks), [values])
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)


def test_float32_agrees_with_the_paper_s_loop() -> None:
    """Here the products go another way than in float64."""
    decoder, values, mel, masks = decoder_and_inputs(torch.float32)
    operands = [values, *decoder.parameters()]
    fast, naive = (
        torch.autograd.grad(score_of(path, decoder, values, mel, masks), operands)
        for path in (decoder, decoder.decode_stepwise)
    )
    for one, other in zip(fast, naive, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


@pytest.mark.parametrize("backward_inside", [True, False])
def test_under_autocast_the_recurrence_keeps_the_weights_arithmetic(backward_inside: bool) -> None:
    decoder, values, mel, masks = decoder_and_inputs(torch.float32)
    operands = [values, *decoder.parameters()]
    expected = torch.autograd.grad(score_of(decoder, decoder, values, mel, masks), operands)
    with torch.autocast("cpu", torch.bfloat16):
        score = score_of(decoder, decoder, values, mel, masks)
        if backward_inside:
            gradients = torch.autograd.grad(score, operands)
    if not backward_inside:
        gradients = torch.autograd.grad(score, operands)
    for gradient, exact in zip(gradients, expected, strict=True):
        assert gradient.dtype == torch.float32
        assert float((gradient - exact).norm()) < 0.05 * float(exact.norm())


def test_dropout_factors_under_autocast_keep_their_probability() -> None:
    torch.manual_seed(4)
    decoder = Tacotron2(create_hparams(SMALL + "p_decoder_dropout=0.001")).decoder
    masks = decoder.draw_masks(200, 100, torch.empty(0, dtype=torch.bfloat16), prenet=False)
    assert masks.decoder is not None and masks.decoder.dtype == torch.bfloat16
    assert float((masks.decoder == 0).double().mean()) == pytest.approx(0.001, rel=0.3)


def test_products_are_right_for_every_layout() -> None:
    torch.manual_seed(5)
    wide, weight = torch.randn(24, 40), torch.randn(56, 40)
    pairs = [
        (wide, weight),
        (wide, packed(weight, 24)),
        (wide[:, 3:20], weight[:, 3:20]),
        (wide[:, ::2], weight[:, ::2]),
        (torch.randn(40, 24).t(), torch.randn(40, 56).t()),
    ]
    for x, y in pairs:
        dense = weight if y.layout != torch.strided else y
        torch.testing.assert_close(product(x, y), x @ dense.t(), rtol=1e-4, atol=1e-5)
    a, b = torch.randn(3, 5, 7), torch.randn(3, 5, 6)
    torch.testing.assert_close(over_steps(a, b), torch.einsum("tbo,tbi->oi", a, b))


def test_linear_is_torch_s_linear() -> None:
    torch.manual_seed(6)
    x, weight, bias = torch.randn(5, 3, 8), torch.randn(12, 16)[:, 4:12], torch.randn(12)
    results = []
    for function in (linear, functional.linear):
        leaves = [y.clone().requires_grad_() for y in (x, weight, bias)]
        output = function(*leaves)
        results.append([output, *torch.autograd.grad(output.square().sum(), leaves)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
