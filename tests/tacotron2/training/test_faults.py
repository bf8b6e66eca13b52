"""Faults on purpose: each happens once in a run's life, and what is to survive it does."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from smart_tuner.faults import KINDS as KINDS_ASKED_FOR
from tacotron2.checkpoint import CheckpointError, read_checkpoint
from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event, IncidentEvent
from tacotron2.hparams import HParams
from tacotron2.training import NonFiniteLossError, faults, train
from tacotron2.training.faults import KINDS, Fault, FaultError, FaultLog, make_trainer, read_faults
from tacotron2.training.ranks import Ranks
from tacotron2.training.replay import replay
from tacotron2.training.trainer import Trainer
from tests.bit_for_bit import equal, timeless

Sets = tuple[TextMelLoader, TextMelLoader]


@pytest.fixture
def short(tiny: HParams) -> HParams:
    return tiny.replace(max_steps=9, validate_every=100, checkpoint_every=3, keep_states=2)


def listed(folder: Path, *named: str) -> Path:
    """The folder, with the faults in it."""
    folder.mkdir(exist_ok=True)
    pairs = [name.split("@") for name in named]
    content = [{"kind": kind, "step": int(step)} for kind, step in pairs]
    (folder / "faults.json").write_text(json.dumps(content))
    return folder


def trained(hparams: HParams, sets: Sets, folder: Path, **options: Any) -> list[Event]:
    events: list[Event] = []
    train(hparams, *sets, folder, device="cpu", emit=events.append, **options)
    return events


def done(folder: Path) -> list[str]:
    lines = (folder / "faults-done.jsonl").read_text().splitlines()
    return ["{kind}@{step}".format(**json.loads(line)) for line in lines]


def masked_steps(events: Sequence[Event]) -> list[int]:
    return [
        event.step
        for event in events
        if isinstance(event, IncidentEvent) and event.incident == "non_finite_update"
    ]


def state(folder: Path, step: int) -> Path:
    return folder / "checkpoints" / f"state-{step:07d}.ckpt"


def test_a_run_without_the_file_has_the_plain_trainer(short: HParams, sets: Sets, tmp_path: Path) -> None:
    assert type(make_trainer(short, *sets, tmp_path, "cpu", Ranks())) is Trainer
    listed(tmp_path, "kill@3")
    assert type(make_trainer(short, *sets, tmp_path, "cpu", Ranks())) is not Trainer


def test_both_sides_know_the_same_kinds() -> None:
    assert sorted(KINDS) == sorted(KINDS_ASKED_FOR)


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize("kind", ["nan-loss", "inf-loss", "nan-grad", "nan-batch"])
def test_one_update_is_poisoned_and_masked(short: HParams, sets: Sets, tmp_path: Path, kind: str) -> None:
    events = trained(short, sets, listed(tmp_path, f"{kind}@4"))
    assert masked_steps(events) == [4]
    assert done(tmp_path) == [f"{kind}@4"]
    assert replay(tmp_path / "incidents" / "0000004").reached
    weights = read_checkpoint(state(tmp_path, 9))["model"]
    assert all(bool(value.isfinite().all()) for value in weights.values())


@pytest.mark.usefixtures("blank_pictures")
def test_a_poisoned_recording_stays_poisoned_until_it_is_left_out(
    short: HParams, sets: Sets, tmp_path: Path
) -> None:
    """In the next epoch, after a restart, it is met again and condemned: five updates are an epoch."""
    hparams = short.replace(max_steps=15)
    answers = iter([None] * 4 + ["interrupted"])
    folder = listed(tmp_path, "poisoned-clip@2")
    first = trained(hparams, sets, folder, stop_requested=lambda: next(answers))
    again = trained(hparams, sets, folder)
    (poisoned,) = {record["utterance"] for record in FaultLog(folder).records}
    masked = [e for e in first + again if isinstance(e, IncidentEvent) and e.incident == "non_finite_update"]
    assert [1 + (event.step - 1) // 5 for event in masked] == [1, 2]
    assert all(poisoned in event.details["utterances"] for event in masked)
    assert "poisoned_clip" in [event.incident for event in again if isinstance(event, IncidentEvent)]


@pytest.mark.usefixtures("blank_pictures")
def test_a_weight_that_is_not_finite_ends_the_attempt(short: HParams, sets: Sets, tmp_path: Path) -> None:
    with pytest.raises(NonFiniteLossError, match="weights became NaN"):
        trained(short, sets, listed(tmp_path, "nan-parameter@4"))
    trained(short, sets, tmp_path)
    assert read_checkpoint(state(tmp_path, 9))["step"] == 9


@pytest.mark.usefixtures("blank_pictures")
def test_after_ends_and_damages_the_weights_are_those_of_the_undisturbed_run(
    short: HParams, sets: Sets, tmp_path: Path
) -> None:
    """Every attempt goes on where the one before left a whole state; each fault happens once."""
    named = ["exception@2", "corrupt-checkpoint@5", "oom@8", "exception@8", "missing-checkpoint@9", "exit@9"]
    folder, ends = listed(tmp_path / "faulty", *named), []
    trained(short, sets, tmp_path / "undisturbed")

    def leave(status: int) -> None:
        raise SystemExit(status)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "_exit", leave)
        for _ in range(5):
            try:
                trained(short, sets, folder)
                break
            except (faults.InjectedError, torch.OutOfMemoryError, SystemExit) as error:
                ends.append(type(error).__name__)
    assert ends == ["InjectedError", "OutOfMemoryError", "InjectedError", "SystemExit"]
    assert done(folder) == ["exception@2", "corrupt-checkpoint@5", *named[2:4], "exit@9", named[4]]
    with pytest.raises(CheckpointError):
        read_checkpoint(state(folder, 9))
    undisturbed = read_checkpoint(tmp_path / "undisturbed" / "checkpoints" / "best-0000009.ckpt")
    assert equal(read_checkpoint(folder / "checkpoints" / "best-0000009.ckpt"), undisturbed)


@pytest.mark.usefixtures("blank_pictures")
def test_a_request_to_end_is_sent_to_the_process_itself(short: HParams, sets: Sets, tmp_path: Path) -> None:
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    try:
        folder = listed(tmp_path / "ended", "sigterm@4")
        trained(short, sets, folder, stop_requested=lambda: "terminated" if asked else None)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert read_checkpoint(state(folder, 4))["step"] == 4
    trained(short, sets, folder)
    trained(short, sets, tmp_path / "undisturbed")
    assert equal(timeless(state(folder, 9)), timeless(state(tmp_path / "undisturbed", 9)))


@pytest.mark.parametrize("kind", ["corrupt-checkpoint", "truncated-checkpoint", "missing-checkpoint"])
def test_a_damaged_state_is_not_gone_on_from(short: HParams, sets: Sets, tmp_path: Path, kind: str) -> None:
    answers = iter([None] * 5 + ["interrupted"])
    folder = listed(tmp_path, f"{kind}@6")
    trained(short, sets, folder, stop_requested=lambda: next(answers))
    assert make_trainer(short, *sets, folder, "cpu", Ranks()).resume() == 3


def test_a_fault_listed_twice_happens_twice_and_a_torn_note_is_cut_off(tmp_path: Path) -> None:
    twice = [Fault("kill", 3), Fault("kill", 3), Fault("oom", 3)]
    log = FaultLog(tmp_path)
    log.note(twice[0], "")
    assert log.pending(twice) == twice[1:]
    with (tmp_path / "faults-done.jsonl").open("a") as file:
        file.write('{"kind": "ki')
    log = FaultLog(tmp_path)
    assert log.pending(twice) == twice[1:]
    log.note(twice[2], "")
    assert FaultLog(tmp_path).pending(twice) == [twice[1]]


@pytest.mark.parametrize("content", ["{", '{"kind": "kill"}', '[{"kind": "kill"}]', "[3]"])
def test_a_list_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "faults.json").write_text(content)
    with pytest.raises(FaultError, match=r"faults\.json: not a list of faults"):
        read_faults(tmp_path)


def test_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match=r"no such fault: flood; there are nan-loss"):
        read_faults(listed(tmp_path, "flood@3"))
