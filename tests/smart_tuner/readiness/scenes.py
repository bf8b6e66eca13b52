"""A scene in which everything is ready, with what the library would say of itself."""

from __future__ import annotations

import copy
import dataclasses
import os
from pathlib import Path
from typing import Any

from smart_tuner.config import load_config
from smart_tuner.machine import GIB, Machine
from smart_tuner.readiness.library import LOSSES, Findings
from smart_tuner.readiness.scene import Scene

SOURCE = Path(__file__).resolve().parents[3] / "src"
ROOMY = Machine("3.11.9", "Linux x86_64", 2, 16 * GIB, 8 * GIB, 50 * GIB, ())
FACTS: dict[str, dict[str, Any]] = {
    "commit": {"commit": "0123456789ab"},
    "rate": {"rate": 2e-3, "steps": 300, "moved": 0.551, "failed": 0.1, "enough": 0.2},
    "parameters": {"count": 58_811_635, "learning": 58_811_635, "expected": 58_811_635},
    "data": {"kind": "own", "clips": 95, "named": 100, "hours": 0.2, "layout": "a list", "fewest": 8},
    "speech": {"clips": 16, "seconds": 34.0},
    "TextMelLoader": {"utterances": 16},
    "TextMelCollate": {},
    "Tacotron2": {"parameters": 2_642_961, "disk_bytes": 152_433_972},
    "Tacotron2Loss": {"second_r": 2},
    "step": {"utterances": 3, "frames": 239},
    "gradients": {"tensors": 122, "known": 14, "without": [], "silent_symbols": []},
    "losses": {"terms": {name: [1.0, 0.5, 2.0] for name in LOSSES}},
    "batch": {"rows": 16, "parts": 1, "planned": 1, "needed": 10, "available": 20, "longest_s": 5.0},
    "cards": {
        "cards": [[8, 76, 1], [12, 119, 1], [24, 248, 1]],
        "precision": "fp32",
        "longest_s": 5.0,
    },
}


def healthy(changes: dict[str, dict[str, Any]] | None = None) -> Findings:
    """What the library says where all is well, with some facts changed."""
    facts = copy.deepcopy(FACTS)
    for name, changed in (changes or {}).items():
        facts[name] |= changed
    return Findings(facts, {}, {})


def scene(folder: Path, *overrides: str, **changes: Any) -> Scene:
    """The preset demo on a roomy machine, with ports that nobody else uses, and no notices."""
    ports = ("mlflow_port=47310", "tensorboard_port=47420", "optuna_port=47530")
    config = load_config("demo", [*ports, "notify=off", *overrides])
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SMART_TUNER_")}
    environ["PYTHONPATH"] = str(SOURCE)
    runs = folder / "runs"
    runs.mkdir(exist_ok=True)
    return dataclasses.replace(Scene(config, ROOMY, runs, environ=environ), **changes)
