"""The figures of docs/metrics.md over a set of utterances, for both passes.

Teacher forced: the model is given the recorded frames. Free running: it hears only itself, as a listener
does. A figure that could not be computed for any utterance is absent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tacotron2.data.dataset import Item, TextMelCollate
from tacotron2.losses import decoder_steps
from tacotron2.metrics import (
    GateAccuracy,
    ReferenceLoss,
    batch_alignment_metrics,
    free_running_metrics,
    mean_metrics,
)
from tacotron2.models import Tacotron2
from tacotron2.synthesis import SYNTHESIS_SEED, Speech, speak


@dataclass(frozen=True)
class TeacherForced:
    """Mean figures, and each utterance's alignment `(T_dec, T_text)`, in the order of the items."""

    figures: dict[str, float]
    alignments: list[NDArray[np.float32]]


@torch.no_grad()
def teacher_forced(
    model: Tacotron2, items: Sequence[Item], batch_size: int, moved: Callable[[], None] = lambda: None
) -> TeacherForced:
    """Reference loss (`val_loss`), `gate_accuracy` and the attention metrics under teacher forcing.

    The model must be in evaluation mode; the random generators are left as they were. `moved` is called after
    every batch.
    """
    device = model.mel_mean.device
    collate = TextMelCollate(model.r)
    gate, loss = GateAccuracy(), ReferenceLoss()
    order = sorted(range(len(items)), key=lambda index: len(items[index].mel))
    scores: list[dict[str, float]] = []
    alignments: dict[int, NDArray[np.float32]] = {}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(SYNTHESIS_SEED)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            batch = collate([items[index] for index in chosen])
            there = batch.to(device)
            output = model(there.text, there.text_lengths, there.mel, there.mel_lengths, there.speakers)
            steps = decoder_steps(batch.mel_lengths, model.r)
            maps = output.alignments.float().cpu().numpy()
            gate.add(torch.sigmoid(output.gate_logits).float().cpu().numpy(), steps.numpy())
            loss.add_mels(
                output.mel_before.cpu(), output.mel_after.cpu(), batch.mel.numpy(), batch.mel_lengths.numpy()
            )
            loss.add_stops(output.gate_logits.float().cpu().numpy(), steps.numpy())
            scores += [m.to_dict() for m in batch_alignment_metrics(maps, steps, batch.text_lengths)]
            for row, index in enumerate(chosen):
                alignments[index] = maps[row, : int(steps[row]), : int(batch.text_lengths[row])]
            moved()
    figures = mean_metrics(scores)
    for name, value in (("val_loss", loss.value), ("gate_accuracy", gate.value)):
        if value is not None:
            figures[name] = value
    return TeacherForced(figures, [alignments[index] for index in range(len(items))])


@dataclass(frozen=True)
class FreeRunning:
    """Mean figures, each utterance's own, and what was spoken, in the order of the items."""

    figures: dict[str, float]
    utterances: list[dict[str, float]]
    speeches: list[Speech]


def free_running(model: Tacotron2, items: Sequence[Item], batch_size: int) -> FreeRunning:
    """Speaks every text and compares with its recording; the model must be in evaluation mode."""
    speakers = [item.speaker for item in items]
    speeches = speak(model, [item.ids for item in items], batch_size=batch_size, speakers=speakers)
    utterances = [
        free_running_metrics(speech.alignment, speech.mel, item.mel.numpy(), speech.stopped)
        for speech, item in zip(speeches, items, strict=True)
    ]
    return FreeRunning(mean_metrics(utterances), utterances, speeches)
