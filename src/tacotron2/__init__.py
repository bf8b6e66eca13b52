"""Tacotron 2: a usable library of the model, its losses, metrics, data path and training loop.

The public names load what they need when they are first used (PEP 562), so that importing the package, or one
of its torch-free modules, costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Tacotron2": "tacotron2.models",
    "Tacotron2Loss": "tacotron2.losses",
    "TextMelCollate": "tacotron2.data.dataset",
    "TextMelLoader": "tacotron2.data.dataset",
    "create_hparams": "tacotron2.hparams",
    "load_model": "tacotron2.checkpoint",
    "train": "tacotron2.training",
    "validate": "tacotron2.training",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
