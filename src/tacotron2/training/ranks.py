"""The processes that train one model together, seen from one of them.

A batch is the batch of all: each process has some of its rows, batch normalisation sees the statistics of
all rows, every loss is divided by the valid positions of all rows, and gradients are added up. So an update
is the one that a single process would make of the whole batch. As with one process, accumulation is another
thing than a larger batch: batch normalisation sees each micro-batch by itself.

Gradients are exchanged by one sum over all of them, not by the DDP of Fabric: DDP takes means of means, needs
a backward of the same parts everywhere, and regroups what it adds after the first step, so that a resumed
training would round otherwise than an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from tacotron2.hparams import HParams
from tacotron2.models.masking import MaskedBatchNorm

EXCHANGE_TIMEOUT = timedelta(minutes=15)
"""The longest a process may lag behind the others in an update; one that ended is noticed at once."""
ALONE_TIMEOUT = timedelta(days=7)
"""The longest the first process may be busy with what it does alone: preparing recordings, validation."""

Result = TypeVar("Result")


class RanksError(ValueError):
    """The processes of a training do not fit together; the message says in what and what would be right."""


class LostRankError(Exception):
    """Another process of the training has ended, or answers no more."""


class Ranks:
    """One of `count` processes. With one, which is what `Ranks()` makes, nothing is exchanged.

    Every method but the properties must be called by all processes, in the same order.
    `join` makes the others. Each raises `LostRankError` when another process is gone.
    """

    def __init__(
        self, rank: int = 0, count: int = 1, control: distributed.ProcessGroup | None = None
    ) -> None:
        self.rank, self.count = rank, count
        self._control = control  # on the host, so that what is said here never waits for a device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that decides, writes and speaks for all."""
        return self.rank == 0

    @property
    def device_index(self) -> int:
        """Which of the machine's devices belongs to this process."""
        return int(os.environ["LOCAL_RANK"]) if self.count > 1 else 0

    def require_count(self, wanted: int) -> None:
        """
        Raises:
            RanksError: the settings want another number of processes than there are.
        """
        if wanted != self.count:
            raise RanksError(
                f"train.num_processes={wanted}, but {self.count} processes train (WORLD_SIZE): start as many "
                "as the settings say, or start a new run with train.num_processes changed"
            )

    def connect(self, model: nn.Module) -> None:
        """Makes the model one of all: the first process's values, batch statistics over all rows."""
        if self.count == 1:
            return
        for module in model.modules():
            if isinstance(module, MaskedBatchNorm):
                module.over_processes = self._sum_with_gradient
        for value in model.state_dict().values():
            with _exchange():
                distributed.broadcast(value, 0)

    def sum_gradients(self, model: nn.Module) -> None:
        """Adds up the gradients of all processes, in one exchange."""
        if self.count == 1:
            return
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        flat = self.summed(torch.cat([gradient.flatten() for gradient in gradients]))
        for gradient, total in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(total.view_as(gradient))

    def summed(self, values: Tensor) -> Tensor:
        """The sum over all processes, the same bits in each of them; no gradient."""
        if self.count == 1:
            return values
        total = values.detach().clone(memory_format=torch.contiguous_format)
        with _exchange():
            distributed.all_reduce(total)
        return total

    def _sum_with_gradient(self, values: Tensor) -> Tensor:
        total: Tensor = _Sum.apply(values, self)
        return total

    def agreed(self, value: Result) -> Result:
        """What the first process says."""
        if self.count == 1:
            return value
        said = [value]
        with _exchange():
            distributed.broadcast_object_list(said, 0, group=self._control, device=torch.device("cpu"))
        return said[0]

    def gathered(self, value: Result) -> list[Result]:
        """Everybody's value, in the order of ranks."""
        if self.count == 1:
            return [value]
        said: list[Any] = [None] * self.count
        with _exchange():
            distributed.all_gather_object(said, value, group=self._control)
        return said

    def require_agreement(self, what: str, value: object) -> None:
        """
        Raises:
            RanksError: the processes have different values; `what` says of what.
        """
        values = self.gathered(value)
        for rank, other in enumerate(values):
            if other != values[0]:
                raise RanksError(
                    f"{what}: {other!r} in process {rank}, {values[0]!r} in process 0; all processes of a "
                    "training need the same program, the same run folder and the same recordings"
                )

    def alone(self, work: Callable[[], Result]) -> Result | None:
        """Work that the first process does while the others wait, however long; its result, there alone."""
        result = work() if self.is_first else None
        self.wait()
        return result

    def wait(self) -> None:
        """Until all processes have come to this place, the first one perhaps long after the others."""
        if self.count > 1:
            with _exchange():
                timeout = EXCHANGE_TIMEOUT if self.is_first else ALONE_TIMEOUT
                distributed.monitored_barrier(self._control, timeout)

    def seed_dropout(self, seed: int) -> None:
        """Gives every process random numbers of its own; the first goes on with those it has."""
        if not self.is_first:
            digest = hashlib.blake2b(f"{seed}/{self.rank}".encode(), digest_size=4).digest()
            torch.manual_seed(int.from_bytes(digest, "big"))


class _Sum(torch.autograd.Function):
    """A sum over processes. What depends on the total of all depends on each one's summand alike, so that
    the gradient of a summand is the sum of everybody's gradients of the total."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        return ranks.summed(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.ranks.summed(gradient), None


def join(hparams: HParams, device: str = "cpu") -> Ranks:
    """Meets the other processes of the training; they are told of by the environment, as `torchrun` does it.

    Its words are RANK, LOCAL_RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.

    Args:
        device: cpu or cuda; on CUDA tensors go through NCCL; everything else goes through gloo.

    Raises:
        RanksError: the environment tells of another number of processes.
        LostRankError: the others did not come.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    Ranks(count=count).require_count(hparams.train.num_processes)
    if count == 1:
        return Ranks()
    with _exchange():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo", timeout=EXCHANGE_TIMEOUT)
        control = distributed.new_group(backend="gloo", timeout=EXCHANGE_TIMEOUT)
    return Ranks(distributed.get_rank(), count, control)


@contextmanager
def _exchange() -> Iterator[None]:
    """What torch raises for a connection that broke, was not made or did not answer in time."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise LostRankError(
            f"another process of the training has ended or does not answer: {reason}"
        ) from error
