"""Memory of a card: what becomes of a step that it does not hold, and how large a batch it does."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from measuring import size, table
from torch import Tensor
from train_step import Training

from gpu.card import GIB, Card
from tacotron2.data.dataset import Batch
from tacotron2.hparams import HParams

MODELS = ("demo", "small", "ljspeech", "report")
CARDS = (8, 12, 24)
"""GiB."""
SYMBOLS_PER_SECOND = 16
PROBED = (2, 4)
"""Batches from which the growth of the memory with the batch is read."""
LEFT_OVER = 2**20
"""Bytes that may stay behind after a step that failed."""


def longest_batch(hparams: HParams, utterances: int, device: str) -> Batch:
    """Utterances of `data.max_seconds` each."""
    audio, seconds, r = hparams.audio, hparams.data.max_seconds, hparams.model.n_frames_per_step
    steps = math.ceil(seconds * audio.sampling_rate / audio.hop_length / r)
    symbols = math.ceil(seconds * SYMBOLS_PER_SECOND)
    make = {"device": torch.device(device)}
    return Batch(
        text=torch.randint(1, 60, (utterances, symbols), **make),
        text_lengths=torch.full((utterances,), symbols, **make),
        mel=torch.randn(utterances, steps * r, audio.n_mel_channels, **make),
        mel_lengths=torch.full((utterances,), steps * r, **make),
        gate=(torch.arange(steps, **make) == steps - 1).float().expand(utterances, -1),
        ids=(),
    )


def begin(card: Card, name: str) -> Training:
    """A training whose optimiser has its state already."""
    training = Training(size(name), 1, 2, 8, card.device)
    training.step()
    return training


def update(card: Card, training: Training, utterances: int) -> Tensor:
    """One update of so many utterances; its loss."""
    return training.update(longest_batch(training.hparams, utterances, card.device), bf16=card.has_bf16)


def holds(card: Card, training: Training, utterances: int) -> bool:
    """Whether the card does two updates."""
    fine = False
    try:
        for _ in range(2):
            update(card, training, utterances)
        fine = True
    except torch.OutOfMemoryError:
        pass
    training.optimizer.zero_grad()
    card.release()
    return fine


def out_of_memory(card: Card) -> list[str]:
    """Doubles the batch until the card is full; then a small step must work, with all memory back."""
    name = "tiny" if card.tiny else "28 M"
    training = begin(card, name)
    assert holds(card, training, PROBED[0])
    before, utterances = torch.cuda.memory_allocated(), PROBED[0]
    while holds(card, training, utterances):
        utterances *= 2
    after = torch.cuda.memory_allocated()
    loss = update(card, training, PROBED[0])
    finite = bool(torch.isfinite(loss))
    row = [name, utterances, f"{before / 2**20:.1f}", f"{after / 2**20:.1f}", "yes" if finite else "NO"]
    head = ["model", "batch that is too large", "MB before", "MB after", "a small step works"]
    table(head, [row], f"Out of memory, utterances of {training.hparams.data.max_seconds:g} s")
    lost = after - before > LEFT_OVER
    return ["memory was not given back"] * lost + ["the loss is not finite"] * (not finite)


def peaks(card: Card, training: Training) -> list[int]:
    """Most bytes in use with each of the probed batches."""
    found = []
    for utterances in PROBED:
        torch.cuda.reset_peak_memory_stats()
        update(card, training, utterances)
        found.append(torch.cuda.max_memory_allocated())
        card.release()
    return found


def largest(card: Card, training: Training, guess: int) -> int:
    """The largest batch that fits, within a tenth; 0 where not even one utterance does."""
    below, above = max(1, guess), max(1, guess) + max(1, guess // 10)
    if holds(card, training, below):
        while holds(card, training, above):
            below, above = above, above + max(1, above // 10)
        return below
    while below and not holds(card, training, below):
        below -= max(1, below // 10)
    return below


def memory(card: Card) -> list[str]:
    """Every preset on cards of several sizes, acted by limits of torch's allocator."""
    rows = []
    for name in ("tiny",) if card.tiny else MODELS:
        training = begin(card, name)
        train = training.hparams.train
        low, high = peaks(card, training)
        ((small, large),) = pairwise(PROBED)
        each = (high - low) / (large - small)
        free, total = torch.cuda.mem_get_info()
        beside = total - free - torch.cuda.memory_reserved()  # the context, and other programs
        fits = []
        for gib in CARDS:
            room = gib * GIB - beside
            if not 0 < room <= total:
                fits.append("the card is smaller")
                continue
            torch.cuda.set_per_process_memory_fraction(room / total)
            fits.append(str(largest(card, training, int((room - low) / each) + small)))
            torch.cuda.set_per_process_memory_fraction(1.0)
        wanted = train.batch_size // train.accumulation_steps
        seconds = training.hparams.data.max_seconds
        rows.append([f"{name}, {seconds:g} s", wanted, f"{each / 2**20:.0f}", *fits])
        del training
        card.release()
    head = ["preset, longest utterance", "its batch", "MB an utterance", *(f"{gib} GB" for gib in CARDS)]
    arithmetic = "bf16" if card.has_bf16 else "float32"
    table(head, rows, f"The largest batch of longest utterances that fits, {arithmetic}, within a tenth")
    return []
