"""Gradient checkpointing: activations are not kept but computed again in backward (arXiv 1604.06174).

Exact: the same masks are drawn, and batch statistics enter the running ones once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from torch import nn
from torch.utils.checkpoint import checkpoint

Result = TypeVar("Result")


def recomputed(function: Callable[..., Result], *operands: object) -> Result:
    """`function(*operands)`, of which nothing but the operands is kept for backward."""

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _SecondPass(function)

    result: Result = checkpoint(function, *operands, use_reentrant=False, context_fn=contexts)
    return result


class _SecondPass(AbstractContextManager[None]):
    """Takes the running statistics away, so that the batch is not counted again; may be entered repeatedly,
    since a graph may be walked repeatedly."""

    def __init__(self, function: Callable[..., object]) -> None:
        modules = function.modules() if isinstance(function, nn.Module) else ()
        norms = [norm for norm in modules if isinstance(norm, nn.BatchNorm1d) and norm.training]
        self.kept = [(norm, *named) for norm in norms for named in norm.named_buffers(recurse=False)]

    def __enter__(self) -> None:
        for norm, name, _ in self.kept:
            setattr(norm, name, None)

    def __exit__(self, *error: object) -> None:
        for norm, name, value in self.kept:
            setattr(norm, name, value)
