"""What is asked to be adjusted before a training begins or goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tacotron2.checkpoint import read_checkpoint
from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event, StepEvent, ValidationEvent
from tacotron2.hparams import HParams
from tacotron2.training import Request, train
from tacotron2.training.knobs import LOWEST_RATE_SCALE, Knobs
from tacotron2.training.schedule import learning_rate

Sets = tuple[TextMelLoader, TextMelLoader]
HALF = Request("learning_rate", 0.5, 3, "supervisor", "non_finite", "restart-1")
MORE = Request("micro_batches", 2.0, 3, "supervisor", "out_of_memory", "restart-2")


def shares(hparams: HParams, sets: Sets, folder: Path, requests: list[Request], until: int) -> list[float]:
    """The learning rates of the updates made, as shares of what the schedule says."""
    events: list[Event] = []
    counts = iter(range(100))
    train(
        hparams,
        *sets,
        folder,
        device="cpu",
        emit=events.append,
        stop_requested=lambda: "interrupted" if next(counts) == until - 1 else None,
        requests=requests,
    )
    steps = [event for event in events if isinstance(event, StepEvent)]
    return [event.learning_rate / learning_rate(hparams.train, event.step - 1) for event in steps]


def test_a_request_that_the_bounds_left_nothing_of_is_not_made_later(tiny: HParams) -> None:
    """The guard had taken all there was; what it gave back must not be taken by the next start."""
    knobs, again = Knobs(tiny), Knobs(tiny)
    assert knobs.request(Request("learning_rate", LOWEST_RATE_SCALE, 3, "guard", "exploding_norm"))
    assert not knobs.request(HALF)
    assert knobs.request(Request("learning_rate", 8.0, 9, "guard", "calm"))
    again.load_state_dict(knobs.state_dict())
    assert not again.request(HALF)
    assert again.scale("learning_rate") == knobs.scale("learning_rate") == 8 * LOWEST_RATE_SCALE


def test_a_change_is_told_once_with_what_it_was_before(tiny: HParams) -> None:
    knobs = Knobs(tiny)
    knobs.request(Request("gate_positive_weight", 16.0, 3, "cure", "never_stops"))
    knobs.request(Request("gate_positive_weight", 16.0, 5, "cure", "never_stops"))
    knobs.request(Request("gate_positive_weight", 2.0, 7, "cure", "never_stops"))
    assert [(told.step, told.before, told.after) for told in knobs.news()] == [
        (3, 1.0, 16.0),
        (5, 16.0, 64.0),
    ]
    assert knobs.news() == []


@pytest.mark.usefixtures("blank_pictures")
def test_what_is_adjusted_at_a_validation_holds_from_then_on_also_after_an_interruption(
    tiny: HParams, sets: Sets, tmp_path: Path
) -> None:
    """The four scales that are asked for while the training goes on; weights equal to the last bit."""
    hparams = tiny.replace(
        max_steps=6, validate_every=2, checkpoint_every=1, p_convolution_dropout=0.2, p_decoder_dropout=0.1
    )
    knobs = ("learning_rate", "guided_attention_weight", "gate_positive_weight", "dropout")

    def trained(folder: Path, until: int, adjusted: bool = True) -> list[Event]:
        events: list[Event] = []

        def adjustments() -> list[Request]:
            step = max(event.step for event in events if isinstance(event, ValidationEvent))
            return [Request(knob, 2.0, step, "cure", "test") for knob in knobs if adjusted and step == 2]

        counts = iter(range(100))
        train(
            hparams,
            *sets,
            folder,
            device="cpu",
            emit=events.append,
            stop_requested=lambda: "interrupted" if next(counts) == until - 1 else None,
            adjustments=adjustments,
        )
        return events

    trained(tmp_path / "whole", 100)
    trained(tmp_path / "parts", 3)
    trained(tmp_path / "parts", 100)
    trained(tmp_path / "plain", 100, adjusted=False)
    weights = [
        read_checkpoint(tmp_path / name / "checkpoints" / "state-0000006.ckpt")["model"]
        for name in ("whole", "parts", "plain")
    ]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    assert not all(torch.equal(value, weights[2][name]) for name, value in weights[0].items())


@pytest.mark.usefixtures("blank_pictures")
def test_a_request_is_granted_once_and_again_only_where_the_state_does_not_know_it(
    tiny: HParams, sets: Sets, tmp_path: Path
) -> None:
    hparams = tiny.replace(max_steps=20, validate_every=100, checkpoint_every=100, calm_steps=1000)
    assert shares(hparams, sets, tmp_path, [], 2) == [1.0, 1.0]
    assert shares(hparams, sets, tmp_path, [HALF], 2) == [0.5, 0.5]
    assert shares(hparams, sets, tmp_path, [HALF, MORE], 2) == [0.5, 0.5]
    state = read_checkpoint(tmp_path / "checkpoints" / "state-0000006.ckpt")
    assert [request["id"] for request in state["knobs"]["history"]] == ["restart-1", "restart-2"]
    assert state["knobs"]["scales"]["micro_batches"] == 2.0
