"""A training that begins with the weights of another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tacotron2.checkpoint import CheckpointError, save_checkpoint
from tacotron2.data.dataset import TextMelLoader, mel_statistics
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training import loop, train
from tacotron2.training.initial_weights import begin_with
from tacotron2.voice import About, write_voice
from tacotron2.voice_card import Card
from tacotron2.voice_file import VoiceError

MakeModel = Callable[..., Tacotron2]


def saved(model: Tacotron2, path: Path) -> Path:
    save_checkpoint(path, {"hparams": model.hparams.to_dict(), "model": model.state_dict()}, {})
    return path


def other_weights(make_model: MakeModel) -> Tacotron2:
    model = make_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.25)
    model.set_mel_statistics(torch.full((20,), 3.0), torch.full((20,), 2.0))
    return model


@pytest.mark.parametrize("kind", ["checkpoint", "voice"])
def test_all_weights_are_taken_and_the_statistics_stay_those_of_the_recordings(
    make_model: MakeModel, train_set: TextMelLoader, tmp_path: Path, kind: str
) -> None:
    source, model = other_weights(make_model), make_model()
    path = saved(source, tmp_path / "source.ckpt")
    if kind == "voice":
        path = tmp_path / "source.voice"
        write_voice(path, tmp_path / "source.ckpt", About(Card("One", "en", "chirps", "2026-01-01")))
    begin_with(model, path)
    for name, value in model.named_parameters():
        assert torch.equal(value, source.get_parameter(name)), name
    assert torch.equal(model.mel_mean, mel_statistics(train_set)[0])


def test_weights_that_do_not_fit_are_refused_in_words(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    wide = saved(make_model(prenet_dim=16), tmp_path / "wide.ckpt")
    with pytest.raises(CheckpointError, match=r"wide\.ckpt: does not fit .*: \(16.* in the file, \(32"):
        begin_with(model, wide)
    with pytest.raises(VoiceError, match=r"nothing\.ckpt: no such voice"):
        begin_with(model, tmp_path / "nothing.ckpt")
    broken = make_model()
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(CheckpointError, match=r"broken\.ckpt: .* not finite"):
        begin_with(model, saved(broken, tmp_path / "broken.ckpt"))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.usefixtures("blank_pictures")
def test_they_count_only_where_there_is_no_state_yet(
    tiny: HParams,
    sets: tuple[TextMelLoader, TextMelLoader],
    make_model: MakeModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = saved(other_weights(make_model), tmp_path / "source.ckpt")
    begun: list[Path] = []

    def noted(model: Tacotron2, path: Path) -> None:
        begun.append(path)
        begin_with(model, path)

    monkeypatch.setattr(loop, "begin_with", noted)
    hparams = tiny.replace(max_steps=2, validate_every=100)
    for answers in (["stopped"], [None]):
        train(
            hparams,
            *sets,
            tmp_path / "run",
            device="cpu",
            stop_requested=iter(answers).__next__,
            initial_weights=path,
        )
    assert begun == [path]
