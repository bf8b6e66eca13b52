"""What the engine makes of a trial's records while it runs: its score so far, and whether it is pruned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from smart_tuner.objective import ObjectiveError, Score, judge
from smart_tuner.tuning.settings import GateSettings, TuningSettings
from tacotron2.events import EstimateEvent, Stamped, StepEvent, ValidationEvent


class TrialWatch:
    """One trial.

    Args:
        tuning: for the shares of the objective.
        gate: what a winner must reach.
        rungs: the validations, as updates, at which the trial may be pruned; the first is rung 1.
        at_rung: is given the rung and the best score so far; whether the trial is to be pruned.
        prune: called once where it is.
    """

    def __init__(
        self,
        tuning: TuningSettings,
        gate: GateSettings,
        rungs: Sequence[int],
        at_rung: Callable[[int, float], bool],
        prune: Callable[[], None],
    ) -> None:
        self.best: Score | None = None
        self.pruned = False
        self.step = 0
        self.estimate_s: float | None = None
        self.unjudged: str | None = None
        """Why the last validation has no score, where it has none."""
        self._tuning = tuning
        self._gate = gate
        self._rungs = {step: number for number, step in enumerate(rungs, start=1)}
        self._told: set[int] = set()
        self._at_rung = at_rung
        self._prune = prune
        self._past = False

    def go_on(self, earlier: Iterable[Stamped], pruned: bool) -> None:
        """Take the records of an attempt that was cut off; `pruned`: it had been given up before.

        Their rungs are told, but what was decided there is not decided again against more trials.
        """
        self._past = True
        for stamped in earlier:
            self.note(stamped)
        self._past, self.pruned = False, pruned

    def note(self, stamped: Stamped) -> None:
        """The next record."""
        event = stamped.event
        if isinstance(event, EstimateEvent):
            self.estimate_s = event.train_seconds
        elif isinstance(event, StepEvent):
            self.step = max(self.step, event.step)
        elif isinstance(event, ValidationEvent):
            self.step = max(self.step, event.step)
            self._judge(event)

    def _judge(self, event: ValidationEvent) -> None:
        try:
            score = judge(event, self._tuning, self._gate)
        except ObjectiveError as error:
            self.unjudged = str(error)
            return
        self.unjudged = None
        if self.best is None or score.value > self.best.value:
            self.best = score
        rung = self._rungs.get(event.step)
        if rung is None or rung in self._told or self.pruned:
            return
        self._told.add(rung)  # after a crash the same validation comes once more
        if self._at_rung(rung, self.best.value) and not self._past:
            self.pruned = True
            self._prune()
