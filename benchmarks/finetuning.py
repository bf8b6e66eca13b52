"""How many updates a voice takes that begins with another one, against a voice from random weights.

    PYTHONPATH=src python benchmarks/finetuning.py --keep runs.jsonl

A base is trained on the demo corpus; then, for every seed, the same few clips of another synthetic voice are
trained on from that base and from scratch, with the same settings, until the free-running alignment of
held-out sentences reaches the goal. Given is the step of the validation at which it did. With `--bases N` the
seeds take N bases in turn. With `--keep FILE` what was trained stays, and an interrupted campaign goes on.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from measuring import arguments, begin, size, table

from tacotron2.base import read_base, write_base
from tacotron2.data.dataset import TextMelLoader
from tacotron2.data.demo import make_demo
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.events import Event, ValidationEvent
from tacotron2.hparams import LEAF_FIELD, HParams, parse_value
from tacotron2.training import BaseWeights, train

OTHER_SENTENCES = 77
"""The seed of the new voice's sentences: none that the base has read."""
Curve = list[tuple[int, float]]


def sets_of(hparams: HParams, home: Path) -> list[TextMelLoader]:
    """Training and validation utterances of a demo corpus, made once."""
    corpus = make_demo(home / "data", hparams)
    cache = FeatureCache(home / "features", hparams.audio)
    lists = (corpus.train_list, corpus.validation_list)
    return [TextMelLoader(read_list(each, corpus.folder), hparams, cache) for each in lists]


def trained(
    hparams: HParams, home: Path, folder: Path, base: BaseWeights | None, goal: float | None
) -> tuple[Curve, Path | None]:
    """Alignment at every validation, to the one that reaches the goal, and the best weights."""
    curve: Curve = []

    def note(event: Event) -> None:
        if isinstance(event, ValidationEvent):
            curve.append((event.step, event.free_running.get("attention_alignment") or 0.0))

    def reached() -> str | None:
        return "stopped" if goal is not None and curve and curve[-1][1] >= goal else None

    train_set, validation_set = sets_of(hparams, home)
    result = train(
        hparams,
        train_set,
        validation_set,
        folder,
        device="cpu",
        emit=note,
        stop_requested=reached,
        initial_weights=base,
    )
    return curve, result.best_checkpoint


def reached_at(run: dict[str, Any], goal: float) -> int | None:
    return next((step for step, value in run["curve"] if value >= goal), None)


def shown(step: int | None, most: int) -> str:
    return f"not in {most:,}" if step is None else f"{step:,}"


def report(runs: list[dict[str, Any]], goal: float, bases: int, settings: HParams) -> None:
    most = settings.train.max_steps
    by = {(run["side"], run["seed"]): run for run in runs}
    seeds = sorted({seed for side, seed in by if side == "scratch"})
    rows, shares = [], []
    for number, seed in enumerate(seeds):
        base = by["base", seeds[0] + number % bases]
        scratch, fine = by["scratch", seed], by["finetuned", seed]
        steps = reached_at(scratch, goal), reached_at(fine, goal)
        share = None if steps[1] is None else steps[1] / (steps[0] or most)
        shares.append(share)
        told = "-" if share is None else f"{'at most ' if steps[0] is None else ''}{share:.0%}"
        best = f"{max(value for _, value in base['curve']):.2f}"
        rows.append([seed, best, *(shown(step, most) for step in steps), told])
    head = ["seed", "best alignment of the base", "from scratch", "fine-tuned", "share"]
    clips = settings.demo.demo_clips
    table(head, rows, f"Updates to an alignment of {goal:g}, {clips} clips of {settings.demo.demo_voice}")
    known = [share for share in shares if share is not None]
    if known:
        print(f"Median share: {median(known):.0%} of the updates.\n")
    curves = [
        [f"{side}, seed {seed}", *(f"{value:.2f} at {step}" for step, value in thinned(by[side, seed]))]
        for side in ("scratch", "finetuned")
        for seed in seeds
    ]
    most_cells = max(len(row) for row in curves)
    table(
        ["training", *(f"{number}/{most_cells - 1}" for number in range(1, most_cells))],
        [row + ["-"] * (most_cells - len(row)) for row in curves],
        "Alignment along the way, evenly spaced validations",
    )


def thinned(run: dict[str, Any], count: int = 6) -> Curve:
    curve = run["curve"]
    places = sorted({round(number * (len(curve) - 1) / (count - 1)) for number in range(count)})
    return [curve[place] for place in places]


def main() -> None:
    parser = arguments(__doc__, seeds=3, bases=1, first_seed=1, clips=150, words_per_minute=170)
    parser.add_argument("--preset", default="probe")
    parser.add_argument("--voice", default="en-us+m3", help="that of the new recordings")
    parser.add_argument("--goal", type=float, default=0.7)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all trainings")
    parser.add_argument("--keep", type=Path, help="file of the runs made so far")
    options = parser.parse_args()
    begin(options)
    changes = dict(text.split("=", 1) for text in options.set)
    leaves = {name: parse_value(LEAF_FIELD[name], text) for name, text in changes.items()}
    both = size("debug" if options.tiny else options.preset).replace(**leaves)
    first = both.replace(validate_every=both.validate_every * 5)
    other = {"demo_voice": options.voice, "demo_words_per_minute": options.words_per_minute}
    clips = 16 if options.tiny else options.clips
    second = both.replace(**other, demo_clips=clips, demo_seed=OTHER_SENTENCES)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as temporary:
        kept = (options.keep or Path(temporary) / "runs.jsonl").absolute()
        runs = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
        home = kept.parent

        def run(side: str, seed: int, made: Callable[[], Curve]) -> None:
            if not any(each["side"] == side and each["seed"] == seed for each in runs):
                runs.append({"side": side, "seed": seed, "curve": made()})
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(runs[-1]) + "\n")

        def from_scratch(hparams: HParams, seed: int, goal: float | None, file: Path | None = None) -> Curve:
            with tempfile.TemporaryDirectory(dir=home) as folder:
                curve, best = trained(hparams.replace(seed=seed), home, Path(folder), None, goal)
                if file is not None and best is not None:
                    write_base(file, read_base(best))
            return curve

        def fine_tuned(seed: int, file: Path) -> Curve:
            with tempfile.TemporaryDirectory(dir=home) as folder:
                base = BaseWeights(file)
                return trained(second.replace(seed=seed), home, Path(folder), base, options.goal)[0]

        for number in range(1 if options.tiny else options.seeds):
            seed, base_seed = options.first_seed + number, options.first_seed + number % options.bases
            file = home / f"base-{base_seed}.ckpt"
            run("base", base_seed, partial(from_scratch, first, base_seed, None, file))
            run("finetuned", seed, partial(fine_tuned, seed, file))
            run("scratch", seed, partial(from_scratch, second, seed, options.goal))
    report(runs, options.goal, options.bases, second)


if __name__ == "__main__":
    main()
