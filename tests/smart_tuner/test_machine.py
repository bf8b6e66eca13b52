"""Limits are found where containers put them, and a machine that is too small is told so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner import machine
from smart_tuner.machine import GIB, Gpu, Machine, find_gpus, findings, inspect_machine, num_cores, table
from smart_tuner.messages import Language, render

ROOMY = Machine("3.11.9", "Linux x86_64", 2, 16 * GIB, 8 * GIB, 50 * GIB, ())


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "20000 100000\n"}, 1),
        ({"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 3),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/box\n0::/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
)
def test_cores_respect_quotas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cores: int
) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert num_cores(write(tmp_path, files)) == cores


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, (machine.UNLIMITED_BYTES, 0)),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": "4000\n",
                "sys/fs/cgroup/memory.current": "3000\n",
                "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 2500\n",
            },
            (4000, 500),
        ),
        (
            {
                "proc/self/cgroup": "7:memory:/box\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9000\n",
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "5000\n",
                "sys/fs/cgroup/memory/box/memory.usage_in_bytes": "100\n",
            },
            (5000, 100),
        ),
    ],
)
def test_memory_limits_leave_the_file_cache_out(
    tmp_path: Path, files: dict[str, str], expected: tuple[int, int]
) -> None:
    assert machine._memory_limit(machine._control_groups(write(tmp_path, files))) == expected


@pytest.mark.parametrize(
    ("change", "services", "fatal", "word"),
    [
        ({}, True, [], ""),
        ({"memory_free_bytes": GIB}, True, [True], "memory"),
        ({"memory_free_bytes": 2 * GIB}, True, [False], "--no-services"),
        ({"memory_free_bytes": 2 * GIB}, False, [], ""),
        ({"disk_free_bytes": GIB // 4}, True, [True], "--runs-folder"),
        ({"disk_free_bytes": GIB}, True, [False], "1.0 GiB"),
        ({"memory_free_bytes": 2 * GIB, "disk_free_bytes": 0}, True, [True, False], "disk"),
    ],
)
def test_what_is_too_small_is_told(
    change: dict[str, int], services: bool, fatal: list[bool], word: str
) -> None:
    found = findings(replace(ROOMY, **change), services)
    assert [finding.fatal for finding in found] == fatal
    assert word in " ".join(render(finding.message, Language.EN) for finding in found)


@pytest.mark.parametrize(
    ("script", "gpus"),
    [
        ("echo 'Tesla T4, 15360, 535.1, 7.5'", (Gpu("Tesla T4", 15360, "535.1", "7.5"),)),
        ("echo 'Thor, [N/A], 580.1, 11.0'", (Gpu("Thor", 0, "580.1", "11.0"),)),
        ("echo 'No devices were found'; exit 6", ()),
        ("echo nonsense", ()),
    ],
)
def test_gpus_are_what_nvidia_smi_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, gpus: tuple[Gpu, ...]
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_gpus() == gpus
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert find_gpus() == ()


def test_this_machine_can_be_inspected_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    here = inspect_machine(tmp_path / "not" / "yet")
    assert here.cores >= 1
    assert 0 < here.memory_free_bytes <= here.memory_bytes
    assert here.disk_free_bytes > 0
    lines = table(replace(here, gpus=(Gpu("Tesla T4", 15360, "535.1", "7.5"),)), Language.EN)
    assert "Tesla T4 (15 GiB)" in lines[-1]
    assert any(f"{here.cores}" in line for line in lines if "cores" in line)
