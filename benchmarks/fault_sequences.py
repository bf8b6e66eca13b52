"""Random sequences of faults, each a real run of the preset `debug`: how many heal, and what that costs.

    PYTHONPATH=src python benchmarks/fault_sequences.py --sequences 100 --seed 0

A run that was only killed, broken, hung, asked to end or robbed of its newest state must end with the weights
of the undisturbed run, to the last bit. One whose numbers were poisoned or whose memory ran out has a lower
rate or smaller micro-batches afterwards and need only end.

A sequence damages at most one state, and neither the first one (with nothing to fall back on a run ends
as `data_error`, as it should) nor the last (nothing is trained after it, and it is what is compared).
`lost` is the time of a run above that of the undisturbed one, goodput the share that is left. Goodput with a
kill every five minutes is computed: 300 s over 300 s and what a kill costs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import torch
from measuring import ROOT, arguments, begin, table

from smart_tuner.faults import KINDS
from smart_tuner.records import ExitCause, read_events
from smart_tuner.run_folder import RunFolder, list_runs
from tacotron2.checkpoint import CheckpointError, read_checkpoint
from tacotron2.events import RestartEvent, StepEvent

CHECKPOINT_EVERY = 4
DAMAGES = ("corrupt-checkpoint", "truncated-checkpoint", "missing-checkpoint")
HARMLESS = ("exception", "exit", "kill", "hang", "sigterm", *DAMAGES)
"""What must change no bit of the weights."""
KILL_EVERY_S = 300.0
MOST_REQUESTS = 10
"""Times that a run asked to end is started again."""


@dataclass(frozen=True)
class Done:
    """A sequence and what came of it."""

    faults: tuple[str, ...]
    run: RunFolder
    cause: str
    seconds: float
    restart_seconds: list[float]

    @property
    def must_be_equal(self) -> bool:
        return all(fault.split("@")[0] in HARMLESS for fault in self.faults)


def sequence(generator: random.Random, steps: int, most: int) -> tuple[str, ...]:
    """One to `most` faults, in the order of their steps."""
    faults: list[tuple[int, str]] = []
    for _ in range(generator.randint(1, most)):
        kind, step = generator.choice(KINDS), generator.randint(1, steps)
        if kind in DAMAGES:
            if any(other in DAMAGES for _, other in faults):
                continue
            step = generator.randint(
                CHECKPOINT_EVERY + 1, max(CHECKPOINT_EVERY + 1, steps - CHECKPOINT_EVERY)
            )
        faults.append((step, kind))
    return tuple(f"{kind}@{step}" for step, kind in sorted(faults))


def trained(runs: Path, faults: Sequence[str], steps: int, hang_s: int) -> Done:
    """A run to its end; asked to end, the same command goes on with it."""
    changes = [
        f"train.max_steps={steps}",
        f"train.validate_every={3 * CHECKPOINT_EVERY}",
        f"train.checkpoint_every={CHECKPOINT_EVERY}",
        f"supervisor.progress_timeout_s={hang_s}",
        "supervisor.backoff_s=0.1",
    ]
    command = [sys.executable, "-m", "smart_tuner.cli", "train", "--preset=debug", "--no-services", "--quiet"]
    command += [f"--runs-folder={runs}", "--device=cpu", *(f"--set={change}" for change in changes)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    began, inject = time.perf_counter(), [f"--inject={','.join(faults)}"] if faults else []
    for _ in range(MOST_REQUESTS):
        ended = subprocess.run([*command, *inject], env=environment, capture_output=True, check=False)
        inject = []
        if ended.returncode != ExitCause.TERMINATED.code:
            break
    seconds = time.perf_counter() - began
    run = list_runs(runs)[-1]
    outcome = run.outcome()
    return Done(tuple(faults), run, outcome.cause.value if outcome else "none", seconds, restart_costs(run))


def restart_costs(run: RunFolder) -> list[float]:
    """For each attempt that crashed: seconds from its last step until the next new one was made."""
    costs, reached, last, waiting = [], 0, 0.0, False
    for stamped in read_events(run.events_file)[0]:
        event = stamped.event
        if isinstance(event, RestartEvent):
            waiting = event.cause == ExitCause.CRASHED.value and reached > 0
        elif isinstance(event, StepEvent) and event.step > reached:
            if waiting:
                costs.append(stamped.time - last)
            reached, last, waiting = event.step, stamped.time, False
    return costs


def weights(run: RunFolder) -> dict[str, torch.Tensor] | None:
    """Those of the newest state that can be read; None where there is none."""
    for path in sorted(run.checkpoints_folder.glob("state-*.ckpt"), reverse=True):
        try:
            found: dict[str, torch.Tensor] = read_checkpoint(path)["model"]
        except CheckpointError:
            continue
        return found
    return None


def equal(one: Done, other: Done) -> bool:
    """The same weights, to the last bit."""
    a, b = weights(one.run), weights(other.run)
    return a is not None and b is not None and all(torch.equal(a[name], b[name]) for name in a)


def not_finite(run: RunFolder) -> int:
    """Checkpoints with a value that is no number, by their content and by their sidecars."""
    found = 0
    for path in run.checkpoints_folder.glob("*.ckpt"):
        try:
            values = read_checkpoint(path)["model"].values()
        except CheckpointError:
            continue
        told = json.loads(path.with_name(path.name + ".json").read_text())["finite"]
        found += not (told and all(bool(value.isfinite().all()) for value in values))
    return found


def report(undisturbed: Done, sequences: Sequence[Done]) -> None:
    rows, broken = [], 0
    for number, done in enumerate(sequences, start=1):
        same = ("yes" if equal(done, undisturbed) else "NO") if done.must_be_equal else "-"
        broken += same == "NO"
        lost = done.seconds - undisturbed.seconds
        rows.append([f"{number}: {' '.join(done.faults)}", done.cause, same, f"{lost:.0f}"])
    table(["faults", "end", "same weights", "lost, s"], rows, "Sequences")
    complete = sum(done.cause == ExitCause.COMPLETED.value for done in sequences)
    must = sum(done.must_be_equal for done in sequences)
    lost = [done.seconds - undisturbed.seconds for done in sequences]
    goodput = undisturbed.seconds * len(sequences) / sum(done.seconds for done in sequences)
    costs = [cost for done in sequences for cost in done.restart_seconds]
    cost = median(costs) if costs else 0.0
    rows = [
        ["sequences", len(sequences)],
        ["ended complete", complete],
        ["same weights, of those that must", f"{must - broken} of {must}"],
        ["checkpoints that are not finite", sum(not_finite(done.run) for done in sequences)],
        ["undisturbed run, s", f"{undisturbed.seconds:.1f}"],
        ["lost, mean and most, s", f"{mean(lost):.1f}, {max(lost):.1f}"],
        ["goodput", f"{goodput:.0%}"],
        ["a crash costs, median, s", f"{cost:.1f}"],
        ["goodput with a kill every 5 minutes, computed", f"{KILL_EVERY_S / (KILL_EVERY_S + cost):.1%}"],
    ]
    table(["", "figure"], rows, "Together")


def main() -> None:
    parser = arguments(__doc__, sequences=100, seed=0, most=4, steps=24, hang_s=60)
    options: argparse.Namespace = parser.parse_args()
    begin(options)
    if options.tiny:
        options.sequences, options.most, options.steps = 1, 1, 6
    generator = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder)
        trained(runs, (), options.steps, 10 * options.hang_s)  # makes corpus and features
        undisturbed = trained(runs, (), options.steps, 10 * options.hang_s)
        drawn = [sequence(generator, options.steps, options.most) for _ in range(options.sequences)]
        done = [trained(runs, faults, options.steps, options.hang_s) for faults in drawn]
        report(undisturbed, done)


if __name__ == "__main__":
    main()
