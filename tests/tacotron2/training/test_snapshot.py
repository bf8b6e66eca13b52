"""What a report says of the update to its step: held against what the update was made from."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event, SnapshotEvent, StepEvent
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, decoder_steps, guided_attention_weight
from tacotron2.metrics import batch_alignment_metrics, mean_metrics
from tacotron2.models.tacotron2 import TacotronOutput
from tacotron2.training import train
from tacotron2.training.meter import Meter
from tacotron2.training.snapshot import Snapshots, norms_by_module
from tacotron2.training.trainer import Trainer
from tests.bit_for_bit import equal, timeless

Sets = tuple[TextMelLoader, TextMelLoader]
NO_VALIDATION = {"validate_every": 1000, "checkpoint_every": 1000}


@pytest.fixture
def _no_picture(monkeypatch: pytest.MonkeyPatch, blank_pictures: None) -> None:
    monkeypatch.setattr("tacotron2.training.snapshot.save_attention", lambda path, maps: None)


def trained(hparams: HParams, sets: Sets, folder: Path, stop_at: int | None = None) -> list[Event]:
    events: list[Event] = []

    def asked() -> str | None:
        last = [event.step for event in events if isinstance(event, StepEvent)]
        return "interrupted" if stop_at and last and last[-1] >= stop_at else None  # after the next step

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


def test_a_report_step_is_looked_at_also_where_log_every_does_not_divide_it(
    tiny: HParams, sets: Sets, tmp_path: Path, _no_picture: None
) -> None:
    """Six updates, three of them with r = 5, each in two parts: exactly two snapshots, each right after the
    step record of its step; figures are those of the maps the model gave in that very update."""
    changes = {"reduction_schedule": "0:5 3:3", "max_steps": 6, "report_every": 3, "log_every": 4}
    hparams = tiny.replace(**NO_VALIDATION | changes | {"accumulation_steps": 2})
    events = trained(hparams, sets, tmp_path)
    assert [event.step for event in snapshots(events)] == [3, 6]
    for told in snapshots(events):
        before = events[events.index(told) - 1]
        assert before.kind in ("step", "validation", "checkpoint")
        records = [event for event in events[: events.index(told)] if isinstance(event, StepEvent)]
        assert records[-1].step == told.step
        assert set(told.stop) == {"gate_accuracy", "go_on_recall", "stop_recall"}
        assert 0.0 <= told.attention["worst_alignment"] <= told.attention["attention_alignment"] <= 1.0
        assert told.memory["host_bytes"] > 2**20 and told.seconds > 0
    steps = [event.step for event in events if isinstance(event, StepEvent)]
    assert steps == [3, 4, 6]


def test_attention_figures_are_those_of_the_batch_with_true_lengths(
    tiny: HParams, sets: Sets, tmp_path: Path, _no_picture: None
) -> None:
    trainer = Trainer(tiny, *sets, tmp_path, "cpu")
    batch = next(trainer.batches())
    generator = torch.Generator().manual_seed(5)
    rows, num_steps = len(batch.ids), batch.gate.size(1)
    maps = torch.rand(rows, num_steps, batch.text.size(1), generator=generator).softmax(2)
    logits = torch.randn(rows, num_steps, generator=generator)
    shown = TacotronOutput(*([torch.zeros(())] * len(TacotronOutput._fields)))
    output = shown._replace(alignments=maps, gate_logits=logits)
    taking, idle = Snapshots(2), Snapshots(0)
    for each in (taking, idle):
        each.noting(1)(output, batch)  # not due
        each.noting(2)(output, batch)
    told = taking.take(
        2, 3, {"decoder.attention.query.weight": 3.0, "decoder.attention.v.weight": 4.0}, tmp_path
    )
    lengths = decoder_steps(batch.mel_lengths, 3)
    scores = [m.to_dict() for m in batch_alignment_metrics(maps.numpy(), lengths, batch.text_lengths)]
    worst = min(score["attention_alignment"] for score in scores)
    assert told.attention == mean_metrics(scores) | {"worst_alignment": worst}
    valid = [(logits[row, : int(n)] > 0).tolist() for row, n in enumerate(lengths)]
    stops = np.mean([row[-1] for row in valid])
    goes_on = np.mean([not each for row in valid for each in row[:-1]])
    assert told.stop["stop_recall"] == pytest.approx(stops)
    assert told.stop["go_on_recall"] == pytest.approx(goes_on)
    assert told.norms == {"decoder.attention": 5.0} and told.grad_norm == 5.0
    assert not idle.is_due(2) and idle.take(2, 3, {}, tmp_path).attention == {}


def test_modules_keep_their_order_and_what_is_not_finite() -> None:
    norms = {"postnet.a": math.nan, "decoder.x.w": 3.0, "decoder.x.b": 4.0, "gst.a.b": 1.0}
    told = norms_by_module(norms)
    assert list(told) == ["postnet", "decoder.x", "gst"]
    assert math.isnan(told["postnet"]) and told["decoder.x"] == 5.0


def test_reports_change_no_bit_of_a_training_also_of_one_that_is_resumed(
    tiny: HParams, sets: Sets, tmp_path: Path, _no_picture: None
) -> None:
    """With reports, without, and interrupted just before a report: the same weights, and the report again."""
    hparams = tiny.replace(**NO_VALIDATION | {"max_steps": 6, "report_every": 4, "checkpoint_every": 3})
    events = trained(hparams, sets, tmp_path / "whole")
    trained(hparams.replace(report_every=0), sets, tmp_path / "none")
    first = trained(hparams, sets, tmp_path / "parts", stop_at=2)
    second = trained(hparams, sets, tmp_path / "parts")
    assert not snapshots(first)
    [whole], [again] = snapshots(events), snapshots(second)
    assert (again.attention, again.stop, again.norms) == (whole.attention, whole.stop, whole.norms)
    weights = [
        timeless(next((tmp_path / name / "checkpoints").glob("state-*.ckpt")))
        for name in ("whole", "none", "parts")
    ]
    for content in weights:
        content.pop("hparams")
    assert equal(weights[0], weights[1]) and equal(weights[0], weights[2])


@pytest.mark.slow
def test_500_steps_give_two_reports(tiny: HParams, sets: Sets, tmp_path: Path, blank_pictures: None) -> None:
    """With their pictures, at the default of 250."""
    changes = {"max_steps": 500, "report_every": 250, "log_every": 10, "batch_size": 1}
    events = trained(tiny.replace(**NO_VALIDATION | changes), sets, tmp_path)
    assert [event.step for event in snapshots(events)] == [250, 500]
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "step-0000250.png",
        "step-0000500.png",
    ]
