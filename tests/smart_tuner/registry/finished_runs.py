"""Runs as they are when they have ended with an examined voice; the weights are any bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from smart_tuner.config import load_config
from smart_tuner.records import EventWriter, write_atomically
from smart_tuner.run_folder import RunFolder
from tacotron2.events import StartedEvent

CHECKPOINT = "checkpoints/best-0000003.ckpt"
GOOD = {
    "attention_alignment": 0.9,
    "stop_error_steps": 1.0,
    "never_stopped_rate": 0.0,
    "skip_rate": 0.0,
    "repeat_rate": 0.0,
    "mcd_dtw_db": 5.0,
    "teacher_forced_gate_accuracy": 0.9,
    "teacher_forced_val_loss": 0.5,
}
"""Passes the gate of the defaults."""


def finished(
    root: Path,
    name: str,
    quality: float | None = 0.5,
    *,
    r: int = 1,
    figures: dict[str, Any] | None = None,
    weights: bytes | None = None,
    data_folder: Path | None = None,
    sidecar: dict[str, Any] | None = None,
    examined: str | None = CHECKPOINT,
) -> RunFolder:
    """A run of the preset debug; weights are its name where none are given."""
    run = RunFolder(root / name)
    weights = name.encode() if weights is None else weights
    files = {CHECKPOINT: weights, "samples/attention.png": b"png", "samples/a.wav": b"wav"}
    for place, content in files.items():
        (run.path / place).parent.mkdir(parents=True, exist_ok=True)
        (run.path / place).write_bytes(content)
    facts = {
        "sha256": hashlib.sha256(weights).hexdigest(),
        "finite": True,
        "step": 3,
        "n_frames_per_step": r,
        "quality": quality,
    }
    (run.path / f"{CHECKPOINT}.json").write_text(json.dumps(facts | (sidecar or {})), encoding="utf-8")
    config = replace(load_config("debug"), data_folder=data_folder)
    write_atomically(run.settings_file, config.to_yaml())
    if examined:
        content = {
            "checkpoint": examined,
            "figures": {key: {"value": value, "how": "measured"} for key, value in (figures or GOOD).items()},
            "sentences": [{"id": "a", "text": "The old clock.", "wav": "samples/a.wav", "figures": {}}],
        }
        run.examination_file.write_text(json.dumps(content), encoding="utf-8")
    run.summary_file.write_text('{"training": {}, "data": {}}', encoding="utf-8")
    with EventWriter(run.events_file) as writer:
        writer.write(StartedEvent("cpu", "fp32", 1, 7, 99, 6, 32, 8, "abc", {"torch": "2.13.0"}))
    return run
