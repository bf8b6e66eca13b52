"""What a training takes on a card, without the card: accounted for on a CPU, in the card's arithmetic.

An update of a few rows and few decoder steps is made, and the bytes that are alive are noted after each
operation. The operations are the same with one row more, so that each of them gives a line over the rows; the
highest line is the peak. With the decoder's steps it grows in proportion where activations are kept, so that
two short lengths give the long one; the text has its full length from the beginning. `fit_memory` measures on
the card itself when a training begins: what is said here is for before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from tacotron2.counters import LiveBytes
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training.memory import Length, Probe, rows_of

GIB, MIB = 2**30, 2**20
PRECISIONS = ("fp32", "bf16", "fp16")
SYMBOLS_PER_SECOND = 16
"""A little more than a reader's tempo (LJSpeech: 15.2 characters a second)."""
BYTES_OF_A_WEIGHT = 4 * 4
"""Itself, its gradient, and the two of Adam, all in float32."""
BLOCK_BYTES = 512
"""torch's allocator on CUDA rounds up to it."""
CARD_SHARE = 0.96
"""Of the size a card is sold by: the rest is taken by the card itself and its driver. 24 GB are 23.6 GiB."""
BESIDE_BYTES = 768 * MIB
"""The CUDA context with its kernels, 300 to 500 MiB, and the workspaces of cuBLAS and cuDNN."""
FRAGMENTS = 0.1
"""Of what an update has alive: the allocator's blocks of 2 MiB and more are never quite full."""
ROWS = (2, 3)
"""Of the updates that are made. One row would be a special case: some copies are not made then."""
STEPS = (32, 64)
"""Decoder steps of the updates, where activations are kept. With gradient checkpointing other operations are
the highest at full length than at a short one, so that the full length is taken."""
USUAL_ROWS = 8
"""The highest line is looked for at so many rows of the length that is asked for."""


class Line(NamedTuple):
    """Bytes alive at the peak of an update, beside weights, gradients and optimizer: `fixed + rows * row`."""

    fixed: float
    row: float


@dataclass(frozen=True)
class UpdateMemory:
    """Of a training with utterances of one length.

    static_bytes: weights, gradients, optimizer, statistics; line: what an update adds.
    """

    static_bytes: int
    line: Line

    def live_bytes(self, rows: int) -> int:
        """At the peak of an update of so many rows: tensors alone."""
        return round(self.static_bytes + self.line.fixed + rows * self.line.row)

    def needed_bytes(self, rows: int) -> int:
        """The same on a card, with all that is beside the tensors."""
        moving = self.live_bytes(rows) - self.static_bytes
        return round(BESIDE_BYTES + self.static_bytes + (1.0 + FRAGMENTS) * moving)

    def largest_rows(self, card_bytes: float) -> int:
        """That fit a card of so many bytes; 0: none."""
        room = (CARD_SHARE * card_bytes - BESIDE_BYTES - self.static_bytes) / (1.0 + FRAGMENTS)
        return max(0, math.floor((room - self.line.fixed) / self.line.row))


@dataclass(frozen=True)
class CardFit:
    """What of a training fits a card.

    rows: largest micro-batch of longest utterances. accumulation: `train.accumulation_steps` that keeps the
    batch, the fewest from the settings' own; None where not one row fits. needed_bytes: with it.
    as_planned: whether that is the settings' own.
    """

    card_bytes: int
    precision: str
    checkpointing: bool
    rows: int
    accumulation: int | None
    needed_bytes: int
    as_planned: bool


def update_memory(hparams: HParams, seconds: float) -> UpdateMemory:
    """By the settings' own precision (`auto` counts as bf16) and checkpointing, for utterances of `seconds`.

    It makes a few updates on the CPU: seconds of an idle core, with checkpointing a minute and more for the
    largest model. Random generators are left as they were.
    """
    half = hparams.train.precision != "fp32"
    # bf16 for fp16 too: both have two bytes, and CPUs compute fp16 very slowly.
    probe = Probe(hparams.replace(precision="bf16" if half else "fp32"), "cpu")
    audio = hparams.audio
    wanted = math.ceil(seconds * audio.sampling_rate / audio.hop_length / hparams.model.n_frames_per_step)
    symbols = math.ceil(seconds * SYMBOLS_PER_SECOND)
    probe.find_gradients([(2, hparams.model.n_frames_per_step)] * ROWS[0])  # the others add theirs to these
    if hparams.train.gradient_checkpointing or wanted <= STEPS[-1]:
        return UpdateMemory(static_bytes(hparams), _line(probe, hparams, wanted, symbols, USUAL_ROWS))
    few, more = (_line(probe, hparams, steps, symbols, USUAL_ROWS * wanted / steps) for steps in STEPS)
    growth = (more.row - few.row) / (STEPS[1] - STEPS[0])
    row = more.row + growth * (wanted - STEPS[1])
    return UpdateMemory(static_bytes(hparams), Line(max(few.fixed, more.fixed, 0.0), row))


def static_bytes(hparams: HParams) -> int:
    """Weights, gradients, the optimizer's state, and the statistics of batch normalisation."""
    with torch.device("meta"):
        model = Tacotron2(hparams)
    buffers = sum(buffer.nbytes for buffer in model.buffers())
    return BYTES_OF_A_WEIGHT * model.num_parameters() + buffers


def _line(probe: Probe, hparams: HParams, steps: int, symbols: int, at_rows: float) -> Line:
    """The line of the operation that is highest with `at_rows`."""
    length = (symbols, steps * hparams.model.n_frames_per_step)
    few, more = (_course(probe, [length] * rows) for rows in ROWS)
    growth = [(b - a) / (ROWS[1] - ROWS[0]) for a, b in zip(few, more, strict=True)]
    lines = (Line(a - ROWS[0] * row, row) for a, row in zip(few, growth, strict=True))
    return max(lines, key=lambda line: line.fixed + at_rows * line.row)


def _course(probe: Probe, lengths: Sequence[Length]) -> list[int]:
    with LiveBytes(BLOCK_BYTES) as live:
        probe.find_gradients(lengths)
    return live.course


def card_fits(
    hparams: HParams, cards: Sequence[int], seconds: float, precisions: Sequence[str], both: bool = True
) -> list[CardFit]:
    """What fits each card, in bytes, with each precision, without and with gradient checkpointing.

    Args:
        seconds: length of the longest utterance.
        both: else with the settings' own checkpointing alone.
    """
    known: dict[tuple[bool, bool], UpdateMemory] = {}
    found = []
    ways = (False, True) if both else (hparams.train.gradient_checkpointing,)
    for precision in precisions:
        for checkpointing in ways:
            key = (precision == "fp32", checkpointing)
            if key not in known:
                settings = hparams.replace(precision=precision, gradient_checkpointing=checkpointing)
                known[key] = update_memory(settings, seconds)
            found += [_fit(hparams, known[key], card, precision, checkpointing) for card in cards]
    return sorted(found, key=lambda fit: fit.card_bytes)


def _fit(hparams: HParams, memory: UpdateMemory, card: int, precision: str, checkpointing: bool) -> CardFit:
    train, largest = hparams.train, memory.largest_rows(card)
    divisors = (
        parts
        for parts in range(train.accumulation_steps, train.batch_size + 1)
        if train.batch_size % parts == 0 and rows_of(train.batch_size, parts, train.num_processes) <= largest
    )
    parts = next(divisors, None)
    rows = rows_of(train.batch_size, parts or train.batch_size, train.num_processes)
    needed, planned = memory.needed_bytes(rows), parts == train.accumulation_steps
    return CardFit(card, precision, checkpointing, largest, parts, needed, planned)
