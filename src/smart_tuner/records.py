"""What worker and supervisor tell each other through files: the event stream and the outcome."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType

from smart_tuner.messages import EndPhrase, Language, Message, MessageError, from_record, render, to_record
from tacotron2.events import Event, EventError, Stamped, from_json, to_json
from tacotron2.files import not_written
from tacotron2.files import write_atomically as write_bytes_atomically

_LOGGER = logging.getLogger(__name__)


class ExitCause(Enum):
    """Why an attempt ended; one table for child and parent."""

    COMPLETED = "completed"
    STOPPED = "stopped"
    NO_VOICE = "no_voice"
    NON_FINITE = "non_finite"
    OUT_OF_MEMORY = "out_of_memory"
    ATTENTION_FAILED = "attention_failed"
    UNSTABLE = "unstable"
    DATA_ERROR = "data_error"
    CONFIGURATION_ERROR = "configuration_error"
    STORAGE_ERROR = "storage_error"
    INTERRUPTED = "interrupted"
    TERMINATED = "terminated"
    CRASHED = "crashed"
    HUNG = "hung"

    @property
    def code(self) -> int:
        """Exit status of a process that ended for this cause."""
        return EXIT_CODES[self]

    @property
    def ends_the_run(self) -> bool:
        """Nothing is left to do: the same command makes a new run instead of going on with this one."""
        return self in (ExitCause.COMPLETED, ExitCause.STOPPED, ExitCause.NO_VOICE)


EXIT_CODES: dict[ExitCause, int] = {
    ExitCause.COMPLETED: 0,
    ExitCause.STOPPED: 10,
    ExitCause.NO_VOICE: 11,
    ExitCause.NON_FINITE: 20,
    ExitCause.OUT_OF_MEMORY: 21,
    ExitCause.ATTENTION_FAILED: 22,
    ExitCause.UNSTABLE: 23,
    ExitCause.DATA_ERROR: 30,
    ExitCause.CONFIGURATION_ERROR: 31,
    ExitCause.STORAGE_ERROR: 32,
    ExitCause.INTERRUPTED: 130,
    ExitCause.TERMINATED: 143,
    ExitCause.CRASHED: 1,
    ExitCause.HUNG: 1,
}


def cause_of_status(status: int) -> ExitCause:
    """The cause behind an exit status for which no outcome was written.

    A zero is a crash too: a worker that has done its work says so in its outcome.
    """
    table = {code: cause for cause, code in EXIT_CODES.items() if code not in (0, 1)}
    return table.get(status, ExitCause.CRASHED)


class OutcomeError(MessageError):
    """An outcome file cannot be read; the message names the file."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    `reason` is one sentence for a person, without an instruction; a string is a detail in English, as an
    exception told it.
    """

    cause: ExitCause
    reason: Message | str = ""
    step: int | None = None

    @property
    def message(self) -> str:
        """The reason in English, for records."""
        return render(self.reason, Language.EN)

    def write(self, path: Path) -> None:
        """Whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        told = self.reason if isinstance(self.reason, Message) else None
        content = {
            "cause": self.cause.value,
            "exit_code": self.cause.code,
            "message": self.message,
            **(to_record(told) if told else {"phrase": None, "parameters": {}}),
            "step": self.step,
            "time": time.time(),
        }
        write_atomically(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Outcome | None:
        """The outcome in the file; None where there is none yet.

        Raises:
            OutcomeError: the file is not an outcome.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            reason = from_record(content) or content["message"]
            return cls(ExitCause(content["cause"]), reason, content["step"])
        except FileNotFoundError:
            return None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OutcomeError(EndPhrase.NOT_AN_OUTCOME(path=str(path), detail=str(error))) from None


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file so that a reader sees the old or the new one, never a half."""
    write_bytes_atomically(path, text.encode("utf-8"))


class EventWriter:
    """Appends events to a stream: one write and flush a line, usable from several threads.

    A line torn by a killed predecessor is cut off first. Readers never go past the last complete line, so
    their offsets stay right.

    Raises:
        StorageError: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            _cut_torn_tail(path)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise not_written(path, error) from error
        self._lock = threading.Lock()

    def write(self, event: Event) -> None:
        """Append one record.

        Raises:
            StorageError: it cannot be written; no part of it stays, so that the next one begins a line.
        """
        line = memoryview(to_json(event, time.time()).encode("utf-8") + b"\n")
        with self._lock:
            before = os.fstat(self._file.fileno()).st_size
            try:
                while line:  # a disk that gets full takes a part first
                    line = line[self._file.write(line) :]
            except OSError as error:
                with suppress(OSError):  # a disk that became read-only has taken no part either
                    os.truncate(self._file.fileno(), before)
                raise not_written(self._path, error) from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _cut_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        os.truncate(path, complete)


def read_events(path: Path, offset: int = 0) -> tuple[list[Stamped], int]:
    """The complete lines after a byte offset, and the offset to go on from.

    A last line without its end is left for the next call. A complete line that is no event (a disk that
    lost power can leave one) is skipped with a warning: the stream must outlive it.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except FileNotFoundError:
        return [], offset
    complete = content[: content.rfind(b"\n") + 1]
    events = []
    for line in complete.splitlines():
        try:
            events.append(from_json(line.decode("utf-8", errors="replace")))
        except EventError as error:
            _LOGGER.warning("%s: line skipped: %s", path, error)
    return events, offset + len(complete)
