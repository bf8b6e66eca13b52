"""One LSTM step with gradients written by hand, and the decoder LSTM, whose dropout is recurrent.

Time first; gates in torch's order: input, forget, candidate, output.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tacotron2.models.products import over_steps, packed, product, without_autocast

aten = torch.ops.aten


def cell_forward(gates: Tensor, before: Tensor, after: Tensor, squashed: Tensor, hidden: Tensor) -> None:
    """One LSTM step. Gate sums in `gates` become activations; `squashed` is tanh of the new cell state."""
    enter, keep, candidate, out = gates.chunk(4, dim=1)
    gates[:, : 2 * keep.size(1)].sigmoid_()
    candidate.tanh_()
    out.sigmoid_()
    torch.mul(enter, candidate, out=after).addcmul_(keep, before)
    torch.mul(out, torch.tanh(after, out=squashed), out=hidden)


def cell_backward(
    d_hidden: Tensor, d_cell: Tensor, gates: Tensor, before: Tensor, squashed: Tensor, d_gates: Tensor
) -> None:
    """Gradients of one step's gate sums into `d_gates`, and of the cell state, in place, into `d_cell`."""
    enter, keep, candidate, out = gates.chunk(4, dim=1)
    d_enter, d_keep, d_candidate, d_out = d_gates.chunk(4, dim=1)
    aten.sigmoid_backward.grad_input(d_hidden * squashed, out, grad_input=d_out)
    d_cell.add_(aten.tanh_backward(d_hidden * out, squashed))
    aten.sigmoid_backward.grad_input(d_cell * candidate, enter, grad_input=d_enter)
    aten.sigmoid_backward.grad_input(d_cell * before, keep, grad_input=d_keep)
    aten.tanh_backward.grad_input(d_cell * enter, candidate, grad_input=d_candidate)
    d_cell.mul_(keep)


def dropped_lstm(
    inputs: Tensor, recurrent: Tensor, dropped: Tensor, before: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """An LSTM whose output is dropped also where it goes on as state.

    Args:
        inputs: the input's share of the gates, biases included, `(T_dec, B, 4 H)`.
        recurrent: `weight_hh`, `(4 H, H)`.
        dropped: dropout factors `(T_dec, B, H)`.
        before: hidden state and cell that the first step starts from, `(B, H)` each.

    Returns:
        hidden states `(T_dec, B, H)`, and the last cell.
    """
    dtype = recurrent.dtype
    with torch.autocast(inputs.device.type, enabled=False):
        hidden, cell = (x.to(dtype) for x in before)
        return _DroppedLstm.apply(inputs.to(dtype), recurrent, dropped.to(dtype), hidden, cell)


class _DroppedLstm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *operands: Tensor) -> tuple[Tensor, Tensor]:
        inputs, recurrent, dropped, hidden, cell = operands
        weight = packed(recurrent, inputs.size(1))
        gates, squashed = torch.empty_like(inputs), inputs.new_empty(dropped.shape)
        cells, states = inputs.new_empty(2, inputs.size(0) + 1, *dropped.shape[1:])
        cells[0], states[0] = cell, hidden
        for t in range(inputs.size(0)):
            torch.add(inputs[t], product(states[t], weight), out=gates[t])
            cell_forward(gates[t], cells[t], cells[t + 1], squashed[t], states[t + 1])
            states[t + 1].mul_(dropped[t])
        ctx.save_for_backward(recurrent, dropped, gates, cells, squashed, states)
        return states[1:], cells[-1].clone()

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, d_outputs: Tensor, d_end: Tensor) -> tuple[Tensor | None, ...]:
        recurrent, dropped, gates, cells, squashed, states = ctx.saved_tensors
        weight = packed(recurrent.t().contiguous(), gates.size(1))
        d_gates, d_cell, d_hidden = torch.empty_like(gates), d_end.clone(), d_outputs[-1]
        for t in reversed(range(gates.size(0))):
            if t + 1 < gates.size(0):
                d_hidden = product(d_gates[t + 1], weight).add_(d_outputs[t])
            cell_backward(d_hidden * dropped[t], d_cell, gates[t], cells[t], squashed[t], d_gates[t])
        d_before = product(d_gates[0], weight) if ctx.needs_input_grad[3] else None
        return d_gates, over_steps(d_gates, states[:-1]), None, d_before, d_cell
