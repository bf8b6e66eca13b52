"""Which errors of a database pass by themselves, and how long to wait for that."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

_LOCKED = ("database is locked", "database table is locked", "database schema is locked", "locking protocol")
"""SQLite's words for another writer (https://www.sqlite.org/rescode.html, BUSY, LOCKED and PROTOCOL)."""
_PASSING_STATES = ("08", "57P", "40001", "40P01", "53300", "55P03", "25P03")
"""PostgreSQL's states (its manual, appendix A): connection lost, server going down or coming up,
serialisation, deadlock, too many connections, lock not available, a transaction idle for too long."""
WRONG_PASSWORD = ("password authentication failed", "no password supplied")
NO_DATABASE = "does not exist"
NO_CONNECTION = ("connection failed", "connection timeout", "failed to resolve host")
NO_ACCESS = "no pg_hba.conf entry"
_LASTING = (*WRONG_PASSWORD, NO_DATABASE, NO_ACCESS)
"""What the server says, without a state, to a client that it will never let in."""


@dataclass(frozen=True)
class Retries:
    """How often an operation is tried, and the waits between (s). By default about two minutes in all."""

    attempts: int = 12
    first_wait_s: float = 0.2
    longest_wait_s: float = 30.0

    def waits(self, chance: random.Random) -> Iterator[float]:
        """The waits between the attempts: each may be twice as long as the one before, half of it by chance.

        By chance, so that processes that were refused together do not come back together.
        """
        for number in range(self.attempts - 1):
            longest = min(self.longest_wait_s, self.first_wait_s * 2.0**number)
            yield longest * (0.5 + 0.5 * chance.random())


def passes_by_itself(error: BaseException) -> bool:
    """Whether the same operation may succeed later: a lock, a lost connection, a server that starts again."""
    from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DBAPIError | TimeoutError):
        cause = cause.__cause__
    if cause is None or isinstance(cause, TimeoutError):
        return cause is not None
    state = getattr(cause.orig, "sqlstate", None)
    if state is not None:
        return str(state).startswith(_PASSING_STATES) or cause.connection_invalidated
    if cause.connection_invalidated:
        return True
    if not isinstance(cause, OperationalError):
        return False
    words = str(cause.orig)
    if type(cause.orig).__module__.partition(".")[0] == "sqlite3":
        return any(each in words for each in _LOCKED)
    return not any(each in words for each in _LASTING)


def driver_words(error: BaseException) -> str:
    """What the driver itself said, without the statement and its values."""
    cause: BaseException | None = error
    while cause is not None:
        if origin := getattr(cause, "orig", None):
            return str(origin)
        cause = cause.__cause__
    return str(error)
