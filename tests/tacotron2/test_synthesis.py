"""Speaking: repeatable, bounded, and without a trace in the caller's random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tacotron2.data.dataset import Item
from tacotron2.models import Tacotron2
from tacotron2.synthesis import PAUSE_S, speak, split_sentences, synthesise
from tacotron2.text import TextError

MakeModel = Callable[..., Tacotron2]


def test_the_same_text_and_weights_give_the_same_speech(endless_model: Tacotron2, items: list[Item]) -> None:
    model, ids = endless_model, items[0].ids
    torch.manual_seed(1)
    before = torch.get_rng_state()
    (first,) = speak(model, [ids])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    (second,) = speak(model, [ids])
    np.testing.assert_array_equal(first.mel, second.mel)
    np.testing.assert_array_equal(first.alignment, second.alignment)


def test_the_pre_net_drops_unless_told_otherwise(make_model: MakeModel, items: list[Item]) -> None:
    """Otherwise the test above would prove nothing."""
    speeches = []
    for drops in (True, False):
        for seed in (20, 21):
            model = make_model(prenet_dropout_at_synthesis=drops)
            torch.manual_seed(seed)
            with torch.no_grad():
                ids = items[0].ids[None]
                speeches.append(model.infer(ids, torch.tensor([ids.size(1)]), 4).mel)
    assert not torch.equal(speeches[0], speeches[1])
    assert torch.equal(speeches[2], speeches[3])


def test_speech_without_end_is_cut_at_the_bound(endless_model: Tacotron2, items: list[Item]) -> None:
    settings = endless_model.hparams
    (speech,) = speak(endless_model, [items[0].ids])
    assert not speech.stopped and speech.stop_reason == "length bound"
    steps = math.ceil(settings.max_decoder_seconds * 22050 / 256 / 3)
    assert speech.mel.shape == (steps * 3, 20) and len(speech.alignment) == steps
    (shorter,) = speak(endless_model, [items[0].ids], max_steps=2)
    assert len(shorter.mel) == 6


def test_the_stop_token_ends_the_speech(make_model: MakeModel, items: list[Item]) -> None:
    model = make_model()
    with torch.no_grad():
        model.decoder.gate_layer.bias.fill_(20.0)
    (speech,) = speak(model, [items[0].ids])
    assert speech.stopped and speech.stop_reason == "stop token" and len(speech.mel) == 3


def test_nothing_to_speak_is_nothing_spoken(make_model: MakeModel) -> None:
    assert speak(make_model(), []) == []


def test_text_to_samples(make_model: MakeModel) -> None:
    spoken = synthesise(make_model(), "The old clock.")
    assert spoken.samples.dtype == np.float32 and np.isfinite(spoken.samples).all()
    assert len(spoken.samples) == (len(spoken.speeches[0].mel) - 1) * 256
    assert spoken.attention_alignment is not None and 0 <= spoken.attention_alignment <= 1
    assert spoken.dropped == ()
    again = synthesise(make_model(), "the old clock.")
    np.testing.assert_array_equal(spoken.samples, again.samples)


def test_a_character_without_a_symbol(make_model: MakeModel) -> None:
    with pytest.raises(TextError, match="U\\+6642"):
        synthesise(make_model(), "the old 時計")
    assert synthesise(make_model(unreadable="drop"), "the old 時計").dropped == ("時", "計")
    assert synthesise(make_model(), "the old 時計", unreadable="drop").dropped == ("時", "計")


def test_the_dictionary_is_read_at_synthesis_too(make_model: MakeModel, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("SQL|sequel\n", encoding="utf-8")
    model = make_model(dictionary=str(words))
    assert synthesise(model, "Old SQL.").sentences == ["old sequel."]
    words.unlink()
    with pytest.raises(TextError, match=r"text\.dictionary: cannot read .*words\.txt"):
        synthesise(model, "Old SQL.")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("one sentence", ["one sentence"]),
        ('one. "two!" three? four', ["one.", '"two!"', "three?", "four"]),
        ("well... yes", ["well...", "yes"]),
        ("one. - ! two.", ["one. - !", "two."]),
    ],
)
def test_a_text_is_cut_into_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


def test_a_text_is_spoken_sentence_by_sentence(make_model: MakeModel) -> None:
    model = make_model()
    spoken = synthesise(model, "Dr. Gray came at 7:30. The old clock!")
    assert spoken.sentences == ["doctor gray came at seven thirty.", "the old clock!"]
    alone = synthesise(model, "the old clock!")
    pause = int(PAUSE_S * 22050)
    first = (len(spoken.speeches[0].mel) - 1) * 256
    assert not spoken.samples[first : first + pause].any()
    assert len(spoken.samples) == first + pause + (len(spoken.speeches[1].mel) - 1) * 256
    assert len(alone.speeches) == 1


def test_a_style_is_taken_for_every_sentence(make_model: MakeModel) -> None:
    model = make_model(use_gst=True, gst_dim=16, gst_reference_filters=2, prenet_dropout_at_synthesis=False)
    text = "One. Two."
    guessed, chosen, other = (
        synthesise(model, text, style=style)
        for style in (None, model.style_of_tokens(torch.eye(8)[:1]), model.style_of_tokens(torch.eye(8)[1:2]))
    )
    for first, second in ((guessed, chosen), (chosen, other)):
        for one, two in zip(first.speeches, second.speeches, strict=True):
            frames = min(len(one.mel), len(two.mel))
            assert not np.array_equal(one.mel[:frames], two.mel[:frames])


def test_the_stress_of_the_library_or_of_the_marks_alone(
    make_model: MakeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A voice that was trained with the library's stress speaks where there is no library, if told so."""
    model = make_model(language="ru", stress="library")
    with_marks = synthesise(model, "Холодное молоко.").sentences
    assert sum(sentence.count("\u0301") for sentence in with_marks) == 2
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(TextError, match="--stress marks at synthesis"):
        synthesise(model, "Холодное молоко.")
    told = synthesise(model, "Холодное молоко\u0301.", stress="marks").sentences
    assert sum(sentence.count("\u0301") for sentence in told) == 1
