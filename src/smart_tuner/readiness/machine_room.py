"""Whether the machine is large enough, and the settings can be used."""

from __future__ import annotations

from smart_tuner.machine import (
    DISK_COMFORTABLE_BYTES,
    DISK_NEEDED_BYTES,
    MEMORY_NEEDED_BYTES,
    MEMORY_WITH_SERVICES_BYTES,
)
from smart_tuner.messages import MachinePhrase, ReadinessPhrase
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick


def check_settings(scene: Scene) -> Tick:
    """Whether the settings that were asked for can be used."""
    title = ReadinessPhrase.SETTINGS_VALID()
    if scene.problem is not None:
        remedy = ReadinessPhrase.MEND_SETTINGS()
        return Tick("settings", Group.SETTINGS, title, Status.FAILED, scene.problem, remedy)
    told = ReadinessPhrase.SETTINGS_OF(preset=scene.config.preset)
    return Tick("settings", Group.SETTINGS, title, Status.PASSED, told)


def check_machine(scene: Scene) -> list[Tick]:
    """Memory, disk and the device, against what every training needs."""
    return [_memory(scene), _disk(scene), _device(scene)]


def _memory(scene: Scene) -> Tick:
    free = scene.machine.memory_free_bytes
    title, needed = ReadinessPhrase.MEMORY_ENOUGH(), MEMORY_NEEDED_BYTES
    if free < needed:
        told = MachinePhrase.MEMORY_FREE(free=free, whole=scene.machine.memory_bytes)
        remedy = MachinePhrase.MEMORY_TOO_SMALL(free=free, needed=needed)
        return Tick("memory", Group.MACHINE, title, Status.FAILED, told, remedy)
    told = ReadinessPhrase.NEEDED_AND_FREE(needed=needed, free=free)
    if scene.config.services.enabled and free < MEMORY_WITH_SERVICES_BYTES:
        tight = MachinePhrase.MEMORY_TIGHT(free=free, needed=MEMORY_WITH_SERVICES_BYTES)
        return Tick("memory", Group.MACHINE, title, Status.WARNED, told, tight)
    return Tick("memory", Group.MACHINE, title, Status.PASSED, told)


def _disk(scene: Scene) -> Tick:
    free, title = scene.machine.disk_free_bytes, ReadinessPhrase.DISK_ENOUGH()
    told = ReadinessPhrase.NEEDED_AND_FREE(needed=DISK_NEEDED_BYTES, free=free)
    if free < DISK_NEEDED_BYTES:
        return Tick("disk", Group.MACHINE, title, Status.FAILED, told, ReadinessPhrase.MAKE_DISK_ROOM())
    if free < DISK_COMFORTABLE_BYTES:
        return Tick("disk", Group.MACHINE, title, Status.WARNED, told, ReadinessPhrase.MAKE_DISK_ROOM())
    return Tick("disk", Group.MACHINE, title, Status.PASSED, told)


def _device(scene: Scene) -> Tick:
    gpus, title = scene.machine.gpus, ReadinessPhrase.DEVICE_THERE()
    if scene.device == "cuda" and not gpus:
        remedy = ReadinessPhrase.OTHER_DEVICE()
        return Tick("device", Group.MACHINE, title, Status.FAILED, MachinePhrase.NO_GPU(), remedy)
    named = ", ".join(gpu.name for gpu in gpus) if gpus and scene.device != "cpu" else ""
    return Tick("device", Group.MACHINE, title, Status.PASSED, named or ReadinessPhrase.CPU_WORKS())
