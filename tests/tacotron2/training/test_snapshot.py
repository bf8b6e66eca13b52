"""What a report says of the update to its step: held against what the update was made from."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch

from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event, SnapshotEvent, StepEvent
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight
from tacotron2.training import train
from tacotron2.training.meter import Meter
from tacotron2.training.trainer import Trainer

Sets = tuple[TextMelLoader, TextMelLoader]
NO_VALIDATION = {"validate_every": 1000, "checkpoint_every": 1000}


@pytest.fixture
def _no_picture(monkeypatch: pytest.MonkeyPatch, blank_pictures: None) -> None:
    monkeypatch.setattr("tacotron2.training.snapshot.save_attention", lambda path, maps: None)


def trained(hparams: HParams, sets: Sets, folder: Path, stop_at: int | None = None) -> list[Event]:
    events: list[Event] = []

    def asked() -> str | None:
        last = [event.step for event in events if isinstance(event, StepEvent)]
        return "interrupted" if stop_at and last and last[-1] >= stop_at else None

    train(hparams, *sets, folder, device="cpu", emit=events.append, stop_requested=asked)
    return events


def snapshots(events: list[Event]) -> list[SnapshotEvent]:
    return [event for event in events if isinstance(event, SnapshotEvent)]


def test_norms_are_those_of_the_gradients_before_clipping(
    tiny: HParams, sets: Sets, tmp_path: Path, _no_picture: None
) -> None:
    hparams = tiny.replace(grad_clip_thresh=0.01, report_every=1)
    trainer, meter = Trainer(hparams, *sets, tmp_path, "cpu"), Meter()
    batch = next(trainer.batches())
    oracle, drawn = copy.deepcopy(trainer.model), torch.get_rng_state()
    output = oracle(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
    Tacotron2Loss(hparams)(output, batch, guided_attention_weight(hparams.loss, 0)).total.backward()
    torch.set_rng_state(drawn)
    trainer.step(batch, meter)
    trainer.guard.look()
    told = trainer.snapshots.take(1, 3, trainer.guard.last_norms(), tmp_path)
    squares: dict[str, float] = {}
    for name, parameter in oracle.named_parameters():
        assert parameter.grad is not None
        parts = name.split(".")
        module = ".".join(parts[:2]) if parts[0] == "decoder" else parts[0]
        squares[module] = squares.get(module, 0.0) + float(parameter.grad.double().square().sum())
    assert list(told.norms) == list(squares)
    assert {"encoder", "decoder.attention", "decoder.gate_layer", "postnet"} <= told.norms.keys()
    assert told.norms == {
        name: pytest.approx(math.sqrt(square), rel=1e-4) for name, square in squares.items()
    }
    assert told.grad_norm == pytest.approx(math.sqrt(sum(squares.values())), rel=1e-4)
    assert told.grad_norm > 0.1  # clipped they were 0.01
