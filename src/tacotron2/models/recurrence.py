"""The attention recurrence of teacher forcing, with backward through time written by hand.

Autograd would record some twenty operations a step and rewrite every weight gradient once a step. Here a step
keeps only what its gradients need, and the gradient of each large weight is one product after the loop. All
sequences are time first, so that a step is one contiguous slice. The oracle is `Decoder.decode_stepwise`.

Shapes: `B` utterances, `T_dec` steps, `T_text` symbols, `H` units of the attention LSTM, `M` the memory's
width, `A` the attention's, `k` its location kernel's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tacotron2.models.attention import EXCLUDED
from tacotron2.models.lstm import cell_backward, cell_forward
from tacotron2.models.products import over_steps, packed, product, without_autocast


class Attending(NamedTuple):
    """Where the recurrence stands between two steps; zeros at first.

    cell `(B, H)`; state: hidden state and context side by side, `(B, H + M)`; history: last and summed
    weights, `(B, 2, T_text)`.
    """

    cell: Tensor
    state: Tensor
    history: Tensor


def attend(
    inputs: Tensor,
    recurrent: Tensor,
    query: Tensor,
    kernel: Tensor,
    v: Tensor,
    processed: Tensor,
    values: Tensor,
    mask: Tensor,
    dropped: Tensor | None,
    before: Attending,
) -> tuple[Tensor, Tensor, Attending]:
    """Attention LSTM and location-sensitive attention, in the arithmetic of the weights also under autocast.

    tanh(x) = 2 sigmoid(2 x) - 1, and softmax ignores the constant: with everything doubled that goes in, the
    energies need sigmoid alone, which takes a ninth of tanh's time on a CPU.

    Args:
        inputs: the pre-net's share of the gates, biases included, `(T_dec, B, 4 H)`.
        recurrent: weights of the hidden state and the context, `(4 H, H + M)`.
        query: `(A, H)`; kernel: location convolution and dense layer, `(A, 2, k)`; v: `(1, A)`.
        processed: `(B, T_text, A)`; values: `(B, T_text, M)`; mask: `(B, T_text)`, true on valid symbols.
        dropped: dropout factors `(T_dec, B, H)`, or None.
        before: where the steps before these ended.

    Returns:
        hidden states and contexts side by side, `(T_dec, B, H + M)`, weights `(T_dec, B, T_text)`, and where
        these steps end.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        dtype, keep = recurrent.dtype, torch.is_grad_enabled()
        inputs, values = inputs.to(dtype), values.to(dtype).contiguous()
        dropped = None if dropped is None else dropped.to(dtype)
        excluded = torch.zeros_like(mask, dtype=dtype).masked_fill_(~mask, EXCLUDED)
        sums = (query, kernel.flatten(1), v[0], processed.transpose(0, 1).contiguous())
        doubled = (2.0 * x.to(dtype) for x in sums)
        begin = (x.to(dtype) for x in before)
        operands = (inputs, recurrent, *doubled, values, *begin, excluded, dropped, keep)
        states, weights, cell, summed = _Attend.apply(*operands)
        after = Attending(cell, states[-1], torch.stack((weights[-1], summed), dim=1))
        return states, weights, after


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *args: Any) -> tuple[Tensor, ...]:
        inputs, recurrent, query, kernel, v, processed, values, *before, excluded, dropped, keep = args
        (steps, batch, _), (length, width), units = inputs.shape, values.shape[1:], query.size(1)
        gates, squashed = torch.empty_like(inputs), inputs.new_empty(steps, batch, units)
        cells = inputs.new_empty(steps + 1, batch, units)
        states = inputs.new_empty(steps + 1, batch, units + width)
        weights = inputs.new_empty(steps, batch, length)
        # Last and summed weights, `(T_dec + 1, 2, T_text + k - 1, B)`: zeros around them, and the batch last,
        # so that each tap of the convolution reads one contiguous slice.
        taps = kernel.size(1) // 2
        history = inputs.new_zeros(steps + 1, 2, length + taps - 1, batch)
        cells[0], states[0] = before[0], before[1]
        history[0, :, taps // 2 : taps // 2 + length] = before[2].permute(1, 2, 0)
        last, summed = history[:, :, taps // 2 : taps // 2 + length].unbind(1)
        windows = history.flatten(2).unfold(2, length * batch, batch)
        unfolded = inputs.new_empty(2, taps, length * batch)
        active: list[Tensor] = []  # not one buffer: the allocator has pieces of this size at hand
        weight, narrow = packed(recurrent, batch), packed(query, batch)
        location = packed(kernel, length * batch)
        for t in range(steps):
            hidden, context = states[t + 1].split((units, width), dim=1)
            torch.add(inputs[t], product(states[t], weight), out=gates[t])
            cell_forward(gates[t], cells[t], cells[t + 1], squashed[t], hidden)
            if dropped is not None:
                hidden.mul_(dropped[t])
            now = energy_terms(unfolded.copy_(windows[t]), location, product(hidden, narrow), processed)
            if keep:
                active.append(now)
            torch.softmax(torch.mv(now, v).view(length, batch).t() + excluded, 1, out=weights[t])
            context.copy_(torch.bmm(weights[t, :, None], values).squeeze(1))
            last[t + 1].copy_(weights[t].t())
            torch.add(summed[t], last[t + 1], out=summed[t + 1])
        lstm = (dropped, gates, cells, squashed, states)
        ctx.save_for_backward(recurrent, query, kernel, v, values, *lstm, weights, history, *active)
        return states[1:], weights, cells[-1].clone(), summed[-1].t().contiguous()

    @staticmethod
    @once_differentiable
    @without_autocast
    def backward(ctx: Any, d_outputs: Tensor, d_alignments: Tensor, *d_ends: Tensor) -> tuple[Any, ...]:
        saved = ctx.saved_tensors  # read once: where activations are recomputed, a second time is an error
        recurrent, query, kernel, v, values, dropped, gates, cells, squashed, states = saved[:10]
        weights, history, *active = saved[10:]
        (steps, batch, length), units, taps = weights.shape, query.size(1), kernel.size(1) // 2
        windows = history.flatten(2).unfold(2, length * batch, batch)
        unfolded = history.new_empty(2, taps, length * batch)
        # The convolution's transpose: what position j had from tap i goes to position j + i - k // 2. A row
        # for each tap, k // 2 zeros behind it, read with a stride that is one position short.
        row = (length + taps // 2) * batch
        scattered = history.new_zeros(2 * taps, row)
        strides = (taps * row, row - batch, 1)
        gathered = scattered.as_strided((2, taps, length * batch), strides, taps // 2 * batch)
        # v is multiplied into the weights here and into the sums over all steps below, not into every step.
        weight = packed(recurrent.t().contiguous(), batch)
        narrow = packed((v[:, None] * query).t().contiguous(), batch)
        location = (v[:, None] * kernel).t().contiguous()
        d_gates, d_cell = torch.empty_like(gates), d_ends[0].clone()
        d_states = d_outputs.clone(memory_format=torch.contiguous_format)
        d_queries = gates.new_empty(steps, batch, v.size(0))
        d_kernel, d_v, d_processed = (torch.zeros_like(x) for x in (location, v, active[0]))
        d_history, d_summed = history.new_zeros(2, length * batch), d_ends[1].t().flatten().clone()
        d_sums = torch.empty_like(active[0])
        for t in reversed(range(steps)):
            if t + 1 < steps:
                d_states[t].add_(product(d_gates[t + 1], weight))
            d_hidden, d_context = d_states[t].split((units, values.size(2)), dim=1)
            d_weights = torch.bmm(d_context[:, None], values.transpose(1, 2)).squeeze(1).add_(d_alignments[t])
            d_weights.add_(d_history[0].add_(d_summed).view(length, batch).t())
            d_energies = d_weights.sub_((d_weights * weights[t]).sum(1, keepdim=True)).mul_(weights[t])
            column = d_energies.t().reshape(-1, 1)
            torch.ops.aten.sigmoid_backward.grad_input(column.expand_as(d_sums), active[t], grad_input=d_sums)
            d_v.addmv_(active[t].t(), column[:, 0])
            # Per step, while its input is in the cache: these two gradients are smaller than what they sum.
            d_kernel.add_(product(unfolded.copy_(windows[t]).flatten(0, 1), d_sums.t()))
            d_processed.add_(d_sums)
            scattered[:, : length * batch].copy_(product(location, d_sums))
            d_summed.add_(torch.sum(gathered, 1, out=d_history)[1])
            torch.sum(d_sums.view(length, batch, -1), 0, out=d_queries[t])
            d_hidden.add_(product(d_queries[t], narrow))
            if dropped is not None:
                d_hidden.mul_(dropped[t])
            cell_backward(d_hidden, d_cell, gates[t], cells[t], squashed[t], d_gates[t])
        d_recurrent = over_steps(d_gates, states[:-1])
        d_query = over_steps(d_queries.mul_(v), states[1:, :, :units])
        d_values = torch.bmm(weights.permute(1, 2, 0), d_states[:, :, units:].transpose(0, 1))
        d_kernel, d_processed = d_kernel.mul_(v).t(), d_processed.mul_(v).view(length, batch, -1)
        d_begins: list[Tensor | None] = [None, None, None]
        if any(ctx.needs_input_grad[7:10]):
            d_history[1] = d_summed
            turned = d_history.view(2, length, batch).permute(2, 0, 1)
            d_begins = [d_cell, product(d_gates[0], weight), turned]
        large = (d_gates, d_recurrent, d_query, d_kernel, d_v, d_processed, d_values)
        return *large, *d_begins, None, None, None


def energy_terms(windows: Tensor, location: Tensor, queries: Tensor, processed: Tensor) -> Tensor:
    """sigmoid of what attention adds up, `(T_text * B, A)`, everything that goes in doubled (see `attend`).

    Args:
        windows: what each tap of the location kernel reads, `(2, k, T_text * B)`, dense.
        location: the kernel, `packed`; queries: `(B, A)`; processed: `(T_text, B, A)`.
    """
    sums = product(windows.flatten(0, 1).t(), location).view(processed.shape)
    return sums.add_(processed).add_(queries).sigmoid_().flatten(0, 1)
