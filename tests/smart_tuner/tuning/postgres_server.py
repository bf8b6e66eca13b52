"""A PostgreSQL cluster in a temporary folder, for as long as a test wants it."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "tuner", "s3cret/of:the@study"
QUOTED = "s3cret%2Fof%3Athe%40study"
READY_TIMEOUT_S = 60


@dataclass(frozen=True)
class Server:
    """A running server; every database that it is asked to make belongs to USER."""

    port: int
    folder: Path
    words: tuple[str, ...]
    """What begins every command that the server's own user gives, on the server's machine."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str, host: str = "127.0.0.1", password: str = QUOTED) -> str:
        return f"postgresql+psycopg://{USER}:{password}@{host}:{self.port}/{database}"

    def make_database(self, name: str) -> None:
        self.run_sql(f"CREATE DATABASE {name} OWNER {USER}")

    def run_sql(self, statement: str) -> None:
        import psycopg

        where = f"host={self.folder} port={self.port} user=admin dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())

    def control(self, action: str) -> list[str]:
        """The command that starts, stops or restarts it and waits for that."""
        log = [f"--log={self.folder / 'log'}"] if action != "stop" else []
        how = ["-m", "fast"] if action != "start" else []
        program = str(programs() / "pg_ctl")
        return [
            *self.words,
            program,
            action,
            "-s",
            "-w",
            "-t",
            str(READY_TIMEOUT_S),
            "-D",
            str(self.data),
            *how,
            *log,
        ]


def programs() -> Path:
    """The folder of initdb and pg_ctl; one that is not there where PostgreSQL is not installed."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    found = shutil.which("initdb")
    candidates = [Path(each) for each in reversed(folders)] + ([Path(found).parent] if found else [])
    return next((each for each in candidates if (each / "initdb").exists()), Path("/nonexistent"))


def why_no_server() -> str:
    """Why this machine cannot run a server of its own; empty where it can."""
    if not programs().exists():
        return "needs PostgreSQL's initdb and postgres (Debian: apt-get install postgresql)"
    if os.geteuid() == 0 and unprivileged() is None:
        return "PostgreSQL does not run as root, and there is no user postgres or nobody"
    return ""


def unprivileged() -> str | None:
    """The user that the server runs as when the test is root."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_server(
    addresses: str = "127.0.0.1", port: int | None = None, machine: Sequence[str] = ()
) -> Iterator[Server]:
    """A new cluster that listens on the addresses (commas between them) and asks for passwords over TCP.

    `machine`: the words that run a command where the server is to be.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    words = list(machine)
    if os.geteuid() == 0:
        owner = unprivileged()
        assert owner is not None
        shutil.chown(folder, owner)
        words += ["setpriv", f"--reuid={owner}", f"--regid={pwd.getpwnam(owner).pw_gid}", "--clear-groups"]
    server = Server(port or free_port(), folder, tuple(words))
    try:
        make_cluster(server, addresses)
        run(*server.control("start"))
        try:
            yield server
        finally:
            run(*server.control("stop"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_cluster(server: Server, addresses: str) -> None:
    initdb = [*server.words, str(programs() / "initdb"), "-D", str(server.data), "--username=admin"]
    run(
        *initdb,
        "--no-sync",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    )
    settings = {
        "port": server.port,
        "listen_addresses": f"'{addresses}'",
        "unix_socket_directories": f"'{server.folder}'",
        "fsync": "off",
        "shared_buffers": "16MB",
    }
    with (server.data / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")
