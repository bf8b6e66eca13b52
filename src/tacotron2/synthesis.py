"""From symbols or text to speech, free running: the model alone decides, and no sentence runs for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tacotron2.audio import griffin_lim
from tacotron2.metrics import alignment_metrics
from tacotron2.models import Tacotron2
from tacotron2.text import text_to_sequence

SYNTHESIS_SEED = 20
"""The pre-net drops at synthesis too; with one seed the same text and weights give the same speech."""


@dataclass(frozen=True)
class Speech:
    """One spoken sentence.

    mel: log-mel `(T_mel, num_mels)`; alignment `(T_dec, T_text)`; stopped: false where the bound ended it.
    """

    mel: NDArray[np.float32]
    alignment: NDArray[np.float32]
    stopped: bool

    @property
    def stop_reason(self) -> str:
        """`stop token`, or `length bound` where the stop token never came."""
        return "stop token" if self.stopped else "length bound"


def speak(
    model: Tacotron2, sequences: Sequence[Tensor], *, batch_size: int = 32, max_steps: int | None = None
) -> list[Speech]:
    """Speaks sequences of symbol ids, `(T_text,)` each, and leaves the random generators as they were.

    Args:
        model: in evaluation mode.
        batch_size: sentences spoken at once, neighbours in length.
        max_steps: bound in decoder steps; by default `max_decoder_seconds`.
    """
    device = model.mel_mean.device
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    spoken: dict[int, Speech] = {}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(SYNTHESIS_SEED)
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            texts = [sequences[index] for index in chosen]
            lengths = torch.tensor([len(text) for text in texts], device=device)
            padded = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True).to(device)
            result = model.infer(padded, lengths, max_steps)
            for row, index in enumerate(chosen):
                frames, steps = int(result.mel_lengths[row]), int(result.step_lengths[row])
                spoken[index] = Speech(
                    mel=result.mel[row, :frames].cpu().numpy(),
                    alignment=result.alignments[row, :steps, : len(texts[row])].float().cpu().numpy(),
                    stopped=bool(result.stopped[row]),
                )
    return [spoken[index] for index in range(len(sequences))]


@dataclass(frozen=True)
class Utterance:
    """What `synthesise` returns.

    samples `(L,)` in full scale +-1; the speech; its alignment score; dropped: the characters of the text
    that were left out, one entry each time.
    """

    samples: NDArray[np.float32]
    speech: Speech
    attention_alignment: float | None
    dropped: tuple[str, ...]


def synthesise(model: Tacotron2, text: str) -> Utterance:
    """One text to samples by the model and Griffin-Lim.

    Raises:
        TextError: a character that has no symbol, or nothing to say.
    """
    settings = model.hparams
    encoded = text_to_sequence(text, settings.text.language, settings.text.unreadable)
    speech = speak(model, [torch.tensor(encoded.ids)])[0]
    samples = griffin_lim(speech.mel, settings.audio)
    return Utterance(samples, speech, alignment_metrics(speech.alignment).alignment, encoded.dropped)
