"""What goes into the decoder, through it and out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DecoderMasks:
    """Dropout factors of a whole sequence, drawn once, so that both paths can be given the same ones.

    prenet: two of `(B, T_dec, prenet_dim)`; attention `(B, T_dec, attention_rnn_dim)`; decoder
    `(B, T_dec, decoder_rnn_dim)`. None where nothing is dropped.

    forced: `(B, T_dec)`, true at the steps that read the recording, false where the decoder reads what it
    said itself. The first step, before which nothing was said, is forced. None: all of them are.
    """

    prenet: tuple[Tensor, Tensor] | None = None
    attention: Tensor | None = None
    decoder: Tensor | None = None
    forced: Tensor | None = None

    def at(self, step: int | slice) -> DecoderMasks:
        """The factors of one step, without the time axis, or of several."""
        return DecoderMasks(
            None if self.prenet is None else (self.prenet[0][:, step], self.prenet[1][:, step]),
            None if self.attention is None else self.attention[:, step],
            None if self.decoder is None else self.decoder[:, step],
            None if self.forced is None else self.forced[:, step],
        )

    def of(self, rows: Tensor) -> DecoderMasks:
        """The factors of some sentences, in their order."""
        return DecoderMasks(
            None if self.prenet is None else (self.prenet[0][rows], self.prenet[1][rows]),
            None if self.attention is None else self.attention[rows],
            None if self.decoder is None else self.decoder[rows],
            None if self.forced is None else self.forced[rows],
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
    """Normalised mel `(B, T_dec * r, num_mels)`, stop logits `(B, T_dec)`, weights `(B, T_dec, T_text)`.

    With MMI also the projection `(B, T_dec, decoder_rnn_dim)` for the recogniser, and under `use_gaf` in
    training the scalar that backward sets to the adaptive factor.
    """

    mel: Tensor
    gate_logits: Tensor
    alignments: Tensor
    projection: Tensor | None = None
    adaptive_factor: Tensor | None = None


def joined(outputs: Sequence[DecoderOutput]) -> DecoderOutput:
    """Outputs of successive steps as one."""
    projections = [output.projection for output in outputs if output.projection is not None]
    return DecoderOutput(
        torch.cat([output.mel for output in outputs], dim=1),
        torch.cat([output.gate_logits for output in outputs], dim=1),
        torch.cat([output.alignments for output in outputs], dim=1),
        torch.cat(projections, dim=1) if projections else None,
    )
