"""Which device and arithmetic a run gets, on machines that are not there."""

from __future__ import annotations

import pytest
import torch

from tacotron2.hparams import create_hparams
from tacotron2.training.devices import DeviceError, make_fabric, resolve_device


@pytest.mark.parametrize(
    ("asked", "has_cuda", "given"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_devices(monkeypatch: pytest.MonkeyPatch, asked: str, has_cuda: bool, given: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    assert resolve_device(asked) == given


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="cuda.*--device cpu"):
        resolve_device("cuda")
    with pytest.raises(DeviceError, match="'gpu'.*auto, cpu, cuda"):
        resolve_device("gpu")


@pytest.mark.parametrize(
    ("precision", "has_tiles", "given"),
    [("auto", True, "bf16"), ("auto", False, "fp32"), ("fp32", True, "fp32"), ("bf16", False, "bf16")],
)
def test_precision_on_a_cpu(
    monkeypatch: pytest.MonkeyPatch, precision: str, has_tiles: bool, given: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_tiles)
    fabric, name = make_fabric(create_hparams(f"precision={precision}"), "cpu")
    assert name == given and fabric.device.type == "cpu"
    layer = fabric.setup_module(torch.nn.Linear(2, 2))
    product_dtype = []
    layer.module.register_forward_hook(lambda module, inputs, output: product_dtype.append(output.dtype))
    layer(torch.ones(1, 2))
    assert product_dtype == [torch.bfloat16 if given == "bf16" else torch.float32]
