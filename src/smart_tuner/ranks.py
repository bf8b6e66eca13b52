"""Several processes for one training: what the supervisor tells them, and how a process sees its own place.

The words are those of `torchrun`, so that the worker need not know which of the two started it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

PLACE = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
HOST = "127.0.0.1"
LOST_STATUS = 40
"""Exit status of a process, not the first, that ended because another one was gone."""


def environments(count: int) -> list[dict[str, str]]:
    """The environment of each of `count` processes on this machine, which meet on its loopback interface.

    A single one has none of these words, whoever set them for us.
    """
    others = {name: value for name, value in os.environ.items() if name not in PLACE}
    if count == 1:
        return [others]
    port, interface = _free_port(), _loopback()
    made = []
    for rank in range(count):
        place = (rank, rank, count, count, HOST, port)
        values = dict(zip(PLACE, map(str, place), strict=True))
        made.append(others | values | ({"GLOO_SOCKET_IFNAME": interface} if interface else {}))
    return made


def is_first_process(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process decides and writes."""
    return environment.get("RANK", "0") == "0"


def num_local_processes(environment: Mapping[str, str] = os.environ) -> int:
    """Processes of the training on this machine."""
    return int(environment.get("LOCAL_WORLD_SIZE", "1"))


def first_failure(statuses: Mapping[int, int | None]) -> tuple[int, int] | None:
    """The process whose end was not a consequence of another's: (rank, status).

    Args:
        statuses: rank to exit status, negative for a signal; None while it lives.
    """
    for rank, status in sorted(statuses.items()):
        if status not in (None, 0, LOST_STATUS):
            return rank, status
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _loopback() -> str:
    """Its name, as in `lo`; empty where it cannot be found."""
    names = [name for _, name in socket.if_nameindex()]
    return next((name for name in names if name.startswith("lo")), "")
