"""What the machine offers, found without torch, and whether it is enough."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from smart_tuner.messages import Language, MachinePhrase, Message, render

GIB = 1024**3
MEMORY_NEEDED_BYTES = 3 * GIB // 2
"""Torch, the demo preset and a batch; less and the kernel ends the worker."""
MEMORY_WITH_SERVICES_BYTES = 5 * GIB // 2
"""MLflow's server and TensorBoard beside it."""
DISK_NEEDED_BYTES = GIB // 2
"""Demo corpus, features and the checkpoints of a small model."""
DISK_COMFORTABLE_BYTES = 3 * GIB
NVIDIA_SMI_TIMEOUT_S = 20.0
UNLIMITED_BYTES = 1 << 60
"""Version 1 control groups write a number of this size where there is no limit."""


@dataclass(frozen=True)
class Gpu:
    """One device as the driver describes it."""

    name: str
    memory_mib: int
    driver: str
    compute_capability: str


@dataclass(frozen=True)
class Machine:
    """What this process may use: limits of affinity and control groups are already applied."""

    python: str
    system: str
    cores: int
    memory_bytes: int
    memory_free_bytes: int
    disk_free_bytes: int
    gpus: tuple[Gpu, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return asdict(self)


@dataclass(frozen=True)
class Finding:
    """Something the person should know before the work starts. `fatal`: it cannot succeed."""

    message: Message
    fatal: bool


def inspect_machine(folder: Path) -> Machine:
    """The machine as it is now. `folder` tells which disk matters; it need not exist yet."""
    limit, _ = _memory_limit(_control_groups(Path("/")))
    return Machine(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=num_cores(),
        memory_bytes=min(psutil.virtual_memory().total, limit),
        memory_free_bytes=free_memory(),
        disk_free_bytes=free_disk(folder),
        gpus=find_gpus(),
    )


def free_memory() -> int:
    """Bytes that this process may still take."""
    limit, used = _memory_limit(_control_groups(Path("/")))
    return max(0, min(psutil.virtual_memory().available, limit - used))


def free_disk(folder: Path) -> int:
    """Bytes that are free where the folder is or would be."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def num_cores(root: Path = Path("/")) -> int:
    """Cores this process may keep busy: affinity, and the quota of its control groups."""
    has_affinity = hasattr(os, "sched_getaffinity")
    available = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    quotas = [quota for group in _control_groups(root) if (quota := _cpu_quota(group)) is not None]
    return max(1, min([available, *(round(quota) for quota in quotas)]))


def find_gpus() -> tuple[Gpu, ...]:
    """What `nvidia-smi` lists; nothing where it is missing or fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = "--query-gpu=name,memory.total,driver_version,compute_cap"
    try:
        answer = subprocess.run(
            [program, query, "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=NVIDIA_SMI_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [[cell.strip() for cell in line.split(",")] for line in answer.stdout.splitlines()]
    return tuple(
        Gpu(row[0], int(row[1]) if row[1].isdigit() else 0, row[2], row[3]) for row in rows if len(row) == 4
    )


def findings(machine: Machine, with_services: bool) -> list[Finding]:
    """What is too small; the fatal ones first."""
    found = []
    memory, disk = machine.memory_free_bytes, machine.disk_free_bytes
    if memory < MEMORY_NEEDED_BYTES:
        message = MachinePhrase.MEMORY_TOO_SMALL(free=memory, needed=MEMORY_NEEDED_BYTES)
        found.append(Finding(message, fatal=True))
    elif with_services and memory < MEMORY_WITH_SERVICES_BYTES:
        message = MachinePhrase.MEMORY_TIGHT(free=memory, needed=MEMORY_WITH_SERVICES_BYTES)
        found.append(Finding(message, fatal=False))
    if disk < DISK_NEEDED_BYTES:
        message = MachinePhrase.DISK_TOO_SMALL(free=disk, needed=DISK_NEEDED_BYTES)
        found.append(Finding(message, fatal=True))
    elif disk < DISK_COMFORTABLE_BYTES:
        found.append(Finding(MachinePhrase.DISK_TIGHT(free=disk), fatal=False))
    return sorted(found, key=lambda finding: not finding.fatal)


def table(machine: Machine, language: Language) -> list[str]:
    """The machine in a few aligned lines."""
    gpus = ", ".join(
        render(MachinePhrase.GPU_NAMED(name=gpu.name, memory=gpu.memory_mib / 1024), language)
        for gpu in machine.gpus
    )
    free, whole = machine.memory_free_bytes, machine.memory_bytes
    rows: tuple[tuple[Message, Message | str], ...] = (
        (MachinePhrase.PYTHON(), MachinePhrase.PYTHON_ON(python=machine.python, system=machine.system)),
        (MachinePhrase.CORES(), str(machine.cores)),
        (MachinePhrase.MEMORY(), MachinePhrase.MEMORY_FREE(free=free, whole=whole)),
        (MachinePhrase.DISK(), MachinePhrase.DISK_FREE(free=machine.disk_free_bytes)),
        (MachinePhrase.GPU(), gpus or MachinePhrase.NO_GPU()),
    )
    return [f"  {render(name, language):<10} {render(value, language)}" for name, value in rows]


def _control_groups(root: Path) -> list[Path]:
    """Folders whose limits bind this process, of version 2 and of version 1's memory and cpu trees."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, name = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in ("", "memory", "cpu"):
                base = root / "sys/fs/cgroup" / controller
                inner = base / name.lstrip("/")
                chain = [inner, *inner.parents]
                folders += chain[: chain.index(base) + 1]
    return folders


def _memory_limit(groups: list[Path]) -> tuple[int, int]:
    """(limit, used) in bytes of the tightest group; the file cache, which gives way, is not used."""
    tightest = (UNLIMITED_BYTES, 0)
    for group in groups:
        for limit_name, used_name, cache_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _number(group / limit_name), _number(group / used_name)
            if limit is not None:
                used = max(0, (used or 0) - _file_cache(group, cache_name))
                tightest = min(tightest, (limit, used), key=lambda pair: pair[0] - pair[1])
    return tightest


def _file_cache(group: Path, name: str) -> int:
    try:
        rows = [line.split() for line in (group / "memory.stat").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return 0
    return sum(int(value) for key, value in rows if key == name)


def _cpu_quota(group: Path) -> float | None:
    """Cores of a group's quota, None without one."""
    try:
        quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        old_quota, old_period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
        return old_quota / old_period if old_quota and old_period and old_quota > 0 else None


def _number(file: Path) -> int | None:
    """The number in a file of a control group; None for `max`, and where there is no such file."""
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
