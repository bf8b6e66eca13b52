"""What a fine-tuning begins with: every form it may come in, one content, and what is wrong with others."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tacotron2.base import new_tensors, read_base, write_base
from tacotron2.checkpoint import CheckpointError, load_model, save_checkpoint, sidecar_path
from tacotron2.cli import DATA_ERROR, main
from tacotron2.hparams import HParams
from tacotron2.interchange import write_published
from tacotron2.models import Tacotron2
from tacotron2.one_speaker import of_one_speaker
from tacotron2.text import SYMBOLS
from tacotron2.voice import About, write_voice
from tacotron2.voice_card import Card
from tacotron2.voice_file import VoiceError, pack, unpack

MakeModel = Callable[..., Tacotron2]


def saved(model: Tacotron2, path: Path) -> Path:
    content = {
        "hparams": model.hparams.to_dict(),
        "model": model.state_dict(),
        "n_frames_per_step": model.r,
        "speakers": list(model.speakers),
    }
    save_checkpoint(path, content, {"role": "best"})
    return path


@pytest.fixture
def checkpoint(make_model: MakeModel, tmp_path: Path) -> Path:
    return saved(make_model(), tmp_path / "best-0000001.ckpt")


@pytest.fixture
def voice(checkpoint: Path, tmp_path: Path) -> Path:
    path = tmp_path / "one.voice.zip"
    write_voice(path, checkpoint, About(Card("One", "en", "chirps", "2026-01-01")))
    return path


def test_a_voice_its_folder_and_its_checkpoint_are_the_same_base(
    checkpoint: Path, voice: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(voice) as archive:
        archive.extractall(folder)
    read = {path: read_base(path) for path in (checkpoint, voice, folder)}
    assert len({base.content_hash() for base in read.values()}) == 1
    assert [base.kind for base in read.values()] == ["checkpoint", "voice", "voice"]
    facts = write_base(tmp_path / "base.ckpt", read[voice])
    again = read_base(tmp_path / "base.ckpt")
    assert again.content_hash() == facts["content"] == read[voice].content_hash()
    assert json.loads(sidecar_path(tmp_path / "base.ckpt").read_text())["sections"] == facts["sections"]
    assert facts["sections"]["model"]["n_frames_per_step"] == 3


def test_one_changed_weight_is_another_content(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model()
    before = read_base(saved(model, tmp_path / "one.ckpt")).content_hash()
    with torch.no_grad():
        model.decoder.gate_layer.bias.add_(1e-6)
    assert read_base(saved(model, tmp_path / "two.ckpt")).content_hash() != before


def test_a_published_model_has_our_symbols_and_r_1(make_model: MakeModel, tmp_path: Path) -> None:
    model = Tacotron2(make_model().hparams.replace(n_frames_per_step=1, n_symbols=148))
    path = tmp_path / "published.pt"
    write_published(path, model)
    base = read_base(path)
    settings = base.model.hparams.model
    assert (base.kind, settings.n_frames_per_step, settings.n_symbols) == ("published", 1, len(SYMBOLS))
    weights = base.model.embedding.weight
    given = model.embedding.weight
    assert torch.equal(weights[SYMBOLS.index("z")], given[len("_-!'(),.:;? ") + 51])
    assert torch.equal(weights[SYMBOLS.index("ä")], weights[SYMBOLS.index("a")])
    assert torch.equal(base.model.mel_std, torch.ones(20))
    inner = "decoder.decoder_rnn.weight_hh"
    assert torch.equal(base.model.get_parameter(inner), model.get_parameter(inner))


def test_a_schedule_of_r_ends_in_one(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model(reduction_schedule="0:5,9:3")
    model.decoder.set_r(3)
    base = read_base(saved(model, tmp_path / "best.ckpt"))
    assert base.model.hparams.train.reduction_schedule == "" and base.model.r == 3
    assert base.model.decoder.mel_layer.weight.shape[0] == 3 * 20


def speakers_model(make_model: MakeModel) -> Tacotron2:
    model = make_model(n_speakers=3, prenet_dropout_at_synthesis=False)
    model.name_speakers(("ann", "bob"))
    return model


def test_a_speaker_of_several_is_taken_by_name_or_the_first(make_model: MakeModel, tmp_path: Path) -> None:
    path = saved(speakers_model(make_model), tmp_path / "two.ckpt")
    first, ann, bob = (read_base(path, name).content_hash() for name in (None, "ann", "bob"))
    assert first == ann != bob
    assert read_base(path).model.hparams.model.n_speakers == 1
    assert read_base(path, keep_speakers=True).model.speakers == ("ann", "bob")
    with pytest.raises(CheckpointError, match=r"two\.ckpt: no speaker 'eve'; it has ann, bob"):
        read_base(path, "eve")


def test_the_model_of_one_speaker_says_nearly_what_that_one_says(make_model: MakeModel) -> None:
    model = speakers_model(make_model)
    text, lengths = torch.randint(24, 50, (2, 9)), torch.tensor([9, 9])
    mel, mel_lengths = torch.randn(2, 24, 20), torch.tensor([24, 24])
    with torch.no_grad():
        model.decoder.attention.memory_layer.weight.zero_()  # the energies' share is what is lost
        said = model(text, lengths, mel, mel_lengths, torch.tensor([1, 1])).mel_after
        taken = of_one_speaker(model, 1)(text, lengths, mel, mel_lengths).mel_after
        ignored = of_one_speaker(model, 2)(text, lengths, mel, mel_lengths).mel_after
    late = slice(12, None)  # the first step has no context yet
    assert (taken - said)[:, late].abs().mean() < 0.1 * (ignored - said)[:, late].abs().mean()


def test_other_sizes_tell_what_is_new(checkpoint: Path, tiny: HParams) -> None:
    assert new_tensors(tiny, checkpoint) == []
    rows = {row.name: row for row in new_tensors(tiny.replace(prenet_dim=16), checkpoint)}
    assert "another shape: (32, 20) there, (16, 20) here" in rows["decoder.prenet.layers.0.weight"].why
    assert "encoder.convolutions.0.convolution.weight" not in rows


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-200])
    return path


def newer(path: Path) -> Path:
    facts = json.loads(sidecar_path(path).read_text())
    sidecar_path(path).write_text(json.dumps(facts | {"schema": 99}))
    return path


def newer_voice(path: Path) -> Path:
    parts = unpack(path)
    pack(path, parts | {"voice.json": json.dumps(json.loads(parts["voice.json"]) | {"format": 99}).encode()})
    return path


def alone(path: Path) -> Path:
    sidecar_path(path).unlink()
    return path


def words(path: Path) -> Path:
    path = path.with_name("notes.txt")
    path.write_text("no model")
    return path


@pytest.mark.parametrize(
    ("spoil", "of_voice", "told"),
    [
        (cut, False, "damaged"),
        (newer, False, "checkpoint schema 99, newer"),
        (alone, False, r"needs best-0000001\.ckpt\.json beside it"),
        (words, False, r"notes\.txt: cannot be loaded .* needs notes\.txt\.json beside it"),
        (lambda path: path.with_name("gone.ckpt"), False, r"gone\.ckpt: no such file"),
        (lambda path: path.parent, False, "not a voice"),
        (cut, True, r"one\.voice\.zip"),
        (newer_voice, True, "a voice of format 99"),
    ],
)
def test_what_is_no_base_is_refused_in_words(
    checkpoint: Path, voice: Path, spoil: Callable[[Path], Path], of_voice: bool, told: str
) -> None:
    path = spoil(voice if of_voice else checkpoint)
    with pytest.raises((CheckpointError, VoiceError), match=told):
        read_base(path)


def test_weights_that_are_not_finite_are_no_base(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model()
    with torch.no_grad():
        model.decoder.gate_layer.bias.fill_(float("nan"))
    with pytest.raises(CheckpointError, match=r"decoder\.gate_layer\.bias holds values that are not finite"):
        read_base(saved(model, tmp_path / "nan.ckpt"))


def test_the_command_writes_a_base_and_tells_of_it(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "made" / "base.ckpt"
    output.parent.mkdir()
    assert main(["--json", "base", f"--from={checkpoint}", f"--output={output}"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["kind"], record["form"]) == ("base", "checkpoint")
    assert torch.equal(load_model(output).mel_mean, load_model(checkpoint).mel_mean)
    settings = tmp_path / "settings.yaml"
    settings.write_text("model:\n  prenet_dim: 64\n")
    assert main(["--json", "base", f"--output={output}", f"--settings={settings}"]) == 0
    assert json.loads(capsys.readouterr().out)["tensors"]
    assert main(["base", f"--from={tmp_path / 'gone'}", f"--output={output}"]) == DATA_ERROR
    assert "no such file" in capsys.readouterr().err
