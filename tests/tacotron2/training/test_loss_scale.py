"""Training in fp16, here on a CPU: the scale of the loss, what overflows with it, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import CheckpointEvent, Event, IncidentEvent, StepEvent
from tacotron2.hparams import HParams
from tacotron2.training import train
from tacotron2.training.loop import record
from tacotron2.training.meter import Meter
from tacotron2.training.trainer import Trainer

Sets = tuple[TextMelLoader, TextMelLoader]
HUGE = 2.0**126
"""A scale with which any loss overflows in float32 already on its way back."""


def scale_of(trainer: Trainer) -> float:
    return float(trainer.loss_scale.state_dict()["scale"])


def set_scale(trainer: Trainer, scale: float) -> None:
    trainer.loss_scale.load_state_dict(trainer.loss_scale.state_dict() | {"scale": scale})


def everything(trainer: Trainer) -> list[Tensor]:
    """Copies of weights, statistics and the optimizer's state."""
    states = trainer.adamw.state_dict()["state"].values()
    values = [*trainer.model.state_dict().values(), *(value for state in states for value in state.values())]
    return [value.clone() for value in values]


@pytest.fixture
def trainer(tiny: HParams, sets: Sets, tmp_path: Path) -> Trainer:
    """After a first update at a scale of 1024."""
    trainer = Trainer(tiny.replace(precision="fp16"), *sets, tmp_path, "cpu")
    set_scale(trainer, 1024.0)
    trainer.step(next(trainer.batches()), Meter())
    return trainer


def test_norm_and_clipping_are_those_of_the_gradients_without_the_scale(
    tiny: HParams, sets: Sets, tmp_path: Path
) -> None:
    norms, given = [], []
    for scale in (1.0, 1024.0):
        trainer = Trainer(tiny.replace(precision="fp16", grad_clip_thresh=0.1), *sets, tmp_path, "cpu")
        set_scale(trainer, scale)
        seen: list[Tensor] = []
        trainer.adamw.register_step_pre_hook(
            lambda optimizer, *_, seen=seen: seen.extend(
                p.grad.flatten() for group in optimizer.param_groups for p in group["params"]
            )
        )
        meter = Meter()
        trainer.step(next(trainer.batches()), meter)
        norms.append(meter.means()["grad_norm"])
        given.append(torch.cat(seen))
    assert norms[0] > 0.1 and norms[1] == pytest.approx(norms[0], rel=1e-2)
    assert float(given[1].norm()) == pytest.approx(0.1, rel=1e-3)
    assert float((given[1] - given[0]).norm()) < 2e-3  # small gradients are lost without a scale


def test_an_overflow_skips_the_update_and_is_no_incident(trainer: Trainer) -> None:
    before, meter, batches = everything(trainer), Meter(), trainer.batches()
    set_scale(trainer, HUGE)
    trainer.step(next(batches), meter)
    assert all(torch.equal(one, other) for one, other in zip(everything(trainer), before, strict=True))
    assert scale_of(trainer) == HUGE / 2
    assert trainer.guard.look() == []
    assert record(trainer, meter) is None  # no update, no means
    set_scale(trainer, 1024.0)
    trainer.step(next(batches), meter)
    told = record(trainer, meter)
    assert told is not None and 0 < told.grad_norm < 1e4
    assert any(not torch.equal(one, other) for one, other in zip(everything(trainer), before, strict=True))


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_gradients_that_no_scale_mends_become_an_incident(trainer: Trainer, scale: float) -> None:
    batch = next(trainer.batches())
    set_scale(trainer, scale)
    trainer.model.decoder.gate_layer.bias.register_hook(lambda gradient: gradient * torch.inf)
    trainer.step(batch, Meter())
    incidents = trainer.guard.look()
    assert [incident.incident for incident in incidents] == ["non_finite_update"] * (scale < 1)


def test_a_loss_that_is_not_finite_is_an_incident_at_any_scale(trainer: Trainer) -> None:
    batch = next(trainer.batches())
    batch.mel[0, 0, 0] = torch.nan
    trainer.step(batch, Meter())
    (incident,) = trainer.guard.look()
    assert "total" in incident.details["terms"]


def test_a_training_finds_its_scale(tiny: HParams, sets: Sets, tmp_path: Path, blank_pictures: None) -> None:
    """It begins at 65,536, loses what overflows, and learns; no attempt is ended for it."""
    events: list[Event] = []
    hparams = tiny.replace(precision="fp16", max_steps=12, validate_every=12)
    result = train(hparams, *sets, tmp_path, device="cpu", emit=events.append)
    assert (result.step, result.cause) == (12, "completed")
    assert not any(isinstance(event, IncidentEvent) for event in events)
    losses = [event.losses["total"] for event in events if isinstance(event, StepEvent)]
    assert losses[-1] < losses[0]
    assert any(isinstance(event, CheckpointEvent) and event.role == "state" for event in events)


def test_a_state_without_a_scale_is_no_obstacle(trainer: Trainer) -> None:
    """`auto` may have meant other arithmetic where the state was written."""
    trainer.loss_scale.load_state_dict({})
    assert scale_of(trainer) == 1024.0
