"""Whether tuning was worth it: a study's best settings against the preset's, on sentences no trial saw.

    PYTHONPATH=src python benchmarks/tuned.py --study runs/studies/NAME/study.json --set test_clips=64

What the best trial of the study was given takes the place of the preset's values, also of another preset's.
Both sides train as long (the same utterances seen), with the same new seeds, and their best weights speak the
test set, free running. A seed is a pair: printed are both sides and the difference with its 95 % interval
(Student's t). `--longer N` adds one training of the preset with N times the work, as what a study has cost
could have been spent. With `--keep FILE` what was trained stays, and several processes may share the seeds.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import torch
from measuring import arguments, begin, size, table

from smart_tuner.config import load_config
from smart_tuner.objective import ObjectiveError, judge
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.settings import GateSettings, TuningSettings
from tacotron2.checkpoint import load_model
from tacotron2.data.dataset import TextMelLoader
from tacotron2.data.demo import make_demo
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.evaluation import free_running, teacher_forced
from tacotron2.events import Event, ValidationEvent
from tacotron2.hparams import LEAF_FIELD, HParams, parse_value
from tacotron2.training import train

FIRST_SEED = 101
"""Seeds that no study uses."""
FIGURES = ("score", "attention_alignment", "mcd_dtw_db", "stop_score", "val_loss")
T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 8: 2.36, 10: 2.26}
"""Student's t for 95 % on both sides, by the number of pairs."""
ALIGNED = 0.4


def sets_of(hparams: HParams, home: Path) -> list[TextMelLoader]:
    """Training, validation and test utterances of the demo corpus, made once."""
    corpus = make_demo(home / "data", hparams)
    cache = FeatureCache(home / "features", hparams.audio)
    lists = (corpus.train_list, corpus.validation_list, corpus.test_list)
    return [TextMelLoader(read_list(each, corpus.folder), hparams, cache) for each in lists]


def trained(hparams: HParams, home: Path) -> dict[str, Any]:
    """One training, and the figures of its best weights on the test set."""
    events: list[Event] = []
    train_set, validation_set, test_set = sets_of(hparams, home)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=home) as folder:
        result = train(hparams, train_set, validation_set, Path(folder), device="cpu", emit=events.append)
        seconds = time.perf_counter() - began
        figures = tested(result.best_checkpoint, test_set, hparams) if result.best_checkpoint else {}
    curve = [
        (event.step * hparams.train.batch_size, event.free_running.get("attention_alignment"))
        for event in events
        if isinstance(event, ValidationEvent)
    ]
    aligned = next((work for work, value in curve if value is not None and value > ALIGNED), None)
    return {"figures": figures, "seconds": round(seconds, 1), "aligned_at": aligned}


@torch.no_grad()
def tested(checkpoint: Path, test_set: TextMelLoader, hparams: HParams) -> dict[str, float]:
    """The objective and its parts over the test set."""
    model = load_model(checkpoint).eval()
    items = [test_set[index] for index in range(len(test_set))]
    free = free_running(model, items, hparams.train.batch_size).figures
    forced = teacher_forced(model, items, hparams.train.batch_size).figures
    try:
        score = judge(ValidationEvent(0, forced, free, 0.0), TuningSettings(), GateSettings()).value
    except ObjectiveError:
        score = 0.0
    return {**free, **forced, "score": score}


def best_params(study: Path) -> dict[str, Any]:
    """What the best trial was given."""
    record = json.loads(study.read_text(encoding="utf-8"))
    params: dict[str, Any] = record["trials"][record["best"]]["params"]
    return params


def values(runs: Iterable[dict[str, Any]], name: str) -> list[float]:
    return [float(run["figures"].get(name, math.nan)) for run in runs]


def interval(differences: list[float]) -> str:
    """Mean with its 95 % interval."""
    count = len(differences)
    if count not in T_95:
        return f"{mean(differences):+.3f}"
    half = T_95[count] * stdev(differences) / math.sqrt(count)
    return f"{mean(differences):+.3f} ({mean(differences) - half:+.3f} to {mean(differences) + half:+.3f})"


def report(runs: dict[str, list[dict[str, Any]]], title: str) -> None:
    preset, best = runs["preset"], runs["best"]
    rows = []
    for name in FIGURES:
        pairs = list(zip(values(preset, name), values(best, name), strict=True))
        row = [name, *(f"{median(side):.3f}" for side in zip(*pairs, strict=True))]
        rows.append([*row, interval([after - before for before, after in pairs])])
    seconds = [median(run["seconds"] for run in side) for side in (preset, best)]
    rows.append(
        ["seconds of training", *(f"{each:.0f}" for each in seconds), f"x {seconds[1] / seconds[0]:.2f}"]
    )
    table(["figure", "preset, median", "best, median", "difference of pairs"], rows, title)
    head = ["seed", *(f"{side} {name}" for name in ("score", "alignment") for side in ("preset", "best"))]
    seeds = [
        [
            run["key"]["seed"],
            *(
                f"{each['figures'].get(name, math.nan):.3f}"
                for name in ("score", "attention_alignment")
                for each in (run, other)
            ),
        ]
        for run, other in zip(preset, best, strict=True)
    ]
    table(head, seeds, "Seeds")
    for run in runs["longer"]:
        told = ", ".join(f"{name} {run['figures'].get(name, math.nan):.3f}" for name in FIGURES)
        work = f"{run['key']['longer']} times the work"
        print(f"The preset with {work}, one seed: {told}; {run['seconds']:.0f} s.\n")


def lengthened(hparams: HParams, times: int) -> HParams:
    """The same training, every length of it multiplied; validations stay as far apart."""
    train_settings = hparams.train
    return hparams.replace(
        max_steps=train_settings.max_steps * times,
        learning_rate_decay_start=train_settings.learning_rate_decay_start * times,
        max_train_minutes=0.0,
    )


def main() -> None:
    parser = arguments(__doc__, seeds=5, first_seed=FIRST_SEED, longer=0)
    parser.add_argument("--study", type=Path, help="study.json of a study")
    parser.add_argument("--preset", default="probe")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for both sides")
    parser.add_argument("--keep", type=Path, help="file of the runs made so far")
    options = parser.parse_args()
    begin(options)
    changes = dict(text.split("=", 1) for text in options.set)
    leaves = {name: parse_value(LEAF_FIELD[name], text) for name, text in changes.items()}
    name = "debug" if options.tiny else options.preset
    base = size(name).replace(**leaves)
    best = base
    if options.study:
        best = SearchSpace.of(load_config(name)).apply(base, best_params(options.study))
    sides = {"preset": base, "best": best}
    seeds = range(options.first_seed, options.first_seed + (2 if options.tiny else options.seeds))
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        kept = (options.keep or Path(folder) / "runs.jsonl").absolute()
        made = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []

        def run(hparams: HParams, **key: Any) -> dict[str, Any]:
            known = next((each for each in made if each["key"] == key), None)
            if known is None:
                known = {"key": key} | trained(hparams, kept.parent)
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(known) + "\n")
            return known

        runs: dict[str, list[dict[str, Any]]] = {"preset": [], "best": [], "longer": []}
        for seed in seeds:
            for side, hparams in sides.items():
                runs[side].append(run(hparams.replace(seed=seed), preset=name, side=side, seed=seed))
        if options.longer:
            longer = lengthened(base, options.longer).replace(seed=FIRST_SEED)
            key = {"preset": name, "side": "longer", "seed": FIRST_SEED, "longer": options.longer}
            runs["longer"].append(run(longer, **key))
    report(runs, f"{name}: best against preset, {len(runs['best'])} seeds, {base.test_clips} test sentences")


if __name__ == "__main__":
    main()
