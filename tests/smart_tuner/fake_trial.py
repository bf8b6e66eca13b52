"""A trial without torch that follows the run-folder contract: `fake_trial.py RUN_FOLDER [--options]`.

Its score depends on the learning rate alone and grows with the updates. It notes its process id in `pids`,
obeys requests to stop, and goes on from the state it left. What else it does is read from `fault` in the
folder of all runs: `crash@STEP`, `wait@STEP` (until it is killed), or an exit cause by name.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

from smart_tuner.heartbeat import beat
from smart_tuner.records import EventWriter, ExitCause, Outcome
from smart_tuner.run_folder import RunFolder
from smart_tuner.stop_requests import StopRequests
from tacotron2.events import DataEvent, EstimateEvent, FinishedEvent, StepEvent, ValidationEvent
from tacotron2.hparams import HParams
from tests.smart_tuner.fake_worker import STARTED, save_state

PARENT = os.getppid()
EVERY = 2
"""Updates between two states."""


def validation(step: int, hparams: HParams) -> ValidationEvent:
    """Best at a rate of 1e-3, better with every update."""
    near = math.exp(-abs(math.log10(hparams.train.learning_rate) + 3))
    alignment = near * step / hparams.train.max_steps
    free = {"attention_alignment": alignment, "mel_quality_score": 0.5, "stop_score": 0.9}
    return ValidationEvent(step, {"val_loss": 1.0, "gate_accuracy": 0.9}, free, 0.1, alignment)


def last_state(run: RunFolder) -> int:
    return max((int(path.stem[6:]) for path in run.checkpoints_folder.glob("state-*.ckpt")), default=0)


def train(run: RunFolder, writer: EventWriter, fault: str) -> Outcome:
    hparams, requests = run.config().hparams, StopRequests(run.stop_request_file)
    begun = last_state(run)
    started = STARTED.__class__(**STARTED.__dict__ | {"resumed_from_step": begun or None})
    writer.write(started)
    requests.note(started)
    kind, _, where = fault.partition("@")
    for step in range(begun + 1, hparams.train.max_steps + 1):
        if where and step == int(where):
            if kind == "crash" and not begun:
                os._exit(7)
            while kind == "wait" and os.getppid() == PARENT:
                beat(run.heartbeat_file, step)
                time.sleep(0.02)
            if kind == "wait":
                os._exit(1)  # as a worker whose supervisor is gone
        time.sleep(0.002)
        asked = requests.requested()
        writer.write(StepEvent(step, 0, {"total": 1.0}, 0.7, 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5))
        if step % hparams.train.validate_every == 0:
            writer.write(validation(step, hparams))
        if step % EVERY == 0 or asked:
            save_state(run.path, step)
        if asked:
            writer.write(FinishedEvent(step, asked))
            return Outcome(ExitCause.STOPPED, "asked", step)
    writer.write(FinishedEvent(hparams.train.max_steps, "completed", 1.0))
    return Outcome(ExitCause.COMPLETED, "trained", hparams.train.max_steps)


def main() -> int:
    run = RunFolder(Path(sys.argv[1]))
    with (run.root / "pids").open("a") as pids:
        pids.write(f"{run.name} {os.getpid()}\n")
    told = run.root / "fault"
    fault = told.read_text() if told.exists() else ""
    with EventWriter(run.events_file) as writer:
        beat(run.heartbeat_file, 0)
        if "--estimate-only" in sys.argv:
            writer.write(DataEvent("train", 12, 0, {}, 30.0, digest=str(run.config().data_folder)))
            writer.write(EstimateEvent(0.01, 0.1, 1000))
            outcome = Outcome(ExitCause.COMPLETED, "measured")
        elif fault in {cause.value for cause in ExitCause}:
            outcome = Outcome(ExitCause(fault), "as it was told")
        else:
            outcome = train(run, writer, fault)
    outcome.write(run.outcome_file)
    return outcome.cause.code


if __name__ == "__main__":
    sys.exit(main())
