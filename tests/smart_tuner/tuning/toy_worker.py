"""`toy_worker.py ADDRESS NOTES TOTAL OWN [HANG]`: a process of a toy study, until TOTAL trials are complete.

It waits for the file `go` beside NOTES, so that all open the study at the same moment; queues OWN trials,
runs whatever trials it gets, and notes each in NOTES as it begins. The trial that is its HANG-th never ends.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import optuna

from smart_tuner.tuning.storage import Heartbeat, open_storage

STUDY = "toy"
MOST_WAIT_S = 120.0
TRIALS_AT_ONCE = 4


def work(address: str, notes: Path, total: int, own: int, hang: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    notes.with_suffix(".ready").touch()
    wait_for(notes.with_name("go"))
    storage = open_storage(address, heartbeat=Heartbeat(interval_s=1, grace_s=8))
    sampler = optuna.samplers.RandomSampler()
    study = optuna.create_study(storage=storage, study_name=STUDY, sampler=sampler, load_if_exists=True)
    for number in range(own):
        study.enqueue_trial({"x": number / own})
    count = 0
    with notes.open("a", buffering=1) as lines:

        def objective(trial: optuna.Trial) -> float:
            nonlocal count
            count += 1
            x = trial.suggest_float("x", 0.0, 1.0)
            lines.write(f"{trial.number} {x!r}\n")
            while count == hang:
                time.sleep(0.1)
            return x

        while completed(study) < total:
            study.optimize(objective, n_trials=TRIALS_AT_ONCE)


def completed(study: optuna.Study) -> int:
    trials = study.get_trials(deepcopy=False)
    return sum(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + MOST_WAIT_S
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(str(file))
        time.sleep(0.01)


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:6]))
