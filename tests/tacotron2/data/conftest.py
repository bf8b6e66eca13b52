"""Small corpora of tones, made where a test needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tacotron2.audio import save_wav
from tacotron2.data.utterances import Utterance, read_list

Corpus = Callable[..., list[Utterance]]


@pytest.fixture
def make_corpus(tmp_path: Path) -> Corpus:
    """`make_corpus(seconds=[...], texts=[...])`: tones of these lengths, listed in `train.txt`."""

    def make(seconds: list[float], texts: list[str] | None = None) -> list[Utterance]:
        texts = texts or [f"sentence {'abcdefghijklmnopqrstuvwxyz'[i % 26]}" for i in range(len(seconds))]
        lines = []
        for number, (duration, text) in enumerate(zip(seconds, texts, strict=True)):
            t = np.arange(round(duration * 22050)) / 22050
            tone = 0.3 * np.sin(2 * np.pi * (200 + 37 * number) * t)
            save_wav(tmp_path / "wavs" / f"c{number:03}.wav", tone, 22050)
            lines.append(f"wavs/c{number:03}.wav|{text}\n")
        (tmp_path / "train.txt").write_text("".join(lines), encoding="utf-8")
        return read_list(tmp_path / "train.txt", tmp_path)

    return make
