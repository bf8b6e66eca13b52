"""The full states of a run as their sidecars tell them: to choose one, or to remove some, needs no torch."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tacotron2.files import StorageError

_STATE = re.compile(r"state-(\d+)\.ckpt(\.json)?")


@dataclass(frozen=True)
class KeptState:
    """A state to go on from: the updates it holds, and whether all its weights are finite."""

    step: int
    finite: bool


def kept_states(folder: Path) -> list[KeptState]:
    """Those with a readable sidecar, the oldest first."""
    found = []
    for sidecar in folder.glob("state-*.ckpt.json"):
        try:
            facts = json.loads(sidecar.read_text(encoding="utf-8"))
            state = KeptState(int(facts["step"]), facts["finite"] is True)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a file without a valid sidecar is no checkpoint
        if sidecar.with_suffix("").is_file():
            found.append(state)
    return sorted(found, key=lambda state: state.step)


def newest_before(states: Sequence[KeptState], step: float) -> KeptState | None:
    """The newest finite state that holds none of the updates from `step` on."""
    fit = [state for state in states if state.finite and state.step < step]
    return max(fit, key=lambda state: state.step, default=None)


def remove_later(folder: Path, step: int | None) -> None:
    """Remove the states that hold more than `step` updates; None: all of them, and the best weights too.

    A sidecar goes before its file: without it the file is no checkpoint any more. Nothing may be written in
    the folder meanwhile.

    Raises:
        StorageError: one of them cannot be removed.
    """
    doomed = [path for path in folder.glob("state-*") if _is_later(path.name, step)]
    if step is None:
        doomed += folder.glob("best-*")
    for path in sorted(doomed, key=lambda path: path.suffix != ".json"):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{path}: cannot be removed ({error.strerror})") from error


def _is_later(name: str, step: int | None) -> bool:
    match = _STATE.fullmatch(name)
    return match is not None and (step is None or int(match[1]) > step)
