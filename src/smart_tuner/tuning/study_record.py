"""`study.json`: everything that is known of a study, as plain values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from smart_tuner.config import Config
from smart_tuner.records import read_events
from smart_tuner.tuning.importance import EVALUATOR
from smart_tuner.tuning.rungs import rank_correlations
from smart_tuner.tuning.samplers import SamplerPlan, completed_generations
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import Fact, counts, winner
from tacotron2.events import StartedEvent

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

BUDGET = ("trials", "max_tuning_hours", "max_tuning_steps")


def study_record(
    trials: Sequence[FrozenTrial],
    folder: StudyFolder,
    config: Config,
    plan: SamplerPlan,
    shares: Mapping[str, float],
) -> dict[str, Any]:
    """Everything that is known, as plain values; a figure that is not finite is absent.

    Args:
        shares: from `importances`.
    """
    best = winner(trials)
    facts = [trial.user_attrs for trial in trials]
    record = {
        "study": folder.name,
        "sampler": {
            "kind": plan.kind,
            "startup": plan.startup,
            "population": plan.population,
            "completed_generations": completed_generations(trials, plan),
        },
        "budget": {name: getattr(config.tuning, name) for name in BUDGET},
        "gate": asdict(config.gate),
        "made_with": made_with(folder, trials),
        "trials": [_trial(trial) for trial in trials],
        "states": dict(Counter(trial.state.name for trial in trials)),
        "failed_by": dict(Counter(_cause(trial) for trial in trials if trial.state.name == "FAIL")),
        "seconds": round(math.fsum(float(each.get(Fact.SECONDS, 0.0)) for each in facts), 1),
        "steps": sum(int(each.get(Fact.STEPS, 0)) for each in facts if Fact.SAME_AS not in each),
        "rung_rank_correlation": {str(rung): value for rung, value in rank_correlations(trials).items()},
        "importance": {"evaluator": EVALUATOR, "shares": dict(shares)},
        "stopped_by_gate": {str(number): list(failures) for number, failures in gate_stops(trials).items()},
        "best": best.number if best else None,
    }
    found: dict[str, Any] = finite(record)
    return found


def gate_stops(trials: Sequence[FrozenTrial]) -> dict[int, tuple[str, ...]]:
    """Complete trials that cannot be the best, and the thresholds that each has missed."""
    complete = (trial for trial in trials if trial.state.name == "COMPLETE")
    stops = {trial.number: tuple(trial.user_attrs.get(Fact.GATE_FAILURES) or ()) for trial in complete}
    return {number: failures for number, failures in stops.items() if failures}


def failed(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Trials that have no score; not those that were cut off and go on under another number."""
    return [trial for trial in trials if trial.state.name == "FAIL" and counts(trial)]


def made_with(folder: StudyFolder, trials: Sequence[FrozenTrial]) -> dict[str, Any]:
    """Commits of the source that trials ran with, and the packages of the last one that was begun."""
    commits: dict[str, None] = {}
    versions: dict[str, str] = {}
    for path in dict.fromkeys(trial.user_attrs.get(Fact.FOLDER) for trial in trials):
        events = folder.root / path / "events.jsonl" if path else None
        if events is None or not events.is_file():
            continue  # it ran on another machine
        for stamped in read_events(events)[0]:
            if isinstance(stamped.event, StartedEvent):
                commits[stamped.event.commit] = None
                versions = stamped.event.versions
    return {"commits": list(commits), "versions": versions}


def finite(value: Any) -> Any:
    """Plain values without the figures that are not finite: absent from a mapping, None in a list."""
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items() if _is_told(each)}
    if isinstance(value, list | tuple):
        return [finite(each) if _is_told(each) else None for each in value]
    return value


def _is_told(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _trial(trial: FrozenTrial) -> dict[str, Any]:
    facts = {key: value for key, value in trial.user_attrs.items() if key != Fact.WORKER}
    return {
        "number": trial.number,
        "state": trial.state.name,
        "score": trial.value if trial.state.name == "COMPLETE" else None,
        "params": trial.params,
        "rungs": {str(rung): value for rung, value in trial.intermediate_values.items()},
        **facts,
    }


def _cause(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get(Fact.CAUSE, "unknown"))
