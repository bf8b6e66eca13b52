"""`recovery.json`: the restarts of a run, so that they survive the process that decides them.

The worker reads the requests and seeds in it; a new supervisor takes the count up where the one before left
it. Requests hold for the whole run, so a restart is never removed from the list.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from smart_tuner.messages import (
    Language,
    Message,
    MessageError,
    RecoveryPhrase,
    from_record,
    render,
    to_record,
)
from smart_tuner.records import ExitCause, write_atomically
from smart_tuner.recovery import Request, Restart

SCHEMA = 1
BY = "supervisor"


class Phase(Enum):
    """What the supervisor was about when it wrote the file."""

    ATTEMPT = "attempt"
    RESTARTING = "restarting"
    """The newest restart is decided; its states may not be removed yet."""
    GIVEN_UP = "given_up"


class HistoryError(MessageError):
    """The file cannot be read; the message names it."""


@dataclass(frozen=True)
class History:
    """All restarts of a run, the oldest first, and how many of them count no more."""

    restarts: tuple[Restart, ...] = ()
    counted_from: int = 0
    phase: Phase = Phase.ATTEMPT

    @property
    def counted(self) -> tuple[Restart, ...]:
        """Those since a person last started the run after it had been given up."""
        return self.restarts[self.counted_from :]

    @property
    def new_seeds(self) -> int:
        """How many restarts began anew with the next seed."""
        return sum(restart.new_seed for restart in self.restarts)

    @property
    def adjustments(self) -> list[tuple[str, float, int, str, str, str]]:
        """Everything that the restarts adjust, as the training takes it: knob, factor, step, by whom, why,
        and an id that it has for ever."""
        return [
            (
                request.knob,
                request.factor,
                restart.step,
                BY,
                restart.cause.value,
                f"restart-{restart.attempt}",
            )
            for restart in self.restarts
            for request in restart.requests
        ]

    def with_restart(self, restart: Restart) -> History:
        """The same and one more, decided and not yet carried out."""
        return dataclasses.replace(self, restarts=(*self.restarts, restart), phase=Phase.RESTARTING)

    def at(self, phase: Phase) -> History:
        """The same in another phase."""
        return dataclasses.replace(self, phase=phase)

    def counted_anew(self) -> History:
        """A person starts the run again: what was before does not count any more."""
        return dataclasses.replace(self, counted_from=len(self.restarts))

    def write(self, path: Path) -> None:
        """Whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        content = {
            "schema": SCHEMA,
            "phase": self.phase.value,
            "counted_from": self.counted_from,
            "restarts": [_plain(restart) for restart in self.restarts],
        }
        write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> History:
        """What the file holds; an empty history where there is none.

        Raises:
            HistoryError: the file is damaged, or of another version.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["schema"] != SCHEMA:
                raise ValueError(f"schema {content['schema']}")
            restarts = tuple(_restart(record) for record in content["restarts"])
            return cls(restarts, int(content["counted_from"]), Phase(content["phase"]))
        except FileNotFoundError:
            return cls()
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise HistoryError(RecoveryPhrase.NOT_A_HISTORY(path=path, detail=str(error))) from None


def _plain(restart: Restart) -> dict[str, Any]:
    told = restart.reason if isinstance(restart.reason, Message) else None
    reason = to_record(told) if told else {"phrase": None, "parameters": {}}
    return dataclasses.asdict(dataclasses.replace(restart, reason="")) | {
        "cause": restart.cause.value,
        "requests": [dataclasses.asdict(request) for request in restart.requests],
        "reason": {"message": render(restart.reason, Language.EN), **reason},
    }


def _restart(record: dict[str, Any]) -> Restart:
    requests = tuple(Request(**request) for request in record["requests"])
    reason = from_record(record["reason"]) or str(record["reason"]["message"])
    read = {"cause": ExitCause(record["cause"]), "requests": requests, "reason": reason}
    return Restart(**(record | read))
