"""MLflow's SQLite store, made once under a lock; as a program, the server that shows it.

`python -m smart_tuner.mlflow_store TRACKING_ROOT HOST PORT`

MLflow makes the tables of a new store without a lock: of a server and a writer that start together, as ours
do, one would die of it.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from smart_tuner.tracking_store import TrackingStoreError, artifact_uri, database_path, database_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT_NAME = "smart-tuner"
EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""The kind makes its page show the training runs; without one it shows language models' traces."""
STUDY_TAG = "smart_tuner.study"
"""Of the run that stands for a whole study."""
_LOCK_TIMEOUT_S = 60.0
USABLE_TIMEOUT_S = 30.0
"""Other writers of the store hold it for moments; on a busy machine these are seconds."""


def open_store(tracking_root: Path) -> tuple[MlflowClient, str]:
    """The store and the id of the experiment of all our runs; both are made where missing.

    Raises:
        sqlite3.Error: the file is locked or no database.
        mlflow.exceptions.MlflowException: MLflow cannot use the store.
        OSError: the folder cannot be written, or another process keeps the store's lock.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    for chatty in ("mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    database = database_path(tracking_root)
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S):
        making = _remove_half_made(database)
        _check_usable(database)
        client = MlflowClient(database_uri(tracking_root))
        experiment_id = _experiment(client, tracking_root)
        making.unlink(missing_ok=True)
        return client, experiment_id


@contextmanager
def store_errors() -> Iterator[None]:
    """Whatever MLflow and what it stands on raise about the store, as one error."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise TrackingStoreError(reason[0]) from error


def study_run(client: MlflowClient, experiment_id: str, tracking_root: Path, study: str) -> str:
    """The id of the run that the trials of a study are shown under; made with the first of them.

    Raises:
        As `open_store`.
    """
    named = f"tags.`{STUDY_TAG}` = '{study}'"
    with FileLock(database_path(tracking_root).with_suffix(".lock"), timeout=_LOCK_TIMEOUT_S):
        found = client.search_runs([experiment_id], named, max_results=1)
        made = (
            found[0] if found else client.create_run(experiment_id, tags={STUDY_TAG: study}, run_name=study)
        )
    return str(made.info.run_id)


def _experiment(client: MlflowClient, tracking_root: Path) -> str:
    """The id of the experiment of all our runs."""
    experiment = client.get_experiment_by_name(EXPERIMENT_NAME)
    location = artifact_uri(tracking_root)
    if experiment is not None:
        if experiment.artifact_location != location:
            _follow_move(database_path(tracking_root), experiment.artifact_location, location)
        return str(experiment.experiment_id)
    # The location is absolute: server and writers agree whatever their working folders are.
    return str(client.create_experiment(EXPERIMENT_NAME, artifact_location=location, tags=EXPERIMENT_TAGS))


def _remove_half_made(database: Path) -> Path:
    """A store whose maker was killed can never be opened, and nothing is in it yet; the mark to take away.

    MLflow makes its tables in many steps, none of which it can do twice.
    """
    making = database.with_suffix(".making")
    if making.exists():
        for file in (
            database,
            *(database.with_name(database.name + end) for end in ("-journal", "-wal", "-shm")),
        ):
            file.unlink(missing_ok=True)
    if not database.exists():
        making.touch()
    return making


def server_command(tracking_root: Path, host: str, port: int) -> list[str]:
    """The command line that serves the store."""
    return [sys.executable, "-m", "smart_tuner.mlflow_store", str(tracking_root), host, str(port)]


def runs_page(server: str) -> str:
    """The path of the page with our training runs; empty where the server does not tell.

    Its front page is about other things. Asked for over HTTP: the caller does not import mlflow.
    """
    query = urllib.parse.urlencode({"experiment_name": EXPERIMENT_NAME})
    # Without the environment's proxies: they know nothing of this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{server}/api/2.0/mlflow/experiments/get-by-name?{query}", timeout=5.0) as answer:
            experiment_id = json.load(answer)["experiment"]["experiment_id"]
    except (OSError, HTTPException, ValueError, KeyError):
        return ""
    return f"/#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def _check_usable(database: Path) -> None:
    """Fail soon where MLflow, meeting a store it cannot open, would sleep for minutes inside itself."""
    with closing(sqlite3.connect(database, timeout=USABLE_TIMEOUT_S)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _follow_move(database: Path, before: str, now: str) -> None:
    """The folder of runs was moved or copied: MLflow remembers the place of its artifacts absolutely.

    Otherwise pictures would not be found, and new ones would be written into the old place.
    """
    with closing(sqlite3.connect(database, timeout=_LOCK_TIMEOUT_S)) as connection, connection:
        connection.execute(
            "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE instr(artifact_uri, ?) = 1",
            (now, len(before) + 1, before + "/"),
        )
        for column in ("source", "storage_location"):  # of registered voices
            connection.execute(
                f"UPDATE model_versions SET {column} = ? || substr({column}, ?) WHERE instr({column}, ?) = 1",
                (now, len(before) + 1, before + "/"),
            )
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE artifact_location = ?", (now, before)
        )


def _serve(tracking_root: Path, host: str, port: str) -> None:
    from mlflow.cli import cli

    open_store(tracking_root)
    store = ["--backend-store-uri", database_uri(tracking_root)]
    store += ["--default-artifact-root", artifact_uri(tracking_root), "--no-serve-artifacts"]
    cli(["server", "--host", host, "--port", port, "--workers", "1", *store])


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
