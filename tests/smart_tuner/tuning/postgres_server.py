"""A PostgreSQL cluster in a temporary folder, for as long as a test wants it."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "tuner", "s3cret/of:the@study"
QUOTED = "s3cret%2Fof%3Athe%40study"
READY_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Server:
    """A running server; every database of it belongs to USER."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def url(self, database: str, host: str = "127.0.0.1", password: str = QUOTED) -> str:
        return f"postgresql+psycopg://{USER}:{password}@{host}:{self.port}/{database}"

    def make_database(self, name: str) -> None:
        self.run_sql(f"CREATE DATABASE {name} OWNER {USER}")

    def run_sql(self, statement: str) -> None:
        import psycopg

        where = f"host={self.folder} port={self.port} user=admin dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())


def programs() -> Path | None:
    """The folder of initdb and postgres; None where PostgreSQL is not installed."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    found = shutil.which("initdb")
    candidates = [Path(each) for each in reversed(folders)] + ([Path(found).parent] if found else [])
    return next((each for each in candidates if (each / "initdb").exists()), None)


def why_no_server() -> str:
    """Why this machine cannot run a server of its own; empty where it can."""
    if programs() is None:
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
def running_server(addresses: str = "127.0.0.1") -> Iterator[Server]:
    """A new cluster that listens on the addresses (commas between them) and asks for passwords over TCP."""
    bin_folder = programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    become: list[str] = []
    if os.geteuid() == 0:
        owner = unprivileged()
        assert owner is not None
        shutil.chown(folder, owner)
        become = ["setpriv", f"--reuid={owner}", f"--regid={pwd.getpwnam(owner).pw_gid}", "--clear-groups"]
    data = folder / "data"
    process = None
    try:
        initdb = [*become, str(bin_folder / "initdb"), "-D", str(data), "--username=admin", "--no-sync"]
        subprocess.run(
            [*initdb, "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C"],
            check=True,
            capture_output=True,
            cwd="/",
        )
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        port = free_port()
        process = start(become, bin_folder, data, folder, port, addresses)
        server = Server(port, folder, process)
        wait_until_ready(server)
        server.run_sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        if process is not None:
            process.terminate()
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def start(
    become: list[str], bin_folder: Path, data: Path, folder: Path, port: int, addresses: str
) -> subprocess.Popen[bytes]:
    settings = {
        "port": port,
        "listen_addresses": addresses,
        "unix_socket_directories": folder,
        "fsync": "off",
        "shared_buffers": "16MB",
    }
    options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*become, str(bin_folder / "postgres"), "-D", str(data), *options],
            stdout=log,
            stderr=log,
            cwd="/",
        )


def wait_until_ready(server: Server) -> None:
    import psycopg

    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        try:
            return server.run_sql("SELECT 1")
        except psycopg.OperationalError:
            if time.monotonic() > deadline or server.process.poll() is not None:
                raise RuntimeError((server.folder / "log").read_text()) from None
            time.sleep(0.05)
