"""One process's rows of the batches that several processes train on together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.utils.data import Dataset

from tacotron2.data.dataset import Batch, SharedBatch, TextMelCollate, TextMelLoader, no_utterance


def share(num_rows: int, rank: int, num_ranks: int) -> list[int]:
    """The rows of a batch that belong to a process: every `num_ranks`-th.

    The rows are sorted by length, so that all processes get similar lengths of every part of the batch. A
    batch with fewer rows than processes leaves some without any.
    """
    return list(range(rank, num_rows, num_ranks))


class BatchShares(Dataset[Batch]):
    """Indexed with all utterances of a batch, it gives the process's rows of it.

    Every process follows the same `LengthBatchSampler`, so that the batches and their order are those of one
    process, and a place in the data is the same number whoever counts it.
    """

    def __init__(self, dataset: TextMelLoader, collate: TextMelCollate, rank: int, num_ranks: int) -> None:
        self.dataset, self.collate = dataset, collate
        self.rank, self.num_ranks = rank, num_ranks
        self.text_lengths = torch.tensor(dataset.text_lengths)
        self.mel_lengths = torch.tensor(dataset.lengths)

    def __getitem__(self, indices: Sequence[int]) -> Batch:
        """The padded rows; `whole` tells of the others' where there are others."""
        if self.num_ranks == 1:
            return self.collate([self.dataset[index] for index in indices])
        rows = share(len(indices), self.rank, self.num_ranks)
        chosen = torch.tensor(indices)
        whole = SharedBatch(
            torch.tensor(rows, dtype=torch.long), self.text_lengths[chosen], self.mel_lengths[chosen]
        )
        if not rows:
            num_mels = self.dataset[indices[0]].mel.shape[1]
            return no_utterance(whole, self.collate.n_frames_per_step, num_mels)
        return replace(self.collate([self.dataset[indices[row]] for row in rows]), whole=whole)
