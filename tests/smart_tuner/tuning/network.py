"""Two network namespaces, each joined to this machine by a pair of virtual cables; needs root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """A namespace: the words that run a command in it, and this machine's address as seen from there."""

    prefix: tuple[str, ...]
    server_address: str


def why_no_network() -> str:
    """Why this machine cannot make namespaces; empty where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "needs the command ip (Debian: apt-get install iproute2)"
    name = f"st{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"no network namespaces here: {made.stderr.strip()}"
    ip("netns", "del", name)
    return ""


@contextmanager
def two_machines() -> Iterator[list[Machine]]:
    """Two namespaces with an address each, which reach this machine and nothing else."""
    with ExitStack() as stack:
        yield [stack.enter_context(_machine(number)) for number in range(2)]


@contextmanager
def _machine(number: int) -> Iterator[Machine]:
    name = f"st{os.getpid()}-{number}"
    outside, inside = f"{name}o", f"{name}i"  # at most 15 characters
    # 198.18.0.0/15 is set aside for tests (RFC 2544); four addresses for each pair.
    block = (os.getpid() * 2 + number) % 2**15 * 4
    network = f"198.{18 + block // 2**16}.{block // 2**8 % 2**8}"
    here, there = f"{network}.{block % 2**8 + 1}", f"{network}.{block % 2**8 + 2}"
    ip("netns", "add", name)
    try:
        ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", name)
        ip("address", "add", f"{here}/30", "dev", outside)
        ip("link", "set", outside, "up")
        ip("-n", name, "address", "add", f"{there}/30", "dev", inside)
        ip("-n", name, "link", "set", inside, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield Machine(("ip", "netns", "exec", name), here)
    finally:
        ip("netns", "del", name)  # takes the cables with it


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
