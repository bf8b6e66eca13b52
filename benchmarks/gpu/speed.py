"""How fast a card trains and speaks, and whether it learns in every arithmetic."""

from __future__ import annotations

import math
import tempfile
from functools import partial
from pathlib import Path
from statistics import mean, median

import torch
from corpus import all_clips, noise_folder
from measuring import in_turn, milliseconds, ratio, size, table
from synthesis import Speaking
from train_step import Training

from gpu.card import GIB, Card, tf32
from gpu.graphs import SHAPE, STEPS, SYMBOLS, DecoderStep, Recorded, several
from tacotron2.events import StepEvent
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training.loop import train

AIMED_RATIO, AIMED_FRAMES, AIMED_STEP_US = 8, 600_000, 40
UPDATES, AVERAGED = 30, 5
SHORT = {
    "batch_size": 8, "learning_rate": 1e-3, "grad_clip_thresh": 1.0, "max_steps": UPDATES, "log_every": 1,
    "validate_every": UPDATES, "checkpoint_every": UPDATES, "free_running_clips": 1, "keep_best": 1,
    "max_decoder_seconds": 0.5,
}  # fmt: skip


def training(card: Card) -> list[str]:
    """The product's own training, a few updates on noise, in every arithmetic."""
    hparams = size("tiny" if card.tiny else "28 M").replace(**SHORT)
    rows, failures = [], []
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as name:
        home = Path(name)
        clips = all_clips(noise_folder(hparams, home / "noise"), hparams, home)
        for precision in ("fp32", "bf16", "fp16"):
            if precision == "bf16" and not card.has_bf16:
                continue
            steps: list[StepEvent] = []
            train(
                hparams.replace(precision=precision),
                clips,
                clips,
                home / precision,
                device=card.device,
                emit=lambda event, steps=steps: steps.append(event) if isinstance(event, StepEvent) else None,
            )
            losses = [step.losses["total"] for step in steps]
            first, last = mean(losses[:AVERAGED]), mean(losses[-AVERAGED:])
            fine = all(map(math.isfinite, losses)) and last < first
            rows.append([precision, len(steps), f"{first:.3f}", f"{last:.3f}", "yes" if fine else "NO"])
            failures += [] if fine else [f"{precision} does not learn"]
    head = ["train.precision", "updates", "loss at first", "loss at last", "falls, finite"]
    table(head, rows, f"Training on {card.device}; means of {AVERAGED} updates")
    return failures


def fitting(card: Card, hparams: HParams, shape: tuple[int, int, int]) -> Training:
    """A training of the largest batch, by halves, that the card holds on the naive side."""
    utterances, symbols, frames = shape
    while True:
        try:
            made = Training(hparams, utterances, symbols, frames, card.device)
            made.step(naive=True)
            return made
        except torch.OutOfMemoryError:
            if utterances == 1:
                raise
        utterances //= 2
        card.release()


def speed(card: Card) -> list[str]:
    """Whole training steps, loading included: fast path against naive, aims beside."""
    rows = []
    for name in ("tiny", "tiny report") if card.tiny else ("28 M", "report"):
        made = fitting(card, size(name), (2, 6, 8) if card.tiny else SHAPE)
        for arithmetic, rounds, bf16 in (
            ("TF32", True, False),
            ("bf16", False, True),
            ("bf16 and TF32", True, True),
        ):
            if bf16 and not card.has_bf16:
                continue
            sides = {side: partial(made.step, naive=side == "naive", bf16=bf16) for side in ("naive", "fast")}
            with tf32(rounds):
                seconds = in_turn(sides, card.pairs, card.clock)
            cells = [milliseconds(seconds[side]) for side in sides]
            frames = made.frames / median(seconds["fast"])
            title = f"{name}, {arithmetic}, batch {len(made.items)}"
            rows.append([title, *cells, ratio(seconds["naive"], seconds["fast"]), f"{frames:.0f}"])
        del made, sides
        card.release()
    head = ["model", "naive, ms", "fast, ms", f"ratio (aim {AIMED_RATIO})", f"frames/s (aim {AIMED_FRAMES})"]
    table(head, rows, "Training steps; valid frames, loading included")
    if card.device == "cuda":
        print(f"Peak: {torch.cuda.max_memory_allocated() / GIB:.1f} GiB on the card.\n")
    return []


def step(card: Card) -> list[str]:
    """A decoder step at batch 1, four ways."""
    name, steps = ("tiny", 4) if card.tiny else ("28 M", 200)
    torch.manual_seed(0)
    model = Tacotron2(size(name)).to(card.device).eval()
    alone = DecoderStep(model, SYMBOLS)
    speaking = Speaking(model, steps)
    sides = {way: partial(speaking.run, way, 1, SYMBOLS) for way in ("naive", "exact")}
    counts = dict.fromkeys(sides, steps)
    sides["the step alone"] = partial(several, alone)
    if card.device == "cuda":
        sides["the step alone, as a graph"] = partial(several, Recorded(alone))
    seconds = in_turn(sides, card.pairs, card.clock)
    rows = [
        [way, f"{median(spent) / counts.get(way, STEPS) * 1e6:.1f}", AIMED_STEP_US]
        for way, spent in seconds.items()
    ]
    head = ["path", "us a step", "aim"]
    table(head, rows, f"{name}, one sentence; naive and exact: whole sentences, with encoder and post-net")
    return []
