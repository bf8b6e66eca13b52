"""A validation changes nothing, and leaves what can be seen and heard."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import soundfile
import torch

from smart_tuner.objective import judge
from smart_tuner.tuning.settings import GateSettings, TuningSettings
from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import ValidationEvent, from_json, to_json
from tacotron2.hparams import LossParams
from tacotron2.models import Tacotron2
from tacotron2.training import validate

MakeModel = Callable[..., Tacotron2]


@pytest.mark.parametrize("training", [True, False])
def test_it_leaves_model_mode_and_random_numbers_as_they_were(
    make_model: MakeModel, validation_set: TextMelLoader, training: bool
) -> None:
    model = make_model().train(training)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = validate(model, validation_set, model.hparams)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training is training and model.encoder.training is training
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    torch.manual_seed(12)
    second = validate(model, validation_set, model.hparams)
    assert first.teacher_forced.figures == second.teacher_forced.figures
    assert first.free_running.figures == second.free_running.figures
    assert first.quality == second.quality is not None


def test_it_moves_on_with_every_batch(make_model: MakeModel, validation_set: TextMelLoader) -> None:
    """A long validation is no hang."""
    model, moves = make_model(), list[bool]()
    hparams = model.hparams.replace(batch_size=1, free_running_clips=1)
    validate(model, validation_set, hparams, lambda: moves.append(True))
    assert len(moves) == len(validation_set) + 1


def test_the_mode_comes_back_after_an_error(
    make_model: MakeModel, validation_set: TextMelLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model().train()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tacotron2.training.validation.free_running", interrupted)
    with pytest.raises(KeyboardInterrupt):
        validate(model, validation_set, model.hparams)
    assert model.training


def test_pictures_and_audio_lie_where_the_event_says(
    make_model: MakeModel, validation_set: TextMelLoader, tmp_path: Path
) -> None:
    model = make_model()
    result = validate(model, validation_set, model.hparams)
    event = result.published(tmp_path, 12)
    assert from_json(to_json(event, 1.0)).event == event
    assert event.quality == result.quality and event.step == 12 and event.seconds > 0
    assert {"val_loss", "gate_accuracy", "attention_alignment"} <= event.teacher_forced.keys()
    assert {"attention_alignment", "mcd_dtw_db", "never_stopped_rate"} <= event.free_running.keys()
    images = [event.attention_image, event.spectrogram_image]
    assert images == ["attention/step-0000012.png", "spectrograms/step-0000012.png"]
    for image in images:
        assert image and (tmp_path / image).read_bytes().startswith(b"\x89PNG")
    assert event.audio == ["audio/step-0000012-1.wav", "audio/step-0000012-2.wav"]
    for path, speech in zip(event.audio, result.free_running.speeches, strict=True):
        info = soundfile.info(tmp_path / path)
        assert (info.samplerate, info.channels) == (22050, 1)
        assert info.frames == (len(speech.mel) - 1) * model.hparams.audio.hop_length
    assert len(list(tmp_path.rglob("*.*"))) == 4


def test_free_running_is_bounded_to_its_clips(make_model: MakeModel, validation_set: TextMelLoader) -> None:
    model = make_model(free_running_clips=3)
    result = validate(model, validation_set, model.hparams)
    assert len(result.free_running.speeches) == 3 < len(result.teacher_forced.alignments) == 5


def test_weights_that_are_not_finite_have_no_quality(
    make_model: MakeModel, validation_set: TextMelLoader
) -> None:
    model = make_model()
    with torch.no_grad():
        model.embedding.weight.fill_(math.nan)
    assert validate(model, validation_set, model.hparams).quality is None


def test_the_weights_of_the_training_loss_do_not_move_the_objective(
    make_model: MakeModel, validation_set: TextMelLoader
) -> None:
    def score(**changes: float) -> object:
        model = make_model(**changes)
        result = validate(model, validation_set, model.hparams)
        forced, free = result.teacher_forced.figures, result.free_running.figures
        return judge(ValidationEvent(1, forced, free, 1.0), TuningSettings(), GateSettings())

    weights = {
        leaf.name: 3.0
        for leaf in fields(LossParams)
        if leaf.name.endswith("_weight") or leaf.name == "max_gaf"
    }
    assert score() == score(**weights)
    assert score() != score(max_decoder_seconds=0.2)  # what one hears does move it
