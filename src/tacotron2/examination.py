"""The final examination: the best weights speak sentences that neither training nor validation has seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tacotron2.audio import MelSpectrogram, save_wav
from tacotron2.checkpoint import load_model
from tacotron2.data.dataset import TextMelLoader
from tacotron2.evaluation import FreeRunning, free_running, teacher_forced
from tacotron2.hparams import HParams
from tacotron2.metrics import nearest_own_rate, quality
from tacotron2.pictures import save_attention
from tacotron2.vocoders.griffin_lim import GriffinLim
from tacotron2.vocoders.reanalysis import HOW_REANALYSED, REANALYSIS, reanalysis_error

HOW = {
    "sentences": "number of test utterances spoken, free running",
    "never_stopped": "syntheses that the length bound ended, count",
    "skipped_or_repeated_rate": "skip_rate + repeat_rate, mean over the test utterances",
    "nearest_own_rate": "share of syntheses whose nearest test recording by MCD-DTW is their own",
    REANALYSIS: f"{HOW_REANALYSED}, mean over the test utterances, Griffin-Lim; docs/vocoder.md",
    "quality": "0.45 attention_alignment + 0.35 mel_quality_score + 0.2 stop_score, of the means",
}
"""What the figures that stand in no other place mean; the others are defined in docs/metrics.md."""


@dataclass(frozen=True)
class Spoken:
    """One test sentence as it was spoken: text, wav file, its own figures, its log-mel (T_mel, num_mels)."""

    id: str
    text: str
    path: Path
    figures: dict[str, float]
    mel: NDArray[np.float32]


@dataclass(frozen=True)
class Examination:
    """Mean figures, and every sentence."""

    figures: dict[str, float]
    sentences: list[Spoken]


def examine(
    checkpoint: Path,
    test_set: TextMelLoader,
    hparams: HParams,
    samples_folder: Path,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Examination:
    """Speaks the whole test set free running, writes a wav and measures everything.

    Args:
        checkpoint: weights to examine.
        samples_folder: gets `ID.wav` for each sentence and `attention.png` of the first three.

    Raises:
        CheckpointError: the weights cannot be read.
    """
    model = load_model(checkpoint, device)
    items = [test_set[index] for index in range(len(test_set))]
    free = free_running(model, items, hparams.train.batch_size)
    forced = teacher_forced(model, items, hparams.train.batch_size)
    sentences, audio = [], hparams.audio
    vocoder, spectrogram = GriffinLim(audio), MelSpectrogram(audio)
    for done, (item, speech, figures) in enumerate(
        zip(items, free.speeches, free.utterances, strict=True), start=1
    ):
        path = samples_folder / f"{item.utterance.id}.wav"
        samples = vocoder(speech.mel)
        save_wav(path, samples, audio.sampling_rate)
        error = reanalysis_error(samples, speech.mel, audio, spectrogram)
        own = figures if error is None else figures | {REANALYSIS: error}
        sentences.append(Spoken(item.utterance.id, item.utterance.text, path, own, speech.mel))
        progress(done, len(items))
    save_attention(
        samples_folder / "attention.png",
        [
            (item.utterance.id, speech.alignment, item.ids.tolist())
            for item, speech in zip(items[:3], free.speeches[:3], strict=True)
        ],
    )
    recordings = [item.mel.numpy() for item in items]
    figures = summary(free, recordings)
    errors = [each.figures[REANALYSIS] for each in sentences if REANALYSIS in each.figures]
    if errors:
        figures[REANALYSIS] = float(np.mean(errors))
    figures |= {f"teacher_forced_{name}": value for name, value in forced.figures.items()}
    return Examination(figures, sentences)


def summary(free: FreeRunning, recordings: list) -> dict[str, float]:
    """The means of a free-running pass, and the figures that only the whole set has."""
    figures = dict(free.figures)
    figures["sentences"] = float(len(recordings))
    figures["never_stopped"] = float(sum(not speech.stopped for speech in free.speeches))
    if {"skip_rate", "repeat_rate"} <= figures.keys():
        figures["skipped_or_repeated_rate"] = figures["skip_rate"] + figures["repeat_rate"]
    own = nearest_own_rate([speech.mel for speech in free.speeches], recordings)
    if own is not None:
        figures["nearest_own_rate"] = own
    overall = quality(figures)
    return figures if overall is None else figures | {"quality": overall}
