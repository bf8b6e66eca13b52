"""Processes that share batches: together they have what one would have, in the same order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import torch

from tacotron2.data.dataset import Batch, Item, TextMelCollate, TextMelLoader
from tacotron2.data.sampler import LengthBatchSampler
from tacotron2.data.shares import BatchShares, share
from tacotron2.data.utterances import Utterance
from tacotron2.training.micro_batches import split

R = 3


@dataclass
class FakeSet:
    """Utterances of noise, each under its number."""

    lengths: list[int]
    text_lengths: list[int]

    def __getitem__(self, index: int) -> Item:
        generator = torch.Generator().manual_seed(index)
        mel = torch.randn(self.lengths[index], 4, generator=generator)
        ids = torch.randint(1, 60, (self.text_lengths[index],), generator=generator)
        return Item(ids, mel, Utterance(str(index), Path("x.wav"), "", 1, Path("list.txt")))


@pytest.fixture(scope="module")
def noise() -> FakeSet:
    numbers = random.Random(5)
    lengths = [numbers.randint(4, 60) for _ in range(43)]
    return FakeSet(lengths, [max(1, length // 4) for length in lengths])


def share_of(noise: FakeSet, indices: list[int], rank: int, num_ranks: int) -> Batch:
    shares = BatchShares(cast(TextMelLoader, noise), TextMelCollate(R), rank, num_ranks)
    return shares[indices]


@pytest.mark.parametrize("num_ranks", [1, 2, 3, 4])
def test_together_they_have_every_batch_of_one_process(noise: FakeSet, num_ranks: int) -> None:
    """Over two epochs, whose last batches have three utterances: one process of four has none of those."""
    sampler = LengthBatchSampler(noise.lengths, 8, bucket_batches=2, seed=1)
    batches = [batch for _ in range(2) for batch in sampler]
    assert {len(batch) for batch in batches} == {8, 3}
    for indices in batches:
        ours = [share_of(noise, indices, rank, num_ranks) for rank in range(num_ranks)]
        whole = [""] * len(indices)
        for rank, batch in enumerate(ours):
            for row, name in zip(share(len(indices), rank, num_ranks), batch.ids, strict=True):
                assert whole[row] == ""
                whole[row] = name
            assert batch.num_frames == sum(noise.lengths[index] for index in indices)
        assert whole == [str(index) for index in indices]
        sizes = [len(batch.ids) for batch in ours]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("num_ranks", [2, 4])
@pytest.mark.parametrize(("num_rows", "parts"), [(8, 2), (8, 4), (3, 2), (2, 4), (1, 2)])
def test_micro_batches_are_those_of_one_process(
    noise: FakeSet, num_ranks: int, num_rows: int, parts: int
) -> None:
    """The same number in every process, with the same utterances; rows are cut as a batch of their own."""
    indices = sorted(range(num_rows), key=noise.lengths.__getitem__)
    expected = split(share_of(noise, indices, 0, 1), parts, R)
    ours = [split(share_of(noise, indices, rank, num_ranks), parts, R) for rank in range(num_ranks)]
    for number, piece in enumerate(expected):
        mine = [pieces[number] for pieces in ours]
        assert sorted(sum((batch.ids for batch in mine), ())) == sorted(piece.ids)
        for batch in mine:
            assert batch.whole is not None
            assert batch.whole.mel_lengths.tolist() == piece.mel_lengths.tolist()
            assert batch.whole.text_lengths.tolist() == piece.text_lengths.tolist()
            assert [piece.ids[row] for row in batch.whole.rows.tolist()] == list(batch.ids)
            if batch.ids:
                alone = TextMelCollate(R)([noise[int(name)] for name in batch.ids])
                assert torch.equal(batch.mel, alone.mel) and torch.equal(batch.gate, alone.gate)
            else:
                assert batch.mel_lengths.tolist() == batch.text_lengths.tolist() == [0]
    assert all(len(pieces) == len(expected) for pieces in ours)


def test_all_processes_get_similar_lengths(noise: FakeSet) -> None:
    sampler = LengthBatchSampler(noise.lengths, 8, bucket_batches=2, seed=1)
    frames = [0, 0]
    for indices in sampler:
        for rank in range(2):
            frames[rank] += int(share_of(noise, indices, rank, 2).mel_lengths.sum())
    assert sum(frames) == sum(noise.lengths)
    assert abs(frames[0] - frames[1]) < 0.15 * sum(frames)
