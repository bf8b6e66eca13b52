"""One of several processes that write trials into the same study: `python -m ... URL TRIALS`.

At its end a line of JSON: how many trials the study has, and what the connection is set to. They wait for one
another, so that the last one sees all.
"""

from __future__ import annotations

import json
import sys

from smart_tuner.tuning.storage import live_settings, open_storage

STUDY = "readiness"


def write_trials(url: str, count: int) -> dict[str, object]:
    """Asks for trials and completes them."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(url)
    study = optuna.create_study(study_name=STUDY, storage=storage, load_if_exists=True)
    for _ in range(count):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0.0, 1.0))
    return {"trials": len(study.get_trials(deepcopy=False)), "live": live_settings(storage)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(write_trials(sys.argv[1], int(sys.argv[2]))) + "\n")
