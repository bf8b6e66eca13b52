"""The decoder: attention LSTM, attention, decoder LSTM, projections (section 2.2 of arXiv 1712.05884).

Two paths compute the same thing. `decode_stepwise` is the paper's loop, letter by letter; synthesis uses its
step, and it is the oracle of `forward`. In teacher forcing the decoder LSTM never feeds back into the
attention LSTM, so `steps` loops over the attention recurrence alone and does the rest all at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tacotron2.hparams import HParams
from tacotron2.models.attention import LocationSensitiveAttention
from tacotron2.models.checkpointing import recomputed
from tacotron2.models.lstm import dropped_lstm
from tacotron2.models.masking import dropout_factors, length_mask
from tacotron2.models.prenet import Prenet
from tacotron2.models.products import linear
from tacotron2.models.recurrence import Attending, attend

RECOMPUTED_STEPS = 32
"""Decoder steps that gradient checkpointing computes again at a time: what they keep, 2 MB a step at the
published size and batch 16, is then more than the states at their ends, and the weights are still packed
seldom enough."""


@dataclass(frozen=True)
class DecoderMasks:
    """Dropout factors of a whole sequence, drawn once, so that both paths can be given the same ones.

    prenet: two of `(B, T_dec, prenet_dim)`; attention `(B, T_dec, attention_rnn_dim)`; decoder
    `(B, T_dec, decoder_rnn_dim)`. None where nothing is dropped.
    """

    prenet: tuple[Tensor, Tensor] | None = None
    attention: Tensor | None = None
    decoder: Tensor | None = None

    def at(self, step: int | slice) -> DecoderMasks:
        """The factors of one step, without the time axis, or of several."""
        return DecoderMasks(
            None if self.prenet is None else (self.prenet[0][:, step], self.prenet[1][:, step]),
            None if self.attention is None else self.attention[:, step],
            None if self.decoder is None else self.decoder[:, step],
        )

    def of(self, rows: Tensor) -> DecoderMasks:
        """The factors of some sentences, in their order."""
        return DecoderMasks(
            None if self.prenet is None else (self.prenet[0][rows], self.prenet[1][rows]),
            None if self.attention is None else self.attention[rows],
            None if self.decoder is None else self.decoder[rows],
        )


@dataclass(frozen=True)
class Memory:
    """What attention reads: `values` `(B, T_text, memory_dim)`, its projection, and a `(B, T_text)` mask."""

    values: Tensor
    processed: Tensor
    mask: Tensor


@dataclass(frozen=True)
class DecoderState:
    """What one decoder step hands to the next. `history` is `(B, 2, T_text)`: last and summed weights."""

    attention_hidden: Tensor
    attention_cell: Tensor
    decoder_hidden: Tensor
    decoder_cell: Tensor
    context: Tensor
    history: Tensor


@dataclass(frozen=True)
class DecoderOutput:
    """Normalised mel `(B, T_dec * r, num_mels)`, stop logits `(B, T_dec)`, weights `(B, T_dec, T_text)`."""

    mel: Tensor
    gate_logits: Tensor
    alignments: Tensor


def joined(outputs: Sequence[DecoderOutput]) -> DecoderOutput:
    """Outputs of successive steps as one."""
    return DecoderOutput(
        torch.cat([output.mel for output in outputs], dim=1),
        torch.cat([output.gate_logits for output in outputs], dim=1),
        torch.cat([output.alignments for output in outputs], dim=1),
    )


class Decoder(nn.Module):
    """Memory and the frames so far to the next r frames and the stop token."""

    def __init__(self, hparams: HParams, memory_dim: int) -> None:
        super().__init__()
        self.settings = model = hparams.model
        self.num_mels, self.r = hparams.audio.n_mel_channels, model.n_frames_per_step
        self.recompute = hparams.train.gradient_checkpointing
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
            dropout_factors((batch, steps, model.attention_rnn_dim), p_attention, like)
            if p_attention
            else None,
            dropout_factors((batch, steps, model.decoder_rnn_dim), p_decoder, like) if p_decoder else None,
        )

    def shifted(self, mel: Tensor) -> Tensor:
        """`(B, T_dec * r, num_mels)` to the pre-net's inputs `(B, T_dec, num_mels)`: the last frame of the
        step before; zeros (the mean frame) at first."""
        last = mel[:, self.r - 1 :: self.r]
        return torch.cat((torch.zeros_like(last[:, :1]), last[:, :-1]), dim=1)

    def forward(self, memory: Memory, mel: Tensor, masks: DecoderMasks) -> DecoderOutput:
        """Teacher forcing over whole sequences; `mel` is normalised, `(B, T_dec * r, num_mels)`."""
        frames, state = self.shifted(mel), self.initial_state(memory)
        if not (self.recompute and torch.is_grad_enabled()):
            return self.steps(frames, state, memory, masks)[0]
        outputs = []
        for start in range(0, frames.size(1), RECOMPUTED_STEPS):
            chosen = slice(start, start + RECOMPUTED_STEPS)
            output, state = recomputed(self.steps, frames[:, chosen], state, memory, masks.at(chosen))
            outputs.append(output)
        return joined(outputs)

    def steps(
        self, frames: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[DecoderOutput, DecoderState]:
        """Several steps at once, of which all inputs are known: `step` with a time axis.

        Args:
            frames: the pre-net's inputs `(B, T_dec, num_mels)`.
        """
        width = self.settings.attention_rnn_dim
        prenet = self.prenet(frames, masks.prenet).transpose(0, 1)
        states, alignments, attending = self._attend(memory, prenet, masks, state)
        decoded, hidden, cell = self._decode(states, masks, state)
        features = torch.cat((decoded, states[:, :, width:]), dim=2)
        mel = self.mel_layer(features).transpose(0, 1).reshape(frames.size(0), -1, self.num_mels)
        output = DecoderOutput(mel, self.gate_layer(features).squeeze(2).t(), alignments.transpose(0, 1))
        following = DecoderState(
            attention_hidden=attending.state[:, :width],
            attention_cell=attending.cell,
            decoder_hidden=hidden,
            decoder_cell=cell,
            context=attending.state[:, width:],
            history=attending.history,
        )
        return output, following

    def _attend(
        self, memory: Memory, prenet: Tensor, masks: DecoderMasks, state: DecoderState
    ) -> tuple[Tensor, Tensor, Attending]:
        """The recurrence that cannot be unrolled, over `(T_dec, B, prenet_dim)`.

        Everything that does not depend on the step before is computed for all steps in front of the loop: the
        pre-net's share of the gates, and location convolution and dense layer as one kernel.
        """
        rnn, attention, bottleneck = self.attention_rnn, self.attention, prenet.size(2)
        return attend(
            linear(prenet, rnn.weight_ih[:, :bottleneck], rnn.bias_ih + rnn.bias_hh),
            torch.cat((rnn.weight_hh, rnn.weight_ih[:, bottleneck:]), dim=1),
            attention.query_layer.weight,
            attention.location_kernel(),
            attention.v.weight,
            memory.processed,
            memory.values,
            memory.mask,
            None if masks.attention is None else masks.attention.transpose(0, 1),
            Attending(
                state.attention_cell, torch.cat((state.attention_hidden, state.context), dim=1), state.history
            ),
        )

    def _decode(
        self, states: Tensor, masks: DecoderMasks, state: DecoderState
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The decoder LSTM over `(T_dec, B, attention_rnn_dim + memory_dim)`: outputs, last hidden and cell.

        torch's own has no recurrent dropout (the dropped output goes on as state).
        """
        rnn, before = self.decoder_rnn, (state.decoder_hidden, state.decoder_cell)
        if masks.decoder is None:
            weights = [rnn.weight_ih, rnn.weight_hh, rnn.bias_ih, rnn.bias_hh]
            begin = [x[None] for x in before]
            decoded, hidden, cell = torch.lstm(
                states, begin, weights, True, 1, 0.0, self.training, False, False
            )
            return decoded, hidden[0], cell[0]
        inputs = linear(states, rnn.weight_ih, rnn.bias_ih + rnn.bias_hh)
        decoded, cell = dropped_lstm(inputs, rnn.weight_hh, masks.decoder.transpose(0, 1), before)
        return decoded, decoded[-1], cell

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
        context, weights = self.attention(hidden, memory.values, memory.processed, state.history, memory.mask)
        decoder_hidden, decoder_cell = self.decoder_rnn(
            torch.cat((hidden, context), dim=1), (state.decoder_hidden, state.decoder_cell)
        )
        if masks.decoder is not None:
            decoder_hidden = decoder_hidden * masks.decoder
        features = torch.cat((decoder_hidden, context), dim=1)
        frames = self.mel_layer(features).reshape(frame.size(0), self.r, self.num_mels)
        history = torch.stack((weights, state.history[:, 1] + weights), dim=1)
        following = DecoderState(
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
        return joined(outputs)
