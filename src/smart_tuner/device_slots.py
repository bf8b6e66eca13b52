"""Places where trials are worked on: one for each device, each with its share of the processor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from smart_tuner.messages import MessageError, StudyPhrase


class DevicesError(MessageError):
    """`--devices` names no devices."""


@dataclass(frozen=True)
class Slot:
    """One place. `device` is a number or name that CUDA knows; on a processor it only tells places apart."""

    device: str
    index: int = 0
    count: int = 1
    named: bool = False
    """Whether the person chose the device; else all that are there may be seen."""

    def environment(self, cores: int) -> dict[str, str]:
        """What the processes of its trials are told: their share of the cores, and their device."""
        threads = {"OMP_NUM_THREADS": str(max(1, cores // self.count))} if self.count > 1 else {}
        return threads | ({"CUDA_VISIBLE_DEVICES": self.device} if self.named else {})


def make_slots(devices: str | None) -> list[Slot]:
    """A slot for each device of `0,1`; without a list a single one.

    Raises:
        DevicesError: a name is missing, or there twice.
    """
    if devices is None:
        return [Slot("0")]
    names = [name.strip() for name in devices.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise DevicesError(StudyPhrase.BAD_DEVICES(devices=devices))
    return [Slot(name, index, len(names), named=True) for index, name in enumerate(names)]


@contextmanager
def device_lock(root: Path, slot: Slot, waiting: Callable[[], None]) -> Iterator[None]:
    """At most one trial of this folder of runs on a device at a time.

    Args:
        waiting: called once where another command's trial has the device.
    """
    lock = FileLock(root / "studies" / f".device-{quote(slot.device, safe='')}.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
