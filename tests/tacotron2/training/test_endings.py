"""What a training says while it runs, and how it ends."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tacotron2.checkpoint import read_checkpoint
from tacotron2.data.dataset import Item, TextMelLoader
from tacotron2.events import CheckpointEvent, Event, IncidentEvent, StepEvent, ValidationEvent
from tacotron2.hparams import HParams
from tacotron2.losses import guided_attention_weight
from tacotron2.training import NonFiniteLossError, loop, meter, train
from tacotron2.training.schedule import learning_rate

Sets = tuple[TextMelLoader, TextMelLoader]


def run(hparams: HParams, sets: Sets, folder: Path, **options: Any) -> tuple[Any, list[Event]]:
    events: list[Event] = []
    return train(hparams, *sets, folder, device="cpu", emit=events.append, **options), events


def steps_of(
    events: list[Event], kind: type[StepEvent] | type[ValidationEvent] | type[IncidentEvent]
) -> list[int]:
    return [event.step for event in events if isinstance(event, kind)]


@pytest.mark.usefixtures("blank_pictures")
def test_records_are_means_over_the_steps_since_the_last(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    """Every fifth step, the last one, and before a validation, which would tear an interval in two."""
    hparams = tiny.replace(max_steps=13, validate_every=7, checkpoint_every=100)
    _, each = run(hparams, sets, tmp_path / "each")
    result, events = run(hparams.replace(log_every=5), sets, tmp_path / "fifth")
    assert result.step == 13 and events[-1].kind == "finished"
    records = [event for event in events if isinstance(event, StepEvent)]
    assert [event.step for event in records] == [5, 7, 10, 13]
    assert steps_of(events, ValidationEvent) == [7, 13]
    single = {event.step: event for event in each if isinstance(event, StepEvent)}
    begin = 0
    for event in records:
        covered = [single[step] for step in range(begin + 1, event.step + 1)]
        for name, value in event.losses.items():
            mean = sum(one.losses[name] for one in covered) / len(covered)
            assert value == pytest.approx(mean, rel=1e-5), (event.step, name)
        assert event.grad_norm == pytest.approx(
            sum(one.grad_norm for one in covered) / len(covered), rel=1e-5
        )
        assert event.learning_rate == learning_rate(hparams.train, event.step - 1)
        assert event.guided_attention_weight == guided_attention_weight(hparams.loss, event.step - 1)
        assert event.epoch == event.step // 5  # five updates an epoch, counted as they are completed
        assert 0 <= event.data_wait_share < 1 and event.step_seconds > 0
        begin = event.step


class PoisonedSet(TextMelLoader):
    """From the moment `active` is set, every mel holds one NaN."""

    active = False

    def __init__(self, clean: TextMelLoader) -> None:
        vars(self).update(vars(clean))

    def __getitem__(self, index: int) -> Item:
        item = super().__getitem__(index)
        if not self.active:
            return item
        mel = item.mel.clone()
        mel[3, 2] = math.nan
        return Item(item.ids, mel, item.utterance)


@pytest.mark.usefixtures("blank_pictures")
@pytest.mark.parametrize(
    ("changes", "told_at"),
    [
        ({"log_every": 1}, 9),
        ({"log_every": 4}, 12),
        ({"log_every": 20, "validate_every": 9}, 9),  # not judged
        ({"log_every": 20, "checkpoint_every": 3, "validate_every": 100}, 9),  # not saved
    ],
)
def test_nan_is_found_before_it_is_judged_or_saved(
    tiny: HParams, sets: Sets, tmp_path: Path, changes: dict[str, int], told_at: int
) -> None:
    poisoned = PoisonedSet(sets[0])
    hparams = tiny.replace(**({"checkpoint_every": 6, "validate_every": 6} | changes))
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        poisoned.active = poisoned.active or (isinstance(event, CheckpointEvent) and event.step >= 6)

    with pytest.raises(NonFiniteLossError, match=f"steps {told_at - 2}, {told_at - 1}, {told_at}: 3 within"):
        train(hparams, poisoned, sets[1], tmp_path, device="cpu", emit=emit)
    assert max(steps_of(events, StepEvent)) < 9
    assert steps_of(events, IncidentEvent) == list(range(7, told_at + 1))
    sidecars = list((tmp_path / "checkpoints").glob("*.json"))
    assert sidecars and all(json.loads(file.read_text())["finite"] is True for file in sidecars)
    (state,) = (tmp_path / "checkpoints").glob("state-*.ckpt")
    content = read_checkpoint(state)
    assert content["step"] == 6
    assert all(bool(value.isfinite().all()) for value in content["model"].values())


@pytest.mark.usefixtures("blank_pictures")
class TestEnds:
    """A training ends with a record, a full state, and, when it is complete, a validation."""

    def test_time_is_up(self, tiny: HParams, sets: Sets, tmp_path: Path) -> None:
        hparams = tiny.replace(max_train_minutes=1e-7)
        result, events = run(hparams, sets, tmp_path)
        assert (result.cause, result.step) == ("completed", 1)
        kinds = [event.kind for event in events]
        assert kinds == ["started", "step", "clips", "validation", "checkpoint", "checkpoint", "finished"]
        assert result.best_checkpoint == tmp_path / "checkpoints" / "best-0000001.ckpt"
        again, events = run(hparams, sets, tmp_path)
        assert again == result and steps_of(events, StepEvent) == []

    def test_time_runs_out_during_a_validation(
        self, tiny: HParams, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A validation of ten minutes on a clock that otherwise stands almost still."""
        now, judge = [0.0], loop.validate

        def tick() -> float:
            now[0] += 1e-3
            return now[0]

        def slow_validation(*arguments: Any) -> Any:
            now[0] += 600.0
            return judge(*arguments)

        for module in (loop, meter):
            monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=tick))
        monkeypatch.setattr(loop, "validate", slow_validation)
        hparams = tiny.replace(max_train_minutes=5.0, validate_every=3, checkpoint_every=100)
        result, events = run(hparams, sets, tmp_path)
        assert (result.cause, result.step) == ("completed", 3)
        assert result.train_seconds == pytest.approx(600, abs=1)
        assert steps_of(events, ValidationEvent) == [3]
        assert (tmp_path / "checkpoints" / "state-0000003.ckpt").exists()
        assert all(event.step_seconds < 1 for event in events if isinstance(event, StepEvent))

    @pytest.mark.parametrize("cause", ["stopped", "interrupted", "terminated"])
    def test_a_request_to_stop(self, tiny: HParams, sets: Sets, tmp_path: Path, cause: str) -> None:
        answers = iter([None, None, cause])
        result, events = run(tiny.replace(log_every=10), sets, tmp_path, stop_requested=lambda: next(answers))
        assert (result.cause, result.step, result.best_checkpoint) == (cause, 3, None)
        assert [event.kind for event in events] == ["started", "step", "checkpoint", "finished"]
        assert read_checkpoint(tmp_path / "checkpoints" / "state-0000003.ckpt")["step"] == 3

    def test_a_validation_moves_the_work_on(self, tiny: HParams, sets: Sets, tmp_path: Path) -> None:
        moves: list[bool] = []
        run(tiny.replace(max_steps=1), sets, tmp_path, moved=lambda: moves.append(True))
        assert len(moves) >= 2

    def test_a_request_after_the_last_step_stops_nothing(
        self, tiny: HParams, sets: Sets, tmp_path: Path
    ) -> None:
        """Otherwise the finished training would stay without the validation that chooses its weights."""
        answers = iter([None, "stopped"])
        result, events = run(
            tiny.replace(max_steps=2), sets, tmp_path, stop_requested=lambda: next(answers, None)
        )
        assert result.cause == "completed" and result.best_checkpoint is not None
        assert steps_of(events, ValidationEvent) == [2]

    def test_the_same_seed_gives_the_same_training_and_another_another(
        self, tiny: HParams, sets: Sets, tmp_path: Path
    ) -> None:
        hparams = tiny.replace(max_steps=2, validate_every=100)
        losses = []
        for index, seed in enumerate((1, 1, 2)):
            torch.manual_seed(index)
            _, events = run(hparams.replace(seed=seed), sets, tmp_path / str(index))
            losses.append([event.losses for event in events if isinstance(event, StepEvent)])
        assert losses[0] == losses[1] != losses[2]
