"""What a study remembers of each trial beside its score, and how the trials of a list are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

INTERRUPTED = "interrupted"
"""Cause of a trial that was cut off by a signal and goes on under another number."""
RUNNING = "running"
OVER_BUDGET = "over_budget"
"""Cause of a trial that was begun in the same moment as the last one, and not run."""
LARGEST_SEED = 2**31


class Fact(StrEnum):
    """The user attributes of a trial."""

    CAUSE = "cause"
    """An exit cause, `pruned`, `interrupted`, `running`, `over_budget`, or what made it fail."""
    REASON = "reason"
    PROPOSER = "proposer"
    SECONDS = "seconds"
    STEPS = "steps"
    BEST_STEP = "best_step"
    PARTS = "parts"
    GATE_FAILURES = "gate_failures"
    SAME_AS = "same_as"
    FOLDER = "folder"
    WORKER = "worker"


def first_number(trial: FrozenTrial) -> int:
    """The number under which the values of a trial were tried first: it goes on in that one's folder."""
    return int(trial.system_attrs.get("failed_trial", trial.number))


def trial_seed(study_seed: int, number: int) -> int:
    """The seed of the trial whose values were tried first under this number."""
    return (study_seed * 10_007 + number) % LARGEST_SEED


def winner(trials: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """The trial of the highest score among those that have come to their end and above the gate."""
    passed = [
        trial
        for trial in trials
        if trial.state.name == "COMPLETE"
        and trial.value is not None
        and not trial.user_attrs[Fact.GATE_FAILURES]
    ]
    return max(passed, key=lambda trial: (trial.value, -trial.number), default=None)


def is_answer(trial: FrozenTrial) -> bool:
    """Whether a trial has told what it was asked."""
    return trial.state.name in ("COMPLETE", "PRUNED")


def was_cut_off(trial: FrozenTrial) -> bool:
    """Whether a trial goes on under another number: what it has reported is reported there once more."""
    return trial.state.name == "FAIL" and trial.user_attrs.get(Fact.CAUSE) in (INTERRUPTED, RUNNING)


def counts(trial: FrozenTrial) -> bool:
    """Whether a trial uses up budget: not while it waits, nor where it goes on under another number.

    One that runs without a worker's name is just being begun, or its worker died in that moment.
    """
    state, cause = trial.state.name, trial.user_attrs.get(Fact.CAUSE)
    if state == "RUNNING":
        return Fact.WORKER in trial.user_attrs
    return is_answer(trial) or (state == "FAIL" and cause not in (None, INTERRUPTED, RUNNING, OVER_BUDGET))
