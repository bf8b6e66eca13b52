"""What came out of a study, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smart_tuner.messages import Message, TuningPhrase
from smart_tuner.tuning.importance import FEWEST_TRIALS
from smart_tuner.tuning.rungs import rank_correlations
from smart_tuner.tuning.samplers import SamplerPlan, completed_generations
from smart_tuner.tuning.study_record import failed, gate_stops

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

SHOWN_TRIALS = 5
COLUMN = 10


def result_lines(
    trials: Sequence[FrozenTrial], plan: SamplerPlan, shares: Mapping[str, float], compared: int
) -> Iterator[Message]:
    """How many trials came to what end, the table of the best, what stopped them, and what is known besides.

    Args:
        shares: from `importances`.
        compared: from `comparable_trials`.
    """
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    pruned = sum(trial.state.name == "PRUNED" for trial in trials)
    yield TuningPhrase.COUNTS(complete=len(complete), pruned=pruned, failed=len(failed(trials)))
    shown = sorted(complete, key=lambda trial: (-float(trial.value or 0.0), trial.number))[:SHOWN_TRIALS]
    yield from _table(shown)
    stops = gate_stops(shown)
    for number, failures in stops.items():
        yield TuningPhrase.STOPPED_BY_GATE(trial=number, failures=", ".join(failures))
    if correlations := rank_correlations(trials):
        values = ", ".join(f"{rung}: {value:.2f}" for rung, value in correlations.items())
        yield TuningPhrase.RANK_CORRELATIONS(values=values)
    if plan.kind == "cma-es":
        yield TuningPhrase.GENERATIONS(generations=completed_generations(trials, plan))
    if not shares:
        yield TuningPhrase.NO_IMPORTANCE(needed=FEWEST_TRIALS, trials=compared)


def short(value: Any) -> str:
    """A value of a hyper-parameter in few characters; whole numbers are whole."""
    if isinstance(value, float) and abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _table(shown: Sequence[FrozenTrial]) -> Iterator[Message]:
    """A column for each trial, a row for each hyper-parameter: lines of 76 characters at most."""
    if not shown:
        return
    yield TuningPhrase.TABLE_TRIALS(values=_cells(str(trial.number) for trial in shown))
    yield TuningPhrase.TABLE_SCORES(values=_cells(f"{trial.value:.3f}" for trial in shown))
    for name in shown[0].params:
        values = _cells(short(trial.params.get(name, "")) for trial in shown)
        yield TuningPhrase.TABLE_VALUES(name=name, values=values)


def _cells(texts: Iterator[str]) -> str:
    return "".join(f"{text:>{COLUMN}}" for text in texts)
