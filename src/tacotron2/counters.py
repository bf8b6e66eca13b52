"""What a computation costs: products, bytes kept for the backward pass, bytes alive. Needs torch alone."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

aten = torch.ops.aten


def _matrix_vector(matrix: torch.Size, vector: torch.Size, **_: Any) -> int:
    return 2 * matrix.numel()


def _added_matrix_vector(added: torch.Size, matrix: torch.Size, vector: torch.Size, **_: Any) -> int:
    return 2 * matrix.numel()


@contextmanager
def _without_onednn() -> Iterator[None]:
    """torch's own `flags` would set the arithmetic of Intel's GPUs as well, and warn where there is none."""
    mkldnn: Any = torch.backends.mkldnn
    before, mkldnn.enabled = mkldnn.enabled, False
    try:
        yield
    finally:
        mkldnn.enabled = before


class MacCounter:
    """Counts multiply-adds of matrix products and convolutions, forward and backward; nothing else.

    Inside, torch computes without oneDNN, of whose own operators the counter would know nothing.
    """

    def __init__(self) -> None:
        # Products of a matrix and a vector are missing in torch's own table.
        vectors = {
            aten.mv: _matrix_vector,
            aten.addmv: _added_matrix_vector,
            aten.addmv_: _added_matrix_vector,
        }
        self._counter = FlopCounterMode(display=False, custom_mapping=vectors)
        self._entered = ExitStack()

    @property
    def macs(self) -> int:
        """So far."""
        return int(self._counter.get_total_flops()) // 2

    def __enter__(self) -> Self:
        self._entered.enter_context(_without_onednn())
        self._entered.enter_context(self._counter)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.__exit__(kind, error, trace)


class KeptBytes(saved_tensors_hooks):
    """Counts the storages that autograd is given to keep, each once; the module's parameters left out."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__(self._pack, lambda tensor: tensor)
        self._known = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
        self._storages: dict[int, int] = {}

    @property
    def bytes(self) -> int:
        return sum(self._storages.values())

    def _pack(self, tensor: Tensor) -> Tensor:
        for storage in _storages(tensor):
            if storage.data_ptr() not in self._known:
                self._storages[storage.data_ptr()] = storage.nbytes()
        return tensor


class LiveBytes(TorchDispatchMode):
    """The most bytes that are alive at one time of what is computed inside.

    Attributes:
        course: the bytes alive after each operation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0
        self.course: list[int] = []
        self._alive: set[int] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = {id(storage) for storage in _storages((args, kwargs))}
        result = function(*args, **(kwargs or {}))
        for storage in _storages(result):
            if id(storage) not in given | self._alive:
                self._alive.add(id(storage))
                self._now += storage.nbytes()
                weakref.finalize(storage, self._gone, id(storage), storage.nbytes())
        self.most = max(self.most, self._now)
        self.course.append(self._now)
        return result

    def _gone(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self._now -= size


def _storages(values: Any) -> list[torch.UntypedStorage]:
    """Of the tensors among nested values that lie in memory as usual."""
    tensors = (value for value in tree_leaves(values) if isinstance(value, Tensor))
    return [tensor.untyped_storage() for tensor in tensors if tensor.layout == torch.strided]
