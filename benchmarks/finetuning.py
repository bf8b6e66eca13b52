"""How many updates a voice takes that begins with another one, against a voice from random weights.

    PYTHONPATH=src python benchmarks/finetuning.py --set max_steps=500 --set validate_every=20

A base is trained on the demo corpus. Then, for every seed, the same few clips of another synthetic voice are
trained on from random weights, from the base, and from the base in other ways, all with the same settings.
Given are the step of the first validation that reaches the goal, and how good the held-out sentences become.
With `--keep FILE` what was trained stays, and an interrupted campaign goes on.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from measuring import arguments, begin, size, table

from tacotron2.base import read_base, write_base
from tacotron2.data.dataset import TextMelLoader, mel_statistics
from tacotron2.data.demo import make_demo
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.events import Event, ValidationEvent
from tacotron2.hparams import LEAF_FIELD, HParams, parse_value
from tacotron2.models import Tacotron2
from tacotron2.training import BaseWeights, train, validate
from tacotron2.training.initial_weights import begin_with

OTHER_SENTENCES = 77
"""The seed of the new voice's sentences: none that the base has read."""
SHARE = 0.4
"""Of the updates from random weights, those that a fine-tuning is given."""
FIGURES = {"attention_alignment": "alignment", "val_loss": "val_loss", "mcd_dtw_db": "mcd_dtw_db"}
Sets = tuple[TextMelLoader, TextMelLoader]


@dataclass(frozen=True)
class Way:
    """How the new voice is trained."""

    begins: bool = True
    statistics: str = "auto"
    changes: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "fine-tuned": Way(),
    "from scratch": Way(begins=False),
    "statistics of the base": Way(statistics="base"),
    "a tenth of the rate": Way(changes={"learning_rate": 4e-4}),
    "encoder frozen": Way(changes={"freeze": "embedding,encoder"}),
}


def sets_of(hparams: HParams, home: Path) -> Sets:
    """Training and validation utterances of a demo corpus, made once."""
    corpus = make_demo(home / "data", hparams)
    cache = FeatureCache(home / "features", hparams.audio)
    lists = (corpus.train_list, corpus.validation_list)
    one, other = (TextMelLoader(read_list(each, corpus.folder), hparams, cache) for each in lists)
    return one, other


def row_of(step: int, forced: dict[str, float], free: dict[str, float]) -> list[float | None]:
    figures = {**forced, **free}
    return [step, *(figures.get(name) for name in FIGURES)]


def trained(
    hparams: HParams, home: Path, folder: Path, base: BaseWeights | None, last: int
) -> tuple[list[Any], Path | None]:
    """The figures of every validation, that of the beginning first, and the best weights."""
    sets, curve = sets_of(hparams, home), []

    def note(event: Event) -> None:
        if isinstance(event, ValidationEvent):
            curve.append(row_of(event.step, dict(event.teacher_forced), dict(event.free_running)))

    def reached() -> str | None:
        return "stopped" if curve and curve[-1][0] >= last else None

    if base is not None:
        model = Tacotron2(hparams)
        model.set_mel_statistics(*mel_statistics(sets[0]))
        begin_with(model, base)
        found = validate(model, sets[1], hparams)
        curve.append(row_of(0, dict(found.teacher_forced.figures), dict(found.free_running.figures)))
    result = train(
        hparams,
        *sets,
        folder,
        device="cpu",
        emit=note,
        stop_requested=reached,
        initial_weights=base,
    )
    return curve, result.best_checkpoint


def first_at(curve: list[Any], column: int, bar: float, rising: bool) -> int | None:
    """The step of the first validation at the bar or beyond it."""
    for row in curve:
        value = row[column]
        if value is not None and (value >= bar if rising else value <= bar):
            return int(row[0])
    return None


def shown(step: int | None, most: int) -> str:
    return f"not in {most:,}" if step is None else f"{step:,}"


def number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def report(runs: dict[tuple[str, int], list[Any]], goal: float, settings: HParams) -> None:
    most, demo = settings.train.max_steps, settings.demo
    seeds = sorted({seed for way, seed in runs if way == "from scratch"})
    rows, shares = [], []
    for seed in seeds:
        scratch, fine = runs["from scratch", seed], runs["fine-tuned", seed]
        steps = [first_at(curve, 1, goal, True) for curve in (scratch, fine)]
        level = scratch[-1][2]  # what it has learned of the voice by its end
        sounds = first_at(fine, 2, level, False)
        shares.append(None if sounds is None else sounds / most)
        told = "-" if shares[-1] is None else f"{shares[-1]:.0%}"
        last = int(fine[-1][0])
        lowest = f"{min(row[1] for row in fine):.2f}"
        rows.append(
            [
                seed,
                shown(steps[0], most),
                shown(steps[1], last),
                lowest,
                f"{level:.2f}",
                shown(sounds, last),
                told,
            ]
        )
    head = [
        "seed",
        "from scratch",
        "fine-tuned",
        "its lowest alignment",
        f"val_loss from scratch at {most}",
        "reached fine-tuned at",
        "share",
    ]
    clips = f"{demo.demo_clips} clips of {demo.demo_voice}, {demo.demo_words_per_minute} words a minute"
    table(head, rows, f"Updates to an alignment of {goal:g}, {clips}")
    known = [share for share in shares if share is not None]
    if known:
        print(f"Median share of the updates to the same val_loss: {median(known):.0%}.\n")
    for column, (name, digits) in enumerate({"alignment": 2, "val_loss": 2, "mcd_dtw_db": 1}.items(), 1):
        curve_table(runs, seeds, column, name, digits)


def curve_table(
    runs: dict[tuple[str, int], list[Any]], seeds: list[int], column: int, name: str, digits: int
) -> None:
    """One figure of every way along the updates, median of the seeds."""
    scratch = {int(row[0]) for seed in seeds for row in runs["from scratch", seed]}
    fine = {int(row[0]) for seed in seeds for row in runs["fine-tuned", seed]}
    last, both = max(fine), sorted(scratch & fine)
    after = sorted(step for step in scratch if step > last)
    steps = [min(fine), *both[:: max(1, len(both) // 5)], *after[:: max(1, len(after) // 3)]]
    rows = []
    for way in WAYS:
        curves = [runs[way, seed] for seed in seeds if (way, seed) in runs]
        cells = []
        for step in steps:
            found = [row[column] for curve in curves for row in curve if row[0] == step]
            known = [value for value in found if value is not None]
            cells.append(number(median(known) if known else None, digits))
        if curves:
            rows.append([f"{way}, {len(curves)} seeds", *cells])
    table(["way", *(f"step {step}" for step in steps)], rows, f"{name}, median of the seeds")


def main() -> None:
    parser = arguments(__doc__, seeds=3, first_seed=1, clips=150, words_per_minute=170, base_steps=1200)
    parser.add_argument("--preset", default="probe")
    parser.add_argument("--voice", default="en-us+m3", help="that of the new recordings")
    parser.add_argument("--goal", type=float, default=0.7)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all trainings")
    parser.add_argument("--keep", type=Path, help="file of the runs made so far")
    options = parser.parse_args()
    begin(options)
    changes = dict(text.split("=", 1) for text in options.set)
    leaves = {name: parse_value(LEAF_FIELD[name], text) for name, text in changes.items()}
    both = size("debug" if options.tiny else options.preset).replace(**leaves, report_every=0)
    clips, seeds = (16, 1) if options.tiny else (options.clips, options.seeds)
    base_steps = both.max_steps if options.tiny else options.base_steps
    first = both.replace(max_steps=base_steps, validate_every=max(1, base_steps // 12))
    other = {"demo_voice": options.voice, "demo_words_per_minute": options.words_per_minute}
    second = both.replace(**other, demo_clips=clips, demo_seed=OTHER_SENTENCES)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as temporary:
        kept = (options.keep or Path(temporary) / "runs.jsonl").absolute()
        made = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
        runs = {(each["way"], each["seed"]): each["curve"] for each in made}
        home, file = kept.parent, kept.parent / "base.ckpt"

        def keep(way: str, seed: int, hparams: HParams, base: BaseWeights | None, last: int) -> Path | None:
            if (way, seed) in runs:
                return None
            with tempfile.TemporaryDirectory(dir=home) as folder:
                curve, best = trained(hparams.replace(seed=seed), home, Path(folder), base, last)
                if way == "base" and best is not None:
                    write_base(file, read_base(best))
            runs[way, seed] = curve
            with kept.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"way": way, "seed": seed, "curve": curve}) + "\n")
            return best

        keep("base", options.first_seed, first, None, base_steps)
        for ways in (list(WAYS)[:2], list(WAYS)[2:]):  # what the proof needs comes first
            for seed in range(options.first_seed, options.first_seed + seeds):
                for name in ways:
                    way, last = WAYS[name], both.max_steps
                    hparams, base = second.replace(**way.changes), None
                    if way.begins:
                        base, last = BaseWeights(file, way.statistics), max(1, round(SHARE * last))
                        hparams = hparams.replace(validate_every=max(1, both.validate_every // 2))
                    keep(name, seed, hparams, base, last)
    report(runs, options.goal, second)


if __name__ == "__main__":
    main()
