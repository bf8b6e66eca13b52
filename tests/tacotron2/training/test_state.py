"""A training that was interrupted ends as if it had not been."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tacotron2.checkpoint import CheckpointError, read_checkpoint, sidecar_path
from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event, StartedEvent, StepEvent, ValidationEvent
from tacotron2.hparams import HParams, HParamsError
from tacotron2.training import TrainingResult, train

TIMES = {"mel_frames_per_s", "data_wait_share", "step_seconds", "seconds", "train_seconds"}

Run = Callable[..., tuple[TrainingResult, list[Event]]]


class KilledError(Exception):
    """The process is gone."""


@pytest.fixture
def run(train_set: TextMelLoader, validation_set: TextMelLoader, blank_pictures: None) -> Run:
    """`run(hparams, folder, stop_at=, kill_at=)`: one attempt and its events."""

    def attempt(
        hparams: HParams, folder: Path, stop_at: int = 0, kill_at: int = 0
    ) -> tuple[TrainingResult, list[Event]]:
        events: list[Event] = []

        def emit(event: Event) -> None:
            events.append(event)
            if kill_at and isinstance(event, StepEvent) and event.step == kill_at:
                raise KilledError

        steps = iter(range(events_before(folder) + 1, 1000))
        cause = train(
            hparams,
            train_set,
            validation_set,
            folder,
            device="cpu",
            emit=emit,
            stop_requested=lambda: "stopped" if next(steps) == stop_at else None,
        )
        return cause, events

    return attempt


def events_before(folder: Path) -> int:
    """The step at which the folder's state stands."""
    states = sorted((folder / "checkpoints").glob("state-*.ckpt"))
    return int(read_checkpoint(states[-1])["step"]) if states else 0


def figures(events: list[Event]) -> dict[tuple[str, int], dict[str, Any]]:
    """Step and validation records by kind and step, without what a clock measured; the last counts."""
    return {
        (event.kind, event.step): {key: value for key, value in vars(event).items() if key not in TIMES}
        for event in events
        if isinstance(event, StepEvent | ValidationEvent)
    }


def final_state(folder: Path) -> dict[str, Any]:
    """The one full state without the time that the training took."""
    (path,) = (folder / "checkpoints").glob("state-*.ckpt")
    content = read_checkpoint(path)
    assert content.pop("train_seconds") > 0
    return content


def assert_same(one: Any, other: Any, place: str = "state") -> None:
    """Equal to the last bit, through all dictionaries and lists."""
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one:
            assert_same(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for index, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{place}[{index}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    else:
        assert one == other, place


@pytest.mark.parametrize(
    ("changes", "break_at"),
    [
        ({}, {"stop_at": 10}),  # where the second epoch ends
        ({}, {"stop_at": 7}),  # inside an epoch, after a validation
        ({}, {"stop_at": 12}),  # where a validation is due
        ({}, {"kill_at": 13}),  # goes back to the state of step 10, the best weights are of step 12
        ({"accumulation_steps": 2, "num_workers": 1}, {"stop_at": 7}),  # the loader has run ahead
        ({"precision": "fp16"}, {"stop_at": 7}),
    ],
    ids=[
        "at an epoch's end",
        "inside an epoch",
        "at a validation",
        "killed",
        "accumulation and a loader process",
        "fp16",
    ],
)
def test_in_two_parts_as_in_one(
    tiny: HParams, tmp_path: Path, run: Run, changes: dict[str, Any], break_at: dict[str, int]
) -> None:
    hparams = tiny.replace(**changes)
    whole, events = run(hparams, tmp_path / "whole")
    assert whole.cause == "completed" and whole.step == 20
    parts = tmp_path / "parts"
    first: list[Event] = []
    if "kill_at" in break_at:
        with pytest.raises(KilledError):
            run(hparams, parts, **break_at)
        stands_at = 10
    else:
        stopped, first = run(hparams, parts, **break_at)
        stands_at = break_at["stop_at"]
        assert (stopped.cause, stopped.step) == ("stopped", stands_at)
    torch.manual_seed(99)  # another process stands elsewhere in its random numbers
    ended, second = run(hparams, parts)
    assert isinstance(second[0], StartedEvent) and second[0].resumed_from_step == stands_at
    assert ended.cause == "completed"
    assert_same(final_state(tmp_path / "whole"), final_state(parts))
    expected = figures(events)
    assert [step for kind, step in expected if kind == "step"] == list(range(1, 21))
    assert [step for kind, step in expected if kind == "validation"] == [6, 12, 18, 20]
    told = figures(first + second)
    assert told == {key: expected[key] for key in told}
    assert {key for key in expected if key[1] > stands_at} <= told.keys()
    validated = {key for key in expected if key[0] == "validation"}
    assert validated <= told.keys() or "kill_at" in break_at
    assert whole.best_checkpoint is not None and ended.best_checkpoint is not None
    assert_same(read_checkpoint(whole.best_checkpoint), read_checkpoint(ended.best_checkpoint))


def test_a_finished_training_is_not_trained_further(tiny: HParams, tmp_path: Path, run: Run) -> None:
    hparams = tiny.replace(max_steps=2)
    first, _ = run(hparams, tmp_path)
    again, events = run(hparams, tmp_path)
    assert again == first
    assert [event.kind for event in events] == ["started", "finished"]


def test_other_settings_are_refused_by_name(tiny: HParams, tmp_path: Path, run: Run) -> None:
    run(tiny.replace(max_steps=1), tmp_path)
    with pytest.raises(HParamsError) as refused:
        run(tiny.replace(max_steps=2, learning_rate=1e-4), tmp_path)
    lines = str(refused.value).splitlines()
    assert "state-0000001.ckpt" in lines[0] and "new run" in lines[0]
    assert lines[1:] == [
        "train.learning_rate: 0.001 in the checkpoint, now 0.0001",
        "train.max_steps: 1 in the checkpoint, now 2",
    ]


def test_other_recordings_are_refused(
    tiny: HParams, tmp_path: Path, run: Run, validation_set: TextMelLoader
) -> None:
    hparams = tiny.replace(max_steps=1)
    run(hparams, tmp_path)
    with pytest.raises(CheckpointError, match="state-0000001.ckpt.*other recordings"):
        train(hparams, validation_set, validation_set, tmp_path, device="cpu")


def test_damaged_states_are_an_error_and_not_a_new_start(tiny: HParams, tmp_path: Path, run: Run) -> None:
    hparams = tiny.replace(max_steps=1)
    run(hparams, tmp_path)
    state = tmp_path / "checkpoints" / "state-0000001.ckpt"
    state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="state-0000001.ckpt: damaged"):
        run(hparams, tmp_path)
    assert sidecar_path(state).exists()
