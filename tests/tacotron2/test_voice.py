"""A voice: speaks as its checkpoint does, carries what it needs, and says what is wrong with it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tacotron2.checkpoint import load_model, save_checkpoint
from tacotron2.cli import DATA_ERROR, main
from tacotron2.models import Tacotron2
from tacotron2.synthesis import synthesise
from tacotron2.text import TextError
from tacotron2.voice import FORMAT, About, load_voice, write_voice
from tacotron2.voice_card import Card
from tacotron2.voice_file import VoiceError, pack, unpack

MakeModel = Callable[..., Tacotron2]
CARD = Card(name="Anna", language="en", data="recordings in the folder anna", date="2026-01-01")


@pytest.fixture
def voice_path(weights_file: Path, tmp_path: Path) -> Path:
    (tmp_path / "picture.png").write_bytes(b"a picture")
    (tmp_path / "1 odd name.wav").write_bytes(b"a wav")
    about = About(
        CARD,
        figures={"test sentences": {"quality": {"value": 0.4321, "how": "as docs/metrics.md says"}}},
        made_with={"commit": "abc", "step": 1},
        attention=tmp_path / "picture.png",
        samples=[(tmp_path / "1 odd name.wav", "the old | clock.")],
    )
    path = tmp_path / "anna.voice.zip"
    write_voice(path, weights_file, about)
    return path


def checkpoint_of(model: Tacotron2, path: Path) -> Path:
    save_checkpoint(path, {"hparams": model.hparams.to_dict(), "model": model.state_dict()}, {})
    return path


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The voice with other facts, and right checksums."""
    parts = unpack(path)
    facts = json.loads(parts["voice.json"])
    change(facts)
    pack(path, parts | {"voice.json": json.dumps(facts).encode()})
    return path


def test_a_voice_speaks_as_its_checkpoint(voice_path: Path, make_model: MakeModel, tmp_path: Path) -> None:
    voice, model = load_voice(voice_path), make_model()
    assert not voice.model.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, voice.model.state_dict()[name]), name
    text = "The old clock. Dr. Gray came at 7:30!"
    said = synthesise(voice.model, text, dictionary=voice.dictionary).samples
    np.testing.assert_array_equal(said, synthesise(model, text).samples)
    with zipfile.ZipFile(voice_path) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert load_voice(tmp_path / "unpacked").facts == voice.facts


def test_a_voice_saved_at_a_larger_r_speaks_with_it(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model(n_frames_per_step=2, reduction_schedule="0:7,10:5,20:2", max_decoder_seconds=0.2)
    content = {"hparams": model.hparams.to_dict(), "model": model.state_dict(), "n_frames_per_step": 5}
    checkpoint = tmp_path / "best.ckpt"
    save_checkpoint(checkpoint, content, {})
    write_voice(tmp_path / "v.zip", checkpoint, About(CARD))
    voice = load_voice(tmp_path / "v.zip")
    assert voice.model.r == voice.facts["hparams"]["model"]["n_frames_per_step"] == 5
    assert len(voice.model.get_parameter("decoder.mel_layer.bias")) == 5 * 20
    expected = synthesise(load_model(checkpoint), "The old clock.")
    said = synthesise(voice.model, "The old clock.")
    assert said.speeches[0].mel.shape == expected.speeches[0].mel.shape
    assert len(said.speeches[0].mel) == 5 * len(said.speeches[0].alignment)
    np.testing.assert_allclose(said.speeches[0].mel, expected.speeches[0].mel, rtol=1e-4, atol=1e-4)


def test_facts_and_card_say_the_same(voice_path: Path) -> None:
    parts = unpack(voice_path)
    assert sorted(parts) == ["CARD.md", "attention.png", "samples/1.wav", "voice.json", "weights.npz"]
    facts, card = json.loads(parts["voice.json"]), parts["CARD.md"].decode()
    assert facts["format"] == FORMAT and facts["card"] == CARD.to_dict() | {"limits": []}
    assert set(facts["hparams"]) == {"audio", "text", "model"}
    assert facts["samples"] == [{"wav": "samples/1.wav", "text": "the old | clock."}]
    assert parts["samples/1.wav"] == b"a wav" and parts["attention.png"] == b"a picture"
    for row in (
        "# Anna",
        "| language | English (en) |",
        "| learned from | recordings in the folder anna |",
        "| consent of the speaker | not stated |",
        "| licence of this voice | not stated |",
        "| hours in training | not recorded |",
        "| `quality` | 0.4321 | as docs/metrics.md says |",
        "- commit: abc",
        "![attention.png](attention.png)",
    ):
        assert row in card.splitlines(), row
    assert "not allowed by this card" in card


def test_a_card_with_all_rights_stated_has_no_warning(weights_file: Path, tmp_path: Path) -> None:
    rights = {"speaker": "Anna B.", "consent": "to all of it", "recordings_licence": "own", "licence": "CC0"}
    write_voice(tmp_path / "v.zip", weights_file, About(Card(**(vars(CARD) | rights | {"hours": 1.256}))))
    card = unpack(tmp_path / "v.zip")["CARD.md"].decode()
    assert "| consent of the speaker | to all of it |" in card and "| hours in training | 1.26 |" in card
    assert "not allowed" not in card


def test_the_dictionary_travels_and_no_path_does(make_model: MakeModel, tmp_path: Path) -> None:
    words = tmp_path / "private" / "words.txt"
    words.parent.mkdir()
    words.write_text("# mine\nSQL|sequel\n", encoding="utf-8")
    checkpoint = checkpoint_of(make_model(dictionary=str(words)), tmp_path / "best.ckpt")
    write_voice(tmp_path / "v.zip", checkpoint, About(CARD))
    assert b"private" not in (tmp_path / "v.zip").read_bytes()
    words.unlink()
    voice = load_voice(tmp_path / "v.zip")
    assert synthesise(voice.model, "Old SQL.", dictionary=voice.dictionary).sentences == ["old sequel."]
    with pytest.raises(TextError, match=r"text\.dictionary: cannot read .*words\.txt"):
        write_voice(tmp_path / "w.zip", checkpoint, About(CARD))
    assert not (tmp_path / "w.zip").exists()


def test_what_exists_is_not_replaced(voice_path: Path, weights_file: Path) -> None:
    before = voice_path.read_bytes()
    with pytest.raises(VoiceError, match="exists already"):
        write_voice(voice_path, weights_file, About(CARD))
    assert voice_path.read_bytes() == before


def test_weights_that_are_not_finite_make_no_voice(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model()
    with torch.no_grad():
        model.embedding.weight[3, 3] = float("nan")
    checkpoint = checkpoint_of(model, tmp_path / "best.ckpt")
    with pytest.raises(VoiceError, match=r"not finite numbers \(embedding\.weight\)"):
        write_voice(tmp_path / "v.zip", checkpoint, About(CARD))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda facts: facts.update(format=FORMAT + 1),
            f"a voice of format {FORMAT + 1}, this",
        ),
        (lambda facts: facts.pop("format"), "not a voice: no format in it"),
        (lambda facts: facts.pop("hparams"), "voice.json lacks what a voice needs"),
        (lambda facts: facts["symbols"].reverse(), "table of symbols"),
        (lambda facts: facts["hparams"]["model"].update(speed=3), "model.speed: unknown key"),
        (lambda facts: facts["hparams"]["text"].update(language="xx"), "text.language='xx'"),
        (lambda facts: facts["hparams"]["model"].update(prenet_dim=16), "weights.npz does not fit"),
        (lambda facts: facts["hparams"]["model"].update(decoder_rnn_dim=2**20), "weights.npz does not fit"),
        (lambda facts: facts["hparams"]["model"].update(decoder_rnn_dim=2**40), "no such model can be built"),
        (lambda facts: facts["hparams"]["model"].update(decoder_rnn_dim=2**90), "no such model can be built"),
        (lambda facts: facts["hparams"].update(audio=[]), "audio=[]: must be a mapping"),
    ],
)
def test_facts_that_cannot_be_used(
    voice_path: Path, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    with pytest.raises(VoiceError) as raised:
        load_voice(changed(voice_path, change))
    assert str(raised.value).startswith(f"{voice_path}: ") and told in str(raised.value)


def archive_of(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def squeezed() -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(2**20))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("part", "content", "told"),
    [
        ("voice.json", b"[]", "voice.json is not the description of a voice"),
        ("voice.json", b"{", "voice.json is not the description of a voice"),
        ("voice.json", b"[" * 100_000, "voice.json is not the description of a voice"),
        ("voice.json", None, "not a voice: no voice.json in it"),
        ("CARD.md", None, "CARD.md is missing"),
        ("weights.npz", None, "weights.npz is missing"),
        ("weights.npz", b"no zip", "weights.npz cannot be read"),
        ("weights.npz", archive_of(a=np.zeros(2)), "weights.npz does not fit"),
        ("weights.npz", archive_of(a=np.array([print])), "weights.npz cannot be read"),  # a pickle
        ("weights.npz", squeezed(), "weights.npz is packed in a way"),
        ("dictionary.txt", b"\xff", "dictionary.txt is not UTF-8"),
        ("dictionary.txt", b"one\n", "dictionary.txt, line 1: no '|'"),
    ],
)
def test_parts_that_cannot_be_used(voice_path: Path, part: str, content: bytes | None, told: str) -> None:
    parts = unpack(voice_path)
    if content is None:
        del parts[part]
    else:
        parts[part] = content
    pack(voice_path, parts)
    with pytest.raises(VoiceError) as raised:
        load_voice(voice_path)
    assert str(raised.value).startswith(f"{voice_path}: ") and told in str(raised.value)


def test_the_command_speaks_with_a_voice(
    voice_path: Path, weights_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for speaker in (f"--voice={voice_path}", f"--checkpoint={weights_file}"):
        output = tmp_path / f"{speaker[2:7]}.wav"
        assert main(["synthesize", speaker, f"--output={output}", "--text=The old clock."]) == 0
    assert (tmp_path / "voice.wav").read_bytes() == (tmp_path / "check.wav").read_bytes()
    capsys.readouterr()
    refused = ["synthesize", f"--voice={voice_path}", f"--output={tmp_path / 'no.wav'}"]
    assert main([*refused, "--text=the old 時計"]) == DATA_ERROR
    assert "unreadable character '時'" in capsys.readouterr().err
    voice_path.write_bytes(voice_path.read_bytes()[:-500])
    assert main([*refused, "--text=hello"]) == DATA_ERROR
    assert capsys.readouterr().err.startswith(f"tacotron2: {voice_path}: not a voice, or damaged")
    assert not (tmp_path / "no.wav").exists()
