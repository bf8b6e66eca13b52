"""The micro-batch that fits is found by measuring; nothing else is touched."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tacotron2.hparams import HParams
from tacotron2.training import Ranks, Request, fit_memory, memory, requested_parts
from tacotron2.training.memory import FREE_SHARE, MemoryFit, batch_of, rows_of

MIB = 2**20
LENGTHS = [(5, 30), (20, 90), (7, 60), (9, 80), (3, 40), (8, 70), (6, 50), (4, 35), (11, 10), (2, 20)]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Any]]:
    """A process of 100 MiB and 10 MiB for every utterance; filled with what it was asked to compute."""
    asked: list[Sequence[Any]] = []

    def measure(hparams: HParams, batches: Sequence[Sequence[Any]]) -> list[int]:
        asked.extend(batches)
        return [(100 + 10 * len(batch)) * MIB for batch in batches]

    monkeypatch.setattr(memory, "peaks_of_updates", measure)
    return asked


@pytest.mark.parametrize(
    ("free_mib", "expected"),
    [(180, 1), (179, 2), (140, 2), (139, 4), (120, 4), (119, 8), (110, 8), (50, 8)],
)
def test_parts_are_doubled_until_the_prediction_fits(
    tiny: HParams, measured: list[Sequence[Any]], free_mib: int, expected: int
) -> None:
    """A batch of eight is 180 MiB, of four 140; one utterance is tried in any case."""
    free = round((free_mib + 0.01) * MIB / FREE_SHARE)
    fit = fit_memory(tiny.replace(batch_size=8), LENGTHS, "cpu", free, 1)
    assert fit.parts == expected
    assert fit.needed_bytes == (100 + 10 * (8 // expected)) * MIB
    assert measured == [[(20, 90), (9, 80)], [(20, 90), (9, 80), (8, 70), (7, 60)]]


def test_parts_that_were_asked_for_are_the_least(tiny: HParams, measured: list[Sequence[Any]]) -> None:
    assert fit_memory(tiny.replace(batch_size=8), LENGTHS, "cpu", 1 << 40, 4).parts == 4


@pytest.mark.parametrize(
    ("parts", "processes", "rows"), [(1, 1, 8), (2, 1, 4), (3, 1, 3), (2, 3, 2), (8, 2, 1)]
)
def test_the_largest_micro_batch_of_a_process(parts: int, processes: int, rows: int) -> None:
    assert rows_of(8, parts, processes) == rows


def test_where_nothing_is_measured_nothing_is_changed(tiny: HParams, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "peaks_of_updates", lambda hparams, batches: None)
    assert fit_memory(tiny, LENGTHS, "cpu", 1, 2) == MemoryFit(2, None, 0)


def test_a_device_whose_memory_runs_out_is_asked_for_half_as_much(
    tiny: HParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By exception class; what was taken is given back before the next try."""
    tried, given_back = [], []

    class Device:
        def __init__(self, hparams: HParams, device: str, index: int) -> None:
            assert (device, index) == ("cuda", 0)

        def update(self, lengths: Sequence[Any]) -> None:
            tried.append(len(lengths))
            if len(lengths) > room:
                raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(memory, "Probe", Device)
    monkeypatch.setattr(memory, "resolve_device", lambda device: "cuda")
    cuda = SimpleNamespace(
        reset_peak_memory_stats=lambda: None,
        max_memory_reserved=lambda: 7 * MIB,
        mem_get_info=lambda: (1 * MIB, 9 * MIB),
        empty_cache=lambda: given_back.append(True),
    )
    monkeypatch.setattr(memory.torch, "cuda", cuda)
    room = 2
    hparams = tiny.replace(batch_size=8)
    assert fit_memory(hparams, LENGTHS, "cuda", 0, 1) == MemoryFit(4, 7 * MIB, 9 * MIB)
    assert tried == [8, 4, 2] and len(given_back) == 3
    room = 0
    with pytest.raises(torch.OutOfMemoryError):
        fit_memory(hparams, LENGTHS, "cuda", 0, 1)
    assert tried[-1] == 1


def test_the_incident_and_the_request_turn_what_was_intended_into_what_fits(tiny: HParams) -> None:
    hparams = tiny.replace(batch_size=8, accumulation_steps=2)
    before = [Request("micro_batches", 2.0, 0, "supervisor", "out_of_memory", "restart-1")]
    assert requested_parts(hparams, []) == 2
    assert requested_parts(hparams, before) == 4
    fit = MemoryFit(8, 3 * MIB, 2 * MIB)
    assert requested_parts(hparams, [*before, fit.request(4)]) == 8
    event = fit.incident(4)
    assert (event.incident, event.details["micro_batches"], event.details["too_few"]) == ("micro_batch", 8, 4)


def test_a_batch_has_the_lengths_asked_for() -> None:
    batch = batch_of([(4, 7), (6, 5)], 3, 20)
    assert (batch.text.shape, batch.mel.shape, batch.gate.shape) == ((2, 6), (2, 9, 20), (2, 3))
    assert batch.mel_lengths.tolist() == [7, 5] and batch.text_lengths.tolist() == [4, 6]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_process_measures_more_for_more(tiny: HParams) -> None:
    """Its own memory and not that of the process that asks; our random numbers stay where they were."""
    ballast = torch.ones(200 * MIB // 4)
    drawn = torch.get_rng_state()
    lengths = [(40, 900)] * 8
    small, large = memory.peaks_of_updates(tiny, [lengths[:1], lengths]) or (0, 0)
    assert 0 < small < large < ballast.nbytes
    assert torch.equal(torch.get_rng_state(), drawn)
    assert fit_memory(tiny.replace(batch_size=8), lengths, "cpu", small, 1, Ranks()).parts > 1
