"""The address of a study's database: what it must look like, and what of it may be told.

A SQLite file serves the processes of one machine, PostgreSQL several machines. Both have the heartbeats and
the locks that trials need; other storages of Optuna lack the one or the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smart_tuner.messages import MessageError, StudyStoragePhrase

SQLITE, POSTGRESQL = "sqlite", "postgresql+psycopg"
EXAMPLE_FILE = "sqlite:////absolute/path/study.db"


class StudyStorageError(MessageError):
    """A study's database cannot be used; says which one, never its password, and what would be right."""


@dataclass(frozen=True, repr=False)
class StorageAddress:
    """A checked address; `str()` of it is what may be told."""

    url: str
    spoken: str
    secrets: tuple[str, ...]
    file: Path | None
    """The file of SQLite; None with PostgreSQL."""

    def __str__(self) -> str:
        return self.spoken

    __repr__ = __str__

    def without_secrets(self, text: str) -> str:
        """The first line of a text of the database or its driver, without the password."""
        line = text.strip().partition("\n")[0]
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line


def sqlite_url(path: Path) -> str:
    """The address of a study's file.

    Raises:
        StudyStorageError: the path cannot be written as an address.
    """
    absolute = str(path.absolute())
    if "?" in absolute:
        raise StudyStorageError(StudyStoragePhrase.NOT_A_PATH(path=absolute))
    return f"{SQLITE}:///{absolute.replace('%', '%25')}"


def check_address(url: str) -> StorageAddress:
    """An address in its parts.

    Raises:
        StudyStorageError: it names no database that can hold a study.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    scheme, separator, _ = url.partition("://")
    if not separator:
        raise StudyStorageError(StudyStoragePhrase.NO_SCHEME(sqlite=EXAMPLE_FILE))
    if scheme not in (SQLITE, POSTGRESQL):
        raise StudyStorageError(StudyStoragePhrase.OTHER_SCHEME(scheme=scheme))
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise StudyStorageError(StudyStoragePhrase.NOT_QUOTED()) from None
    if scheme == SQLITE:
        if parts.database in (None, "", ":memory:"):
            raise StudyStorageError(StudyStoragePhrase.NO_FILE_NAMED())
        file = Path(str(parts.database))
        return StorageAddress(url, f"{SQLITE}:///{file}", (), file)
    host, database = parts.host or "", parts.database or ""
    # Rests of a password that was not quoted would otherwise be told as a host or a database.
    if "@" in host + database:
        raise StudyStorageError(StudyStoragePhrase.NOT_QUOTED())
    for part, value in (("HOST", host), ("DATABASE", database)):
        if not value:
            raise StudyStorageError(StudyStoragePhrase.NOT_WHOLE(part=part))
    # The query, too, may hold secrets (password, sslpassword): it is not told at all.
    hidden = [each for key in parts.query if "pass" in key for each in parts.normalized_query[key]]
    secrets = tuple(secret for secret in [str(parts.password or ""), *hidden] if secret)
    port = f":{parts.port}" if parts.port else ""
    user = f"{parts.username}@" if parts.username else ""
    return StorageAddress(url, f"{POSTGRESQL}://{user}{host}{port}/{database}", secrets, None)
