"""Which device and arithmetic a run gets, on machines that are not there."""

from __future__ import annotations

import pytest
import torch

from tacotron2.hparams import create_hparams
from tacotron2.training.devices import DeviceError, choose_precision, make_fabric, resolve_device


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
    [
        ("auto", True, "bf16"),
        ("auto", False, "fp32"),
        ("fp32", True, "fp32"),
        ("bf16", False, "bf16"),
        ("fp16", True, "fp16"),
    ],
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
    halves = {"bf16": torch.bfloat16, "fp16": torch.float16}
    assert product_dtype == [halves.get(given, torch.float32)]


@pytest.mark.parametrize(
    ("has_bf16", "capability", "given"),
    [
        (True, (8, 0), "bf16"),
        (False, (7, 5), "fp16"),  # tensor cores, but none for bf16
        (False, (7, 0), "fp16"),
        (False, (6, 1), "fp32"),  # fp16 at a fraction of float32's speed
    ],
)
def test_what_auto_takes_on_a_card(
    monkeypatch: pytest.MonkeyPatch, has_bf16: bool, capability: tuple[int, int], given: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_bf16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert choose_precision("cuda") == given


def test_fp16_on_a_cpu_leaves_onednn_as_it_was() -> None:
    fabric, _ = make_fabric(create_hparams("precision=fp16"), "cpu")
    onednn = torch.backends.mkldnn
    before = onednn.enabled
    with pytest.raises(KeyError), fabric.autocast():
        assert not onednn.enabled
        raise KeyError
    assert onednn.enabled == before
