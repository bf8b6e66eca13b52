"""Utterances that are left out of all further batches.

They are not finite by themselves, which was seen twice; or they stay badly aligned, and the settings allow to
set such aside (docs/clips.md). Their recordings are left alone.

`quarantine.json` in the run's folder tells a person which they are. What a training goes on with is in its
checkpoints, but for the suspects: an attempt that non-finite updates ended leaves their culprits there, since
the checkpoint to go back to knows nothing of them; the next attempt needs to see them only once.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tacotron2.files import StorageError, write_atomically

TIMES = 2
"""Once may be the weights' fault as well."""
LARGEST_SHARE = 10
"""At most one utterance in so many, but for the first: more are not single bad clips."""
_LOGGER = logging.getLogger(__name__)


def read_quarantined(path: Path) -> list[str]:
    """The utterances that a `quarantine.json` says are left out; none where it is absent or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [str(each["utterance"]) for each in content["quarantined"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


class Quarantine:
    """Culprits of masked updates, and those of them that are left out.

    Attributes:
        names: the utterances left out, in the order in which they were.
    """

    def __init__(self, path: Path, num_utterances: int) -> None:
        self.path = path
        self.names: list[str] = []
        self._most = min(max(1, num_utterances // LARGEST_SHARE), num_utterances - 1)
        self._seen: dict[str, list[int]] = {}
        self._set_aside: dict[str, int] = {}
        self._suspects: set[str] = set()

    def saw(self, step: int, culprits: Collection[str]) -> None:
        """The culprits of the update to a step, which was masked."""
        for name in culprits:
            steps = self._seen.setdefault(name, [])
            if step not in steps:
                steps.append(step)

    def explains(self, step: int) -> bool:
        """Whether the update was masked for utterances that will not come again."""
        condemned = self.condemned()
        culprits = [name for name, steps in self._seen.items() if step in steps]
        return bool(culprits) and all(name in condemned for name in culprits)

    def settle(self) -> dict[str, list[int]]:
        """Leaves out whom it is due; their names, with the steps at which they were seen."""
        new = [name for name in self.condemned() if name not in self.names]
        self.names += new
        return {name: self._seen[name] for name in new}

    def set_aside(self, step: int, names: Collection[str]) -> list[str]:
        """Leaves out what stays badly aligned, as far as there is room for it; the new ones."""
        room = max(0, self._most - len(self.condemned()))
        new = [name for name in names if name not in self.names][:room]
        self.names += new
        self._set_aside |= dict.fromkeys(new, step)
        return new

    def condemned(self) -> list[str]:
        """Who is left out, or will be when the training is adjusted."""
        guilty = [n for n, steps in self._seen.items() if len(steps) + (n in self._suspects) >= TIMES]
        return [*self.names, *(name for name in guilty if name not in self.names)][: self._most]

    def read_suspects(self) -> list[str]:
        """The culprits of attempts that ended; none where the file is absent or damaged."""
        try:
            suspects = json.loads(self.path.read_text(encoding="utf-8"))["suspects"]
            return sorted(str(name) for name in suspects)
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError) as error:
            _LOGGER.warning("%s: cannot be read (%s); its suspects are forgotten", self.path, error)
            return []

    def suspect(self, names: Collection[str]) -> None:
        self._suspects |= set(names)

    def write(self, ended_by: Collection[int] = ()) -> None:
        """Writes the file; the culprits of updates that end the attempt are suspects from now on.

        A disk that does not take it is told in the log: it must not end a training.
        """
        suspects = self._suspects | {n for n, seen in self._seen.items() if set(seen) & set(ended_by)}
        left_out = [self._record(name) for name in self.names]
        content = {"schema": 1, "quarantined": left_out, "suspects": sorted(suspects)}
        try:
            write_atomically(self.path, json.dumps(content, ensure_ascii=False, indent=1).encode())
        except StorageError as error:
            _LOGGER.warning("%s", error)

    def _record(self, name: str) -> dict[str, Any]:
        if name in self._set_aside:
            return {"utterance": name, "steps": [self._set_aside[name]], "why": "badly aligned"}
        return {"utterance": name, "steps": self._seen.get(name, []), "why": "not finite"}

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        return {
            "names": list(self.names),
            "seen": {name: list(steps) for name, steps in self._seen.items()},
            "suspects": sorted(self._suspects),
            "set_aside": dict(self._set_aside),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What the checkpoint knows; suspects of the file stay."""
        self.names = list(state["names"])
        self._seen = {name: list(steps) for name, steps in state["seen"].items()}
        self._suspects |= set(state["suspects"])
        self._set_aside = dict(state.get("set_aside", {}))
