"""A whole training step, from utterances in memory to new weights: fast against naive, fp32 against bf16.

    PYTHONPATH=src python benchmarks/train_step.py --threads 2 --pairs 3

`algorithm` is naive / fast, both in float32; `precision` is float32 / bf16 autocast, both fast; `default` is
naive in float32 / fast in the arithmetic that `train.precision: auto` takes here. The second table is the
demo's step against its own products, each alone and warm at its own shape.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from statistics import median

import torch
from corpus import noise_items
from measuring import Clock, Products, arguments, begin, in_turn, milliseconds, peak_mb, ratio, size, table
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from tacotron2.data.dataset import Batch, TextMelCollate
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.training.devices import make_fabric

SHOWN_PRODUCTS = 12


class Training:
    """A model, its optimiser and a batch's utterances."""

    def __init__(self, hparams: HParams, batch: int, symbols: int, frames: int, device: str = "cpu") -> None:
        self.items = noise_items(hparams, batch, symbols, frames)
        self.model = Tacotron2(hparams).to(device)
        self.hparams, self.criterion = hparams, Tacotron2Loss(hparams).to(device)
        self.collate, self.device = TextMelCollate(hparams.model.n_frames_per_step), device
        # On a card one kernel, and nothing read back, so that a CUDA graph can record it.
        fused = {"fused": True, "capturable": True} if device == "cuda" else {}
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-6, **fused)
        self.frames = sum(len(item.mel) for item in self.items)

    def step(self, naive: bool = False, bf16: bool = False) -> None:
        """Padding, forward, loss, backward, clipping, AdamW."""
        self.update(self.collate(self.items).to(self.device), naive, bf16)

    def update(self, batch: Batch, naive: bool = False, bf16: bool = False) -> Tensor:
        """The same from a batch that is on the device; the loss."""
        follow(self.model, naive)
        with torch.autocast(self.device, torch.bfloat16) if bf16 else nullcontext():
            output = self.model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
        loss = self.criterion(output, batch, 1.0).total
        loss.backward()
        clip_grad_norm_(self.model.parameters(), self.hparams.train.grad_clip_thresh)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()


def follow(model: Tacotron2, naive: bool) -> None:
    """Lets the decoders go the paper's loop, or their usual way."""
    for decoder in (model.decoder, model.decoder_secondary):
        if decoder is not None and naive:
            decoder.forward = decoder.decode_stepwise  # type: ignore[method-assign]
        elif decoder is not None:
            vars(decoder).pop("forward", None)


def compare(name: str, training: Training, pairs: int, clock: Clock) -> list[str]:
    sides = {"naive": partial(training.step, naive=True), "fast": training.step}
    seconds = in_turn(sides | {"bf16": partial(training.step, bf16=True)}, pairs, clock)
    _, default = make_fabric(training.hparams, "cpu")
    chosen = seconds["bf16" if default == "bf16" else "fast"]
    return [
        name,
        *(milliseconds(seconds[side]) for side in ("naive", "fast", "bf16")),
        ratio(seconds["naive"], seconds["fast"]),
        ratio(seconds["fast"], seconds["bf16"]),
        f"{ratio(seconds['naive'], chosen)}, {default}",
        f"{training.frames / median(chosen):.0f}",
    ]


def against_products(name: str, training: Training, pairs: int, clock: Clock) -> None:
    """The step's time over that of its products, and the products that take longest."""
    with Products() as products:
        training.step()
    timed = products.seconds(clock)
    step = median(in_turn({"step": training.step}, pairs, clock)["step"])
    total = sum(product.calls * spent for product, spent in timed)
    rows = [
        [f"{p.name} {p.shapes}", p.calls, f"{spent * 1e6:.1f}", f"{p.calls * spent * 1e3:.2f}"]
        for p, spent in timed[:SHOWN_PRODUCTS]
    ]
    rest = sum(p.calls * spent for p, spent in timed[SHOWN_PRODUCTS:])
    rows.append([f"{len(timed[SHOWN_PRODUCTS:])} others", "", "", f"{rest * 1e3:.2f}"])
    table(["product", "calls", "each, us", "all, ms"], rows, f"{name}: products of a step")
    print(f"Step {step * 1e3:.1f} ms, products {total * 1e3:.1f} ms: **{step / total:.2f} times**.\n")


def main() -> None:
    options = arguments(__doc__, batch=16, symbols=60, frames=200).parse_args()
    clock = begin(options)
    shape = (2, 6, 8) if options.tiny else (options.batch, options.symbols, options.frames)
    large, small = ("tiny", "tiny") if options.tiny else ("28 M", "demo")
    head = ["model", "naive, ms", "fast, ms", "bf16, ms", "algorithm", "precision", "default", "frames/s"]
    trainings = {name: Training(size(name), *shape) for name in dict.fromkeys((large, small))}
    rows = [compare(name, training, options.pairs, clock) for name, training in trainings.items()]
    title = f"Batch {shape[0]}, {shape[1]} symbols, {shape[2]} frames; valid frames, loading included"
    table(head, rows, title)
    against_products(small, trainings[small], options.pairs, clock)
    print(f"Peak memory of the whole process: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
