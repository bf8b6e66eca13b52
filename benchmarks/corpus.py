"""Data for the benchmarks: recordings of a folder, or noise of given lengths where only time matters."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from tacotron2.audio import save_wav
from tacotron2.data.corpus import open_corpus
from tacotron2.data.dataset import Batch, Item, TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import Utterance, read_list
from tacotron2.hparams import HParams

NOISE_CLIPS = 12


def noise_items(hparams: HParams, batch: int, symbols: int, frames: int) -> list[Item]:
    """Utterances of `symbols` / 2 to `symbols` symbols and 0.9 `frames` to `frames` frames."""
    torch.manual_seed(0)
    ends = zip(
        torch.linspace(symbols, symbols // 2, batch).long(),
        torch.linspace(frames, frames * 0.9, batch).long(),
        strict=True,
    )
    nobody, bands = Utterance("noise", Path(), "", 1, Path()), hparams.audio.n_mel_channels
    return [Item(torch.randint(1, 60, (int(n),)), torch.randn(int(t), bands), nobody) for n, t in ends]


def named_after(batch: Batch, clips: TextMelLoader) -> Batch:
    """The batch under names of a set: a trainer follows the utterances of its own by them."""
    names = itertools.cycle(utterance.id for utterance in clips.utterances)
    return replace(batch, ids=tuple(itertools.islice(names, len(batch.ids))))


def all_clips(folder: Path, hparams: HParams, home: Path) -> TextMelLoader:
    """Every usable clip of a folder of recordings as one set; lists and features go to `home`."""
    corpus = open_corpus(folder, home, hparams)
    lists = [corpus.list_path(split) for split in ("train", "validation", "test")]
    utterances = [utterance for path in lists for utterance in read_list(path, folder)]
    return TextMelLoader(utterances, hparams, FeatureCache(home / "features", hparams.audio))


def noise_folder(hparams: HParams, folder: Path) -> Path:
    """A corpus of a dozen clips of noise of 0.7 to 1.2 s, in three lists."""
    generator = np.random.default_rng(0)
    lines = []
    for number in range(NOISE_CLIPS):
        samples = 0.1 * generator.standard_normal(int(generator.uniform(0.7, 1.2) * 22050))
        save_wav(folder / "wavs" / f"{number:02}.wav", samples, hparams.audio.sampling_rate)
        lines.append(f"wavs/{number:02}.wav|one clip of noise.\n")
    for split, chosen in (("train", lines[:8]), ("validation", lines[8:10]), ("test", lines[10:])):
        (folder / f"{split}.txt").write_text("".join(chosen), encoding="utf-8")
    return folder
