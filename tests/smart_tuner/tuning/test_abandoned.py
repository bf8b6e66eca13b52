"""Who counts as gone: an ended process, waited for or not; never one that lives, whatever the clock does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from smart_tuner.tuning.abandoned import is_gone, this_worker


def worker(pid: int, began: str) -> str:
    return f"{this_worker().split()[0]} {pid} {began}"


def began(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def test_an_ended_process_is_gone_before_its_parent_has_asked_after_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        name = worker(child.pid, began(child.pid))
        assert not is_gone(name)
        child.kill()
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert is_gone(name)  # a further slot that was killed, while its command works on
    assert is_gone(name)


def test_another_process_of_the_same_number_is_not_the_worker() -> None:
    name = this_worker()
    assert not is_gone(name) and is_gone(f"{name}0")
    assert not is_gone("another-machine 1 1")  # nobody can tell


def test_a_clock_that_is_set_ends_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    name, boot = this_worker(), psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 1.0)
    monkeypatch.setattr("psutil._pslinux.BOOT_TIME", boot + 1.0, raising=False)
    assert not is_gone(name)
