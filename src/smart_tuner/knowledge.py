"""What earlier runs taught about cures: context, action, reward, in a small database beside the runs.

A run reads it once, when it begins, and keeps what it read in its folder: so its decisions stay functions of
that folder alone. Nothing of it is needed; a database that cannot be read teaches nothing, and that is told.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from smart_tuner.cures import KEPT, UNDONE, Experience
from smart_tuner.records import write_atomically
from tacotron2.events import CureEvent, DataEvent, Stamped
from tacotron2.hparams import HParams

TIMEOUT_S = 300.0
_LOGGER = logging.getLogger(__name__)
DOUBT = 1.0
"""The weight of the assumption that a cure does nothing: so many similar cures are believed by half."""
OTHERWISE = 0.5
"""What each difference of context leaves of a cure's weight."""
SIMILAR_HOURS = 4.0
"""Amounts of speech up to this factor apart count as the same."""
_TABLE = """
CREATE TABLE IF NOT EXISTS cures (
    run TEXT NOT NULL, step INTEGER NOT NULL, trouble TEXT NOT NULL, knob TEXT NOT NULL,
    factor REAL NOT NULL, reward REAL NOT NULL,
    language TEXT NOT NULL, hours REAL NOT NULL, speakers INTEGER NOT NULL, r INTEGER NOT NULL,
    PRIMARY KEY (run, step, knob)
)"""


@dataclass(frozen=True)
class Context:
    """The data of a training, as far as it may matter for a cure."""

    language: str
    hours: float
    speakers: int
    r: int

    @classmethod
    def of(cls, hparams: HParams, seconds: float) -> Context:
        """Of a training with so many seconds of speech."""
        model = hparams.model
        return cls(hparams.text.language, seconds / 3600, max(1, model.n_speakers), model.n_frames_per_step)

    def weight(self, other: Context) -> float:
        """0-1: how much a cure there says about one here."""
        differences = (
            self.language != other.language,
            max(self.hours, other.hours) > SIMILAR_HOURS * max(1e-9, min(self.hours, other.hours)),
            (self.speakers > 1) != (other.speakers > 1),
            self.r != other.r,
        )
        return OTHERWISE ** sum(differences)


@dataclass(frozen=True)
class Lesson:
    """One cure that was judged. `reward`: the objective after it less that before."""

    trouble: str
    knob: str
    factor: float
    reward: float
    context: Context


class KnowledgeBase:
    """The database; several processes may use it at once.

    Every method raises sqlite3.Error where it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def lessons(self) -> list[Lesson]:
        """All of them."""
        if not self._path.exists():
            return []
        with closing(self._connect()) as connection:
            rows = connection.execute(
                "SELECT trouble, knob, factor, reward, language, hours, speakers, r FROM cures"
            ).fetchall()
        return [Lesson(t, knob, factor, reward, Context(*own)) for t, knob, factor, reward, *own in rows]

    def remember(self, run: str, context: Context, cures: Iterable[CureEvent]) -> None:
        """The cures of a run that were judged; those it knows already are not taken twice."""
        own = (context.language, context.hours, context.speakers, context.r)
        rows = [
            (run, each.step, each.trouble, each.knob, each.factor, each.score_after - each.score, *own)
            for each in cures
            if each.state in (KEPT, UNDONE) and each.score_after is not None
        ]
        if not rows:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection, connection:
            connection.executemany(f"INSERT OR IGNORE INTO cures VALUES ({', '.join('?' * 10)})", rows)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=TIMEOUT_S)
        connection.execute(_TABLE)
        return connection


def learned(path: Path, context: Context) -> Experience:
    """What the database teaches about a training; nothing where it cannot be read, which the log tells."""
    try:
        return expected(KnowledgeBase(path).lessons(), context)
    except sqlite3.Error as error:
        _LOGGER.warning("%s: what earlier runs taught cannot be read (%s)", path, error)
        return {}


def remember_run(path: Path, run: str, hparams: HParams, stream: Iterable[Stamped]) -> None:
    """What the records of a run teach, into the database.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    events = [stamped.event for stamped in stream]
    seconds = next(
        (
            each.audio_seconds
            for each in reversed(events)
            if isinstance(each, DataEvent) and each.split == "train"
        ),
        None,
    )
    cures = [each for each in events if isinstance(each, CureEvent)]
    if seconds is not None:
        KnowledgeBase(path).remember(run, Context.of(hparams, seconds), cures)


def expected(lessons: Sequence[Lesson], context: Context) -> dict[tuple[str, str, float], float]:
    """The reward to expect of each cure here: the mean of those met, weighted by likeness, drawn to 0."""
    sums: dict[tuple[str, str, float], tuple[float, float]] = {}
    for lesson in lessons:
        weight = context.weight(lesson.context)
        key = (lesson.trouble, lesson.knob, lesson.factor)
        total, rewards = sums.get(key, (0.0, 0.0))
        sums[key] = total + weight, rewards + weight * lesson.reward
    return {key: rewards / (total + DOUBT) for key, (total, rewards) in sums.items()}


def keep_experience(path: Path, experience: Experience) -> None:
    """Into the run's folder.

    Raises:
        StorageError: it cannot be written.
    """
    rows = [[*key, reward] for key, reward in sorted(experience.items())]
    write_atomically(path, json.dumps(rows, indent=1) + "\n")


def read_experience(path: Path) -> Experience | None:
    """What was kept there; None: nothing, or nothing that can be read."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        found = {(str(t), str(knob), float(factor)): float(reward) for t, knob, factor, reward in rows}
    except (OSError, ValueError, TypeError):
        return None
    return found if all(map(math.isfinite, found.values())) else None
