"""Items and batches: what is left out, where the stop token stands, what padding holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tacotron2.data import dataset as dataset_module
from tacotron2.data.dataset import Item, TextMelCollate, TextMelLoader, mel_statistics
from tacotron2.data.features import FeatureCache
from tacotron2.data.sampler import LengthBatchSampler
from tacotron2.data.utterances import DataError, Utterance
from tacotron2.hparams import create_hparams
from tacotron2.text import SYMBOLS, sequence_to_text, text_to_sequence


def load(utterances, tmp_path, **leaves) -> TextMelLoader:
    hparams = create_hparams().replace(**leaves)
    return TextMelLoader(utterances, hparams, FeatureCache(tmp_path / "cache", hparams.audio))


def item(num_symbols: int, num_frames: int, name: str = "x") -> Item:
    utterance = Utterance(name, Path(f"{name}.wav"), "text", 1, Path("train.txt"))
    ids = torch.arange(1, num_symbols + 1)
    return Item(ids, torch.full((num_frames, 80), float(num_frames)), utterance)


def test_items_hold_ids_and_features(tmp_path, make_corpus) -> None:
    loader = load(make_corpus([0.5, 0.7], ["Hello there.", "Well, yes!"]), tmp_path)
    assert len(loader) == 2
    second = loader[1]
    assert second.ids.dtype == torch.long
    assert second.ids.tolist() == text_to_sequence("Well, yes!").ids
    assert sequence_to_text(second.ids.tolist()) == text_to_sequence("Well, yes!").text
    assert second.mel.dtype == torch.float32
    assert [loader[i].mel.shape for i in range(2)] == [(length, 80) for length in loader.lengths]
    assert loader.lengths == [1 + round(s * 22050) // 256 for s in (0.5, 0.7)]
    assert loader.left_out == []


def test_the_stress_of_the_speech_library_is_read(tmp_path, make_corpus) -> None:
    pytest.importorskip("espeakng_loader")
    corpus = make_corpus([0.5, 0.7], ["Молоко и за́мок.", "Человек."])
    loader = load(corpus, tmp_path, language="ru", stress="library")
    marked = [text_to_sequence(text, "ru").ids for text in ("Молоко́ и за́мок.", "Челове́к.")]
    assert [loader[i].ids.tolist() for i in range(2)] == marked


def test_the_dictionary_is_read_and_its_mistakes_are_told(tmp_path, make_corpus) -> None:
    utterances = make_corpus([0.5], ["Hello SQL."])
    words = tmp_path / "words.txt"
    words.write_text("SQL|sequel\n", encoding="utf-8")
    loader = load(utterances, tmp_path, dictionary=str(words))
    assert sequence_to_text(loader[0].ids.tolist()) == "hello sequel."
    words.write_text("SQL sequel\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"words\.txt, line 1: no '\|'"):
        load(utterances, tmp_path, dictionary=str(words))


def test_clips_outside_the_limits_are_left_out_and_listed(tmp_path, make_corpus) -> None:
    utterances = make_corpus([0.2, 0.5, 0.9])
    loader = load(utterances, tmp_path, min_seconds=0.3, max_seconds=0.8)
    assert loader.utterances == [utterances[1]]
    assert len(loader) == len(loader.lengths) == 1
    assert loader.audio_seconds == pytest.approx(0.5, abs=0.02)
    (short, why_short), (long, why_long) = loader.left_out
    assert (short, long) == (utterances[0], utterances[2])
    assert "shorter than data.min_seconds=0.3" in why_short
    assert "longer than data.max_seconds=0.8" in why_long
    with pytest.raises(DataError, match=r"none of 3 utterances.*line 1"):
        load(utterances, tmp_path, min_seconds=5.0)


def test_unreadable_text_names_list_and_line_or_is_dropped_if_asked(tmp_path, make_corpus) -> None:
    utterances = make_corpus([0.4, 0.4, 0.4], ["Fine.", "Not 漢 here.", "漢漢 no."])
    with pytest.raises(DataError) as caught:
        load(utterances, tmp_path)
    first, second = str(caught.value).split("\n")
    assert first.startswith(f"{tmp_path / 'train.txt'}, line 2: ")
    assert "U+6F22" in first
    assert ", line 3: " in second
    assert load(utterances, tmp_path, unreadable="drop").dropped == {"漢": 3}


def test_what_does_not_fit_into_memory_is_read_from_disk(tmp_path, make_corpus, monkeypatch) -> None:
    utterances = make_corpus([0.4, 0.5, 0.6])
    in_memory = load(utterances, tmp_path)
    monkeypatch.setattr(dataset_module, "MEMORY_BYTES", in_memory[0].mel.nbytes)
    partly = load(utterances, tmp_path)
    assert all(torch.equal(in_memory[i].mel, partly[i].mel) for i in range(3))
    assert partly[0].mel is partly[0].mel
    assert partly[1].mel is not partly[1].mel


@pytest.mark.parametrize(
    ("r", "padded", "stops"),
    [(1, 7, [6, 4, 0]), (2, 8, [3, 2, 0]), (3, 9, [2, 1, 0]), (7, 7, [0, 0, 0]), (10, 10, [0, 0, 0])],
)
def test_stop_tokens_and_padding_for_each_reduction_factor(r, padded, stops) -> None:
    lengths = [7, 5, 1]
    batch = TextMelCollate(r)([item(3, 7, "a"), item(5, 5, "b"), item(2, 1, "c")])
    assert batch.ids == ("a", "b", "c")
    assert batch.mel.shape == (3, padded, 80)
    assert batch.gate.shape == (3, padded // r)
    assert batch.mel_lengths.tolist() == lengths
    for row, stop in enumerate(stops):
        assert batch.gate[row].tolist() == [float(step >= stop) for step in range(padded // r)]
        assert (batch.mel[row, : lengths[row]] == lengths[row]).all()
        assert (batch.mel[row, lengths[row] :] == 0).all()


def test_text_is_padded_with_the_padding_symbol_in_the_order_given() -> None:
    batch = TextMelCollate(2)([item(2, 4), item(4, 4), item(3, 4)])
    assert SYMBOLS[0] == "_"
    assert batch.text.dtype == batch.text_lengths.dtype == batch.mel_lengths.dtype == torch.long
    assert batch.text.tolist() == [[1, 2, 0, 0], [1, 2, 3, 4], [1, 2, 3, 0]]
    assert batch.text_lengths.tolist() == [2, 4, 3]


def test_a_batch_moves_whole() -> None:
    batch = TextMelCollate(2)([item(2, 4)]).to("meta")
    tensors = (batch.text, batch.text_lengths, batch.mel, batch.mel_lengths, batch.gate)
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert batch.ids == ("x",)


def test_statistics_are_over_all_frames(tmp_path, make_corpus) -> None:
    loader = load(make_corpus([0.4, 0.9, 0.5]), tmp_path)
    mean, std = mel_statistics(loader)
    frames = np.concatenate([loader[i].mel.numpy() for i in range(3)]).astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), frames.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(std.numpy(), np.maximum(frames.std(axis=0), 0.1), rtol=1e-4)
    assert mean.dtype == std.dtype == torch.float32


@pytest.mark.parametrize("num_workers", [0, 1])
def test_loader_sampler_and_collate_work_together(tmp_path, make_corpus, num_workers) -> None:
    loader = load(make_corpus([0.4, 0.5, 0.6, 0.7, 0.8]), tmp_path)
    sampler = LengthBatchSampler(loader.lengths, batch_size=2, bucket_batches=2, seed=0)
    batches = DataLoader(loader, batch_sampler=sampler, collate_fn=TextMelCollate(3), num_workers=num_workers)
    names = [name for batch in batches for name in batch.ids]
    assert sorted(names) == [utterance.id for utterance in loader.utterances]
    assert (sampler.epoch, sampler.position) == (1, 0)
