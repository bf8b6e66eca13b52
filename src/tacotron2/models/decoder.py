"""The decoder: attention LSTM, attention, decoder LSTM, projections (section 2.2 of arXiv 1712.05884).

Two paths compute the same thing. `decode_stepwise` is the paper's loop, letter by letter; synthesis uses its
step, and it is the oracle of `forward`. In teacher forcing the decoder LSTM never feeds back into the
attention LSTM, so `forward` loops over the attention recurrence alone and does the rest for all steps at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from tacotron2.hparams import HParams
from tacotron2.models.attention import EXCLUDED, LocationSensitiveAttention
from tacotron2.models.masking import length_mask
from tacotron2.models.prenet import Prenet


@dataclass(frozen=True)
class DecoderMasks:
    """Dropout factors of a whole sequence, drawn once, so that both paths can be given the same ones.

    prenet: two of `(B, T_dec, prenet_dim)`; attention `(B, T_dec, attention_rnn_dim)`; decoder
    `(B, T_dec, decoder_rnn_dim)`. None where nothing is dropped.
    """

    prenet: tuple[Tensor, Tensor] | None = None
    attention: Tensor | None = None
    decoder: Tensor | None = None

    def at(self, step: int) -> DecoderMasks:
        """The factors of one step, without the time axis."""
        return DecoderMasks(
            None if self.prenet is None else (self.prenet[0][:, step], self.prenet[1][:, step]),
            None if self.attention is None else self.attention[:, step],
            None if self.decoder is None else self.decoder[:, step],
        )


@dataclass(frozen=True)
class Memory:
    """What attention reads: `values` `(B, T_text, memory_dim)`, its projection, and the `(B, T_text)` mask."""

    values: Tensor
    processed: Tensor
    mask: Tensor


@dataclass(frozen=True)
class DecoderState:
    """Everything one decoder step hands to the next. `history` is `(B, 2, T_text)`: last and summed weights."""

    attention_hidden: Tensor
    attention_cell: Tensor
    decoder_hidden: Tensor
    decoder_cell: Tensor
    context: Tensor
    history: Tensor


@dataclass(frozen=True)
class DecoderOutput:
    """Normalised mel `(B, T_dec * r, num_mels)`, stop logits `(B, T_dec)`, alignments `(B, T_dec, T_text)`."""

    mel: Tensor
    gate_logits: Tensor
    alignments: Tensor


def dropout_factors(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """Inverted dropout as factors: 0 with probability p, else 1 / (1 - p)."""
    return torch.empty(shape, device=like.device, dtype=like.dtype).bernoulli_(1 - p).div_(1 - p)


class Decoder(nn.Module):
    """Memory and the frames so far to the next r frames and the stop token."""

    def __init__(self, hparams: HParams, memory_dim: int) -> None:
        super().__init__()
        self.settings = model = hparams.model
        self.num_mels, self.r = hparams.audio.n_mel_channels, model.n_frames_per_step
        self.prenet = Prenet(self.num_mels, model)
        self.attention_rnn = nn.LSTMCell(model.prenet_dim + memory_dim, model.attention_rnn_dim)
        self.attention = LocationSensitiveAttention(model, memory_dim)
        self.decoder_rnn = nn.LSTMCell(model.attention_rnn_dim + memory_dim, model.decoder_rnn_dim)
        width = model.decoder_rnn_dim + memory_dim
        self.mel_layer = nn.Linear(width, self.num_mels * self.r)
        self.gate_layer = nn.Linear(width, 1)
        nn.init.xavier_uniform_(self.gate_layer.weight, gain=nn.init.calculate_gain("sigmoid"))

    def prepare_memory(self, values: Tensor, lengths: Tensor) -> Memory:
        """`(B, T_text, memory_dim)` and true lengths to what every step reads."""
        mask = length_mask(lengths, values.size(1))
        return Memory(values, self.attention.process_memory(values), mask)

    def initial_state(self, memory: Memory) -> DecoderState:
        """All zero: nothing said, nothing attended."""
        batch, length, width = memory.values.shape
        model, zeros = self.settings, memory.values.new_zeros
        return DecoderState(
            attention_hidden=zeros(batch, model.attention_rnn_dim),
            attention_cell=zeros(batch, model.attention_rnn_dim),
            decoder_hidden=zeros(batch, model.decoder_rnn_dim),
            decoder_cell=zeros(batch, model.decoder_rnn_dim),
            context=zeros(batch, width),
            history=zeros(batch, 2, length),
        )

    def draw_masks(self, batch: int, steps: int, like: Tensor, prenet: bool) -> DecoderMasks:
        """Dropout factors for `steps` steps; `prenet` says whether the pre-net drops (also at synthesis)."""
        model, train = self.settings, self.training
        first, second = (
            dropout_factors((batch, steps, model.prenet_dim), model.p_prenet_dropout, like)
            if prenet and model.p_prenet_dropout
            else None
            for _ in range(2)
        )
        p_attention = model.p_attention_dropout if train else 0.0
        p_decoder = model.p_decoder_dropout if train else 0.0
        return DecoderMasks(
            None if first is None or second is None else (first, second),
            dropout_factors((batch, steps, model.attention_rnn_dim), p_attention, like) if p_attention else None,
            dropout_factors((batch, steps, model.decoder_rnn_dim), p_decoder, like) if p_decoder else None,
        )

    def shifted(self, mel: Tensor) -> Tensor:
        """`(B, T_dec * r, num_mels)` to the pre-net's inputs `(B, T_dec, num_mels)`: the last frame of the step
        before; zeros (the mean frame) at first."""
        last = mel[:, self.r - 1 :: self.r]
        return torch.cat((torch.zeros_like(last[:, :1]), last[:, :-1]), dim=1)

    def forward(self, memory: Memory, mel: Tensor, masks: DecoderMasks) -> DecoderOutput:
        """Teacher forcing over whole sequences; `mel` is normalised, `(B, T_dec * r, num_mels)`."""
        hidden, contexts, alignments = self._attend(memory, self.prenet(self.shifted(mel), masks.prenet), masks)
        decoded = self._decode(torch.cat((hidden, contexts), dim=2), masks)
        features = torch.cat((decoded, contexts), dim=2)
        frames = self.mel_layer(features).reshape(mel.size(0), -1, self.num_mels)
        return DecoderOutput(frames, self.gate_layer(features).squeeze(2), alignments)

    def _attend(self, memory: Memory, prenet: Tensor, masks: DecoderMasks) -> tuple[Tensor, Tensor, Tensor]:
        """The recurrence that cannot be unrolled: attention LSTM and attention, step after step.

        Everything that does not depend on the step before is computed for all steps in front of the loop: the
        pre-net's share of the gates, and location convolution and dense layer as one kernel.
        """
        rnn, attention = self.attention_rnn, self.attention
        bottleneck = prenet.size(2)
        inputs = torch.nn.functional.linear(
            prenet, rnn.weight_ih[:, :bottleneck], rnn.bias_ih + rnn.bias_hh
        ).unbind(1)
        recurrent = torch.cat((rnn.weight_ih[:, bottleneck:], rnn.weight_hh), dim=1).t()
        kernel, energy = attention.location_kernel(), attention.v.weight
        query_weight = attention.query_layer.weight.t()
        processed = memory.processed.transpose(1, 2)
        excluded = ~memory.mask[:, None, :]
        dropped = None if masks.attention is None else masks.attention.unbind(1)
        state = self.initial_state(memory)
        hidden, cell, context, history = (
            state.attention_hidden,
            state.attention_cell,
            state.context,
            state.history,
        )
        outputs: list[tuple[Tensor, Tensor, Tensor]] = []
        for step, gates in enumerate(inputs):
            gates = gates + torch.cat((context, hidden), dim=1) @ recurrent
            hidden, cell = lstm_update(gates, cell)
            if dropped is not None:
                hidden = hidden * dropped[step]
            location = torch.conv1d(history, kernel, padding=kernel.size(2) // 2)
            query = (hidden @ query_weight)[:, :, None]
            energies = energy @ torch.tanh(query + location + processed)
            weights = torch.softmax(energies.masked_fill(excluded, EXCLUDED), dim=2)
            context = torch.bmm(weights, memory.values).squeeze(1)
            history = torch.cat((weights, history[:, 1:] + weights), dim=1)
            outputs.append((hidden, context, weights.squeeze(1)))
        stacked = (torch.stack(items, dim=1) for items in zip(*outputs, strict=True))
        return next(stacked), next(stacked), next(stacked)

    def _decode(self, inputs: Tensor, masks: DecoderMasks) -> Tensor:
        """The decoder LSTM over `(B, T_dec, attention_rnn_dim + memory_dim)`.

        Its dropout is recurrent (the dropped output goes on as state), so that with dropout it keeps a loop of
        its own, but its input products are one product all the same.
        """
        rnn, batch = self.decoder_rnn, inputs.size(0)
        zeros = inputs.new_zeros(batch, self.settings.decoder_rnn_dim)
        if masks.decoder is None:
            weights = [rnn.weight_ih, rnn.weight_hh, rnn.bias_ih, rnn.bias_hh]
            state = [zeros[None], zeros[None]]
            return torch.lstm(inputs, state, weights, True, 1, 0.0, self.training, False, True)[0]
        products = torch.nn.functional.linear(inputs, rnn.weight_ih, rnn.bias_ih + rnn.bias_hh).unbind(1)
        recurrent, hidden, cell = rnn.weight_hh.t(), zeros, zeros
        outputs = []
        for gates, factors in zip(products, masks.decoder.unbind(1), strict=True):
            hidden, cell = lstm_update(gates + hidden @ recurrent, cell)
            hidden = hidden * factors
            outputs.append(hidden)
        return torch.stack(outputs, dim=1)

    def step(
        self, frame: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[DecoderOutput, DecoderState]:
        """One decoder step as the paper writes it.

        Args:
            frame: `(B, num_mels)`, the last frame so far, normalised; zeros at first.
            state: what the step before returned.
            memory: see `prepare_memory`.
            masks: factors of this step (`DecoderMasks.at`).

        Returns:
            an output with `T_dec = 1`, and the next state.
        """
        prenet = self.prenet(frame, masks.prenet)
        hidden, cell = self.attention_rnn(
            torch.cat((prenet, state.context), dim=1), (state.attention_hidden, state.attention_cell)
        )
        if masks.attention is not None:
            hidden = hidden * masks.attention
        context, weights = self.attention(
            hidden, memory.values, memory.processed, state.history, memory.mask
        )
        decoder_hidden, decoder_cell = self.decoder_rnn(
            torch.cat((hidden, context), dim=1), (state.decoder_hidden, state.decoder_cell)
        )
        if masks.decoder is not None:
            decoder_hidden = decoder_hidden * masks.decoder
        features = torch.cat((decoder_hidden, context), dim=1)
        frames = self.mel_layer(features).reshape(frame.size(0), self.r, self.num_mels)
        history = torch.stack((weights, state.history[:, 1] + weights), dim=1)
        following = replace(
            state,
            attention_hidden=hidden,
            attention_cell=cell,
            decoder_hidden=decoder_hidden,
            decoder_cell=decoder_cell,
            context=context,
            history=history,
        )
        return DecoderOutput(frames, self.gate_layer(features), weights[:, None, :]), following

    def decode_stepwise(self, memory: Memory, mel: Tensor, masks: DecoderMasks) -> DecoderOutput:
        """Teacher forcing by the loop over `step`: the oracle of `forward`."""
        state, outputs = self.initial_state(memory), []
        for index, frame in enumerate(self.shifted(mel).unbind(1)):
            output, state = self.step(frame, state, memory, masks.at(index))
            outputs.append(output)
        return DecoderOutput(
            torch.cat([output.mel for output in outputs], dim=1),
            torch.cat([output.gate_logits for output in outputs], dim=1),
            torch.cat([output.alignments for output in outputs], dim=1),
        )


def lstm_update(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Gate sums `(B, 4 H)` in torch's order (input, forget, cell, output) to the next hidden and cell state."""
    input_gate, forget_gate, candidate, output_gate = gates.chunk(4, dim=1)
    cell = torch.sigmoid(forget_gate) * cell + torch.sigmoid(input_gate) * torch.tanh(candidate)
    return torch.sigmoid(output_gate) * torch.tanh(cell), cell
