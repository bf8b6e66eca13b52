"""What a report tells of the one update that led to its step: attention, stop decisions, gradients, memory.

The model's answers to that update's batch stay on the device while it is made, and are fetched after it, at a
report's step alone. Nothing is computed again, and no random number is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from numpy import float32
from numpy.typing import NDArray
from torch import Tensor

from tacotron2.data.dataset import Batch
from tacotron2.events import SnapshotEvent
from tacotron2.losses import decoder_steps
from tacotron2.metrics import GateAccuracy, alignment_metrics, mean_metrics
from tacotron2.models.tacotron2 import TacotronOutput
from tacotron2.pictures import save_attention
from tacotron2.training.memory import process_memory

SHOWN_IN_PARTS = ("decoder", "decoder_secondary")
"""Modules whose own modules are told apart: where the attention is."""
Note = Callable[[TacotronOutput, Batch], None]


@dataclass(frozen=True)
class Answer:
    """What the model said to the rows of one micro-batch: alignments `(B, T_dec, T_text)`, stop logits
    `(B, T_dec)`, on the device."""

    part: Batch
    alignments: Tensor
    gate_logits: Tensor


@dataclass(frozen=True)
class TextReading:
    """How one utterance was read: its alignment `(T_dec, T_text)`, symbols, and the scores it has."""

    alignment: NDArray[float32]
    ids: list[int]
    scores: dict[str, float]


class Snapshots:
    """Takes them, at every `every`-th step; 0: never."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._answers: list[Answer] = []

    def is_due(self, step: int) -> bool:
        """Whether there is to be a report after `step` updates."""
        return self._every > 0 and step % self._every == 0

    def noting(self, step: int) -> Note:
        """What the update to `step` is to show each of its micro-batches, and the model's answer to it."""
        self._answers = []
        return self._keep if self.is_due(step) else lambda output, part: None

    def take(self, step: int, r: int, norms: Mapping[str, float], folder: Path) -> SnapshotEvent:
        """The snapshot of the update just made; draws below `folder`.

        Args:
            r: mel frames per decoder step in that update.
            norms: the norm of each gradient by the name of its parameter.

        Raises:
            StorageError: the picture cannot be written.
        """
        began = time.perf_counter()
        answers, self._answers = self._answers, []
        readings, stop = _fetched(answers, r)
        attention = mean_metrics(reading.scores for reading in readings)
        scored = [reading.scores["attention_alignment"] for reading in readings if reading.scores]
        if scored:
            attention["worst_alignment"] = min(scored)
        picture = _drawn(folder, step, readings) if readings else None
        return SnapshotEvent(
            step=step,
            attention=attention,
            stop=stop,
            norms=norms_by_module(norms),
            grad_norm=_whole(norms.values()),
            memory=_memory(),
            seconds=time.perf_counter() - began,
            attention_image=picture,
        )

    def _keep(self, output: TacotronOutput, part: Batch) -> None:
        if part.ids:  # a process may have no row of a batch
            self._answers.append(Answer(part, output.alignments.detach(), output.gate_logits.detach()))


def norms_by_module(norms: Mapping[str, float]) -> dict[str, float]:
    """From the norm of each gradient, by its parameter's name, to that of each module, in the same order."""
    parts: dict[str, list[float]] = {}
    for name, norm in norms.items():
        first, *rest = name.split(".")
        module = f"{first}.{rest[0]}" if first in SHOWN_IN_PARTS else first
        parts.setdefault(module, []).append(norm)
    return {module: _whole(values) for module, values in parts.items()}


def _whole(norms: Iterable[float]) -> float:
    return sum(norm * norm for norm in norms) ** 0.5


def _fetched(answers: list[Answer], r: int) -> tuple[list[TextReading], dict[str, float]]:
    """How each utterance was read, and the figures of the stop token."""
    gate, readings = GateAccuracy(), []
    for answer in answers:
        steps = decoder_steps(answer.part.mel_lengths.cpu(), r).tolist()
        texts, lengths = answer.part.text.tolist(), answer.part.text_lengths.tolist()
        gate.add(torch.sigmoid(answer.gate_logits.float()).cpu().numpy(), steps)
        maps = answer.alignments.float().cpu().numpy()
        for row, num_steps, text, num_symbols in zip(maps, steps, texts, lengths, strict=True):
            alignment = row[:num_steps, :num_symbols]
            scores = alignment_metrics(alignment).to_dict()
            readings.append(TextReading(alignment, text[:num_symbols], scores))
    return readings, _stop_figures(gate)


def _stop_figures(gate: GateAccuracy) -> dict[str, float]:
    """`gate_accuracy` and the two recalls that it is the mean of."""
    if gate.value is None:
        return {}
    return {
        "gate_accuracy": gate.value,
        "go_on_recall": gate.num_go_on_right / gate.num_go_on,
        "stop_recall": gate.num_stop_right / gate.num_stop,
    }


def _drawn(folder: Path, step: int, readings: list[TextReading]) -> str:
    """Draws how the utterance of median alignment was read; the picture's path below `folder`."""
    ranked = sorted(readings, key=lambda reading: reading.scores.get("attention_alignment", 0.0))
    typical = ranked[len(ranked) // 2]
    name = Path("reports") / f"step-{step:07d}.png"
    title = f"step {step}, trained on"
    if typical.scores:
        title += f", median alignment {typical.scores['attention_alignment']:.2f}"
    save_attention(folder / name, [(title, typical.alignment, typical.ids)])
    return str(name)


def _memory() -> dict[str, float]:
    """Bytes: of this process, now and at most, where the system tells them; the most there was on the GPU."""
    told = process_memory()
    named = {"host_bytes": told.get("VmRSS"), "host_peak_bytes": told.get("VmHWM")}
    if torch.cuda.is_initialized():
        named["device_peak_bytes"] = torch.cuda.max_memory_allocated()
    return {name: float(size) for name, size in named.items() if size is not None}
