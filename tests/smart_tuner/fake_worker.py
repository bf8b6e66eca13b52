"""A worker without torch that follows the run-folder contract as far as it is told to.

`fake_worker.py RUN_FOLDER SCENARIO`; it writes its process id to `worker.pid`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from smart_tuner.records import EventWriter, ExitCause, Outcome, write_atomically
from tacotron2.events import (
    DataEvent,
    EstimateEvent,
    ExaminedEvent,
    FinishedEvent,
    StageEvent,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

STARTED = StartedEvent("cpu", "fp32", 1, 1234, 1000, 30, 12, 2, "abc", {"python": "3.11"})


def step_event(step: int) -> StepEvent:
    return StepEvent(step, 0, {"total": 1.0 / step}, 0.7, 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5)


def validation_event(step: int, alignment: float) -> ValidationEvent:
    free_running = {"attention_alignment": alignment}
    return ValidationEvent(step, {"val_loss": 0.9}, free_running, 0.1, alignment)


def complete(run: Path, writer: EventWriter) -> Outcome:
    for event in (
        StageEvent("data", 0, 14),
        StageEvent("data", 14, 14),
        DataEvent("train", 12, 2, {"@": 3, "#": 1}, 30.5),
        EstimateEvent(0.5, 15.0, 10_000),
        StageEvent("training", 0, 1),
        STARTED,
        step_event(10),
        validation_event(10, 0.1),
        step_event(20),
        validation_event(20, 0.5),
        step_event(30),
        FinishedEvent(30, "completed", 15.0),
        StageEvent("training", 1, 1),
    ):
        writer.write(event)
    (run / "samples").mkdir(exist_ok=True)
    (run / "samples" / "one.wav").write_bytes(b"RIFF")
    figures = '{"figures": {"attention_alignment": {"value": 0.8, "how": "measured"}}}'
    write_atomically(run / "examination.json", figures)
    writer.write(ExaminedEvent("checkpoints/best-0000020.ckpt", {"attention_alignment": 0.8}))
    return Outcome(ExitCause.COMPLETED, "trained for 30 steps", 30)


def wait_for_a_signal(run: Path, writer: EventWriter) -> Outcome:
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: received.append(number))
    writer.write(STARTED)
    while not received:
        (run / "heartbeat").touch()
        time.sleep(0.02)
    (run / "saved").write_text("a checkpoint")
    cause = ExitCause.INTERRUPTED if received[0] == signal.SIGINT else ExitCause.TERMINATED
    return Outcome(cause, "the training stopped at step 7", 7)


def ignore_signals(run: Path, writer: EventWriter, beats: bool) -> Outcome:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (run / "inner.pid").write_text(str(inner.pid))
    writer.write(STARTED)
    while True:
        if beats:
            (run / "heartbeat").touch()
        time.sleep(0.02)


def main() -> int:
    run, scenario = Path(sys.argv[1]), sys.argv[2]
    (run / "worker.pid").write_text(str(os.getpid()))
    (run / "heartbeat").touch()
    print("the worker speaks", flush=True)
    with EventWriter(run / "events.jsonl") as writer:
        if scenario == "complete":
            outcome = complete(run, writer)
        elif scenario == "patient":
            outcome = wait_for_a_signal(run, writer)
        elif scenario in ("stubborn", "hang"):
            outcome = ignore_signals(run, writer, beats=scenario == "stubborn")
        elif scenario in ("killed", "killed_after_training"):
            writer.write(STARTED)
            if scenario == "killed_after_training":
                writer.write(step_event(30))
                writer.write(FinishedEvent(30, "completed", 15.0))
            os.kill(os.getpid(), signal.SIGKILL)
        elif scenario.isdigit():
            return int(scenario)
        else:
            outcome = Outcome(ExitCause(scenario), "train.txt, line 3: there is no file", 5)
    outcome.write(run / "outcome.json")
    return outcome.cause.code


if __name__ == "__main__":
    sys.exit(main())
