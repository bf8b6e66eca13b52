"""One background service: a free port, a process group of its own, and proof that it is ours that answers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import psutil

from smart_tuner.messages import Message, MessageError, ServicePhrase
from smart_tuner.service_launcher import GRACE_S

NUM_PORTS_TRIED = 100
_NUM_STARTS = 3
_POLL_INTERVAL_S = 0.2
_NUM_LOG_LINES_TOLD = 8
_LAUNCHER = Path(__file__).with_name("service_launcher.py")


@dataclass(frozen=True)
class ServiceAddress:
    """Where a service answers; when it does not, `reason` says why, for people.

    path: the page below `url` where a person begins.
    """

    name: str
    url: str
    ready: bool
    reason: Message | None = None
    path: str = ""

    @property
    def page(self) -> str:
        return self.url + self.path


class ServiceError(MessageError):
    """A service does not run."""


class ServiceProcess:
    """One service: its port, its process group and its log file."""

    def __init__(
        self,
        name: str,
        command: Callable[[int], list[str]],
        environment: Mapping[str, str],
        host: str,
        first_port: int,
        ready_path: str,
        folder: Path,
    ) -> None:
        self._name = name
        self._command = command
        self._environment = environment
        self._host = host
        self._ready_path = ready_path
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._reason: Message | None = None
        self.port = first_port

    def launch(self, taken: set[int]) -> None:
        """Start the process on the first free port from `port` on that is not in `taken`."""
        try:
            self.port = free_port(self._host, self.port, taken)
            self._folder.mkdir(parents=True, exist_ok=True)
            environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
            command = [
                sys.executable,
                "-I",
                "-S",
                str(_LAUNCHER),
                str(os.getpid()),
                *self._command(self.port),
            ]
            with self._log_path().open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    env=environment | dict(self._environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is not for it, and it can be ended as a group
                )
        except (OSError, ServiceError) as error:
            why = error.message if isinstance(error, ServiceError) else str(error)
            self._reason = ServicePhrase.NOT_STARTED(name=self._name, reason=why)

    def wait_ready(self, deadline: float, taken: set[int], stopping: threading.Event) -> None:
        """Wait until our own process answers; one that lost its port to another program gets the next."""
        for _ in range(_NUM_STARTS):
            if self._process is None or stopping.is_set():
                return
            self._reason = self._wait(self._process, deadline, stopping)
            self._ready = self._reason is None
            lost_port = self._process.poll() is not None and not port_is_free(self._host, self.port)
            if self._ready or not lost_port:
                return
            self.launch(taken)

    def address(self) -> ServiceAddress:
        shown_host = "localhost" if self._host == "127.0.0.1" else self._host
        return ServiceAddress(self._name, f"http://{shown_host}:{self.port}", self._ready, self._reason)

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()  # the launcher passes it on to its group and ends what does not listen

    def wait_ended(self) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout=GRACE_S + 2.0)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)  # not reaped yet, so the number is still ours
            self._process.wait()
        self._process, self._ready = None, False

    def _wait(
        self, process: subprocess.Popen[bytes], deadline: float, stopping: threading.Event
    ) -> Message | None:
        """Why it is not ready; None when it is."""
        url = f"http://{self._host}:{self.port}{self._ready_path}"
        while time.monotonic() < deadline and not stopping.is_set():
            if process.poll() is not None:
                log, lines = self._log_path(), self._log_tail()
                return ServicePhrase.ENDED_EARLY(name=self._name, log=log, lines=lines)
            if _answers(url) and _listens(process.pid, self.port):
                return None
            stopping.wait(_POLL_INTERVAL_S)
        return ServicePhrase.NO_ANSWER(name=self._name, url=url, log=self._log_path())

    def _log_path(self) -> Path:
        return self._folder / f"{self._name.lower()}-{self.port}.log"

    def _log_tail(self) -> str:
        lines = self._log_path().read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_NUM_LOG_LINES_TOLD:])


def free_port(host: str, first: int, taken: set[int]) -> int:
    """The first port from `first` on that is free and not in `taken`.

    Raises:
        ServiceError: none of `NUM_PORTS_TRIED` ports is free.
    """
    last = min(first + NUM_PORTS_TRIED, 65536) - 1
    for port in range(first, last + 1):
        if port not in taken and port_is_free(host, port):
            return port
    raise ServiceError(ServicePhrase.NO_PORT(first=first, last=last, host=host))


def port_is_free(host: str, port: int) -> bool:
    """True when nobody answers on `port` (under `localhost` on IPv6 neither) and we could listen on it."""
    for family, address in ((socket.AF_INET, host), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(1.0)
                if probe.connect_ex((address, port)) == 0:
                    return False
        except OSError:  # a machine without IPv6
            continue
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a connection that is only fading away does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _answers(url: str) -> bool:
    # Without the environment's proxies: they know nothing of this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2.0) as response:
            return bool(response.status == 200)
    except (OSError, HTTPException):  # URLError is an OSError
        return False


def _listens(pid: int, port: int) -> bool:
    """True when the process or one of its children listens on `port`: it is ours that answers there."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        connections = [found for member in family for found in member.net_connections("tcp")]
    except psutil.Error:
        return False
    return any(found.status == psutil.CONN_LISTEN and found.laddr.port == port for found in connections)
