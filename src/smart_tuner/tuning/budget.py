"""How much a study may cost, and whether another trial fits into what is left. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median


class BudgetEnd(Enum):
    """What of the budget is used up."""

    TRIALS = "trials"
    HOURS = "hours"
    STEPS = "steps"


@dataclass(frozen=True)
class Spent:
    """What one trial has cost so far; `running`: it is not over, in this process or another."""

    seconds: float
    steps: int
    running: bool = False


@dataclass(frozen=True)
class Budget:
    """Trials, hours of wall clock and updates of a whole study; 0 hours or steps: no such limit."""

    trials: int
    hours: float = 0.0
    steps: int = 0

    def used_up(self, spent: Sequence[Spent], slots: int, trial_steps: int) -> BudgetEnd | None:
        """Why no further trial may begin; None: one may.

        A trial is not begun where it would not end within the hours, going by the median of those that
        have ended. Running ones count as if they had ended: with several slots the limit holds for all.

        Args:
            spent: every trial of the study, those of earlier commands too.
            slots: trials that are worked on at a time; the hours are wall clock.
            trial_steps: updates of the next trial.
        """
        if len(spent) >= self.trials:
            return BudgetEnd.TRIALS
        ended = [each.seconds for each in spent if not each.running]
        usual = median(ended) if ended else 0.0
        seconds = sum(max(each.seconds, usual) if each.running else each.seconds for each in spent)
        if self.hours and (seconds + usual) / slots > self.hours * 3600:
            return BudgetEnd.HOURS
        steps = sum(max(each.steps, trial_steps) if each.running else each.steps for each in spent)
        if self.steps and steps + trial_steps > self.steps:
            return BudgetEnd.STEPS
        return None

    def estimate_s(self, trial_seconds: float, slots: int) -> float:
        """Wall-clock seconds of the whole study at most, if no trial is pruned."""
        seconds = self.trials * trial_seconds / slots
        return min(seconds, self.hours * 3600) if self.hours else seconds
