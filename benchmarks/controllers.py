"""What early stopping, diagnosis and cures are worth, on trainings made to go wrong and on healthy ones.

    PYTHONPATH=src python benchmarks/controllers.py --seeds 20 --early 6 --keep FOLDER

Every training is a run of `smart-tuner train` with a folder of its own below FOLDER, where it stays; those
that are there are not made again, and `--processes N` makes N at a time. First, each trouble that could be
provoked, with cures and without. Then trainings of the preset with other seeds and no controller, judged
afterwards by a replay: what would have been found, and where each would have been ended. Those that came to
an alignment of 0.5 are healthy, and anything found in them is a false alarm. Then some of these seeds once
more with all controllers, compared by their test sentences; and longer trainings, in which a voice converges,
judged by a replay. At last, what a good voice scores at each r.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from measuring import ROOT, arguments, begin, table

from smart_tuner.config import Config
from smart_tuner.quality_gate import judged_figures
from smart_tuner.records import read_events
from smart_tuner.replay import replay
from smart_tuner.run_folder import RunFolder, list_runs
from tacotron2.events import CureEvent, DiagnosisEvent, RestartEvent, Stamped, ValidationEvent

HEALTHY = 0.5
"""Alignment at the end from which a training of the preset needed no help (`early_stop` of `probe`)."""
PROVOKED: dict[str, tuple[str, ...]] = {
    "never_stops": ("gate_positive_weight=0.2",),
    "stops_early": ("gate_threshold=0.05",),
    "stagnation": ("learning_rate=1e-4", "max_steps=600"),
    "instability": ("learning_rate=0.2", "max_steps=600"),
    "attention_diffuse": ("guided_attention_weight=0.5", "max_steps=900"),
    "attention_skipping": ("seed=1",),
}
CALIBRATED = (
    "max_steps=1500",
    "validate_every=250",
    "guide_loss_decay_start=600",
    "guide_loss_decay_steps=600",
)
ANEW = {"attention_failed": "another seed", "unstable": "anew at a quarter of the rate"}
LONG = ("max_steps=1200", "validate_every=100")
FIRST_LONG_SEED = 102
"""Of the trainings in which a voice converges; 101 is one whose attention skips."""
PATIENCE, GAIN = 2, 0.01
"""Validations and gain of early stopping in those: the preset's own are meant for six validations."""
FIRST_SEED = 101
"""Seeds that no setting was chosen on."""


@dataclass(frozen=True)
class Training:
    """One run of `smart-tuner train`: its folder's name, and what differs from the preset."""

    name: str
    settings: tuple[str, ...]
    cures: bool = False
    early: bool = False

    def made(self, folder: Path, preset: str) -> RunFolder:
        """The run, as it is or made now."""
        root = folder / self.name
        if not (root.is_dir() and list_runs(root)):
            said = [*self.settings, f"curing={self.cures}".lower(), f"early_stopping={self.early}".lower()]
            command = [sys.executable, "-m", "smart_tuner.cli", "train", f"--preset={preset}", "--quiet"]
            command += ["--no-services", "--device=cpu", f"--runs-folder={root}"]
            command += [part for each in said for part in ("--set", each)]
            environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
            subprocess.run(command, env=environment, capture_output=True, check=False)
        return list_runs(root)[-1]


@dataclass(frozen=True)
class Seen:
    """What is on record of a run."""

    config: Config
    stream: Sequence[Stamped]
    examined: Mapping[str, float]

    @classmethod
    def of(cls, run: RunFolder) -> Seen:
        figures = {name: value for name, value in judged_figures(run).figures.items() if value is not None}
        return cls(run.config(), read_events(run.events_file)[0], figures)

    def events(self, kind: type[Any]) -> list[Any]:
        return [stamped.event for stamped in self.stream if isinstance(stamped.event, kind)]

    @property
    def curve(self) -> list[float]:
        """Free-running alignment at each validation of the training that was examined."""
        alignments: list[float] = []
        for stamped in self.stream:
            if isinstance(stamped.event, RestartEvent) and stamped.event.resume_step is None:
                alignments = []
            elif isinstance(stamped.event, ValidationEvent):
                alignments.append(stamped.event.free_running.get("attention_alignment", 0.0))
        return alignments

    @property
    def last_step(self) -> int:
        return max((event.step for event in self.events(ValidationEvent)), default=0)

    def told(self) -> str:
        found = [f"{event.trouble} at {event.step}" for event in self.events(DiagnosisEvent)]
        return ", ".join(found) or "-"

    def tried(self) -> str:
        cures = [
            f"{event.knob} x {event.factor:g} {event.state} at {event.step}"
            for event in self.events(CureEvent)
        ]
        anew = [
            f"{ANEW.get(event.cause, event.cause)} at {event.step}" for event in self.events(RestartEvent)
        ]
        return ", ".join(cures + anew) or "-"


def provoked(kept: Mapping[str, Seen], troubles: Sequence[str]) -> None:
    rows: list[list[object]] = []
    curves: list[list[object]] = []
    for trouble in troubles:
        without, treated = kept[f"{trouble}-0"], kept[f"{trouble}-1"]
        figures = [side.examined.get("attention_alignment", 0.0) for side in (without, treated)]
        scores = [side.examined.get("quality", 0.0) for side in (without, treated)]
        said = [f"{value:.2f}" for value in (*figures, *scores)]
        rows.append([trouble, treated.told(), treated.tried(), *said])
        for name, side in (("without", without), ("with", treated)):
            curves.append([f"{trouble}, {name}", " ".join(f"{value:.2f}" for value in side.curve)])
    head = ["provoked", "found", "tried", "alignment without", "with", "quality without", "with"]
    table(head, rows, "Troubles, with cures and without")
    table(["free-running alignment", "at each validation"], curves, "Their curves")


def judged(kept: Mapping[str, Seen], seeds: Sequence[int]) -> None:
    """Trainings without controllers, and what a replay says of them."""
    rows: list[list[object]] = []
    healthy = alarms = 0
    shares, steps = [], []
    for seed in seeds:
        seen = kept[f"seed-{seed}"]
        config = replace(
            seen.config,
            early_stop=replace(seen.config.early_stop, early_stopping=True),
            cure=replace(seen.config.cure, curing=True),
        )
        result = replay(seen.stream, config)
        rows_found = [row for row in result.rows if row.controller == "diagnosis"]
        found = ", ".join(f"{row.why.phrase.name.lower()} at {row.step}" for row in rows_found if row.why)
        last = seen.curve[-1]
        healthy += last >= HEALTHY
        alarms += last >= HEALTHY and bool(rows_found)
        end = result.end.step if result.end else seen.last_step
        share = result.share if result.share is not None else 1.0
        if last >= HEALTHY:
            shares.append(share)
            steps.append(end / seen.last_step)
        rows.append([seed, f"{last:.2f}", found or "-", end, f"{share:.1%}"])
    table(["seed", "alignment at the end", "found", "would end at", "quality kept"], rows, "Healthy or not")
    print(f"{healthy} of {len(seeds)} healthy, {alarms} of them with a false alarm.")
    if shares:
        told = f"steps {median(steps):.0%} (median), quality kept {min(shares):.1%} at least"
        print(f"Of the healthy: {told}.\n")


def stopped(kept: Mapping[str, Seen], seeds: Sequence[int]) -> None:
    """The same seeds with all controllers, by their test sentences."""
    rows: list[list[object]] = []
    for seed in seeds:
        full, early = kept[f"seed-{seed}"], kept[f"early-{seed}"]
        qualities = [side.examined.get("quality", 0.0) for side in (full, early)]
        share = qualities[1] / qualities[0] if qualities[0] else 0.0
        rows.append(
            [
                seed,
                full.last_step,
                early.last_step,
                f"{qualities[0]:.3f}",
                f"{qualities[1]:.3f}",
                f"{share:.1%}",
                early.tried(),
            ]
        )
    head = ["seed", "steps, all", "steps, early", "quality, all", "quality, early", "kept", "tried"]
    table(head, rows, "With early stopping, test sentences")


def lengthened(kept: Mapping[str, Seen], seeds: Sequence[int]) -> None:
    """Long trainings, judged by a replay: where each would have been ended, and what that would have cost."""
    rows: list[list[object]] = []
    for seed in seeds:
        seen = kept[f"long-{seed}"]
        early = replace(
            seen.config.early_stop,
            early_stopping=True,
            alignment_patience_validations=PATIENCE,
            learning_patience_validations=PATIENCE,
            fine_tuning_patience_validations=PATIENCE,
            learning_min_delta=GAIN,
            fine_tuning_min_delta=GAIN,
        )
        result = replay(seen.stream, replace(seen.config, early_stop=early))
        end = result.end.step if result.end else seen.last_step
        share = 1.0 if result.share is None else result.share
        rows.append([seed, f"{seen.curve[-1]:.2f}", end, f"{end / seen.last_step:.0%}", f"{share:.1%}"])
    head = ["seed", "alignment at the end", "would end at", "steps", "quality kept"]
    table(head, rows, f"{LONG[0]}, patience {PATIENCE}, gain {GAIN}")


def calibrated(kept: Mapping[str, Seen], factors: Sequence[int], seeds: Sequence[int]) -> None:
    rows: list[list[object]] = []
    for r in factors:
        runs = [kept[f"r{r}-{seed}"] for seed in seeds]
        each = [run.examined.get("attention_alignment", 0.0) for run in runs]
        coverage = [run.examined.get("attention_coverage", 0.0) for run in runs]
        told = " ".join(f"{value:.2f}" for value in each)
        rows.append([r, f"{median(each):.2f}", told, f"{median(coverage):.2f}"])
    table(["r", "attention_alignment, median", "seeds", "coverage, median"], rows, "Good voices by r")


def main() -> None:
    parser = arguments(__doc__, seeds=20, early=6, factors=5, calibration_seeds=3, long=6, processes=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    begin(options)
    if options.tiny:
        options.seeds, options.early, options.factors, options.calibration_seeds, options.long = 1, 1, 1, 1, 1
    troubles = list(PROVOKED)[:1] if options.tiny else list(PROVOKED)
    preset = "debug" if options.tiny else "probe"
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    early, factors = seeds[: options.early], range(1, options.factors + 1)
    long = range(FIRST_LONG_SEED, FIRST_LONG_SEED + options.long)
    few = range(1, options.calibration_seeds + 1)
    wanted = [
        Training(f"{trouble}-{number}", PROVOKED[trouble], cures=bool(number))
        for trouble in troubles
        for number in (0, 1)
    ]
    wanted += [Training(f"seed-{seed}", (f"seed={seed}",)) for seed in seeds]
    wanted += [Training(f"early-{seed}", (f"seed={seed}",), True, True) for seed in early]
    wanted += [Training(f"long-{seed}", (f"seed={seed}", *LONG)) for seed in long]
    wanted += [
        Training(f"r{r}-{seed}", (f"n_frames_per_step={r}", f"seed={seed}", *CALIBRATED), True)
        for r in factors
        for seed in few
    ]
    if options.tiny:
        short = ("max_steps=4", "validate_every=2")
        wanted = [replace(each, settings=(*each.settings, *short)) for each in wanted]
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(options.processes) as pool:
        folder = options.keep or Path(temporary)
        runs = pool.map(lambda each: each.made(folder, preset), wanted)
        kept = {each.name: Seen.of(run) for each, run in zip(wanted, runs, strict=True)}
    provoked(kept, troubles)
    judged(kept, seeds)
    stopped(kept, early)
    lengthened(kept, long)
    if factors and few:
        calibrated(kept, factors, few)


if __name__ == "__main__":
    main()
