"""What fits a card, against torch's own account of its allocations."""

from __future__ import annotations

import math

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training import card_memory
from tacotron2.training.card_memory import (
    BESIDE_BYTES,
    CARD_SHARE,
    FRAGMENTS,
    GIB,
    SYMBOLS_PER_SECOND,
    Line,
    UpdateMemory,
    card_fits,
    highest,
    static_bytes,
    update_memory,
)
from tacotron2.training.memory import Length, Probe

SECONDS = 3.0
"""87 decoder steps of the tiny model: more than the short updates have."""
NEAR = 0.05
"""torch's account has what an operation takes inside as well; the estimate has an allocator's blocks."""


def allocated(probe: Probe, lengths: list[Length]) -> int:
    """The highest sum of what torch's CPU allocator gave and took back in one update."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        probe.find_gradients(lengths)
    result = profiler.profiler.kineto_results  # type: ignore[union-attr]
    sizes = [event.nbytes() for event in result.events() if event.name() == "[memory]"]
    most = now = 0
    for size in sizes:
        now += size
        most = max(most, now)
    return most


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_estimate_is_what_torch_allocates(tiny: HParams, checkpointing: bool, precision: str) -> None:
    """Of seven rows at full length, of which the estimate made two and three, at a short one."""
    hparams = tiny.replace(precision=precision, gradient_checkpointing=checkpointing)
    audio, r, rows = hparams.audio, hparams.model.n_frames_per_step, 7
    steps = math.ceil(SECONDS * audio.sampling_rate / audio.hop_length / r)
    length = (math.ceil(SECONDS * SYMBOLS_PER_SECOND), steps * r)
    probe = Probe(hparams, "cpu")
    probe.find_gradients([length])  # the gradients are there then, as from the second micro-batch on
    measured = allocated(probe, [length] * rows)
    estimate = update_memory(hparams, SECONDS)
    assert steps > 64
    said = estimate.live_bytes(rows) - estimate.static_bytes
    assert said == pytest.approx(measured, rel=NEAR)


def test_attention_of_schedules_and_switched_off_parts(tiny: HParams) -> None:
    """Every kind of network makes the same operations with one row more."""
    for change in ({"use_ddc": False}, {"use_gst": False, "use_mmi": False}, {"n_speakers": 2}):
        assert update_memory(tiny.replace(**change), SECONDS).lines
    scheduled = tiny.replace(teacher_forcing_final=0.5, teacher_forcing_decay_steps=10)
    assert update_memory(scheduled, 1.0).lines


def test_what_stays_is_what_adam_has(tiny: HParams) -> None:
    model = Tacotron2(tiny)
    optimizer = torch.optim.AdamW(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    moments = [value for state in optimizer.state.values() for value in state.values() if value.dim()]
    kept = [*model.parameters(), *model.buffers(), *(each.grad for each in model.parameters()), *moments]
    assert static_bytes(tiny) == sum(tensor.nbytes for tensor in kept if tensor is not None)


def test_more_rows_and_longer_ones_need_more(tiny: HParams) -> None:
    short, long = (update_memory(tiny, seconds) for seconds in (SECONDS, 2 * SECONDS))
    again = update_memory(tiny.replace(gradient_checkpointing=True), 2 * SECONDS)
    needs = [long.needed_bytes(rows) for rows in range(1, 40)]
    assert needs == sorted(set(needs))
    assert short.live_bytes(8) < long.live_bytes(8) and again.live_bytes(8) < 0.7 * long.live_bytes(8)
    half = update_memory(tiny.replace(precision="fp16"), 2 * SECONDS)
    assert half.live_bytes(8) < long.live_bytes(8) and half.static_bytes == long.static_bytes


def test_the_random_generator_is_left_as_it_was(tiny: HParams) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    update_memory(tiny, 0.5)
    assert torch.equal(before, torch.get_rng_state())


def test_the_highest_lines() -> None:
    lines = {Line(0, 5), Line(10, 4), Line(30, 1), Line(0, 1), Line(-90, 9), Line(5, 4.5)}
    found = highest(lines)
    assert found == (Line(30, 1), Line(10, 4), Line(0, 5), Line(-90, 9))
    for rows in range(1, 60):
        assert max(line.at(rows) for line in found) == max(line.at(rows) for line in lines)


@pytest.mark.parametrize("gigabytes", [1, 8, 24])
def test_the_largest_micro_batch_is_the_last_that_fits(gigabytes: int) -> None:
    memory = UpdateMemory(900 * 2**20, (Line(100e6, 10e6), Line(0, 40e6)))
    rows, card = memory.largest_rows(gigabytes * GIB), gigabytes * GIB
    assert (rows == 0) == (gigabytes == 1)
    assert memory.needed_bytes(rows + 1) > CARD_SHARE * card
    assert rows == 0 or memory.needed_bytes(rows) <= CARD_SHARE * card


@pytest.mark.parametrize(
    ("room_for", "accumulation", "planned"),
    [(40, 1, True), (12, 1, True), (11, 2, False), (5, 3, False), (1, 12, False)],
)
def test_parts_that_keep_the_batch(
    tiny: HParams, monkeypatch: pytest.MonkeyPatch, room_for: int, accumulation: int, planned: bool
) -> None:
    """Of twelve rows of 1 GiB."""
    monkeypatch.setattr(card_memory, "update_memory", lambda *_: UpdateMemory(0, (Line(0, GIB),)))
    card = round(((1.0 + FRAGMENTS) * (room_for + 0.5) * GIB + BESIDE_BYTES) / CARD_SHARE)
    [fit] = card_fits(tiny.replace(batch_size=12), [card], 5.0, ["bf16"], both=False)
    assert (fit.rows, fit.accumulation, fit.as_planned) == (room_for, accumulation, planned)
    assert fit.needed_bytes <= CARD_SHARE * card


def test_a_card_that_is_too_small(tiny: HParams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_memory, "update_memory", lambda *_: UpdateMemory(0, (Line(0, 9 * GIB),)))
    fits = card_fits(tiny, [24 * GIB, 8 * GIB], 5.0, ["fp32", "fp16"])
    assert [(fit.card_bytes // GIB, fit.precision, fit.checkpointing) for fit in fits] == [
        (card, precision, checkpointing)
        for card in (8, 24)
        for precision in ("fp32", "fp16")
        for checkpointing in (False, True)
    ]
    small, large = fits[0], fits[-1]
    assert (small.rows, small.accumulation, small.as_planned) == (0, None, False)
    assert small.needed_bytes > small.card_bytes and large.rows == 2
