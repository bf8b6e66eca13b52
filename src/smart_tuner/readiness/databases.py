"""Whether databases can be used here as studies and runs use them: by several processes at once."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from smart_tuner.messages import ReadinessPhrase
from smart_tuner.readiness.imports import import_name
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick, Words
from smart_tuner.run_folder import knowledge_file, tracking_root
from smart_tuner.tuning.storage import SQLITE_TIMEOUT_S
from smart_tuner.tuning.storage_address import sqlite_url

PROCESSES, TRIALS_EACH = 3, 4
TIMEOUT_S = 120.0
EXISTING_TIMEOUT_S = 2.0
"""A process at work holds a lock for far less."""
NEEDS = (import_name("sqlite3"), import_name("optuna"))
AS_STUDIES_WANT = {"journal_mode": "wal", "timeout": SQLITE_TIMEOUT_S, "check_same_thread": False}


def check_databases(scene: Scene) -> list[Tick]:
    """A new one shared by several processes, and those that are there already."""
    return [_shared(scene), *check_existing(scene)]


def check_existing(scene: Scene) -> list[Tick]:
    """The folder of the runs, and the databases in it."""
    return [_runs_folder(scene), _existing(scene)]


def _runs_folder(scene: Scene) -> Tick:
    title = ReadinessPhrase.RUNS_FOLDER_WRITABLE()
    wrong = None
    try:
        with workplace(scene.runs_folder):
            pass
    except OSError as error:
        wrong = f"{scene.runs_folder}: {error.strerror}"
    return _tick("runs folder", title, wrong, str(scene.runs_folder), ReadinessPhrase.OTHER_RUNS_FOLDER(), ())


@contextmanager
def workplace(runs_folder: Path) -> Iterator[Path]:
    """An empty folder on the disk of the runs, which need not be there yet; gone afterwards."""
    existing = next(
        path for path in (runs_folder.absolute(), *runs_folder.absolute().parents) if path.is_dir()
    )
    with tempfile.TemporaryDirectory(prefix=".readiness-", dir=existing) as temporary:
        yield Path(temporary)


def _shared(scene: Scene) -> Tick:
    title = ReadinessPhrase.DATABASE_SHARED(count=PROCESSES)
    try:
        with workplace(scene.runs_folder) as folder:
            wrong = share(folder / "study.db", scene)
    except OSError as error:
        wrong = str(error.strerror)
    told = ReadinessPhrase.TRIALS_WRITTEN(count=PROCESSES * TRIALS_EACH)
    remedy = ReadinessPhrase.LOCAL_DISK()
    return _tick("database shared", title, wrong, told, remedy, (*NEEDS, "runs folder"))


def share(file: Path, scene: Scene, timeout_s: float = TIMEOUT_S) -> str | None:
    """Several processes write trials into one study at once; what went wrong, None where nothing did."""
    command = [sys.executable, "-m", "smart_tuner.readiness.database_probe", sqlite_url(file)]
    children = [
        subprocess.Popen(
            [*command, str(TRIALS_EACH)],
            env=dict(scene.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        ends = [child.communicate(timeout=timeout_s) for child in children]
    except subprocess.TimeoutExpired:
        return f"database is locked for {timeout_s:g} s"
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
                child.communicate()
    for child, (_, complaint) in zip(children, ends, strict=True):
        if child.returncode != 0:
            words = complaint.strip().splitlines()
            return words[-1] if words else f"status {child.returncode}"
    records = [json.loads(said.splitlines()[-1]) for said, _ in ends]
    written = max(record["trials"] for record in records)
    if written != PROCESSES * TRIALS_EACH:
        return f"{written} of {PROCESSES * TRIALS_EACH} trials"
    live = records[0]["live"]
    wrong = [f"{name}={live[name]}" for name, value in AS_STUDIES_WANT.items() if live[name] != value]
    return ", ".join(wrong) or None


def _existing(scene: Scene) -> Tick:
    root = scene.runs_folder
    files = [
        knowledge_file(root),
        tracking_root(root) / "mlflow.db",
        *sorted(root.glob("studies/*/study.db")),
    ]
    files = [file for file in files if file.is_file()]
    found = [f"{os.path.relpath(file, root)}: {wrong}" for file in files if (wrong := _wrong(file))]
    told = ReadinessPhrase.DATABASES_OPENED(count=len(files))
    title, remedy = ReadinessPhrase.DATABASES_USABLE(), ReadinessPhrase.FREE_DATABASE()
    return _tick("databases", title, "; ".join(found) or None, told, remedy, (import_name("sqlite3"),))


def _wrong(file: Path) -> str | None:
    """Why a file cannot be written as a database; None where it can. Nothing of it is changed."""
    try:
        with closing(sqlite3.connect(file, timeout=EXISTING_TIMEOUT_S, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return str(error)
    return None


def _tick(
    name: str, title: Words, wrong: str | None, told: Words, remedy: Words, needs: tuple[str, ...]
) -> Tick:
    if wrong is None:
        return Tick(name, Group.DATABASES, title, Status.PASSED, told)
    return Tick(name, Group.DATABASES, title, Status.FAILED, wrong, remedy, needs)
