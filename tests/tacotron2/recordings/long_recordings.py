"""Long recordings whose every word is known: sentences of the synthesiser with pauses and noise between."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tacotron2.audio import Samples
from tacotron2.data.synthesiser import speak_words
from tacotron2.hparams import DemoParams
from tacotron2.recordings.alignment import word_starts

RATE = 22_050


@dataclass(frozen=True)
class Known:
    """spans: of each sentence, silence at its ends cut off; starts: of each word; both in seconds."""

    samples: Samples
    sentences: list[str]
    spans: list[tuple[float, float]]
    starts: list[list[float]]


def long_recording(
    sentences: Sequence[str], voice: str, words_per_minute: int = 150, noise_db: float = -60.0, seed: int = 0
) -> Known:
    """The sentences with pauses of 0.3 to 1.2 s, and white noise of that level below full scale."""
    generator = np.random.default_rng(seed)
    demo = DemoParams(demo_voice=voice, demo_words_per_minute=words_per_minute)
    parts, spans, starts, position = [], [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.wav" for number in range(len(sentences))]
        placed = speak_words(list(zip(sentences, paths, strict=True)), demo)
        for text, path, places in zip(sentences, paths, placed, strict=True):
            samples, _ = soundfile.read(path, dtype="float32")
            loud = np.flatnonzero(np.abs(samples) > 0.01)
            pause = np.zeros(round(RATE * generator.uniform(0.3, 1.2)), dtype=np.float32)
            position += len(pause)
            spans.append(((position + loud[0]) / RATE, (position + loud[-1]) / RATE))
            starts.append(
                [float(each) for each in (position + word_starts(text, places, len(samples))) / RATE]
            )
            position += len(samples)
            parts += [pause, samples]
    together = np.concatenate([*parts, np.zeros(RATE // 2, dtype=np.float32)])
    noise = generator.normal(scale=10.0 ** (noise_db / 20.0), size=len(together))
    return Known((together + noise).astype(np.float32), list(sentences), spans, starts)
