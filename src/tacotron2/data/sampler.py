"""The order of training: utterances of similar length together, the same again for the same seed."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Sampler


class LengthBatchSampler(Sampler[list[int]]):
    """Batches of similar length inside shuffled pools; every utterance once an epoch.

    An epoch's order depends on (seed, epoch) alone: all utterances are shuffled, cut into pools of
    `bucket_batches` batches, sorted by length inside each pool and cut into batches, and the batches are
    shuffled. When `batch_size` does not divide the number of utterances, one batch of the epoch is short.

    Iterating goes on at the current position to the end of the epoch; the next iteration is the next epoch.

    Attributes:
        epoch: counted from 0.
        position: batches of this epoch already handed out. Loader processes fetch ahead of the training;
            with them, say with `seek` how many batches were really trained on.
        left_out: indices that are in no batch from the next iteration on; the others stay where they are.
            A batch of such indices alone gives its place to the next one, so that places keep their numbers.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, bucket_batches: int, seed: int) -> None:
        if not lengths:
            raise ValueError("there is no utterance to make batches of")
        self.lengths = list(lengths)
        self.batch_size = batch_size
        self.bucket_batches = bucket_batches
        self.seed = seed
        self._order = self._order_key()
        self.epoch = 0
        self.position = 0
        self.left_out: frozenset[int] = frozenset()

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return math.ceil(len(self.lengths) / self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        """Lists of indices into `lengths`, from the current position to the end of the epoch."""
        for batch in self._epoch_batches()[self.position :]:
            # Moved before the hand-over: who saves the state while training on a batch resumes after it.
            self.seek(self.epoch * len(self) + self.position + 1)
            yield batch

    def seek(self, num_batches: int) -> None:
        """Goes to the place after that many batches since the beginning of the training."""
        self.epoch, self.position = divmod(num_batches, len(self))

    def state_dict(self) -> dict[str, Any]:
        """Where the order stands, for `load_state_dict`; plain values only."""
        return {"epoch": self.epoch, "position": self.position, "order": self._order}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on exactly where `state_dict` was called.

        Raises:
            ValueError: the state belongs to other utterances, another batch size, pool or seed.
        """
        if state["order"] != self._order:
            raise ValueError(
                "the saved place in the data belongs to other recordings or to another batch_size, "
                "bucket_batches or seed; restore those or start a new training"
            )
        self.epoch, self.position = int(state["epoch"]), int(state["position"])

    def _order_key(self) -> str:
        """A fingerprint of everything that the order is made from."""
        made_from = [self.seed, self.batch_size, self.bucket_batches, *self.lengths]
        return hashlib.blake2b(repr(made_from).encode(), digest_size=8).hexdigest()

    def _epoch_batches(self) -> list[list[int]]:
        generator = random.Random(f"{self.seed}/{self.epoch}")
        order = list(range(len(self.lengths)))
        generator.shuffle(order)
        pool_size = self.batch_size * self.bucket_batches
        batches: list[list[int]] = []
        for start in range(0, len(order), pool_size):
            pool = sorted(order[start : start + pool_size], key=self.lengths.__getitem__)
            batches += [pool[i : i + self.batch_size] for i in range(0, len(pool), self.batch_size)]
        generator.shuffle(batches)
        return self._without_left_out(batches) if self.left_out else batches

    def _without_left_out(self, batches: list[list[int]]) -> list[list[int]]:
        kept = [[index for index in batch if index not in self.left_out] for batch in batches]
        following = next((batch for batch in kept if batch), None)
        if following is None:
            raise ValueError("every utterance is left out: there is nothing to make batches of")
        for place in reversed(range(len(kept))):
            following = kept[place] = kept[place] or following
        return kept
