"""What came out of a study: the winner as a preset that trains as it is, and a record of everything."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from smart_tuner.config import Config
from smart_tuner.messages import Message, TuningPhrase
from smart_tuner.records import write_atomically
from smart_tuner.tuning.rungs import rank_correlations
from smart_tuner.tuning.samplers import SamplerPlan, completed_generations
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.trial_facts import Fact, winner

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

SHOWN_TRIALS = 5


@dataclass(frozen=True)
class Best:
    """The winner of a study."""

    number: int
    score: float


@dataclass(frozen=True)
class StudyResult:
    """What there is to say at the end; `best` is None where no trial came above the gate."""

    best: Best | None
    lines: tuple[Message, ...]


def write_result(
    study: Study, folder: StudyFolder, config: Config, space: SearchSpace, plan: SamplerPlan
) -> StudyResult:
    """Write `best.yaml` (where there is a best) and `study.json`.

    Raises:
        StorageError: one cannot be written.
    """
    trials = study.get_trials(deepcopy=False)
    best = winner(trials)
    if best is not None:
        write_atomically(folder.best_file, best_preset(best, folder, config, space))
    record = study_record(trials, folder.name, plan, best)
    write_atomically(folder.record_file, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return StudyResult(
        Best(best.number, float(best.value or 0.0)) if best else None,
        tuple(_lines(trials, plan)),
    )


def best_preset(best: FrozenTrial, folder: StudyFolder, config: Config, space: SearchSpace) -> str:
    """The winner's configuration at full length, as the text of a settings file."""
    facts = best.user_attrs
    parts = ", ".join(f"{name} {value:.3f}" for name, value in facts[Fact.PARTS].items())
    # What was tuned, in a training of the preset's own length: a trial may have been shorter.
    tuned = replace(config, preset=f"{folder.name}-best", hparams=space.apply(config.hparams, best.params))
    values = ", ".join(f"{name}={_short(value)}" for name, value in best.params.items())
    head = [
        f"# The best of the study {folder.name}: trial {best.number}, score {best.value:.4f}",
        f"# ({parts}), at its step {facts[Fact.BEST_STEP]}.",
        f"# Tuned: {values}",
    ]
    return "\n".join(head) + "\n" + tuned.to_yaml()


def study_record(
    trials: Sequence[FrozenTrial], name: str, plan: SamplerPlan, best: FrozenTrial | None
) -> dict[str, Any]:
    """Everything that is known, as plain values; what is not finite is absent."""
    return {
        "study": name,
        "sampler": {
            "kind": plan.kind,
            "startup": plan.startup,
            "population": plan.population,
            "completed_generations": completed_generations(trials, plan),
        },
        "trials": [_trial(trial) for trial in trials],
        "states": dict(Counter(trial.state.name for trial in trials)),
        "failed_by": dict(Counter(_cause(trial) for trial in trials if trial.state.name == "FAIL")),
        "seconds": round(math.fsum(float(trial.user_attrs.get(Fact.SECONDS, 0.0)) for trial in trials), 1),
        "rung_rank_correlation": {str(rung): value for rung, value in rank_correlations(trials).items()},
        "best": best.number if best else None,
    }


def _trial(trial: FrozenTrial) -> dict[str, Any]:
    facts = {key: value for key, value in trial.user_attrs.items() if key != Fact.WORKER}
    score = trial.value if trial.state.name == "COMPLETE" else None
    return {
        "number": trial.number,
        "state": trial.state.name,
        "score": score if score is not None and math.isfinite(score) else None,
        "params": trial.params,
        "rungs": {str(rung): value for rung, value in trial.intermediate_values.items()},
        **facts,
    }


def _cause(trial: FrozenTrial) -> str:
    return str(trial.user_attrs.get(Fact.CAUSE, "unknown"))


def _lines(trials: Sequence[FrozenTrial], plan: SamplerPlan) -> list[Message]:
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    pruned = sum(trial.state.name == "PRUNED" for trial in trials)
    failed = sum(trial.state.name == "FAIL" for trial in trials)
    lines = [TuningPhrase.COUNTS(complete=len(complete), pruned=pruned, failed=failed)]
    for trial in sorted(complete, key=lambda trial: -float(trial.value or 0.0))[:SHOWN_TRIALS]:
        values = "  ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
        lines.append(TuningPhrase.TRIAL_LINE(trial=trial.number, score=trial.value or 0.0, values=values))
    generations = completed_generations(trials, plan)
    if plan.kind == "cma-es":
        lines.append(TuningPhrase.GENERATIONS(generations=generations))
    return lines


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
