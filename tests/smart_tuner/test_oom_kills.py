"""Where the system keeps the count of processes it has killed for their memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_tuner.oom_kills import oom_kills

VMSTAT = "nr_free_pages 5\noom_kill 7\noom_kill_disable 0\n"


def system(root: Path, cgroup: str | None, events: str | None, vmstat: str | None) -> Path:
    for name, text in (
        ("proc/self/cgroup", cgroup),
        ("sys/fs/cgroup/user.slice/run/memory.events", events),
        ("proc/vmstat", vmstat),
    ):
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("cgroup", "events", "vmstat", "count"),
    [
        ("0::/user.slice/run\n", "oom 9\noom_kill 2\noom_group_kill 1\n", VMSTAT, 2),  # our own group first
        ("0::/user.slice/run\n", None, VMSTAT, 7),
        ("4:memory:/old\n0::/\n", None, VMSTAT, 7),
        ("4:memory:/old\n", None, VMSTAT, 7),
        (None, None, VMSTAT, 7),
        ("0::/user.slice/run\n", "low 0\n", "nr_free_pages 5\n", 0),
        (None, None, None, 0),
    ],
)
def test_the_counter_is_that_of_our_group_or_of_the_machine(
    tmp_path: Path, cgroup: str | None, events: str | None, vmstat: str | None, count: int
) -> None:
    assert oom_kills(system(tmp_path, cgroup, events, vmstat)) == count


def test_the_real_counter_can_be_read() -> None:
    assert oom_kills() >= 0
