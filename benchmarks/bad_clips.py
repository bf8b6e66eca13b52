"""How many spoiled recordings the ledger finds: a training with some, and how many it lists of which kind.

    PYTHONPATH=src python benchmarks/bad_clips.py --seed 1 --percent 5
    PYTHONPATH=src python benchmarks/bad_clips.py --seed 1 --percent 0

Of the training set so many percent get each another's transcript, as many become noise, and as many lose
their second half. The preset is `probe`, on its demo corpus; `--folder` and `--preset` take recordings
instead, and `--weights` trained weights to begin with. A line of the table is a validation: clips listed, how
many of each kind were among them, and how many sound ones. All are listed here, not 20 at most.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from corpus import noise_folder
from measuring import ROOT, arguments, begin, table

from tacotron2.audio import load_audio, save_wav
from tacotron2.data.dataset import TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.source import any_corpus
from tacotron2.data.utterances import Utterance, read_list
from tacotron2.events import ClipsEvent, Event, ValidationEvent
from tacotron2.hparams import HParams
from tacotron2.schema import read_hparams
from tacotron2.training import clip_ledger, train

KINDS = ("text", "noise", "cut")
NOISE = 0.1
"""Standard deviation of the noise, of a full scale of 1."""


@dataclass
class Spoiled:
    """Which utterances were spoiled, and how."""

    utterances: list[Utterance]
    kinds: Mapping[str, str]


def spoil(utterances: Sequence[Utterance], percent: int, seed: int, folder: Path, rate: int) -> Spoiled:
    """`percent` of the utterances in each of the KINDS; changed recordings are copies below `folder`."""
    number = round(percent / 100 * len(utterances))
    chosen = random.Random(seed).sample(range(len(utterances)), len(KINDS) * number)
    swapped, noisy, cut = (chosen[place * number : (place + 1) * number] for place in range(len(KINDS)))
    result, generator = list(utterances), np.random.default_rng(seed)
    for place, other in zip(swapped, [*swapped[1:], *swapped[:1]], strict=True):
        result[place] = replace(utterances[place], text=utterances[other].text)
    for place in (*noisy, *cut):
        samples = load_audio(utterances[place].audio_path, rate)
        noise = NOISE * generator.standard_normal(len(samples))
        path = folder / f"{utterances[place].id}.wav"
        save_wav(path, noise if place in noisy else samples[: len(samples) // 2], rate)
        result[place] = replace(utterances[place], audio_path=path)
    kinds = dict.fromkeys(swapped, "text") | dict.fromkeys(noisy, "noise") | dict.fromkeys(cut, "cut")
    return Spoiled(result, {utterances[place].id: kind for place, kind in kinds.items()})


class Counted:
    """The rows of the table."""

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self._kinds = kinds
        self._clips: ClipsEvent | None = None
        self.rows: list[list[Any]] = []

    def note(self, event: Event) -> None:
        if isinstance(event, ClipsEvent):
            self._clips = event
        if isinstance(event, ValidationEvent) and self._clips is not None:
            listed = [self._kinds.get(each["id"], "sound") for each in self._clips.bad]
            alignment = event.teacher_forced.get("attention_alignment", 0.0)
            counts = [listed.count(kind) for kind in (*KINDS, "sound")]
            usual = self._clips.usual
            row = [event.step, f"{alignment:.2f}", f"{usual['alignment']:.2f}", f"{usual['loss']:.2f}"]
            self.rows.append([*row, len(listed), *counts])


def main() -> None:
    parser = arguments(__doc__, seed=1, percent=5, steps=0)
    parser.add_argument("--preset", default="probe")
    parser.add_argument("--folder", type=Path, help="recordings; without: the demo corpus")
    parser.add_argument("--language", choices=("ru", "en", "de"), default="en")
    parser.add_argument("--weights", type=Path, help="what the training begins with")
    options = parser.parse_args()
    begin(options)
    if options.tiny:
        options.preset, options.percent = "debug", 10
    hparams = read_hparams(ROOT / "configs" / f"{options.preset}.yaml")
    hparams = hparams.replace(seed=options.seed, language=options.language)
    if options.steps:
        hparams = hparams.replace(max_steps=options.steps)
    clip_ledger.MOST_LISTED = 10**6
    with tempfile.TemporaryDirectory(prefix="benchmark-") as temporary:
        if options.tiny:
            options.folder = noise_folder(hparams, Path(temporary) / "noise")
        sets, spoiled = spoiled_sets(hparams, options, Path(temporary))
        counted = Counted(spoiled.kinds)
        train(
            hparams, *sets, Path(temporary), device="cpu", emit=counted.note, initial_weights=options.weights
        )
    number = len(spoiled.kinds) // len(KINDS)
    head = ["step", "alignment", "usual clip", "usual loss", "listed", *KINDS, "sound"]
    table(head, counted.rows, f"{number} of each kind among {len(sets[0])} utterances")


def spoiled_sets(hparams: HParams, options: Any, home: Path) -> tuple[list[TextMelLoader], Spoiled]:
    """The training set with spoiled utterances, and the validation set as it is."""
    corpus = any_corpus(options.folder, home, hparams, lambda done, total: None)
    lists = {name: read_list(corpus.list_path(name), corpus.folder) for name in ("train", "validation")}
    rate = hparams.audio.sampling_rate
    spoiled = spoil(lists["train"], options.percent, options.seed, home / "spoiled", rate)
    cache = FeatureCache(home / "features", hparams.audio)
    both = [spoiled.utterances, lists["validation"]]
    cache.prepare([each for utterances in both for each in utterances], lambda done, total: None)
    return [TextMelLoader(utterances, hparams, cache) for utterances in both], spoiled


if __name__ == "__main__":
    main()
