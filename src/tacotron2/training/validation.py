"""Validation on held-out utterances: both passes, and what can be seen and heard of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tacotron2.audio import griffin_lim, save_wav
from tacotron2.data.dataset import Item, TextMelLoader
from tacotron2.evaluation import FreeRunning, TeacherForced, free_running, teacher_forced
from tacotron2.events import ValidationEvent
from tacotron2.hparams import HParams
from tacotron2.metrics import quality
from tacotron2.models import Tacotron2
from tacotron2.pictures import save_attention, save_spectrograms

SHOWN_UTTERANCES = 2
"""Fixed held-out sentences whose audio is kept at every validation; the first is also drawn."""
LISTENING_ITERATIONS = 30
"""Griffin-Lim iterations for audio that is heard once in passing."""


@dataclass(frozen=True)
class ValidationResult:
    """Figures of both passes. `quality` (0-1, None if it could not be computed) ranks checkpoints."""

    teacher_forced: TeacherForced
    free_running: FreeRunning
    quality: float | None
    seconds: float
    shown: Sequence[Item]
    hparams: HParams

    def published(self, folder: Path, step: int) -> ValidationEvent:
        """Draws and saves what can be seen and heard below `folder`, and returns the event that names it."""
        item, spoken = self.shown[0], self.free_running.speeches
        attention = Path("attention") / f"step-{step:07d}.png"
        ids = item.ids.tolist()
        save_attention(
            folder / attention,
            [
                (f"step {step}, teacher forced", self.teacher_forced.alignments[0], ids),
                (f"step {step}, free running", spoken[0].alignment, ids),
            ],
        )
        spectrogram = Path("spectrograms") / f"step-{step:07d}.png"
        save_spectrograms(
            folder / spectrogram,
            [("recorded", item.mel.numpy()), (f"spoken at step {step}", spoken[0].mel)],
        )
        audio = []
        settings = self.hparams.audio
        for number, speech in enumerate(spoken[: len(self.shown)], start=1):
            path = Path("audio") / f"step-{step:07d}-{number}.wav"
            samples = griffin_lim(speech.mel, settings, LISTENING_ITERATIONS)
            save_wav(folder / path, samples, settings.sampling_rate)
            audio.append(str(path))
        return ValidationEvent(
            step=step,
            teacher_forced=self.teacher_forced.figures,
            free_running=self.free_running.figures,
            seconds=self.seconds,
            quality=self.quality,
            attention_image=str(attention),
            spectrogram_image=str(spectrogram),
            audio=audio,
            texts=[each.utterance.text for each in self.shown],
        )


def validate(
    model: Tacotron2, dataset: TextMelLoader, hparams: HParams, moved: Callable[[], None] = lambda: None
) -> ValidationResult:
    """Judges a model on held-out utterances; leaves it in the mode it was in and consumes no randomness.

    Teacher forced over the whole set; free running over its first `free_running_clips`. `moved` is called
    after every batch of the former and after the latter, whose length is bounded.
    """
    began, was_training = time.perf_counter(), model.training
    items = [dataset[index] for index in range(len(dataset))]
    model.eval()
    try:
        forced = teacher_forced(model, items, hparams.train.batch_size, moved)
        free = free_running(model, items[: hparams.train.free_running_clips], hparams.train.batch_size)
        moved()
    finally:
        model.train(was_training)
    return ValidationResult(
        teacher_forced=forced,
        free_running=free,
        quality=quality(free.figures),
        seconds=time.perf_counter() - began,
        shown=items[:SHOWN_UTTERANCES],
        hparams=hparams,
    )
