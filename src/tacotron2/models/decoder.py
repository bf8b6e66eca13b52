"""The decoder: attention LSTM, attention, decoder LSTM, projections (section 2.2 of arXiv 1712.05884).

Two paths compute the same thing. `decode_stepwise` is the paper's loop, letter by letter; synthesis uses its
step, and it is the oracle of `forward`. In teacher forcing the decoder LSTM never feeds back into the
attention LSTM, so `steps` loops over the attention recurrence alone and does the rest all at once. Where some
steps read what the decoder said itself (scheduled teacher forcing), all of it is a loop again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from tacotron2.hparams import HParams
from tacotron2.models.attention import LocationSensitiveAttention
from tacotron2.models.checkpointing import recomputed
from tacotron2.models.decoder_state import DecoderMasks, DecoderOutput, DecoderState, Memory, joined
from tacotron2.models.frame_layer import FrameLayer
from tacotron2.models.location_relative import LocationRelativeAttention
from tacotron2.models.lstm import dropped_lstm
from tacotron2.models.masking import dropout_factors, length_mask
from tacotron2.models.mmi import balanced
from tacotron2.models.prenet import Prenet
from tacotron2.models.products import linear
from tacotron2.models.recurrence import Attending, attend
from tacotron2.models.scheduled import forced_steps, partly_forced_steps

RECOMPUTED_STEPS = 32
"""Decoder steps that gradient checkpointing computes again at a time: what they keep, 2 MB a step at the
published size and batch 16, is then more than the states at their ends, and the weights are still packed
seldom enough."""


class Decoder(nn.Module):
    """Memory and the frames so far to the next r frames and the stop token.

    Its pre-net reads the last `num_read` frames: 1, or r in the second decoder of double decoder consistency.

    Args:
        most: the largest r that `set_r` will be given; by default r is the only one.
    """

    def __init__(
        self, hparams: HParams, memory_dim: int, r: int, num_read: int = 1, most: int | None = None
    ) -> None:
        super().__init__()
        self.settings = model = hparams.model
        self.num_mels, self.num_read, self.most = hparams.audio.n_mel_channels, num_read, most or r
        self.gradient_cap = hparams.loss.max_gaf if hparams.loss.use_gaf else None
        self.recompute = hparams.train.gradient_checkpointing
        self.prenet = Prenet(self.num_mels * num_read, model)
        self.attention_rnn = nn.LSTMCell(model.prenet_dim + memory_dim, model.attention_rnn_dim)
        self.attention = (
            LocationSensitiveAttention(model, memory_dim)
            if model.attention == "location-sensitive"
            else LocationRelativeAttention(model)
        )
        self.decoder_rnn = nn.LSTMCell(model.attention_rnn_dim + memory_dim, model.decoder_rnn_dim)
        width, hidden = model.decoder_rnn_dim + memory_dim, model.decoder_rnn_dim
        self.projection = nn.Linear(width, hidden) if model.use_mmi else None
        most_outputs = self.num_mels * self.most
        self.mel_layer: nn.Module = (
            nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(), FrameLayer(hidden, most_outputs))
            if model.use_mmi
            else FrameLayer(width, most_outputs)
        )
        self.gate_layer = nn.Linear(hidden if model.use_mmi else width, 1)
        nn.init.xavier_uniform_(self.gate_layer.weight, gain=nn.init.calculate_gain("sigmoid"))
        self.set_r(r)

    def set_r(self, r: int) -> None:
        """From now on r frames a step, the first of those that the layer for frames has weights for.

        Raises:
            ValueError: it has no weights for so many.
        """
        if not 1 <= r <= self.most:
            raise ValueError(f"reduction factor {r}: this decoder was built for 1 to {self.most}")
        self.r = r
        layer = self.mel_layer[-1] if isinstance(self.mel_layer, nn.Sequential) else self.mel_layer
        assert isinstance(layer, FrameLayer)
        layer.num_used = r * self.num_mels

    def prepare_memory(self, values: Tensor, lengths: Tensor) -> Memory:
        """`(B, T_text, memory_dim)` and true lengths to what every step reads."""
        mask = length_mask(lengths, values.size(1))
        return Memory(values, self.attention.process_memory(values), mask)

    def initial_state(self, memory: Memory) -> DecoderState:
        """All zero: nothing said, nothing attended."""
        batch, _, width = memory.values.shape
        model, zeros = self.settings, memory.values.new_zeros
        return DecoderState(
            attention_hidden=zeros(batch, model.attention_rnn_dim),
            attention_cell=zeros(batch, model.attention_rnn_dim),
            decoder_hidden=zeros(batch, model.decoder_rnn_dim),
            decoder_cell=zeros(batch, model.decoder_rnn_dim),
            context=zeros(batch, width),
            history=self.attention.initial_history(memory.values),
        )

    def draw_masks(
        self, batch: int, steps: int, like: Tensor, prenet: bool, forced: float = 1.0
    ) -> DecoderMasks:
        """Dropout factors for `steps` steps; `prenet` says whether the pre-net drops (also at synthesis).

        Each step of each sequence reads the recording with probability `forced`.
        """
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
            forced_steps(batch, steps, forced, like.device) if forced < 1.0 else None,
        )

    def shifted(self, mel: Tensor) -> Tensor:
        """`(B, T_dec * r, num_mels)` to the pre-net's inputs `(B, T_dec, num_read * num_mels)`: the last
        frames of the step before; zeros (the mean frame) at first."""
        last = mel.unflatten(1, (-1, self.r))[:, :, -self.num_read :].flatten(2)
        return torch.cat((torch.zeros_like(last[:, :1]), last[:, :-1]), dim=1)

    def forward(self, memory: Memory, mel: Tensor, masks: DecoderMasks) -> DecoderOutput:
        """Teacher forcing over whole sequences; `mel` is normalised, `(B, T_dec * r, num_mels)`."""
        frames, state = self.shifted(mel), self.initial_state(memory)
        steps = self.steps if masks.forced is None else partial(partly_forced_steps, self)
        if not (self.recompute and torch.is_grad_enabled()):
            return self._spoken(*steps(frames, state, memory, masks)[:2])
        features, alignments = [], []
        for start in range(0, frames.size(1), RECOMPUTED_STEPS):
            chosen = slice(start, start + RECOMPUTED_STEPS)
            stretch = recomputed(steps, frames[:, chosen], state, memory, masks.at(chosen))
            features.append(stretch[0])
            alignments.append(stretch[1])
            state = stretch[2]
        return self._spoken(torch.cat(features), torch.cat(alignments, dim=1))

    def _spoken(self, features: Tensor, alignments: Tensor) -> DecoderOutput:
        """`(T_dec, B, decoder_rnn_dim + memory_dim)` to the frames and stop token of every step."""
        recognised = factor = None
        if self.projection is not None:
            features = recognised = self.projection(features)
            if self.gradient_cap is not None and self.training:
                features, recognised, factor = balanced(features, self.gradient_cap)
        frames = self.mel_layer(features).transpose(0, 1).reshape(features.size(1), -1, self.num_mels)
        gate_logits = self.gate_layer(features).squeeze(2).t()
        projection = None if recognised is None else recognised.transpose(0, 1)
        return DecoderOutput(frames, gate_logits, alignments, projection, factor)

    def steps(
        self, frames: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[Tensor, Tensor, DecoderState]:
        """Several steps at once, of which all inputs are known: `step` with a time axis, before projections.

        Args:
            frames: the pre-net's inputs `(B, T_dec, num_read * num_mels)`.

        Returns:
            decoder states and contexts side by side, `(T_dec, B, decoder_rnn_dim + memory_dim)`, weights
            `(B, T_dec, T_text)`, and the next state.
        """
        width = self.settings.attention_rnn_dim
        prenet = self.prenet(frames, masks.prenet).transpose(0, 1)
        states, alignments, attending = self._attend(memory, prenet, masks, state)
        decoded, hidden, cell = self._decode(states, masks, state)
        features = torch.cat((decoded, states[:, :, width:]), dim=2)
        following = DecoderState(
            attention_hidden=attending.state[:, :width],
            attention_cell=attending.cell,
            decoder_hidden=hidden,
            decoder_cell=cell,
            context=attending.state[:, width:],
            history=attending.history,
        )
        return features, alignments.transpose(0, 1), following

    def _attend(
        self, memory: Memory, prenet: Tensor, masks: DecoderMasks, state: DecoderState
    ) -> tuple[Tensor, Tensor, Attending]:
        """The recurrence that cannot be unrolled, over `(T_dec, B, prenet_dim)`.

        Everything that does not depend on the step before is computed for all steps in front of the loop: the
        pre-net's share of the gates, and location convolution and dense layer as one kernel.
        """
        rnn, attention, bottleneck = self.attention_rnn, self.attention, prenet.size(2)
        if not isinstance(attention, LocationSensitiveAttention):
            return self._attend_stepwise(memory, prenet, masks, state)
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

    def _attend_stepwise(
        self, memory: Memory, prenet: Tensor, masks: DecoderMasks, state: DecoderState
    ) -> tuple[Tensor, Tensor, Attending]:
        """The same for an attention without a backward of its own, by autograd."""
        states, alignments = [], []
        for index, bottleneck in enumerate(prenet.unbind(0)):
            dropped = None if masks.attention is None else masks.attention[:, index]
            state = self._look(bottleneck, state, memory, dropped)
            states.append(torch.cat((state.attention_hidden, state.context), dim=1))
            alignments.append(state.history[:, 0])
        after = Attending(state.attention_cell, states[-1], state.history)
        return torch.stack(states), torch.stack(alignments), after

    def _look(
        self, prenet: Tensor, state: DecoderState, memory: Memory, dropped: Tensor | None
    ) -> DecoderState:
        """One step of attention LSTM and attention: hidden state, cell, context and history move on."""
        hidden, cell = self.attention_rnn(
            torch.cat((prenet, state.context), dim=1), (state.attention_hidden, state.attention_cell)
        )
        if dropped is not None:
            hidden = hidden * dropped
        context, weights = self.attention(hidden, memory.values, memory.processed, state.history, memory.mask)
        history = torch.stack((weights, state.history[:, 1] + weights), dim=1)
        return replace(state, attention_hidden=hidden, attention_cell=cell, context=context, history=history)

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
            frame: `(B, num_read * num_mels)`, the last frames so far, normalised; zeros at first.
            state: what the step before returned.
            memory: see `prepare_memory`.
            masks: factors of this step (`DecoderMasks.at`).

        Returns:
            an output with `T_dec = 1`, and the next state.
        """
        features, state = self.advance(frame, state, memory, masks)
        if self.projection is not None:
            features = self.projection(features)
        output = DecoderOutput(
            self.mel_layer(features).reshape(frame.size(0), self.r, self.num_mels),
            self.gate_layer(features),
            state.history[:, :1],
            None if self.projection is None else features[:, None],
        )
        return output, state

    def advance(
        self, frame: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
    ) -> tuple[Tensor, DecoderState]:
        """The step up to what is projected, `(B, decoder_rnn_dim + memory_dim)`, and the next state."""
        state = self._look(self.prenet(frame, masks.prenet), state, memory, masks.attention)
        hidden, cell = self.decoder_rnn(
            torch.cat((state.attention_hidden, state.context), dim=1),
            (state.decoder_hidden, state.decoder_cell),
        )
        if masks.decoder is not None:
            hidden = hidden * masks.decoder
        features = torch.cat((hidden, state.context), dim=1)
        return features, replace(state, decoder_hidden=hidden, decoder_cell=cell)

    def decode_stepwise(self, memory: Memory, mel: Tensor, masks: DecoderMasks) -> DecoderOutput:
        """Teacher forcing by the loop over `step`: the oracle of `forward`."""
        state = self.initial_state(memory)
        outputs: list[DecoderOutput] = []
        for index, frame in enumerate(self.shifted(mel).unbind(1)):
            factors = masks.at(index)
            if factors.forced is not None and outputs:
                said = outputs[-1].mel[:, -self.num_read :].flatten(1).detach()
                frame = torch.where(factors.forced[:, None], frame, said)
            output, state = self.step(frame, state, memory, factors)
            outputs.append(output)
        return joined(outputs)
