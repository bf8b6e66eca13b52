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
from tacotron2.text import SYMBOLS
from tacotron2.training import loop, train
from tacotron2.training.initial_weights import BaseWeights, begin_with, begin_with_base
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


def based(model: Tacotron2, path: Path, statistics: str = "auto") -> BaseWeights:
    content = {
        "hparams": model.hparams.to_dict(),
        "model": model.state_dict(),
        "speakers": list(model.speakers),
    }
    save_checkpoint(path, content, {"role": "base"})
    return BaseWeights(path, statistics)


@pytest.mark.parametrize(
    ("has_statistics", "asked", "taken"),
    [
        (True, "auto", False),
        (True, "base", True),
        (True, "recordings", False),
        (False, "auto", True),
        (False, "recordings", False),
    ],
)
def test_whose_statistics_normalise(
    make_model: MakeModel, tmp_path: Path, has_statistics: bool, asked: str, taken: bool
) -> None:
    source, model = other_weights(make_model), make_model()
    if not has_statistics:
        source.set_mel_statistics(torch.zeros(20), torch.ones(20))
    own = model.mel_mean.clone()
    begin_with(model, based(source, tmp_path / "base.ckpt", asked))
    assert torch.equal(model.mel_mean, source.mel_mean if taken else own)
    assert torch.equal(model.embedding.weight, source.embedding.weight)


def test_what_does_not_fit_a_base_stays_as_it_was_drawn(make_model: MakeModel, tmp_path: Path) -> None:
    source, model = other_weights(make_model), make_model(prenet_dim=16)
    drawn = model.decoder.prenet.layers[0].weight.clone()
    rows = begin_with_base(model, based(source, tmp_path / "base.ckpt"))
    assert torch.equal(model.decoder.prenet.layers[0].weight, drawn)
    assert torch.equal(model.embedding.weight, source.embedding.weight)
    new = {row.name for row in rows if row.outcome != "loaded"}
    assert new == {
        "decoder.prenet.layers.0.weight",
        "decoder.prenet.layers.1.weight",
        "decoder.attention_rnn.weight_ih",
    }


def test_speakers_begin_with_their_own_row_the_mean_or_nothing(make_model: MakeModel, tmp_path: Path) -> None:
    source, model = make_model(n_speakers=3), make_model(n_speakers=2)
    source.name_speakers(("ann", "bob"))
    model.name_speakers(("bob", "cid"))
    assert source.speaker_embedding is not None and model.speaker_embedding is not None
    begin_with(model, based(source, tmp_path / "several.ckpt"))
    known = source.speaker_embedding.weight
    assert torch.equal(model.speaker_embedding.weight[0], known[1])
    assert torch.allclose(model.speaker_embedding.weight[1], known[:2].mean(0))
    begin_with(model, based(make_model(), tmp_path / "one.ckpt"))
    assert not model.speaker_embedding.weight.any()


@pytest.mark.usefixtures("blank_pictures")
def test_another_seed_begins_with_the_base_again(
    tiny: HParams,
    train_set: TextMelLoader,
    validation_set: TextMelLoader,
    make_model: MakeModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = other_weights(make_model)
    base, seen = based(source, tmp_path / "base.ckpt"), []
    monkeypatch.setattr(loop, "_run", lambda trainer, *rest: seen.append(trainer.model) or "stopped")
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        train(tiny.replace(seed=seed), train_set, validation_set, folder, device="cpu", initial_weights=base)
    for model in seen:
        for name, value in model.named_parameters():
            assert torch.equal(value, source.get_parameter(name)), name


@pytest.mark.parametrize(
    ("base", "own", "borrowed"),
    [
        ("en", "de", {"ä": "a", "ö": "o", "ü": "u", "ß": "s", "š": "s"}),
        ("de", "ru", {"š": "s", "č": "c", "ž": "z", "ä": "ä"}),
        ("ru", "de", {"ä": "ä", "š": "š"}),
        ("en", "en", {"ä": "ä"}),
    ],
)
def test_letters_that_the_base_never_read_begin_as_the_nearest_one(
    make_model: MakeModel, tmp_path: Path, base: str, own: str, borrowed: dict[str, str]
) -> None:
    source, model = make_model(language=base), make_model(language=own)
    with torch.no_grad():
        source.embedding.weight.normal_()
    begin_with(model, based(source, tmp_path / "base.ckpt"))
    for letter, taken in borrowed.items():
        row = source.embedding.weight[SYMBOLS.index(taken)]
        assert torch.equal(model.embedding.weight[SYMBOLS.index(letter)], row), letter
    assert torch.equal(
        model.embedding.weight[SYMBOLS.index("?")], source.embedding.weight[SYMBOLS.index("?")]
    )
