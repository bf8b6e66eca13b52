"""Recordings that stay bad are found, those that do not are not, and a resumed ledger goes on exactly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from tacotron2.data.dataset import Batch, TextMelLoader
from tacotron2.events import ClipsEvent
from tacotron2.models.tacotron2 import TacotronOutput
from tacotron2.training.clip_ledger import PERSISTENT, ClipLedger
from tacotron2.training.ranks import Ranks
from tests.bit_for_bit import equal

CLIPS, STEPS, SYMBOLS, R = 16, 12, 6, 2


def a_set() -> TextMelLoader:
    """Recordings c00 to c15 of two speakers, each longer than the one before."""
    utterances = [SimpleNamespace(id=f"c{n:02}", speaker="ann" if n % 2 else "bob") for n in range(CLIPS)]
    lengths = [STEPS * R - CLIPS + n for n in range(CLIPS)]

    class FakeSet:
        def __len__(self) -> int:
            return CLIPS

    found = FakeSet()
    found.__dict__.update(utterances=utterances, lengths=lengths, text_lengths=[SYMBOLS] * CLIPS)
    return cast(TextMelLoader, found)


def a_ledger() -> ClipLedger:
    return ClipLedger(a_set(), R, torch.device("cpu"), Ranks())


def note(ledger: ClipLedger, sharp: dict[str, float], error: float = 1.0) -> None:
    """A step on all recordings: each is read with this probability on its diagonal, the rest spread."""
    names = sorted(sharp)
    frames = torch.full((len(names),), STEPS * R)
    place = torch.arange(STEPS) * SYMBOLS // STEPS
    alignments = torch.stack(
        [
            torch.eye(SYMBOLS)[place] * (sharp[name] - (1 - sharp[name]) / (SYMBOLS - 1))
            + (1 - sharp[name]) / (SYMBOLS - 1)
            for name in names
        ]
    )
    mel = torch.zeros(len(names), STEPS * R, 2)
    batch = Batch(
        torch.ones(len(names), SYMBOLS, dtype=torch.long),
        torch.full((len(names),), SYMBOLS),
        mel,
        frames,
        torch.ones(len(names), STEPS),
        tuple(names),
    )
    spoken = mel + error**0.5
    output = SimpleNamespace(
        alignments=alignments,
        mel_before=spoken,
        mel_after=spoken,
        gate_logits=torch.full((len(names), STEPS), 9.0),
    )
    ledger.note(cast(TacotronOutput, output), batch)


def all_at(value: float, **others: float) -> dict[str, float]:
    varied = {f"c{n:02}": value + 0.005 * (n % 5) for n in range(CLIPS)}
    return varied | others


def window(ledger: ClipLedger, step: int, figures: dict[str, float], times: int = 2) -> ClipsEvent:
    for _ in range(times):
        note(ledger, figures)
    event = ledger.settle(step)
    assert event is not None
    return event


def ids(event: ClipsEvent) -> list[str]:
    return [each["id"] for each in event.bad]


def test_a_clip_is_bad_once_it_was_seen_often_enough_and_stays_so() -> None:
    ledger = a_ledger()
    told = [window(ledger, step, all_at(0.8, c03=0.3)) for step in (50, 100, 150, 200)]
    assert [ids(event) for event in told] == [[], ["c03"], ["c03"], ["c03"]]
    (last,) = told[-1].bad
    assert last["times_bad"] == 3 and last["why"] == ["misaligned"] and last["symbols"] == SYMBOLS
    assert last["alignment"] < 0.5 * told[-1].usual["alignment"]
    assert ledger.persistent() == ["c03"] and PERSISTENT == 3
    assert told[-1].num_clips == CLIPS
    assert told[-1].groups.keys() == {"speaker:ann", "speaker:bob", *(f"length:{n}" for n in range(1, 5))}
    assert {group["clips"] for group in told[-1].groups.values()} == {4, 8}


def test_a_clip_that_comes_right_is_forgotten() -> None:
    ledger = a_ledger()
    for step in (0, 50, 100, 150):
        window(ledger, step, all_at(0.8, c03=0.3))
    assert ledger.persistent() == ["c03"]
    told = [window(ledger, step, all_at(0.8)) for step in (200, 250, 300)]
    assert ids(told[-1]) == [] and ledger.persistent() == []


def test_while_attention_has_not_formed_nothing_is_bad_and_nothing_is_remembered() -> None:
    ledger = a_ledger()
    for step in (50, 100, 150):
        event = window(ledger, step, all_at(0.4, c03=0.05))
        assert event.bad == [] and event.usual["alignment"] < 0.35
    first = window(ledger, 200, all_at(0.8, c03=0.3))
    assert first.bad == [], "seen twice only since attention formed"
    assert ids(window(ledger, 250, all_at(0.8, c03=0.3))) == ["c03"]


def test_a_clip_that_came_earlier_in_an_improving_training_is_no_bad_one() -> None:
    """It is held against the others of its time."""
    ledger = a_ledger()
    early = {name: sharp for name, sharp in all_at(0.6).items() if int(name[1:]) < 8}
    late = {name: sharp for name, sharp in all_at(0.98).items() if int(name[1:]) >= 8}
    for step in range(50, 350, 100):
        window(ledger, step, all_at(0.6))
        assert window(ledger, step + 50, early if step < 250 else late, times=3).bad == []


def test_what_is_not_finite_counts_for_nothing() -> None:
    ledger = a_ledger()
    window(ledger, 50, all_at(0.8))
    event = window(ledger, 100, all_at(0.8, c05=float("nan")))
    assert event.num_clips == CLIPS and event.bad == []
    assert all(bool(value.isfinite().all()) for value in (ledger.state_dicts()[0]["followed"],))


def test_a_step_without_rows_and_a_validation_without_steps() -> None:
    ledger = a_ledger()
    nobody: Any = SimpleNamespace(ids=())
    ledger.note(cast(TacotronOutput, None), nobody)
    assert ledger.settle(10) is None


@pytest.mark.parametrize("where", [1, 2, 3])
def test_it_goes_on_exactly(where: int) -> None:
    """Also from the middle of a window."""
    straight, begun = a_ledger(), a_ledger()
    for ledger in (straight, begun):
        for step in range(where):
            window(ledger, step, all_at(0.8, c03=0.3, c09=0.2))
        note(ledger, all_at(0.7))
    resumed = a_ledger()
    resumed.load_state_dict(begun.state_dicts())
    for step in range(where, 5):
        assert window(resumed, step, all_at(0.8, c03=0.3)) == window(straight, step, all_at(0.8, c03=0.3))
    assert equal(resumed.state_dicts(), straight.state_dicts())


def test_another_r_begins_anew_and_an_old_state_has_no_ledger() -> None:
    ledger = a_ledger()
    for step in (50, 100, 150):
        window(ledger, step, all_at(0.8, c03=0.3))
    ledger.begin_anew(1)
    assert ledger.persistent() == [] and ledger.settle(200) is None and ledger.r == 1
    ledger.load_state_dict(())
    assert ledger.r == 1
