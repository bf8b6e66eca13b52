"""In the place of `smart_tuner.worker`: a trial without torch that follows the run-folder contract.

Its score grows with the learning rate; its recordings are the one file `train.txt`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import time
from pathlib import Path

from smart_tuner.heartbeat import beat
from smart_tuner.records import EventWriter, ExitCause, Outcome, write_atomically
from smart_tuner.run_folder import RunFolder
from tacotron2.events import DataEvent, EstimateEvent, FinishedEvent, StepEvent, ValidationEvent

TRIAL_S = 0.5


def data_event(folder: Path) -> DataEvent:
    event = DataEvent("train", 12, 0, {}, 30.0)
    digest = hashlib.sha256((folder / "train.txt").read_bytes()).hexdigest()
    known = {each.name for each in dataclasses.fields(event)}
    return dataclasses.replace(event, **{"digest": digest} if "digest" in known else {})


def train(run: RunFolder, writer: EventWriter) -> int:
    train = run.config().hparams.train
    time.sleep(TRIAL_S)
    for step in range(train.validate_every, train.max_steps + 1, train.validate_every):
        writer.write(StepEvent(step, 0, {"total": 1.0}, 0.7, 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5))
        alignment = min(1.0, 0.5 + train.learning_rate)
        free = {"attention_alignment": alignment, "mel_quality_score": 0.5, "stop_score": 0.9}
        writer.write(ValidationEvent(step, {"val_loss": 1.0, "gate_accuracy": 0.9}, free, 0.1, alignment))
        run.checkpoints_folder.mkdir(exist_ok=True)
        weights = run.checkpoints_folder / f"best-{step:07d}.ckpt"
        weights.write_bytes(run.name.encode() * 100_000)
        write_atomically(Path(f"{weights}.json"), f'{{"quality": {alignment}, "step": {step}}}')
    writer.write(FinishedEvent(train.max_steps, "completed", 1.0))
    return train.max_steps


def main() -> int:
    run = RunFolder(Path(sys.argv[1]))
    beat(run.heartbeat_file, 0)
    with EventWriter(run.events_file) as writer:
        if "--estimate-only" in sys.argv:
            folder = run.config().data_folder
            assert folder is not None
            writer.write(data_event(folder))
            writer.write(EstimateEvent(0.01, 0.1, 1000))
            outcome = Outcome(ExitCause.COMPLETED, "measured")
        else:
            outcome = Outcome(ExitCause.COMPLETED, "trained", train(run, writer))
    outcome.write(run.outcome_file)
    return outcome.cause.code


if __name__ == "__main__":
    sys.exit(main())
