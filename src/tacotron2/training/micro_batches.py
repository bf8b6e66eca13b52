"""Gradient accumulation: one batch as several smaller ones, each with less padding."""

from __future__ import annotations

import torch
from torch import Tensor

from tacotron2.data.dataset import Batch, SharedBatch, no_utterance


def split(batch: Batch, parts: int, r: int) -> list[Batch]:
    """The batch in `parts` micro-batches of neighbouring lengths, each cut to its own longest utterance.

    A batch that several processes share is split as a whole, so that all of them have the same number of
    parts with the same utterances in each, some perhaps without a row of their own.
    """
    if parts == 1:
        return [batch]
    num_rows = len((batch.whole or batch).mel_lengths)
    return [_cut(batch, places, r) for places in torch.arange(num_rows).tensor_split(min(parts, num_rows))]


def _cut(batch: Batch, places: Tensor, r: int) -> Batch:
    """The micro-batch of these neighbouring rows of the (whole) batch."""
    rows, whole = places, batch.whole
    if whole is not None:
        rows = torch.isin(whole.rows, places).nonzero()[:, 0]
        whole = SharedBatch(
            whole.rows[rows] - places[0], whole.text_lengths[places], whole.mel_lengths[places]
        )
        if not len(rows):
            return no_utterance(whole, r, batch.mel.size(2))
    symbols = int(batch.text_lengths[rows].max())
    steps = -(-int(batch.mel_lengths[rows].max()) // r)
    return Batch(
        text=batch.text[rows, :symbols],
        text_lengths=batch.text_lengths[rows],
        mel=batch.mel[rows, : steps * r],
        mel_lengths=batch.mel_lengths[rows],
        gate=batch.gate[rows, :steps],
        ids=tuple(batch.ids[row] for row in rows.tolist()),
        whole=whole,
        speakers=None if batch.speakers is None else batch.speakers[rows],
    )
