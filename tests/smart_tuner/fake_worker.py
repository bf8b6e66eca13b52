"""A worker without torch that follows the run-folder contract as far as it is told to.

`fake_worker.py RUN_FOLDER SCENARIOS`; it writes its process id to `worker.pid`. Scenarios are parted by
commas, one for each attempt; the last one repeats. `ENDING@STEP/SAVED/SAVED!INCIDENT` comes to a step
by way of saved states and incidents. Where several processes train, `SCENARIO+STATUS` is the end of all but
the first.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from smart_tuner.decisions import Decision, Reason, Verdict
from smart_tuner.heartbeat import beat
from smart_tuner.records import EventWriter, ExitCause, Outcome, write_atomically
from smart_tuner.restart_history import History
from tacotron2.events import (
    DataEvent,
    EstimateEvent,
    ExaminedEvent,
    FinishedEvent,
    IncidentEvent,
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
        DataEvent("train", 12, 2, {"@": 3, "#": 1}, 30.5, ["the texts look German"]),
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


def stop_early(run: Path, writer: EventWriter) -> Outcome:
    """As a controller ends a training: decided, and examined all the same."""
    complete(run, writer)
    parameters = {"phase": "learning", "waited": 5, "best_step": 20, "quality": 0.5, "alignment": 0.6}
    decision = Decision(Verdict.STOP, Reason.CONVERGED, parameters)
    writer.write(decision.event(20, "early_stopping"))
    return Outcome(ExitCause.STOPPED, decision.message, 30)


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


def beat_alone(run: Path, writer: EventWriter) -> Outcome:
    """A process that lives, until it is ended; its work stands still."""
    writer.write(STARTED)
    while True:
        beat(run / "heartbeat", 3)
        time.sleep(0.02)


def crash_when_asked(run: Path, writer: EventWriter) -> Outcome:
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    writer.write(STARTED)
    while not received:
        (run / "heartbeat").touch()
        time.sleep(0.02)
    return Outcome(ExitCause.CRASHED, "it broke while it saved", 7)


def state_steps(run: Path) -> list[int]:
    return sorted(int(path.name[6:13]) for path in (run / "checkpoints").glob("state-*.ckpt.json"))


def save_state(run: Path, step: int) -> None:
    """A state as the supervisor sees it, and the best weights of that step."""
    (run / "checkpoints").mkdir(exist_ok=True)
    for role in ("state", "best"):
        path = run / "checkpoints" / f"{role}-{step:07d}.ckpt"
        path.write_bytes(b"tensors")
        facts = {"role": role, "step": step, "finite": True, "quality": 0.5}
        write_atomically(Path(f"{path}.json"), json.dumps(facts))


def begin(run: Path, writer: EventWriter, story: str) -> int:
    """The way to an ending: `45/20/40!43` saves at steps 20 and 40, has an incident at 43 and comes to 45."""
    reached, *rest = story.replace("!", "/!").split("/")
    resumed = max(state_steps(run), default=None)
    writer.write(replace(STARTED, resumed_from_step=resumed))
    for part in rest:
        step = int(part.removeprefix("!"))
        if part.startswith("!"):
            writer.write(IncidentEvent(step, "non_finite_update", {}))
        elif step > (resumed or 0):
            save_state(run, step)
    writer.write(step_event(int(reached)))
    return int(reached)


def end(run: Path, writer: EventWriter, scenario: str) -> Outcome | int:
    """An outcome to write, or an exit status without one."""
    ending, _, story = scenario.partition("@")
    step = begin(run, writer, story) if story else 5
    if ending in ("complete", "stop_early"):
        return (complete if ending == "complete" else stop_early)(run, writer)
    if ending == "patient":
        return wait_for_a_signal(run, writer)
    if ending in ("stubborn", "hang"):
        return ignore_signals(run, writer, beats=ending == "stubborn")
    if ending == "stand":
        return beat_alone(run, writer)
    if ending == "crash_when_asked":
        return crash_when_asked(run, writer)
    if ending in ("killed", "killed_after_training"):
        if not story:
            writer.write(STARTED)
        if ending == "killed_after_training":
            writer.write(step_event(30))
            writer.write(FinishedEvent(30, "completed", 15.0))
        os.kill(os.getpid(), signal.SIGKILL)
    if ending == "segfault":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), signal.SIGSEGV)
    if ending.isdigit():
        return int(ending)
    return Outcome(ExitCause(ending), "train.txt, line 3: there is no file", step)


def attempts_before(run: Path) -> int:
    """How many attempts there were; notes this one."""
    file = run / "attempts"
    before = len(file.read_text()) if file.exists() else 0
    file.write_text("x" * (before + 1))
    return before


def main() -> int:
    run, scenarios = Path(sys.argv[1]), sys.argv[2].split(",")
    if os.environ.get("RANK", "0") != "0":
        while not (run / "worker.pid").exists():
            time.sleep(0.02)
        restarts = len(History.read(run / "recovery.json").restarts)
        return int(scenarios[restarts].partition("+")[2])
    scenario = scenarios[min(attempts_before(run), len(scenarios) - 1)].partition("+")[0]
    (run / "worker.pid").write_text(str(os.getpid()))
    (run / "heartbeat").touch()
    print("the worker speaks", flush=True)
    with EventWriter(run / "events.jsonl") as writer:
        outcome = end(run, writer, scenario)
    if isinstance(outcome, int):
        return outcome
    outcome.write(run / "outcome.json")
    return outcome.cause.code


if __name__ == "__main__":
    sys.exit(main())
