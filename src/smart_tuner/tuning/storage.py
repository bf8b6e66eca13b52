"""Where a study is kept: a SQLite file for the processes of one machine, PostgreSQL for several machines.

Optuna is imported inside the functions: commands that tune nothing do not pay for it.
"""

from __future__ import annotations

import sqlite3
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_tuner.messages import Message, StudyStoragePhrase
from smart_tuner.tuning.abandoned import retry_silent
from smart_tuner.tuning.storage_address import StorageAddress, StudyStorageError, check_address, sqlite_url
from smart_tuner.tuning.storage_retries import (
    NO_CONNECTION,
    NO_DATABASE,
    WRONG_PASSWORD,
    Retries,
    driver_words,
    passes_by_itself,
)

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from sqlalchemy.engine import Engine

    from smart_tuner.tuning.retrying_storage import RetryingStorage

__all__ = ["Heartbeat", "Retries", "StudyStorageError", "live_settings", "open_storage", "sqlite_url"]

SQLITE_TIMEOUT_S = 300.0
OPENING_TIMEOUT_S = 300.0
CONNECT_TIMEOUT_S = 10
_UNANSWERED_MS, _IDLE_MS, _LOCK_MS = 60_000, 60_000, 120_000
_OPENING_LOCK = 0x736D_6172_7474_756E
"""Any number that is always the same, for PostgreSQL's advisory lock."""


@dataclass(frozen=True)
class Heartbeat:
    """How often a running trial says that it lives, and after what silence it is failed and repeated (s).

    The silence allows for a machine that is very busy and for a server that is started again.
    """

    interval_s: int = 15
    grace_s: int = 120


def open_storage(
    url: str, *, heartbeat: Heartbeat | None = None, retries: Retries | None = None
) -> RetryingStorage:
    """The storage behind an address, made where it is new; many processes may do so at once.

    Trials whose process has gone silent are failed and queued again when `Study.optimize` asks for the next
    trial. What becomes of operations that fail is told in `smart_tuner.tuning.retrying_storage`.

    Raises:
        StudyStorageError: the address is none, or nothing that can be used is behind it.
    """
    address = check_address(url)
    heartbeat, retries = heartbeat or Heartbeat(), retries or Retries()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _opening_alone(address):
            return _opened(address, heartbeat, retries)
    except ImportError as error:
        message = StudyStoragePhrase.NO_DRIVER(url=str(address), detail=address.without_secrets(str(error)))
        raise StudyStorageError(message) from None
    except (SQLAlchemyError, sqlite3.Error, RuntimeError) as error:
        raise StudyStorageError(_why_not(address, error)) from None
    except OSError as error:
        raise StudyStorageError(_unusable(address, error)) from None


def _opened(address: StorageAddress, heartbeat: Heartbeat, retries: Retries) -> RetryingStorage:
    from optuna.exceptions import ExperimentalWarning

    from smart_tuner.tuning.retrying_storage import RetryingStorage

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RetryingStorage(
            address,
            retries,
            _engine_settings(address),
            heartbeat_interval=heartbeat.interval_s,
            grace_period=heartbeat.grace_s,
            heartbeat_stale_trial_callback=retry_silent,
        )


def _engine_settings(address: StorageAddress) -> dict[str, Any]:
    if address.file is not None:
        return {"connect_args": {"timeout": SQLITE_TIMEOUT_S, "check_same_thread": False}}
    # A machine that vanishes must not keep a row locked, and one whose server vanished must notice it. The
    # time zone is fixed because heartbeats of all machines are compared without one.
    server_side = {
        "idle_in_transaction_session_timeout": _IDLE_MS,
        "lock_timeout": _LOCK_MS,
        "TimeZone": "UTC",
    }
    connect_args = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "tcp_user_timeout": _UNANSWERED_MS,
        "application_name": "smart-tuner",
        "options": " ".join(f"-c {name}={value}" for name, value in server_side.items()),
    }
    return {"connect_args": connect_args, "pool_pre_ping": True}


@contextmanager
def _opening_alone(address: StorageAddress) -> Iterator[None]:
    """One process at a time: of two that make the tables together, one would die of it."""
    if address.file is None:
        with _alone_on_the_server(address):
            yield
        return
    from filelock import FileLock, Timeout

    lock = address.file.with_name(address.file.name + ".lock")
    try:
        with FileLock(lock, timeout=OPENING_TIMEOUT_S):
            _share(address, address.file)
            yield
    except Timeout:
        phrase = StudyStoragePhrase.OPENED_BY_OTHERS
        message = phrase(url=str(address), seconds=OPENING_TIMEOUT_S, lock=str(lock))
        raise StudyStorageError(message) from None


def _share(address: StorageAddress, file: Path) -> None:
    """The write-ahead journal, in which readers and a writer do not wait; the file remembers it."""
    with closing(sqlite3.connect(file, timeout=SQLITE_TIMEOUT_S)) as connection:
        mode = str(connection.execute("PRAGMA journal_mode").fetchone()[0])
        if mode != "wal":
            mode = str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
    if mode != "wal":
        raise StudyStorageError(StudyStoragePhrase.NO_WAL(url=str(address), mode=mode))


@contextmanager
def _alone_on_the_server(address: StorageAddress) -> Iterator[None]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    settings = _engine_settings(address)
    settings["connect_args"]["options"] = f"-c lock_timeout={int(OPENING_TIMEOUT_S * 1000)}"
    engine = create_engine(address.url, poolclass=NullPool, isolation_level="AUTOCOMMIT", **settings)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _OPENING_LOCK})
        yield  # the lock ends with the connection


def _why_not(address: StorageAddress, error: Exception) -> Message:
    """What was wrong with an opening, in words."""
    words = driver_words(error)
    if address.file is None:
        if any(each in words for each in WRONG_PASSWORD):
            return StudyStoragePhrase.WRONG_PASSWORD(url=str(address))
        if "database" in words and NO_DATABASE in words:
            return StudyStoragePhrase.NO_DATABASE(url=str(address))
        if passes_by_itself(error) and words.startswith(NO_CONNECTION):
            detail = address.without_secrets(words)
            return StudyStoragePhrase.NO_SERVER(url=str(address), detail=detail)
    return _unusable(address, error)


def _unusable(address: StorageAddress, error: Exception) -> Message:
    detail = address.without_secrets(driver_words(error))
    return StudyStoragePhrase.UNUSABLE(url=str(address), detail=detail)


def live_settings(storage: BaseStorage) -> dict[str, Any]:
    """What the live connections of a storage are set to, asked of themselves.

    SQLite: `journal_mode`, `timeout` (seconds), `check_same_thread`. PostgreSQL: `pool_pre_ping`.

    Raises:
        TypeError: not a storage of `open_storage`, nor Optuna's cache before one.
    """
    engine: Engine | None = getattr(getattr(storage, "_backend", storage), "engine", None)
    if engine is None:
        raise TypeError(f"{type(storage).__name__} has no database engine")
    if engine.dialect.name != "sqlite":
        return {"pool_pre_ping": bool(engine.pool._pre_ping)}
    with closing(engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        return {
            "journal_mode": connection.execute("PRAGMA journal_mode").fetchone()[0],
            "timeout": connection.execute("PRAGMA busy_timeout").fetchone()[0] / 1000,
            "check_same_thread": not _works_elsewhere(connection),
        }


def _works_elsewhere(connection: sqlite3.Connection) -> bool:
    """Whether another thread may use the connection; it does not tell, so one tries."""
    worked = []

    def use() -> None:
        try:
            connection.execute("SELECT 1")
        except sqlite3.ProgrammingError:
            return
        worked.append(True)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    return bool(worked)
