"""The data: how much of a batch is padding, what that costs in randomness, and how long training waits.

    TACOTRON2_LJSPEECH=FOLDER PYTHONPATH=src python benchmarks/data_path.py --steps 20

Padding is the share of a batch's mel frames that are not an utterance's own, over all batches of some epochs.
`met again` is the share of an utterance's neighbours in a batch that were its neighbours in the epoch before:
1 where batches never change. Waiting is the share of the time of training steps spent on the next batch, as
every run records it (`data_wait_share`).
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from corpus import all_clips, noise_folder
from measuring import arguments, begin, size, table

from tacotron2.data.dataset import TextMelLoader
from tacotron2.data.sampler import LengthBatchSampler
from tacotron2.hparams import HParams
from tacotron2.training.meter import Meter
from tacotron2.training.trainer import Trainer

POOLS = (1, 2, 4, 8, 16)
EPOCHS = 20


def epochs_of(lengths: Sequence[int], batch_size: int, pool: int) -> list[list[list[int]]]:
    sampler = LengthBatchSampler(lengths, batch_size, pool, seed=0)
    return [list(sampler) for _ in range(EPOCHS)]


def padding(lengths: Sequence[int], epochs: list[list[list[int]]]) -> float:
    batches = [[lengths[index] for index in batch] for epoch in epochs for batch in epoch]
    return 1.0 - sum(map(sum, batches)) / sum(len(batch) * max(batch) for batch in batches)


def met_again(epochs: list[list[list[int]]]) -> float:
    """Pairs of neighbours that were neighbours in the epoch before, as a share."""
    pairs = [
        {(a, b) for batch in epoch for a in batch for b in batch if a < b}
        for epoch in epochs
    ]  # fmt: skip
    again = sum(len(one & other) for one, other in itertools.pairwise(pairs))
    return again / max(1, sum(map(len, pairs[1:])))


def describe_padding(lengths: Sequence[int], batch_size: int, default: int) -> None:
    rows = []
    for pool in POOLS:
        epochs = epochs_of(lengths, batch_size, pool)
        mark = " (default)" if pool == default else ""
        rows.append([f"{pool}{mark}", f"{padding(lengths, epochs):.1%}", f"{met_again(epochs):.2f}"])
    title = f"Padding: {len(lengths)} clips in batches of {batch_size}"
    table(["data.bucket_batches", "padding", "met again"], rows, title)


def wait(hparams: HParams, clips: TextMelLoader, folder: Path, steps: int) -> list[str]:
    """Trains some steps, the first not counted."""
    trainer, meter = Trainer(hparams, clips, clips, folder, "cpu"), Meter()
    batches = trainer.batches()
    trainer.step(next(batches), Meter())
    began, waited = time.perf_counter(), 0.0
    for _ in range(steps):
        asked = time.perf_counter()
        batch = next(batches)
        waited += time.perf_counter() - asked
        trainer.step(batch, meter)
    seconds = time.perf_counter() - began
    return [f"{waited / seconds:.2%}", f"{meter.num_frames / seconds:.0f}"]


def main() -> None:
    parser = arguments(__doc__, batch=8, steps=20)
    parser.add_argument("--data", type=Path, default=os.environ.get("TACOTRON2_LJSPEECH") or None)
    parser.add_argument("--model", default="demo", help="28 M, or a preset: the larger, the less it waits")
    options = parser.parse_args()
    begin(options)
    if options.data is None and not options.tiny:
        parser.error("name a folder of recordings with --data or in TACOTRON2_LJSPEECH")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        home = Path(name)
        hparams = size("tiny" if options.tiny else options.model)
        hparams = hparams.replace(batch_size=options.batch, accumulation_steps=1, max_seconds=15.0)
        folder = noise_folder(hparams, home / "noise") if options.tiny else options.data
        began = time.perf_counter()
        clips = all_clips(folder, hparams, home)
        first = time.perf_counter() - began
        began = time.perf_counter()
        all_clips(folder, hparams, home)
        again = time.perf_counter() - began
        print(f"Features of {len(clips)} clips: {first:.2f} s when made, {again:.2f} s from the cache.\n")
        describe_padding(clips.lengths, options.batch, hparams.data.bucket_batches)
        rows = []
        for workers in (0, 2):
            torch.manual_seed(0)
            chosen = hparams.replace(num_workers=workers)
            rows.append([workers, *wait(chosen, clips, home, 1 if options.tiny else options.steps)])
        table(["data.num_workers", "waiting", "valid frames/s"], rows, "Waiting for data")


if __name__ == "__main__":
    main()
