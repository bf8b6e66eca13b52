"""Workers that are ended by a signal in a given phase, and go on.

`ended_workers.py FOLDER`: a process of its own, which loads torch once and forks a child for every attempt.
Each child is the worker's `main` with its signals, locks, outcome and heartbeat; without the trackers, the
estimate, the pictures and the examination, which come before, beside or after what is looked at. Prints one
JSON object.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smart_tuner import tracking, worker
from smart_tuner.config import load_config
from smart_tuner.records import Outcome, read_events
from smart_tuner.run_folder import RunFolder, claim, create
from tacotron2.events import Event, StartedEvent, StepEvent
from tacotron2.training import loop, validation
from tests.bit_for_bit import equal, timeless

CONFIG = load_config(
    "debug",
    ["demo.demo_clips=20", "data.validation_clips=2", "data.test_clips=2", "train.keep_states=1"],
)
"""20 clips in batches of 8: an epoch ends with the third of six updates, as do a validation and a save.

One state: a request to stop writes one more, which an older one that is kept would remember."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
RANDOM_KILLS = 4


class NullTracker:
    """Shows nothing anywhere."""

    def __init__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def close(self, timeout_s: float) -> bool:
        return True


def leave_out_what_is_beside_the_point() -> None:
    tracking.Tracker = NullTracker  # type: ignore[assignment, misc]
    worker.Job._estimate = lambda self, train_set, requests: requests  # type: ignore[method-assign]
    worker.Job._examine = lambda self, checkpoint, test_set: None  # type: ignore[method-assign]
    for name in ("save_attention", "save_spectrograms"):
        setattr(validation, name, lambda path, drawn: None)


def on_step(number: int) -> Callable[[int], None]:
    """The signal comes when that step is recorded: after it was asked for, so that one step more is made."""

    def arm(name: int) -> None:
        emit = worker.Emitter.__call__

        def emitting(self: worker.Emitter, event: Event) -> None:
            emit(self, event)
            if isinstance(event, StepEvent) and event.step == number:
                os.kill(os.getpid(), name)

        worker.Emitter.__call__ = emitting  # type: ignore[method-assign]

    return arm


def in_validation(name: int) -> None:
    judge = loop.validate

    def validate(*arguments: Any) -> Any:
        os.kill(os.getpid(), name)
        return judge(*arguments)

    loop.validate = validate


def in_a_save(name: int) -> None:
    """Between the file of the first state and its sidecar."""
    replace = os.replace

    def replacing(source: Any, target: Any) -> None:
        replace(source, target)
        if Path(target).name == "state-0000003.ckpt":
            os.kill(os.getpid(), name)

    os.replace = replacing  # type: ignore[assignment]


PHASES = {
    "first step": on_step(1),
    "validation": in_validation,
    "save": in_a_save,
    "epoch's end": on_step(2),
    "second epoch": on_step(4),
}


def after(seconds: float) -> Callable[[int], None]:
    def arm(name: int) -> None:
        def kill() -> None:
            time.sleep(seconds)
            os.kill(os.getpid(), name)

        threading.Thread(target=kill, daemon=True).start()

    return arm


def attempt(run: RunFolder, arm: Callable[[int], None] | None = None, name: int = 0) -> int:
    """Exit status of a worker in a child, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            if arm is not None:
                arm(name)
            status = worker.main([str(run.path), "--device", "cpu"])
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def weights(run: RunFolder) -> dict[str, Any]:
    """The one state and the best weights, without the time it took."""
    return {path.name: timeless(path) for path in sorted(run.checkpoints_folder.glob("*.ckpt"))}


def gone_on(run: RunFolder, whole: dict[str, Any], status: int) -> dict[str, Any]:
    """What the first attempt left, and what came of the second."""
    outcome: Outcome | None = run.outcome()
    run.outcome_file.unlink(missing_ok=True)
    again = attempt(run)
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    resumed = [event.resumed_from_step for event in events if isinstance(event, StartedEvent)]
    return {
        "status": status,
        "cause": outcome.cause.value if outcome else None,
        "again": again,
        "resumed": resumed[-1],
        "same": equal(weights(run), whole),
    }


def moved(root: Path, whole: dict[str, Any]) -> dict[str, Any]:
    """Half a run, then in other places: all runs renamed, and a copy of the run folder without its data."""
    run = create(root, CONFIG)
    status = attempt(run, on_step(4), signal.SIGTERM)
    lonely, renamed = root.with_name("copied"), root.with_name("renamed runs")
    shutil.copytree(run.path, lonely / run.name)
    root.rename(renamed)
    results = {}
    for place in (renamed, lonely):
        found = claim(place, CONFIG, new=False)
        found.lock.release()
        result = gone_on(found.run, whole, status)
        results[place.name] = result | {"found": found.resumed, "old place": root.exists()}
    return results


def main() -> None:
    leave_out_what_is_beside_the_point()
    root = Path(sys.argv[1]) / "runs"
    first = create(root, CONFIG)
    attempt(first)  # makes the corpus
    began, run = time.monotonic(), create(root, CONFIG)
    assert attempt(run) == 0
    seconds, whole = time.monotonic() - began, weights(run)
    results = {}
    for phase, arm in PHASES.items():
        for name in SIGNALS:
            run = create(root, CONFIG)
            results[f"{name.name} {phase}"] = gone_on(run, whole, attempt(run, arm, name))
    chance = random.Random(20261122)
    for number in range(RANDOM_KILLS):
        run, moment = create(root, CONFIG), after(chance.uniform(0.1, 0.95) * seconds)
        results[f"random {number}"] = gone_on(run, whole, attempt(run, moment, signal.SIGKILL))
    print(json.dumps(results | moved(root, whole)))


if __name__ == "__main__":
    main()
