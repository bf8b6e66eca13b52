"""Whether a run goes on, waits or has ended: decided from what lies in its folder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from smart_tuner.records import ExitCause, Outcome
from smart_tuner.restart_history import Phase

FRESH_S = 15.0
"""A heartbeat comes every two seconds; a busy machine or a shared disk may delay it."""
STARTING_S = 120.0
"""A run without a worker so long after it was made is waited for by nobody."""
LATE_S = 30.0
"""A restart that is overdue by so much is made by nobody: its supervisor is gone."""
_ASKED_TO_END = (ExitCause.INTERRUPTED, ExitCause.TERMINATED)


class Life(Enum):
    """The states of a run, as somebody who only reads its folder can tell them."""

    STARTING = "starting"
    TUNING = "tuning"
    RUNNING = "running"
    SILENT = "silent"
    RESTARTING = "restarting"
    ENDED = "ended"
    UNFINISHED = "unfinished"

    @property
    def goes_on(self) -> bool:
        """Somebody works on it, as far as one can tell."""
        return self not in (Life.ENDED, Life.UNFINISHED)


@dataclass(frozen=True)
class Signs:
    """What of a folder tells about its state; times are seconds before now.

    restart_due_s: until the newest restart is to be made; negative: it should have been.
    tuning: the main command is choosing the run's settings.
    """

    made_ago_s: float
    heard_ago_s: float | None = None
    outcome: Outcome | None = None
    phase: Phase = Phase.ATTEMPT
    restart: int | None = None
    restart_due_s: float = 0.0
    tuning: bool = False
    stop_asked: bool = False
    stop_step: int | None = None


def decide(signs: Signs, timeout_s: float) -> Life:
    """The state of a run.

    Args:
        timeout_s: how long its supervisor bears silence.
    """
    outcome, heard = signs.outcome, signs.heard_ago_s
    fresh = heard is not None and heard < FRESH_S
    if signs.phase is Phase.RESTARTING and not (outcome and outcome.cause in _ASKED_TO_END):
        return Life.RESTARTING if signs.restart_due_s > -LATE_S else Life.UNFINISHED
    if outcome is not None:
        return Life.ENDED
    if fresh:
        return Life.RUNNING
    if signs.tuning:
        return Life.TUNING
    if heard is None:
        return Life.STARTING if signs.made_ago_s < STARTING_S else Life.UNFINISHED
    return Life.SILENT if heard < timeout_s + LATE_S else Life.UNFINISHED
