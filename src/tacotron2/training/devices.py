"""Which device and which arithmetic a run gets, and batches for them."""

from __future__ import annotations

from typing import Literal

import torch
from lightning_fabric import Fabric

from tacotron2.hparams import HParams

PRECISIONS: dict[str, Literal["bf16-mixed", "32-true"]] = {"bf16": "bf16-mixed", "fp32": "32-true"}


class DeviceError(ValueError):
    """The device asked for is not on this machine."""


def multiplies_bf16(device: str) -> bool:
    """Whether bf16 products are done by the hardware fast enough to be worth their rounding.

    On a CPU that is AMX; AVX-512 BF16 alone gained 10 % on this model, which does not pay for 8 bits of
    mantissa.
    """
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and torch.cpu._is_amx_tile_supported()


def resolve_device(device: str) -> str:
    """`auto`, `cpu` or `cuda` to the device there is.

    Raises:
        DeviceError: `cuda` where there is none, or an unknown name.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise DeviceError(f"device {device!r}: must be one of auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("device 'cuda': this machine has no usable CUDA device; use --device cpu")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def make_fabric(hparams: HParams, device: str, index: int = 0) -> tuple[Fabric, str]:
    """The engine of a training on one device, and the name of its arithmetic (`bf16` or `fp32`).

    It starts no processes and exchanges nothing between those there are: that is `tacotron2.training.ranks`.

    Raises:
        DeviceError: there is no such device, or no `index`-th one.
    """
    kind = resolve_device(device)
    if kind == "cuda" and index >= torch.cuda.device_count():
        raise DeviceError(
            f"process {index} of this machine has no CUDA device: there are {torch.cuda.device_count()}, and "
            "every process needs one of its own; lower train.num_processes or use --device cpu"
        )
    precision = hparams.train.precision
    if precision == "auto":
        precision = "bf16" if multiplies_bf16(kind) else "fp32"
    devices = 1 if kind == "cpu" else [index]
    return Fabric(accelerator=kind, devices=devices, precision=PRECISIONS[precision]), precision
