"""Gradient accumulation: one batch as several smaller ones, each with less padding."""

from __future__ import annotations

import torch

from tacotron2.data.dataset import Batch


def split(batch: Batch, parts: int, r: int) -> list[Batch]:
    """The batch in `parts` micro-batches of neighbouring lengths, each cut to its own longest utterance."""
    if parts == 1:
        return [batch]
    pieces = []
    for rows in torch.arange(len(batch.ids)).tensor_split(min(parts, len(batch.ids))):
        symbols = int(batch.text_lengths[rows].max())
        steps = -(-int(batch.mel_lengths[rows].max()) // r)
        pieces.append(
            Batch(
                text=batch.text[rows, :symbols],
                text_lengths=batch.text_lengths[rows],
                mel=batch.mel[rows, : steps * r],
                mel_lengths=batch.mel_lengths[rows],
                gate=batch.gate[rows, :steps],
                ids=tuple(batch.ids[row] for row in rows.tolist()),
            )
        )
    return pieces
