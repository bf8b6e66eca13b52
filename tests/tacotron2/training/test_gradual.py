"""A reduction factor that falls while it trains, and teacher forcing that does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tacotron2.checkpoint import load_model, read_checkpoint, sidecar_path
from tacotron2.data.dataset import Batch, TextMelLoader
from tacotron2.events import Event, StepEvent, ValidationEvent
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training import train
from tacotron2.training.meter import Meter
from tacotron2.training.trainer import Trainer
from tests.tacotron2.training.test_state import assert_same, figures, final_state

Sets = tuple[TextMelLoader, TextMelLoader]

# Inside the second epoch, at its end, and inside the third; five updates are an epoch.
GRADUAL = {"reduction_schedule": "0:7,7:5,10:4,13:3"}
R_OF_UPDATE = [7] * 7 + [5] * 3 + [4] * 3 + [3] * 7
FORCING = {
    "teacher_forcing_final": 0.25,
    "teacher_forcing_decay_start": 4,
    "teacher_forcing_decay_steps": 12,
}

pytestmark = pytest.mark.usefixtures("blank_pictures")


def run(hparams: HParams, sets: Sets, folder: Path, stop_at: int = 0) -> list[Event]:
    """A training to its end, or to a step."""
    events: list[Event] = []

    (*_, before) = [0, *(int(path.stem[6:]) for path in sorted(folder.glob("checkpoints/state-*.ckpt")))]
    steps = iter(range(before + 1, 1000))

    def stop_requested() -> str | None:
        return "stopped" if next(steps) == stop_at else None

    train(hparams, *sets, folder, device="cpu", emit=events.append, stop_requested=stop_requested)
    return events


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_data_go_on_in_their_order_at_another_r(
    tiny: HParams, sets: Sets, tmp_path: Path, num_workers: int
) -> None:
    plain = Trainer(tiny, *sets, tmp_path, "cpu").batches()
    trainer = Trainer(tiny.replace(**GRADUAL, num_workers=num_workers), *sets, tmp_path, "cpu")
    batches, meter = trainer.batches(), Meter()
    expected, places = [next(plain).ids for _ in range(20)], []
    for ids, r in zip(expected, R_OF_UPDATE, strict=True):
        batch: Batch = next(batches)
        assert batch.ids == ids
        assert batch.mel.size(1) == r * batch.gate.size(1)
        assert (trainer.model.r, trainer.criterion.r) == (r, r)
        places.append((trainer.progress.sampler["epoch"], trainer.progress.sampler["position"]))
        trainer.step(batch, meter)
    assert places == [divmod(number, 5) for number in range(1, 21)]


@pytest.fixture(scope="module")
def whole(
    tiny: HParams, train_set: TextMelLoader, validation_set: TextMelLoader, tmp_path_factory: Any
) -> tuple[Path, list[Event]]:
    """A training in one piece."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("save_attention", "save_spectrograms"):
            patch.setattr(f"tacotron2.training.validation.{name}", lambda path, drawn: None)
        return folder, run(tiny.replace(**GRADUAL, **FORCING), (train_set, validation_set), folder)


def test_every_record_says_at_which_r_and_share(whole: tuple[Path, list[Event]]) -> None:
    steps = [event for event in whole[1] if isinstance(event, StepEvent)]
    assert [event.n_frames_per_step for event in steps] == R_OF_UPDATE
    shares = [1.0 - 0.75 * min(max(step - 4, 0) / 12, 1.0) for step in range(20)]
    assert [event.teacher_forcing for event in steps] == pytest.approx(shares)


@pytest.mark.parametrize(
    ("stop_at", "num_workers"), [(6, 0), (7, 0), (8, 0), (10, 0), (13, 2), (12, 2), (14, 2)]
)
def test_resumed_at_a_switch_it_ends_as_if_it_had_not_been_stopped(
    tiny: HParams,
    sets: Sets,
    whole: tuple[Path, list[Event]],
    tmp_path: Path,
    stop_at: int,
    num_workers: int,
) -> None:
    hparams = tiny.replace(**GRADUAL, **FORCING, num_workers=num_workers)
    first = run(hparams, sets, tmp_path, stop_at)
    (state,) = (tmp_path / "checkpoints").glob("state-*.ckpt")
    assert read_checkpoint(state)["step"] == stop_at
    assert read_checkpoint(state)["n_frames_per_step"] == R_OF_UPDATE[stop_at - 1]
    torch.manual_seed(99)  # another process stands elsewhere in its random numbers
    second = run(hparams, sets, tmp_path)
    expected, found = final_state(whole[0]), final_state(tmp_path)
    for content in (expected, found):
        content["hparams"]["data"].pop("num_workers")
    assert_same(expected, found)
    assert figures(first + second) == figures(whole[1])


def test_checkpoints_say_at_which_r_they_speak(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    """Weights are judged, saved and loaded at the r that they were trained with last."""
    hparams = tiny.replace(**GRADUAL, validate_every=7, keep_best=3)
    events = run(hparams, sets, tmp_path, stop_at=7)
    assert [event.step for event in events if isinstance(event, ValidationEvent)] == [7]
    (best,) = (tmp_path / "checkpoints").glob("best-*.ckpt")
    assert best.name == "best-0000007.ckpt" and load_model(best).r == 7
    assert '"n_frames_per_step": 7' in sidecar_path(best).read_text()
    trainer = Trainer(hparams, *sets, tmp_path, "cpu")
    assert trainer.resume() == 7 and (trainer.model.r, trainer.criterion.r) == (7, 7)
    next(trainer.batches())
    assert (trainer.model.r, trainer.criterion.r) == (5, 5)
    run(hparams, sets, tmp_path)
    kept = trainer.checkpoints.best()
    assert [(best.r, load_model(best.path).r) for best in kept] == [(3, 3), (3, 3), (7, 7)]
    assert {best.step for best in kept[:2]} == {14, 20}


def test_only_training_reads_what_was_said(
    tiny: HParams, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    forward = Tacotron2.forward

    def watched(self: Tacotron2, *given: torch.Tensor, **named: float) -> object:
        seen.append((self.training, named.get("teacher_forcing", 1.0)))
        return forward(self, *given, **named)

    monkeypatch.setattr(Tacotron2, "forward", watched)
    hparams = tiny.replace(**FORCING, max_steps=6, accumulation_steps=2)
    run(hparams, sets, tmp_path)
    assert [share for training, share in seen if training] == [1.0] * 10 + [0.9375] * 2
    judged = [share for training, share in seen if not training]
    assert judged and set(judged) == {1.0}
