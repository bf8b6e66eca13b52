"""Starts toy workers and compares what they noted with what the study says."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from smart_tuner.tuning.storage import open_storage

WORKER = Path(__file__).with_name("toy_worker.py")
SOURCE = Path(__file__).parents[3] / "src"
STUDY = "toy"
START_TIMEOUT_S = 120.0


@contextmanager
def toy_workers(
    folder: Path,
    addresses: Sequence[str],
    total: int,
    own: int,
    prefixes: Sequence[Sequence[str]] = (),
    hang: int = 0,
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """One worker for each address, the first with `hang`; all set off together, none outlives the block."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
    workers: list[subprocess.Popen[bytes]] = []
    try:
        for number, address in enumerate(addresses):
            arguments = [
                address,
                str(notes(folder, number)),
                str(total),
                str(own),
                str(0 if number else hang),
            ]
            prefix = prefixes[number % len(prefixes)] if prefixes else ()
            with (folder / f"worker-{number}.log").open("wb") as log:
                command = [*prefix, sys.executable, str(WORKER), *arguments]
                workers.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        deadline = time.monotonic() + START_TIMEOUT_S
        while len(list(folder.glob("*.ready"))) < len(workers):
            assert time.monotonic() < deadline and all(worker.poll() is None for worker in workers), said(
                folder
            )
            time.sleep(0.01)
        (folder / "go").touch()
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def notes(folder: Path, number: int) -> Path:
    return folder / f"worker-{number}.notes"


def said(folder: Path) -> str:
    return "\n".join(log.read_text() for log in sorted(folder.glob("*.log")))


def begun(folder: Path) -> dict[int, float]:
    """The trials that were begun, each with its x.

    Raises:
        AssertionError: one was begun twice.
    """
    lines = [line.split() for file in folder.glob("*.notes") for line in file.read_text().splitlines()]
    times = Counter(int(number) for number, _ in lines)
    assert [number for number, count in times.items() if count > 1] == []
    return {int(number): float(x) for number, x in lines}


def check_nothing_lost_or_doubled(
    folder: Path, address: str, total: int, failed: int = 0
) -> list[FrozenTrial]:
    """Every trial of the study was begun by exactly one worker and has that worker's value."""
    study = optuna.load_study(study_name=STUDY, storage=open_storage(address))
    trials = study.get_trials()
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert {trial.number: trial.params["x"] for trial in trials} == begun(folder)
    states = Counter(trial.state for trial in trials)
    assert set(states) <= {TrialState.COMPLETE, TrialState.FAIL}
    assert states[TrialState.FAIL] == failed
    assert states[TrialState.COMPLETE] >= total
    assert all(trial.value == trial.params["x"] for trial in trials if trial.state == TrialState.COMPLETE)
    return trials
