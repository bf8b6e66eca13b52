"""Devices and their locks."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from smart_tuner.device_slots import DevicesError, Slot, device_lock, make_slots


def test_any_name_of_a_device_has_a_lock(tmp_path: Path) -> None:
    """CUDA knows a part of a card as MIG-GPU-1a2b/1/0."""
    (tmp_path / "studies").mkdir()
    (slot,) = make_slots("MIG-GPU-1a2b/1/0")
    with device_lock(tmp_path, slot, lambda: None):
        (lock,) = (tmp_path / "studies").iterdir()
        assert FileLock(lock).is_locked is False and lock.name.endswith(".lock")


def test_every_device_has_its_share_of_the_cores() -> None:
    slots = make_slots("0, 1")
    assert [slot.environment(5) for slot in slots] == [
        {"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": name} for name in ("0", "1")
    ]
    assert make_slots(None) == [Slot("0")] and Slot("0").environment(5) == {}


@pytest.mark.parametrize("devices", ["", "0,", "0,0"])
def test_devices_are_named_once_each(devices: str) -> None:
    with pytest.raises(DevicesError, match="names parted by commas"):
        make_slots(devices)
