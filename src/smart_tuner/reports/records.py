"""Everything that a report reads of a run folder; what is missing or damaged is absent, never an error."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from smart_tuner.config import Config
from smart_tuner.records import Outcome, OutcomeError, read_events
from smart_tuner.run_folder import RunFolder, state_of
from tacotron2.events import Event, RestartEvent, Stamped, StartedEvent
from tacotron2.hparams import HParamsError

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class RunRecords:
    """What is known of a run."""

    folder: Path
    name: str
    state: str
    """As `smart-tuner runs list` tells it."""
    stream: Sequence[Stamped]
    settings_text: str
    config: Config | None
    outcome: Outcome | None
    examination: Mapping[str, Any]
    machine: Mapping[str, Any]
    tuning: Mapping[str, Any]

    @classmethod
    def read(cls, run: RunFolder) -> RunRecords:
        """As it is now. A command at its end still holds the run; the outcome knows better."""
        outcome = _outcome(run)
        return cls(
            folder=run.path,
            name=run.name,
            state=outcome.cause.value if outcome else state_of(run),
            stream=read_events(run.events_file)[0],
            settings_text=_text(run.settings_file),
            config=_config(run),
            outcome=outcome,
            examination=json_mapping(run.examination_file),
            machine=_mapping(json_mapping(run.summary_file).get("machine")),
            tuning=json_mapping(run.tuning_file),
        )

    def of(self, kind: type[E]) -> list[E]:
        """All records of a kind, the oldest first."""
        return [stamped.event for stamped in self.stream if isinstance(stamped.event, kind)]

    def stamped_of(self, kind: type[E]) -> list[tuple[float, E]]:
        """The same with their times."""
        return [(stamped.time, each) for stamped in self.stream if isinstance(each := stamped.event, kind)]

    def file(self, name: Any) -> Path:
        """A file that a record names, if it lies inside the folder; else one that is not there."""
        path = (self.folder / str(name)).resolve()
        return path if path.is_relative_to(self.folder.resolve()) else self.folder / "outside"

    @property
    def last_step(self) -> int:
        """The furthest step on record."""
        return max((getattr(stamped.event, "step", 0) or 0 for stamped in self.stream), default=0)

    @property
    def test_sentences(self) -> list[Mapping[str, Any]]:
        """Those of the examination."""
        found = self.examination.get("sentences")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    @property
    def vocoder_name(self) -> str:
        """What spoke them beside Griffin-Lim; empty where nothing did."""
        return str(_mapping(self.examination.get("vocoder")).get("name") or "")

    @property
    def vocoder_failure(self) -> str:
        """Why that did not speak all of them; empty where it did."""
        return str(_mapping(self.examination.get("vocoder")).get("failure") or "")


def lineage(stream: Sequence[Stamped]) -> Iterator[tuple[Event, int, bool]]:
    """Every record with the number of its attempt, and whether a later one went back before it."""
    goes_on_from: list[tuple[int, float]] = []
    for index, stamped in enumerate(stream):
        step = _resumed(stamped.event)
        if step is not None:
            goes_on_from.append((index, step))
    attempt = 0
    for index, stamped in enumerate(stream):
        if isinstance(stamped.event, StartedEvent):
            attempt += 1
        step = getattr(stamped.event, "step", None)
        later = (start for place, start in goes_on_from if place > index)
        yield stamped.event, attempt, step is not None and any(step > start for start in later)


def _resumed(event: Event) -> float | None:
    """The step from which the training goes on, at a record that says so."""
    if isinstance(event, StartedEvent):
        return event.resumed_from_step or 0
    if isinstance(event, RestartEvent):
        return event.resume_step or 0
    return None


def json_mapping(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file; empty where there is none, or none that can be read."""
    try:
        return _mapping(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _config(run: RunFolder) -> Config | None:
    try:
        return run.config()
    except (HParamsError, OSError):
        return None


def _outcome(run: RunFolder) -> Outcome | None:
    try:
        return run.outcome()
    except (OutcomeError, OSError):
        return None
