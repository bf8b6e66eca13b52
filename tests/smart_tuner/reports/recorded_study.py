"""The folder of a study as it is left, without a study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smart_tuner.config import load_config
from smart_tuner.tuning.study_folder import StudyFolder, study_folder
from tests.smart_tuner.reports.recorded_run import draw

SHARES = {"learning_rate": 0.7, "weight_decay": 0.3}


def trial(number: int, state: str = "COMPLETE", score: float | None = None, **more: Any) -> dict[str, Any]:
    params = {"learning_rate": 1e-3 / (number + 1), "weight_decay": 1e-6, "batch_size": 16}
    return {"number": number, "state": state, "score": score, "params": params, **more}


def recorded_study(root: Path, name: str = "probe-1") -> StudyFolder:
    """Four trials: one that the gate stopped, the best one, one pruned and one failed."""
    folder = study_folder(root, name)
    folder.path.mkdir(parents=True)
    folder.write(load_config("debug"))
    record = {
        "sampler": {"kind": "cma-es"},
        "made_with": {"commits": ["abc123"], "versions": {"python": "3.11"}},
        "trials": [
            trial(0, score=0.9),
            trial(1, score=0.6),
            trial(2, "PRUNED"),
            trial(3, "FAIL", cause="non_finite"),
        ],
        "seconds": 600.0,
        "steps": 400,
        "importance": {"shares": SHARES},
        "stopped_by_gate": {"0": ["gate_accuracy 0.5 < 0.6"]},
        "best": 1,
    }
    folder.record_file.write_text(json.dumps(record), encoding="utf-8")
    for picture in (folder.history_picture, folder.parallel_picture, folder.importance_picture):
        draw(picture, (90, 120, 200))
    return folder
