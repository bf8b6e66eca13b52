"""Free running: the decoder hears only itself, until its stop token.

`run_stepwise` is the loop over `Decoder.step`, and the oracle of `run`: which puts all weights in order once,
does in front of the loop what no step changes, and goes on without the sentences that have ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.models.attention import EXCLUDED, LocationSensitiveAttention
from tacotron2.models.decoder import Decoder
from tacotron2.models.decoder_state import DecoderMasks, DecoderOutput, Memory, joined
from tacotron2.models.frame_layer import FrameLayer
from tacotron2.models.lstm import cell_forward
from tacotron2.models.products import Layer, packed
from tacotron2.models.recurrence import energy_terms

DRAWN_STEPS = 64
"""Steps whose dropout is drawn at once."""
TYPICAL_SYMBOLS = 64
"""Length of a sentence for which the location kernel is put in order; others are right as well."""


class StepMasks(Protocol):
    """Dropout factors step by step, asked for in order, of every sentence whether it has ended or not."""

    def at(self, step: int) -> DecoderMasks: ...


class DrawnMasks:
    """Factors drawn as the steps come; nobody knows how many there will be."""

    def __init__(self, decoder: Decoder, like: Tensor, prenet: bool) -> None:
        self.decoder, self.like, self.prenet = decoder, like, prenet
        self.drawn = DecoderMasks()

    def at(self, step: int) -> DecoderMasks:
        if step % DRAWN_STEPS == 0:
            self.drawn = self.decoder.draw_masks(self.like.size(0), DRAWN_STEPS, self.like, self.prenet)
        return self.drawn.at(step % DRAWN_STEPS)


@dataclass(frozen=True)
class FreeRun:
    """What was said: `output` of as many steps as the longest sentence; `steps` and `stopped` are `(B,)`.

    stopped is false where the bound ended the sentence. Behind a sentence's own steps nothing is meant.
    """

    output: DecoderOutput
    steps: Tensor
    stopped: Tensor


def run_stepwise(decoder: Decoder, memory: Memory, masks: StepMasks, bound: int, threshold: float) -> FreeRun:
    """Every sentence to its first step with a stop probability above `threshold`, or `bound` steps."""
    state, batch = decoder.initial_state(memory), memory.values.size(0)
    frame = memory.values.new_zeros(batch, decoder.num_mels)
    steps = torch.full((batch,), bound, device=frame.device)
    stopped = torch.zeros_like(steps, dtype=torch.bool)
    outputs: list[DecoderOutput] = []
    while len(outputs) < bound and not bool(stopped.all()):
        output, state = decoder.step(frame, state, memory, masks.at(len(outputs)))
        outputs.append(output)
        frame = output.mel[:, -1]
        stops = torch.sigmoid(output.gate_logits[:, 0]) > threshold
        steps = torch.where(stops & ~stopped, len(outputs), steps)
        stopped = stopped | stops
    return FreeRun(joined(outputs), steps, stopped)


def run(voice: Voice, memory: Memory, masks: StepMasks, bound: int, threshold: float) -> FreeRun:
    """The same, faster; location-relative attention goes by the loop."""
    if not voice.by_content:
        return run_stepwise(voice.decoder, memory, masks, bound, threshold)
    batch, device = memory.values.size(0), memory.values.device
    with torch.autocast(device.type, enabled=False):
        speakers = _Speakers(voice.decoder, memory)
        steps = torch.full((batch,), bound, device=device)
        stopped = torch.zeros_like(steps, dtype=torch.bool)
        stretches: list[tuple[Tensor, list[DecoderOutput]]] = [(speakers.rows, [])]
        for step in range(bound):
            output = voice.step(speakers, masks.at(step))
            stretches[-1][1].append(output)
            stops = torch.sigmoid(output.gate_logits[:, 0]) > threshold
            if bool(stops.any()):
                ended = speakers.rows[stops]
                steps[ended], stopped[ended] = step + 1, True
                if bool(stops.all()):
                    break
                speakers.keep(~stops)
                stretches.append((speakers.rows, []))
    return FreeRun(_padded(stretches, batch), steps, stopped)


def _padded(stretches: list[tuple[Tensor, list[DecoderOutput]]], batch: int) -> DecoderOutput:
    """Stretches of fewer and fewer sentences as one output, zeros behind the end of each."""
    pieces = []
    for rows, outputs in stretches:
        if outputs:
            piece = joined(outputs)
            parts = (piece.mel, piece.gate_logits, piece.alignments)
            wide = (part.new_zeros(batch, *part.shape[1:]).index_copy(0, rows, part) for part in parts)
            pieces.append(DecoderOutput(*wide))
    return joined(pieces)


class _Speakers:
    """The state of the sentences that have not ended: which rows of the batch, and where they stand.

    joined: outputs of pre-net, attention LSTM, attention and decoder LSTM side by side, so that whatever a
    product reads is one piece of it, `(B, prenet_dim + H + M + decoder_rnn_dim)`.
    """

    def __init__(self, decoder: Decoder, memory: Memory) -> None:
        model, (batch, length, width) = decoder.settings, memory.values.shape
        zeros, dtype = memory.values.new_zeros, decoder.attention_rnn.weight_ih.dtype
        self.rows = torch.arange(batch, device=memory.values.device)
        self.values = memory.values.to(dtype)
        # Doubled, see `Voice`.
        self.processed = 2.0 * memory.processed.to(dtype).transpose(0, 1)
        self.excluded = zeros(batch, length, dtype=dtype).masked_fill_(~memory.mask, EXCLUDED)
        self.widths = (model.prenet_dim, model.attention_rnn_dim, width, model.decoder_rnn_dim)
        self.joined = zeros(batch, sum(self.widths), dtype=dtype)
        self.cells = [zeros(batch, n, dtype=dtype) for n in (self.widths[1], self.widths[3])]
        self.frame = zeros(batch, decoder.num_mels, dtype=dtype)
        # The batch last and zeros around the text, so that a tap of the location kernel reads one slice.
        self.margin = model.attention_location_kernel_size // 2
        self.history = zeros(2, length + 2 * self.margin, batch, dtype=dtype)

    def keep(self, going: Tensor) -> None:
        """Goes on with the rows where `going` `(B,)` is true."""
        (chosen,) = torch.where(going)
        for name in ("rows", "values", "excluded", "joined", "frame"):
            setattr(self, name, getattr(self, name)[chosen])
        self.cells = [cell[chosen] for cell in self.cells]
        self.processed, self.history = self.processed[:, chosen], self.history[:, :, chosen]


class Voice:
    """A decoder's weights as free running wants them; made once, as they are at that moment.

    Args:
        rounded: lets a CPU keep the large ones in bf16 where that is faster, see `Layer`.
    """

    def __init__(self, decoder: Decoder, rounded: bool = False) -> None:
        attention_rnn, decoder_rnn, attention = decoder.attention_rnn, decoder.decoder_rnn, decoder.attention
        bottleneck, spoken = decoder.settings.prenet_dim, decoder.settings.decoder_rnn_dim
        self.decoder, self.prenet, self.r = decoder, decoder.prenet, decoder.r
        with torch.no_grad():
            weight = attention_rnn.weight_ih
            parts = (weight[:, :bottleneck], attention_rnn.weight_hh, weight[:, bottleneck:])
            self.attend = Layer(torch.cat(parts, 1), attention_rnn.bias_ih + attention_rnn.bias_hh, rounded)
            weight = torch.cat((decoder_rnn.weight_ih, decoder_rnn.weight_hh), dim=1)
            self.decode = Layer(weight, decoder_rnn.bias_ih + decoder_rnn.bias_hh, rounded)
            weight, self.bias = _heads(decoder)
            self.heads = torch.cat((weight[:, spoken:], weight[:, :spoken]), dim=1)
            self.by_content = isinstance(attention, LocationSensitiveAttention)
            if isinstance(attention, LocationSensitiveAttention):
                # Doubled, as everything that goes into the energies: see `attend` in recurrence.
                self.query, self.v = 2.0 * attention.query_layer.weight, 2.0 * attention.v.weight[0]
                self.location = packed(2.0 * attention.location_kernel().flatten(1), TYPICAL_SYMBOLS)

    def step(self, speakers: _Speakers, masks: DecoderMasks) -> DecoderOutput:
        """The next frames of all who speak; `masks` are those of the whole batch."""
        factors = masks.of(speakers.rows)
        bottleneck, width, context_width, _ = speakers.widths
        _, hidden, context, spoken = speakers.joined.split(speakers.widths, dim=1)
        speakers.joined[:, :bottleneck] = self.prenet(speakers.frame, factors.prenet)
        heard = speakers.joined[:, : bottleneck + width + context_width]
        _advance(self.attend(heard), speakers.cells[0], hidden, factors.attention)
        weights = self._look(speakers, hidden)
        context.copy_(torch.bmm(weights[:, None], speakers.values).squeeze(1))
        sums = self.decode(speakers.joined[:, bottleneck:])
        _advance(sums, speakers.cells[1], spoken, factors.decoder)
        heads = functional.linear(speakers.joined[:, bottleneck + width :], self.heads, self.bias)
        flat = heads[:, :-1]
        if isinstance(self.decoder.mel_layer, nn.Sequential):
            flat = self.decoder.mel_layer[1:](flat)
        mel = flat.unflatten(1, (self.r, self.decoder.num_mels))
        speakers.frame = mel[:, -1]
        return DecoderOutput(mel, heads[:, -1:], weights[:, None])

    def _look(self, speakers: _Speakers, hidden: Tensor) -> Tensor:
        """Attention weights `(B, T_text)`, which also go into the history."""
        batch, length = speakers.excluded.shape
        windows = speakers.history.flatten(1).unfold(1, length * batch, batch).contiguous()
        queries = functional.linear(hidden, self.query)
        terms = energy_terms(windows, self.location, queries, speakers.processed)
        energies = torch.mv(terms, self.v).view(length, batch).t()
        weights = functional.softmax(energies + speakers.excluded, dim=1)
        last, summed = speakers.history[:, speakers.margin : speakers.margin + length].unbind(0)
        last.copy_(weights.t())
        summed.add_(last)
        return weights


def _heads(decoder: Decoder) -> tuple[Tensor, Tensor]:
    """One layer for frames and stop token: weight and bias. With a projection in front of both it goes into
    them, nothing but products being in between, and the first of the frames' layers stands for them all."""
    mel_layer, gate_layer = decoder.mel_layer, decoder.gate_layer
    first = mel_layer[0] if isinstance(mel_layer, nn.Sequential) else mel_layer
    assert isinstance(first, nn.Linear)
    weight, bias = first.used() if isinstance(first, FrameLayer) else (first.weight, first.bias)
    weight, bias = torch.cat((weight, gate_layer.weight)), torch.cat((bias, gate_layer.bias))
    if decoder.projection is None:
        return weight, bias
    return weight @ decoder.projection.weight, weight @ decoder.projection.bias + bias


def _advance(sums: Tensor, cell: Tensor, hidden: Tensor, dropped: Tensor | None) -> None:
    """One LSTM step in place."""
    cell_forward(sums, cell.clone(), cell, torch.empty_like(cell), hidden)
    if dropped is not None:
        hidden.mul_(dropped)
