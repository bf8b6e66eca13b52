"""Run folders as a training leaves them, without a training."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from smart_tuner.config import load_config
from smart_tuner.records import EventWriter, ExitCause, Outcome
from smart_tuner.run_folder import RunFolder
from tacotron2.events import (
    CureEvent,
    DataEvent,
    Event,
    FinishedEvent,
    IncidentEvent,
    RestartEvent,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

TEXT = 'He said "<b>stop</b>" & left.'
SENTENCE_S = 0.3
STARTED = StartedEvent("cpu", "fp32", 1, 1234, 1000, 30, 12, 2, "abc123", {"python": "3.11"})


def new_run(root: Path, name: str = "20260101-120000-debug") -> RunFolder:
    """A folder with its settings and nothing else."""
    run = RunFolder(root / name)
    run.path.mkdir(parents=True)
    run.settings_file.write_text(load_config("debug", ["train.seed=7"]).to_yaml(), encoding="utf-8")
    return run


def write(run: RunFolder, events: Iterable[Event]) -> None:
    with EventWriter(run.events_file) as writer:
        for event in events:
            writer.write(event)


def step(number: int, loss: float = 1.0) -> StepEvent:
    losses = {"total": loss, "gate": loss / 10}
    return StepEvent(number, 0, losses, loss, 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5)


def validation(run: RunFolder, number: int, alignment: float = 0.5) -> ValidationEvent:
    """With its picture, of another colour at each step, and its sound."""
    image, audio = Path(f"attention/step-{number:07d}.png"), Path(f"audio/step-{number:07d}-1.wav")
    draw(run.path / image, (number % 256, 40, 90))
    speak(run.path / audio)
    return ValidationEvent(
        number,
        {"val_loss": 0.9, "gate_accuracy": 0.8},
        {"attention_alignment": alignment, "mcd_dtw_db": 24.0, "stop_score": 0.9},
        0.1,
        alignment,
        attention_image=str(image),
        audio=[str(audio)],
        texts=[TEXT],
    )


def draw(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", (320, 160), colour).save(path)


def speak(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    times = np.arange(int(22_050 * SENTENCE_S)) / 22_050
    soundfile.write(path, 0.1 * np.sin(2 * math.pi * 440 * times), 22_050)


def examine(run: RunFolder, figures: dict[str, float]) -> None:
    """The examination's figures, and one sentence."""
    speak(run.samples_folder / "test-1.wav")
    content = {
        "checkpoint": "checkpoints/best-0000040.ckpt",
        "figures": {name: {"value": value, "how": "measured"} for name, value in figures.items()},
        "sentences": [
            {
                "id": "test-1",
                "text": TEXT,
                "wav": "samples/test-1.wav",
                "figures": {"attention_alignment": 0.7},
            }
        ],
    }
    run.examination_file.write_text(json.dumps(content), encoding="utf-8")


GOOD = {
    "attention_alignment": 0.8,
    "teacher_forced_gate_accuracy": 0.9,
    "teacher_forced_val_loss": 0.6,
    "stop_error_steps": 0.4,
    "never_stopped_rate": 0.0,
    "skip_rate": 0.0,
    "repeat_rate": 0.0,
    "mcd_dtw_db": 20.0,
}


def whole_run(root: Path, validations: Sequence[int] = (10, 20, 30, 40)) -> RunFolder:
    """A training with an incident, a restart that went back, a cure, and a voice at its end."""
    run = new_run(root)
    data = DataEvent("train", 12, 2, {}, 30.5)
    first = [data, STARTED, step(5, 4.0), step(10, 2.0), step(15, 9.0)]
    incident = IncidentEvent(16, "loss_spike", {"terms": ["mel_after"]})
    restart = RestartEvent(1, "non_finite", 16, 10, ["learning_rate x 0.5"], 2.0)
    again = StartedEvent("cpu", "fp32", 1, 1234, 1000, 30, 12, 2, "abc123", {"python": "3.11"}, 10)
    later: list[Event] = [validation(run, number, 0.02 * number) for number in validations]
    cure = CureEvent(20, "begun", "no_attention", "guided_attention_weight", 2.0, 0.3)
    write(run, [*first, incident, FinishedEvent(16, "non_finite"), restart, again, step(15, 1.5), cure])
    write(run, [*later, step(40, 0.8), FinishedEvent(40, "completed", 15.0)])
    examine(run, GOOD)
    Outcome(ExitCause.COMPLETED, "trained for 40 steps", 40).write(run.outcome_file)
    return run
