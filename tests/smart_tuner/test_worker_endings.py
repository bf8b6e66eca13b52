"""What follows the training in a worker: an examination or none, and the outcome; stages are stand-ins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smart_tuner.config import AttentionSettings, load_config
from smart_tuner.early_stop_settings import EarlyStopSettings
from smart_tuner.emitter import Emitter
from smart_tuner.records import EventWriter, ExitCause
from smart_tuner.run_folder import create
from smart_tuner.stop_flag import StopFlag
from smart_tuner.worker import Assignment, Job
from tacotron2.events import ValidationEvent
from tacotron2.training import TrainingResult

EARLY = EarlyStopSettings(alignment_patience_validations=1, learning_patience_validations=1)
BEST = Path("checkpoints/best-0000003.ckpt")


def validation(step: int, quality: float, alignment: float) -> ValidationEvent:
    return ValidationEvent(step, {}, {"attention_alignment": alignment}, 1.0, quality)


@pytest.mark.parametrize(
    ("asked", "alignment", "deadline", "best", "examines", "expected", "words", "examined"),
    [
        (None, 0.9, 99, BEST, True, ExitCause.COMPLETED, "trained for 6 steps", True),
        (None, 0.9, 99, None, True, ExitCause.NO_VOICE, "no validation gave a voice", False),
        (None, 0.9, 99, BEST, False, ExitCause.COMPLETED, "trained for 6 steps", False),
        ("plateau", 0.9, 99, BEST, True, ExitCause.STOPPED, "converged: no gain", True),
        ("plateau", 0.1, 99, BEST, True, ExitCause.STOPPED, "below the 0.7", True),
        ("plateau", 0.9, 99, BEST, False, ExitCause.STOPPED, "converged: no gain", False),
        ("plateau", 0.9, 99, None, True, ExitCause.NO_VOICE, "no validation gave a voice", False),
        ("plateau", 0.1, 3, BEST, True, ExitCause.ATTENTION_FAILED, "attention had not formed", False),
        ("stopped", 0.9, 99, BEST, True, ExitCause.STOPPED, "the training stopped at step 6", False),
        ("interrupted", 0.9, 99, BEST, True, ExitCause.INTERRUPTED, "the training stopped", False),
    ],
)
def test_the_end_of_a_training(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str | None,
    alignment: float,
    deadline: int,
    best: Path | None,
    examines: bool,
    expected: ExitCause,
    words: str,
    examined: bool,
) -> None:
    attention = AttentionSettings(deadline_steps=deadline)
    run = create(tmp_path, replace(load_config("debug"), early_stop=EARLY, attention=attention))
    looked_at: list[Path] = []

    def trained(job: Job, *sets: Any) -> TrainingResult:
        cause = asked
        if asked == "plateau":
            assert job._controllers.note(validation(3, 0.0, alignment))
            cause = job._controllers.requested()
        return TrainingResult(6, cause or "completed", best, 1.0)

    monkeypatch.setattr(Job, "_sets", lambda job: dict.fromkeys(("train", "validation", "test")))
    monkeypatch.setattr(Job, "_estimate", lambda job, train_set, requests: requests)
    monkeypatch.setattr(Job, "_train", trained)
    monkeypatch.setattr(Job, "_examine", lambda job, checkpoint, test_set: looked_at.append(checkpoint))
    with EventWriter(run.events_file) as writer:
        assigned = Assignment("cpu", examines)
        outcome = Job(run, run.config(), assigned, Emitter(writer), StopFlag()).execute()
    assert outcome.cause is expected
    assert words in outcome.message
    assert looked_at == ([best] if examined else [])
