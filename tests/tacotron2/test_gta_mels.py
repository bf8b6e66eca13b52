"""Spectrograms of a voice for the fine-tuning of a vocoder, against the voice and against what reads them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tacotron2.audio import load_audio
from tacotron2.checkpoint import save_checkpoint
from tacotron2.data.dataset import TextMelCollate, TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.source import any_corpus
from tacotron2.data.utterances import read_list
from tacotron2.gta_mels import BATCH, Exported, ExportError, Source, export_gta_mels
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.vocoders.hifigan import HifiGanConfig
from tacotron2.vocoders.hifigan.clips import open_clips
from tests.tacotron2.conftest import Load, MakeModel


@pytest.fixture
def model(make_model: MakeModel) -> Tacotron2:
    """What the pre-net drops would change with the batch."""
    return make_model()


@pytest.fixture
def source(model: Tacotron2, tiny: HParams, tiny_corpus: Path, tmp_path: Path) -> Source:
    weights = tmp_path / "best-0000001.ckpt"
    content = {"hparams": tiny.to_dict(), "model": model.state_dict()}
    save_checkpoint(weights, content, {"role": "best", "step": 1, "quality": 0.5})
    return Source(weights, tiny, tiny_corpus, tmp_path, tiny_corpus / "features")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def of_length(dataset: TextMelLoader) -> set[str]:
    items = [dataset[index] for index in range(len(dataset))]
    return {item.utterance.id for item in items if len(item.mel) > 32}


def sets_of_training(source: Source) -> dict[str, TextMelLoader]:
    """What a training with these recordings uses: without those that are set aside for their quality."""
    corpus, cache = (
        any_corpus(source.folder, source.home, source.hparams),
        FeatureCache(source.features, source.hparams.audio),
    )
    lists = {split: read_list(corpus.list_path(split), corpus.folder) for split in ("train", "validation")}
    return {split: TextMelLoader(each, source.hparams, cache) for split, each in lists.items()}


def test_the_layout_is_what_the_published_fine_tuning_reads(
    source: Source, tiny: HParams, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    made = export_gta_mels(source, tmp_path / "out", progress=lambda *at: told.append(at))
    folder, audio, seconds = tmp_path / "out", tiny.audio, 0.0
    sets = sets_of_training(source)
    for name, split in (("training", "train"), ("validation", "validation")):
        dataset = sets[split]
        lines = (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        ids = [line.split("|")[0] for line in lines]
        assert set(ids) == of_length(dataset) and made.clips[name] == len(ids) > 0
        for index in range(len(dataset)):
            item = dataset[index]
            if item.utterance.id not in ids:
                assert any(each.startswith(f"{item.utterance.id}: ") for each in made.left_out)
                continue
            mel = np.load(folder / "mels" / f"{item.utterance.id}.npy", allow_pickle=False)
            assert mel.dtype == np.float32 and mel.shape == (audio.n_mel_channels, len(item.mel))
            wav = load_audio(folder / "wavs" / f"{item.utterance.id}.wav", audio.sampling_rate)
            assert len(wav) == len(item.mel) * audio.hop_length
            assert f"{item.utterance.id}|{item.utterance.text}" in lines
            seconds += len(item.mel) * audio.hop_length / audio.sampling_rate
    assert made.seconds == pytest.approx(seconds)
    assert told[-1] == (sum(made.clips.values()), sum(made.clips.values()))
    assert not list((folder / "mels").glob("test-*"))


def test_they_are_the_voices_own_teacher_forced(
    source: Source, model: Tacotron2, load_split: Load, tmp_path: Path
) -> None:
    """Against the network itself in one batch; what the pre-net drops makes them differ between batches."""
    quiet = Tacotron2(source.hparams.replace(p_prenet_dropout=0.0)).eval()
    quiet.load_state_dict(model.state_dict())
    content = {"hparams": quiet.hparams.to_dict(), "model": quiet.state_dict()}
    save_checkpoint(source.checkpoint, content, {"role": "best", "step": 1, "quality": 0.5})
    export_gta_mels(source, tmp_path / "out")
    dataset = load_split("validation")
    for index in range(len(dataset)):
        item = dataset[index]
        path = tmp_path / "out" / "mels" / f"{item.utterance.id}.npy"
        if not path.is_file():
            continue
        batch = TextMelCollate(quiet.r)([item])
        with torch.no_grad():
            output = quiet(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths, batch.speakers)
        alone = output.mel_after[0, : len(item.mel)].numpy()
        np.testing.assert_allclose(np.load(path).T, alone, atol=1e-4)


def test_what_was_ended_goes_on_to_the_same_bytes(source: Source, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    export_gta_mels(source, whole)

    class Ended(Exception):
        pass

    def end(done: int, total: int) -> None:
        raise Ended

    parted = tmp_path / "parted"
    with pytest.raises(Ended):
        export_gta_mels(source, parted, progress=end)
    assert len(list((parted / "mels").iterdir())) <= BATCH and not (parted / "training.txt").exists()
    made = next(iter((parted / "mels").iterdir()))
    made.unlink()  # of a batch that was being written
    export_gta_mels(source, parted)
    assert files_of(parted) == files_of(whole)


def test_a_folder_of_something_else_is_left_as_it_is(source: Source, tiny: HParams, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "diary.txt").write_text("dear diary")
    with pytest.raises(ExportError, match="mine: exists already and is not empty; choose another --output"):
        export_gta_mels(source, mine)
    assert files_of(mine) == {"diary.txt": b"dear diary"}
    out = tmp_path / "out"
    export_gta_mels(source, out)
    before = files_of(out)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        other = {"hparams": tiny.to_dict(), "model": Tacotron2(tiny).state_dict()}
    save_checkpoint(source.checkpoint, other, {"role": "best", "step": 2, "quality": 0.6})
    with pytest.raises(ExportError, match="out: made of other weights; choose another --output"):
        export_gta_mels(source, out)
    assert files_of(out) == before


def test_a_vocoder_learns_from_them(source: Source, tiny: HParams, tiny_corpus: Path, tmp_path: Path) -> None:
    """Of a folder without a split of its own: what the voice was not trained on is held out here too."""
    made: Exported = export_gta_mels(source, tmp_path / "out")
    plain = tmp_path / "plain"
    shutil.copytree(tiny_corpus / "wavs", plain / "wavs")
    lines = [(tiny_corpus / f"{split}.txt").read_text("utf-8") for split in ("test", "validation", "train")]
    (plain / "list.txt").write_text("".join(lines), encoding="utf-8")
    config = HifiGanConfig(num_mels=tiny.audio.n_mel_channels, fmax=tiny.audio.mel_fmax)
    train, held_out = open_clips(plain, config, tiny.audio, source.features, tmp_path / "out")
    assert (len(train), len(held_out)) == (made.clips["training"], made.clips["validation"])
    assert all(clip.utterance.id.startswith("validation-") for clip in held_out.clips)
    clip = held_out.clips[0]
    given = np.load(tmp_path / "out" / "mels" / f"{clip.utterance.id}.npy").T
    np.testing.assert_array_equal(held_out.mel(clip), given)
    assert not np.allclose(held_out.recorded_mel(clip), given, atol=0.1)
    wav = load_audio(tmp_path / "out" / "wavs" / f"{clip.utterance.id}.wav", tiny.audio.sampling_rate)
    np.testing.assert_allclose(held_out.waveform(clip), wav, atol=2 / 32768)
    facts = json.loads((tmp_path / "out" / "gta_mels.json").read_text())
    assert set(facts) == {"weights", "settings", "recordings"}
