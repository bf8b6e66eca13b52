"""What came out of a study: the winner as a preset that trains as it is, a record of everything, pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from smart_tuner.config import Config
from smart_tuner.messages import Message, StudyPhrase
from smart_tuner.records import write_atomically
from smart_tuner.tuning.importance import comparable_trials, importances
from smart_tuner.tuning.samplers import SamplerPlan
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.study_record import gate_stops, study_record
from smart_tuner.tuning.study_words import result_lines, short
from smart_tuner.tuning.trial_facts import Fact, first_number, trial_seed, winner
from tacotron2.hparams import HParams

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial


@dataclass(frozen=True)
class Best:
    """The winner of a study."""

    number: int
    score: float


@dataclass(frozen=True)
class StudyResult:
    """What there is to say at the end; `best` is None where no trial came above the gate."""

    best: Best | None
    stopped: Mapping[int, tuple[str, ...]]
    """Complete trials that cannot be the best, and the thresholds that each has missed."""
    pictures: tuple[Path, ...]
    lines: tuple[Message, ...]

    def verdict(self, folder: StudyFolder, shown: Callable[[Path], Path] = lambda path: path) -> Message:
        """Who has won, and what to do with it; `shown`: how a path is told."""
        if self.best is None:
            return StudyPhrase.NO_WINNER(file=shown(folder.record_file))
        file = shown(folder.best_file)
        return StudyPhrase.WINNER(trial=self.best.number, score=self.best.score, file=file)


def write_result(
    study: Study, folder: StudyFolder, config: Config, space: SearchSpace, plan: SamplerPlan
) -> StudyResult:
    """Write `best.yaml` (where there is a best), `study.json` and the pictures; of a running study, too.

    Raises:
        StorageError: one cannot be written.
    """
    trials = study.get_trials(deepcopy=False)
    best = winner(trials)
    if best is not None:
        write_atomically(folder.best_file, best_preset(best, folder, config, space))
    shares, compared = importances(study), comparable_trials(study)
    record = study_record(trials, folder, config, plan, shares)
    text = json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)
    write_atomically(folder.record_file, text + "\n")
    return StudyResult(
        Best(best.number, float(best.value or 0.0)) if best else None,
        gate_stops(trials),
        tuple(_write_pictures(study, folder, config, space, shares)),
        tuple(result_lines(trials, plan, shares, compared)),
    )


def _write_pictures(
    study: Study, folder: StudyFolder, config: Config, space: SearchSpace, shares: Mapping[str, float]
) -> list[Path]:
    """The pictures that there is enough to draw for."""
    # Matplotlib is slow to import, and whoever ends a study early waits for it.
    from smart_tuner.tuning.study_pictures import save_history, save_importance, save_parallel

    trials = study.get_trials(deepcopy=False)
    report, preset = space.values_of(HParams()), space.values_of(config.hparams)
    references = {"the report's values": report, "the preset's values": preset}
    if report == preset:
        references = {"the preset's values, the report's": preset}
    save_history(folder.history_picture, folder.name, trials, references)
    written = [folder.history_picture]
    if any(trial.state.name == "COMPLETE" for trial in trials):
        save_parallel(folder.parallel_picture, folder.name, trials, space.dimensions)
        written.append(folder.parallel_picture)
    if shares:
        save_importance(folder.importance_picture, folder.name, shares, comparable_trials(study))
        written.append(folder.importance_picture)
    return written


def best_preset(best: FrozenTrial, folder: StudyFolder, config: Config, space: SearchSpace) -> str:
    """The winner's configuration at full length, as the text of a settings file."""
    facts = best.user_attrs
    parts = ", ".join(f"{name} {value:.3f}" for name, value in facts[Fact.PARTS].items())
    # What was tuned, in a training of the preset's own length: a trial may have been shorter.
    tuned = replace(config, preset=f"{folder.name}-best", hparams=space.apply(config.hparams, best.params))
    seed = trial_seed(config.tuning.study_seed, first_number(best))
    values = ", ".join(f"{name}={short(value)}" for name, value in best.params.items())
    head = [
        f"# The best of the study {folder.name}: trial {best.number}, score {best.value:.4f}",
        f"# ({parts}), at its step {facts[Fact.BEST_STEP]}, above the gate.",
        f"# Its seed was {seed}; below stands the preset's.",
        f"# Tuned: {values}",
    ]
    return "\n".join(head) + "\n" + tuned.to_yaml()
