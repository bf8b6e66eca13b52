"""What a training takes on a card, without the card: accounted for on a CPU, in the card's arithmetic.

An update of a few rows and few decoder steps is made, and the bytes that are alive are noted after each
operation. The operations are the same with one row more, so that each of them gives a line over the rows; the
highest of them is the peak. With the decoder's steps it grows in proportion where activations are kept, so
that two short lengths give the long one; the text has its full length from the beginning. What a card's own
kernels take beside their tensors is not in it, nor are the rules of CUDA's autocast: a CPU's are.
`fit_memory` measures on the card itself when a training begins; what is said here is for before.
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
CARD_SHARE = 0.96
"""Of the size a card is sold by: the rest is taken by the card itself and its driver. 24 GB are 23.6 GiB."""
BESIDE_BYTES = 768 * MIB
"""The CUDA context with its kernels, 300 to 500 MiB, and the workspaces of cuBLAS and cuDNN."""
FRAGMENTS = 0.1
"""Of what an update has alive: the allocator's blocks are never quite full."""
ROWS = (2, 3)
"""Of the updates that are made. One row would be a special case: some copies are not made then."""
STEPS = (32, 64)
"""Decoder steps of the updates, where activations are kept. With gradient checkpointing other operations are
the highest at full length than at a short one, so that the full length is taken."""


class Line(NamedTuple):
    """Bytes alive after an operation, beside weights, gradients and optimizer: `fixed + rows * row`."""

    fixed: float
    row: float

    def at(self, rows: float) -> float:
        return self.fixed + rows * self.row


@dataclass(frozen=True)
class UpdateMemory:
    """Of a training with utterances of one length.

    static_bytes: weights, gradients, optimizer, statistics; lines: what an update adds, with each number of
    rows the highest of them.
    """

    static_bytes: int
    lines: tuple[Line, ...]

    def live_bytes(self, rows: int) -> int:
        """At the peak of an update of so many rows: tensors alone."""
        return round(self.static_bytes + max(line.at(rows) for line in self.lines))

    def needed_bytes(self, rows: int) -> int:
        """The same on a card, with all that is beside the tensors."""
        moving = self.live_bytes(rows) - self.static_bytes
        return round(BESIDE_BYTES + self.static_bytes + (1.0 + FRAGMENTS) * moving)

    def largest_rows(self, card_bytes: float) -> int:
        """That fit a card of so many bytes; 0: none."""
        room = (CARD_SHARE * card_bytes - BESIDE_BYTES - self.static_bytes) / (1.0 + FRAGMENTS)
        return max(0, min(math.floor((room - line.fixed) / line.row) for line in self.lines))


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
    wanted = math.ceil(seconds * audio.sampling_rate / audio.hop_length / probe.r)
    symbols = math.ceil(seconds * SYMBOLS_PER_SECOND)
    probe.find_gradients([(2, probe.r)] * ROWS[0])  # the others add theirs to these
    if hparams.train.gradient_checkpointing or wanted <= STEPS[-1]:
        return UpdateMemory(static_bytes(hparams), highest(_lines(probe, wanted, symbols)))
    # With many rows one operation is the highest, the first of the backward pass: the steepest line.
    few, more = (highest(_lines(probe, steps, symbols))[-1] for steps in STEPS)
    growth = (more.row - few.row) / (STEPS[1] - STEPS[0])
    row = more.row + growth * (wanted - STEPS[1])
    return UpdateMemory(static_bytes(hparams), (Line(max(few.fixed, more.fixed, 0.0), row),))


def static_bytes(hparams: HParams) -> int:
    """Weights, gradients, the optimizer's state, and the statistics of batch normalisation."""
    with torch.device("meta"):
        model = Tacotron2(hparams)
    buffers = sum(buffer.nbytes for buffer in model.buffers())
    return BYTES_OF_A_WEIGHT * model.num_parameters() + buffers


def _lines(probe: Probe, steps: int, symbols: int) -> set[Line]:
    """Of every operation of an update."""
    length = (symbols, steps * probe.r)
    few, more = (_course(probe, [length] * rows) for rows in ROWS)
    if len(few) != len(more):  # scheduled teacher forcing drew otherwise: other operations
        few, more = [max(few)], [max(more)]
    growth = [(b - a) / (ROWS[1] - ROWS[0]) for a, b in zip(few, more, strict=True)]
    return {Line(a - ROWS[0] * row, row) for a, row in zip(few, growth, strict=True)}


def highest(lines: set[Line]) -> tuple[Line, ...]:
    """Those that are above all others for some number of rows from 1 on, by their growth."""
    found = [max(lines, key=lambda line: (line.at(1), line.row))]
    while steeper := [line for line in lines if line.row > found[-1].row]:
        last = found[-1]
        # The one that is reached first, with ever more rows.
        found.append(
            min(steeper, key=lambda line: ((last.fixed - line.fixed) / (line.row - last.row), -line.row))
        )
    return tuple(found)


def _course(probe: Probe, lengths: Sequence[Length]) -> list[int]:
    with LiveBytes() as live:
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
            found += [card_fit(hparams, known[key], card, precision, checkpointing) for card in cards]
    return sorted(found, key=lambda fit: fit.card_bytes)


def card_fit(
    hparams: HParams, memory: UpdateMemory, card: int, precision: str, checkpointing: bool
) -> CardFit:
    """What fits a card of so many bytes, by what an update was found to need."""
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
