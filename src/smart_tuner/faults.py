"""Faults that a person injects into a training, to see it heal: what `--inject` says, and the file of a run.

The worker reads `faults.json` and makes each of them happen once, at its step, also after restarts.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smart_tuner.messages import CommandPhrase, MessageError
from smart_tuner.records import write_atomically

KINDS = (
    "nan-loss",
    "inf-loss",
    "nan-grad",
    "nan-batch",
    "nan-parameter",
    "poisoned-clip",
    "oom",
    "exception",
    "exit",
    "kill",
    "hang",
    "sigterm",
    "corrupt-checkpoint",
    "truncated-checkpoint",
    "missing-checkpoint",
)


class FaultError(MessageError):
    """`--inject` cannot be used; the message names the part of it and what would be right."""


@dataclass(frozen=True)
class Fault:
    """One of `KINDS`, and the step at which it happens."""

    kind: str
    step: int


def parse_faults(text: str, max_steps: int) -> list[Fault]:
    """`nan-loss@37,oom@60` as faults, in the order given.

    Raises:
        FaultError: an unknown kind, or a step that the training does not have.
    """
    return [_fault(part.strip(), max_steps) for part in text.split(",")]


def write_faults(path: Path, faults: Sequence[Fault]) -> None:
    """Whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    write_atomically(path, json.dumps([dataclasses.asdict(fault) for fault in faults], indent=1) + "\n")


def _fault(part: str, max_steps: int) -> Fault:
    kind, _, step = part.partition("@")
    if kind not in KINDS:
        close = difflib.get_close_matches(kind, KINDS, n=1)
        hint = (
            CommandPhrase.DID_YOU_MEAN(name=close[0])
            if close
            else CommandPhrase.KINDS(kinds=", ".join(KINDS))
        )
        raise FaultError(CommandPhrase.NO_SUCH_FAULT(part=part, hint=hint))
    if not (step.isascii() and step.isdigit() and 1 <= int(step) <= max_steps):
        raise FaultError(CommandPhrase.FAULT_STEP(part=part, kind=kind, steps=max_steps))
    return Fault(kind, int(step))
