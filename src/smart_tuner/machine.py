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

    message: str
    fatal: bool


def inspect_machine(folder: Path) -> Machine:
    """The machine as it is now. `folder` tells which disk matters; it need not exist yet."""
    groups = _control_groups(Path("/"))
    limit, used = _memory_limit(groups)
    memory = psutil.virtual_memory()
    return Machine(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=num_cores(),
        memory_bytes=min(memory.total, limit),
        memory_free_bytes=max(0, min(memory.available, limit - used)),
        disk_free_bytes=free_disk(folder),
        gpus=find_gpus(),
    )


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
    """What is too small, in words; the fatal ones first."""
    found = []
    memory, disk = machine.memory_free_bytes, machine.disk_free_bytes
    if memory < MEMORY_NEEDED_BYTES:
        need = f"{gib(memory)} of memory are free, {gib(MEMORY_NEEDED_BYTES)} are needed"
        found.append(Finding(f"{need}: close other programs or use a larger machine", fatal=True))
    elif with_services and memory < MEMORY_WITH_SERVICES_BYTES:
        need = f"{gib(memory)} of memory are free, MLflow and TensorBoard would like"
        found.append(
            Finding(f"{need} {gib(MEMORY_WITH_SERVICES_BYTES)}: --no-services saves theirs", fatal=False)
        )
    if disk < DISK_NEEDED_BYTES:
        need = f"{gib(disk)} of disk are free, {gib(DISK_NEEDED_BYTES)} are needed"
        found.append(Finding(f"{need}: `smart-tuner runs remove` or another --runs-folder helps", fatal=True))
    elif disk < DISK_COMFORTABLE_BYTES:
        found.append(Finding(f"only {gib(disk)} of disk are free", fatal=False))
    return sorted(found, key=lambda finding: not finding.fatal)


def table(machine: Machine) -> list[str]:
    """The machine in a few aligned lines."""
    gpus = ", ".join(f"{gpu.name} ({gpu.memory_mib / 1024:.0f} GiB)" for gpu in machine.gpus)
    rows = (
        ("Python", f"{machine.python} on {machine.system}"),
        ("CPU cores", str(machine.cores)),
        ("memory", f"{gib(machine.memory_free_bytes)} free of {gib(machine.memory_bytes)}"),
        ("disk", f"{gib(machine.disk_free_bytes)} free"),
        ("GPU", gpus or "none found; the CPU does the work"),
    )
    return [f"  {name:<10} {value}" for name, value in rows]


def gib(num_bytes: float) -> str:
    """`2.5 GiB`."""
    return f"{num_bytes / GIB:.1f} GiB"


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
