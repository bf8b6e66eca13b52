"""How far the tuning of a run has come: `tuning.json`, written before the next thing begins."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from smart_tuner.records import write_atomically
from smart_tuner.run_folder import RunFolder
from smart_tuner.tuning.halving import Candidate


class Phase(StrEnum):
    """How far the tuning of a run has come."""

    WARMING = "warming"
    SEARCHING = "searching"
    MOVING = "moving"
    DONE = "done"


@dataclass(frozen=True)
class TuningState:
    """`tuning.json`: what was asked for (the digest of the configuration as typed), and what was found."""

    asked: str
    phase: Phase = Phase.SEARCHING
    candidates: tuple[Candidate, ...] = ()
    survivor: int | None = None

    def write(self, run: RunFolder) -> None:
        """Whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        write_atomically(run.tuning_file, json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, run: RunFolder) -> TuningState | None:
        """What the file holds; None where there is none, or none that can be read."""
        try:
            content: dict[str, Any] = json.loads(run.tuning_file.read_text(encoding="utf-8"))
            candidates = tuple(
                Candidate(each["params"], each["seconds"], tuple(each["scores"]))
                for each in content["candidates"]
            )
            return cls(content["asked"], Phase(content["phase"]), candidates, content["survivor"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
