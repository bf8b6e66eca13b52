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
def a_network(*names: str) -> Iterator[dict[str, tuple[str, ...]]]:
    """Namespaces at 192.168.1.10, .11 and so on, which reach one another and nothing else.

    For each name the words that run a command there. The first one's machine is also the network's switch;
    nothing of it is outside the namespaces.
    """
    spaces = {name: f"st{os.getpid()}-{name}" for name in names}
    switch = spaces[names[0]]
    with ExitStack() as stack:
        for space in spaces.values():
            ip("netns", "add", space)
            stack.callback(ip, "netns", "del", space)
            ip("-n", space, "link", "set", "lo", "up")
        ip("-n", switch, "link", "add", "lan", "type", "bridge")
        ip("-n", switch, "address", "add", "192.168.1.10/24", "dev", "lan")
        ip("-n", switch, "link", "set", "lan", "up")
        for number, name in enumerate(names[1:], start=11):
            port, space = f"port{number}", spaces[name]
            ip("-n", switch, "link", "add", port, "type", "veth", "peer", "name", "lan", "netns", space)
            ip("-n", switch, "link", "set", port, "master", "lan", "up")
            ip("-n", space, "address", "add", f"192.168.1.{number}/24", "dev", "lan")
            ip("-n", space, "link", "set", "lan", "up")
        yield {name: ("ip", "netns", "exec", space) for name, space in spaces.items()}


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
