"""Frozen parts stay as they are, for as long as was asked, and a resumed training is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tacotron2.checkpoint import read_checkpoint
from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event, ReportEvent, StepEvent
from tacotron2.hparams import FREEZABLE, HParams, HParamsError
from tacotron2.models import Tacotron2
from tacotron2.training import train
from tacotron2.training.freezing import part_of

Sets = tuple[TextMelLoader, TextMelLoader]
MakeModel = Callable[..., Tacotron2]
pytestmark = pytest.mark.usefixtures("blank_pictures")


def trained(
    hparams: HParams, sets: Sets, folder: Path, stop_at: int = 0, told: list[Event] | None = None
) -> dict[str, Tensor]:
    """All values of the last state."""
    steps = []

    def emit(event: Event) -> None:
        if isinstance(event, StepEvent):
            steps.append(event.step)
        if told is not None:
            told.append(event)

    train(
        hparams,
        *sets,
        folder,
        device="cpu",
        emit=emit,
        stop_requested=lambda: "stopped" if steps and steps[-1] + 1 == stop_at else None,
    )
    newest = max((folder / "checkpoints").glob("state-*.ckpt"))
    content: dict[str, Tensor] = read_checkpoint(newest)["model"]
    return content


def changed_parts(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str | None]:
    return {part_of(name) for name in after if not torch.equal(before[name], after[name])}


SHORT = {"max_steps": 6, "validate_every": 6, "checkpoint_every": 2, "weight_decay": 0.5, "keep_states": 9}


def test_every_tensor_of_a_plain_model_belongs_to_one_part(make_model: MakeModel) -> None:
    names = set(make_model().state_dict()) - {"mel_mean", "mel_std"}
    assert {part_of(name) for name in names} == set(FREEZABLE)
    assert part_of("decoder.attention_rnn.weight_hh") == part_of("decoder_secondary.attention.v.weight")
    assert part_of("gst.tokens") is None


def test_frozen_parts_keep_weights_and_batch_statistics_and_the_others_learn(
    tiny: HParams, sets: Sets, tmp_path: Path
) -> None:
    hparams = tiny.replace(**SHORT, freeze="embedding, encoder attention")
    start = trained(hparams.replace(max_steps=2), sets, tmp_path / "a")
    end = trained(hparams, sets, tmp_path / "b")
    assert changed_parts(start, end) == {"decoder", "postnet"}
    torch.manual_seed(hparams.seed)
    drawn = Tacotron2(hparams).state_dict()
    assert changed_parts(drawn, end) - {None} == {"decoder", "postnet"}
    assert end["encoder.convolutions.0.norm.num_batches_tracked"] == 0
    assert end["postnet.convolutions.0.norm.num_batches_tracked"] == 6


def test_they_thaw_and_a_training_in_two_parts_is_the_same(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    hparams = tiny.replace(**SHORT, freeze="encoder,postnet", freeze_steps=3)
    whole = trained(hparams, sets, tmp_path / "whole")
    at_two = read_checkpoint(tmp_path / "whole" / "checkpoints" / "state-0000002.ckpt")["model"]
    torch.manual_seed(hparams.seed)
    assert changed_parts(Tacotron2(hparams).state_dict(), at_two) - {None} == {
        "embedding",
        "attention",
        "decoder",
    }
    assert changed_parts(at_two, whole) >= {"encoder", "postnet"}
    for stop_at in (2, 4):
        folder = tmp_path / str(stop_at)
        trained(hparams, sets, folder, stop_at)
        resumed = trained(hparams, sets, folder)
        assert changed_parts(whole, resumed) == set(), stop_at


def test_norms_of_frozen_gradients_are_0_and_clipping_counts_the_others(
    tiny: HParams, sets: Sets, tmp_path: Path
) -> None:
    told: list[Event] = []
    trained(tiny.replace(**SHORT, report_every=2, freeze="decoder"), sets, tmp_path, told=told)
    norms = [event.grad_norm for event in told if isinstance(event, StepEvent)]
    assert all(norm > 0 for norm in norms)
    assert not [event for event in told if event.kind == "incident"]
    assert not [event for event in told if isinstance(event, ReportEvent)]


@pytest.mark.parametrize("value", ["style", "encoder,encode", "embedding encoder attention decoder postnet"])
def test_what_cannot_be_frozen_is_told(tiny: HParams, value: str) -> None:
    with pytest.raises(HParamsError, match="must name some, not all, of embedding, encoder"):
        tiny.replace(freeze=value)
