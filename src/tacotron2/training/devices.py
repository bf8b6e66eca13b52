"""Which device and which arithmetic a run gets, and batches for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision

from tacotron2.hparams import HParams

TENSOR_CORES = (7, 0)
"""The compute capability from which cards multiply fp16 much faster than float32."""


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


def choose_precision(device: str) -> str:
    """What `train.precision: auto` takes on `cpu` or `cuda`: `bf16`, `fp16` or `fp32`."""
    if multiplies_bf16(device):
        return "bf16"
    if device == "cuda" and torch.cuda.get_device_capability() >= TENSOR_CORES:
        return "fp16"
    return "fp32"


class _HalfOnCpu(MixedPrecision):
    """fp16 on a CPU, to try it where there is no card. torch hands its LSTM to oneDNN, which has none in fp16
    on most CPUs; without oneDNN it computes it itself."""

    def forward_context(self) -> AbstractContextManager[None]:
        return self._without_onednn()

    @contextmanager
    def _without_onednn(self) -> Iterator[None]:
        onednn: Any = torch.backends.mkldnn
        before = onednn.enabled
        onednn.enabled = False
        try:
            with super().forward_context():
                yield
        finally:
            onednn.enabled = before


def _arithmetic(precision: str, device: str) -> Precision:
    if precision == "fp32":
        return Precision()
    if precision == "bf16":
        return MixedPrecision("bf16-mixed", device)
    return (_HalfOnCpu if device == "cpu" else MixedPrecision)("16-mixed", device)


def make_fabric(hparams: HParams, device: str, index: int = 0) -> tuple[Fabric, str]:
    """The engine of a training on one device, and the name of its arithmetic (`bf16`, `fp16` or `fp32`).

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
        precision = choose_precision(kind)
    devices = 1 if kind == "cpu" else [index]
    return Fabric(accelerator=kind, devices=devices, plugins=[_arithmetic(precision, kind)]), precision
