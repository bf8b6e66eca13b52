"""What settings are worth: trainings on the demo corpus that differ in a few keys alone, several seeds each.

    PYTHONPATH=src python benchmarks/settings.py parts --preset probe --seeds 3 --keep RUNS.jsonl
    PYTHONPATH=src python benchmarks/settings.py rates --preset demo --seeds 1 --set max_steps=1000

`parts` are the auxiliary parts of the model, each added to the preset (or taken from it), `rates` the
learning rates between which the report contradicts itself. `aligned` is the first validation whose
free-running attention_alignment is above 0.4, `at best` are figures of the free-running validation of the
weights that the training itself chose. A step costs what it costs beside the first variant. Runs that
`--keep` already holds are not made again.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from measuring import arguments, begin, size, table
from torch import Tensor

from tacotron2.checkpoint import load_model
from tacotron2.data.dataset import TextMelCollate, TextMelLoader
from tacotron2.data.demo import make_demo
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.events import Event, StepEvent, ValidationEvent
from tacotron2.hparams import LEAF_FIELD, HParams, parse_value
from tacotron2.losses import Tacotron2Loss
from tacotron2.training import train

Runs = dict[str, list[dict[str, Any]]]
ALIGNED = 0.4
TINY_VARIANTS = ("plain", "MMI, GAF")
ALL = {"use_gst": True, "use_mmi": True, "drop_frame_rate": 0.01, "use_ddc": True}
VARIANTS: dict[str, dict[str, dict[str, Any]]] = {
    "parts": {
        "plain": {},
        "no guided attention": {"guided_attention_weight": 0.0},
        "drop-frame 0.01": {"drop_frame_rate": 0.01},
        "drop-frame 0.1": {"drop_frame_rate": 0.1},
        "MMI, GAF": {"use_mmi": True},
        "MMI without GAF": {"use_mmi": True, "use_gaf": False},
        "DDC": {"use_ddc": True},
        "GST, TPSE": {"use_gst": True},
        "all of the report": ALL,
        "location-relative": {"attention": "location-relative"},
    },
    "rates": {rate: {"learning_rate": float(rate), "warmup_steps": 0} for rate in ("1e-3", "1e-4", "5e-6")},
}


def sets_of(hparams: HParams, home: Path) -> tuple[TextMelLoader, TextMelLoader]:
    """The demo corpus, made once: training and validation."""
    corpus = make_demo(home / "data", hparams)
    cache = FeatureCache(home / "features", hparams.audio)
    first, second = (
        TextMelLoader(read_list(listed, corpus.folder), hparams, cache)
        for listed in (corpus.train_list, corpus.validation_list)
    )
    return first, second


def shuffled(clips: TextMelLoader) -> list[tuple[int, int]]:
    """Pairs of utterances with texts of the same length, each with the next of its length."""
    by_length: dict[int, list[int]] = {}
    for index, length in enumerate(clips.text_lengths):
        by_length.setdefault(length, []).append(index)
    return [
        (index, group[(place + 1) % len(group)])
        for group in by_length.values()
        if len(group) > 1
        for place, index in enumerate(group)
    ]


@torch.no_grad()
def recognition(checkpoint: Path, clips: TextMelLoader, hparams: HParams) -> dict[str, float]:
    """CTC in nats per symbol: of the utterances' own texts, of others' in the place of what is to be
    recognised, and of others' that are read as well."""
    model, criterion, pairs = load_model(checkpoint).eval(), Tacotron2Loss(hparams), shuffled(clips)
    collate = TextMelCollate(model.r)
    own = collate([clips[index] for index, _ in pairs])
    other = collate([clips[index] for _, index in pairs]).text

    def nats(read: Tensor, recognised: Tensor) -> float:
        output = model(read, own.text_lengths, own.mel, own.mel_lengths)
        return float(criterion(output, replace(own, text=recognised), 0.0).auxiliary["mmi"])

    return {
        "own": nats(own.text, own.text),
        "recognised": nats(own.text, other),
        "read": nats(other, other),
        "utterances": len(pairs),
    }


def trained(hparams: HParams, home: Path) -> dict[str, Any]:
    """One training, and what is kept of it."""
    events: list[Event] = []
    train_set, validation_set = sets_of(hparams, home)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        result = train(hparams, train_set, validation_set, Path(folder), device="cpu", emit=events.append)
        best = result.best_checkpoint
        heard = recognition(best, validation_set, hparams) if best and hparams.model.use_mmi else None
    judged = [event for event in events if isinstance(event, ValidationEvent)]
    steps = [event.step_seconds for event in events if isinstance(event, StepEvent)]
    return {
        "curve": [[event.step, event.free_running.get("attention_alignment")] for event in judged],
        "best": max(judged, key=lambda event: event.quality or -math.inf).free_running,
        "val_loss": judged[-1].teacher_forced["val_loss"],
        "step_seconds": median(steps[len(steps) // 5 :]),
        "heard": heard,
    }


def aligned_at(run: dict[str, Any]) -> float:
    """The step of the first validation above the bar, or infinity."""
    return next((step for step, value in run["curve"] if value is not None and value > ALIGNED), math.inf)


def spread(values: Iterable[float], form: str) -> str:
    """Median with the smallest and the largest."""
    known = sorted(values)
    if len(known) == 1:
        return format(known[0], form)
    return f"{median(known):{form}} ({known[0]:{form}}-{known[-1]:{form}})"


def row(name: str, runs: list[dict[str, Any]], first: list[dict[str, Any]]) -> list[str]:
    ratios = [run["step_seconds"] / base["step_seconds"] for run, base in zip(runs, first, strict=False)]
    return [
        name,
        str(len(runs)),
        spread(map(aligned_at, runs), ".0f"),
        spread((run["best"]["attention_alignment"] for run in runs), ".3f"),
        spread((run["best"].get("mcd_dtw_db", math.nan) for run in runs), ".1f"),
        spread((run["val_loss"] for run in runs), ".2f"),
        spread(ratios, ".2f"),
    ]


HEAD = ["settings", "runs", "aligned", "alignment at best", "mcd at best, dB", "last val_loss", "step cost"]


def report(variants: Iterable[str], runs: Runs, title: str) -> None:
    first = runs[next(iter(variants))]
    table(HEAD, [row(name, runs[name], first) for name in variants if runs[name]], title)
    steps = [str(step) for step, _ in first[0]["curve"]]
    curves = [
        [
            name,
            *(
                spread((value or 0.0 for _, value in validations), ".2f")
                for validations in zip(*(run["curve"] for run in runs[name]), strict=True)
            ),
        ]
        for name in variants
        if runs[name]
    ]
    table(["settings", *steps], curves, "Free-running attention_alignment by step")
    heard = [
        [
            name,
            run["heard"]["utterances"],
            *(f"{run['heard'][key]:.3f}" for key in ("own", "recognised", "read")),
        ]
        for name in variants
        for run in runs[name]
        if run["heard"]
    ]
    if heard:
        head = ["settings", "utterances", "own texts", "others to recognise", "others to read too"]
        table(head, heard, "CTC of the recogniser, nats per symbol, held-out utterances")


def make_runs(base: HParams, variants: dict[str, Any], key: dict[str, Any], seeds: int, kept: Path) -> Runs:
    """Every variant with every seed, the variants in turn; what the file holds already is taken from it."""
    made = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    runs: Runs = {name: [] for name in variants}
    for seed in range(1, seeds + 1):
        for name, variant in variants.items():
            wanted = key | {"variant": name, "seed": seed}
            run = next((run for run in made if run["key"] == wanted), None)
            if run is None:
                run = {"key": wanted} | trained(base.replace(**variant, seed=seed), kept.parent)
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(run) + "\n")
            runs[name].append(run)
    return runs


def main() -> None:
    parser = arguments(__doc__, seeds=3)
    parser.add_argument("variants", choices=VARIANTS, nargs="?", default="parts")
    parser.add_argument("--preset", default="probe")
    parser.add_argument("--only", action="append", metavar="NAME", help="these variants alone")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all variants")
    parser.add_argument("--keep", type=Path, help="file of the runs made so far")
    options = parser.parse_args()
    begin(options)
    only, seeds = (TINY_VARIANTS, 1) if options.tiny else (options.only, options.seeds)
    changes = dict(text.split("=", 1) for text in options.set)
    values = {name: parse_value(LEAF_FIELD[name], text) for name, text in changes.items()}
    base = size("debug" if options.tiny else options.preset).replace(**values)
    variants = {k: v for k, v in VARIANTS[options.variants].items() if not only or k in only}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        kept = options.keep or Path(name) / "runs.jsonl"
        key = {"preset": options.preset, "set": changes}
        runs = make_runs(base, variants, key, seeds, kept.absolute())
    report(variants, runs, f"{options.preset}, {base.train.max_steps} steps, {seeds} seeds")


if __name__ == "__main__":
    main()
