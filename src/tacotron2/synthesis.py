"""From symbols or text to speech, free running: the model alone decides, and no sentence runs for ever."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tacotron2.hparams import did_you_mean
from tacotron2.metrics import alignment_metrics, mean_metrics
from tacotron2.models import Tacotron2, Voice
from tacotron2.text import find_language, load_dictionary, text_to_sequence, with_stress
from tacotron2.vocoders.contract import Vocoder
from tacotron2.vocoders.griffin_lim import GriffinLim

PAUSE_S = 0.25
"""Silence between two sentences."""
SYNTHESIS_SEED = 20
"""The pre-net drops at synthesis too; with one seed the same text and weights give the same speech."""


SHOWN_SPEAKERS = 20
"""Names in a message; a voice may have thousands."""


class SpeakerError(ValueError):
    """A voice has no such speaker; the message names those that it has."""


def speaker_number(model: Tacotron2, name: str | None = None) -> int:
    """The number of a speaker of the model; the first one's without a name.

    Raises:
        SpeakerError: the model knows no speaker of that name.
    """
    if name is None:
        return 0
    if name in model.speakers:
        return model.speakers.index(name)
    if not model.speakers:
        raise SpeakerError(f"no speaker {name!r}: this voice has one speaker, who needs no name")
    rest = len(model.speakers) - SHOWN_SPEAKERS
    named = ", ".join(model.speakers[:SHOWN_SPEAKERS]) + (f" and {rest} more" if rest > 0 else "")
    hint = did_you_mean(name, dict.fromkeys(model.speakers))
    raise SpeakerError(f"no speaker {name!r}: this voice has {named}{hint}")


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
    model: Tacotron2,
    sequences: Sequence[Tensor],
    *,
    batch_size: int = 32,
    max_steps: int | None = None,
    rounded: bool = False,
    style: Tensor | None = None,
    speakers: Sequence[int] | None = None,
) -> list[Speech]:
    """Speaks sequences of symbol ids, `(T_text,)` each, and leaves the random generators as they were.

    Args:
        model: in evaluation mode.
        batch_size: sentences spoken at once, neighbours in length.
        max_steps: bound in decoder steps; by default `max_decoder_seconds`.
        rounded: lets a CPU keep the decoder's large weights in bf16 where that is faster.
        style: `(1, gst_dim)` for all of them; by default each is said as its text suggests.
        speakers: the number of each sequence's speaker; by default the first one's.
    """
    speakers = [0] * len(sequences) if speakers is None else speakers
    voice = Voice(model.decoder, rounded)
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
            styles = None if style is None else style.to(device).expand(len(chosen), -1)
            who = torch.tensor([speakers[index] for index in chosen], device=device)
            result = model.infer(padded, lengths, max_steps, voice=voice, style=styles, speakers=who)
            for row, index in enumerate(chosen):
                frames, steps = int(result.mel_lengths[row]), int(result.step_lengths[row])
                spoken[index] = Speech(
                    mel=result.mel[row, :frames].cpu().numpy(),
                    alignment=result.alignments[row, :steps, : len(texts[row])].float().cpu().numpy(),
                    stopped=bool(result.stopped[row]),
                )
    return [spoken[index] for index in range(len(sequences))]


@dataclass(frozen=True)
class SpokenText:
    """What `synthesise` returns.

    samples `(L,)` in full scale +-1; one speech for each of the sentences; attention_alignment: their mean;
    dropped: the characters of the text that were left out, one entry each time.
    """

    samples: NDArray[np.float32]
    sentences: list[str]
    speeches: list[Speech]
    attention_alignment: float | None
    dropped: tuple[str, ...]

    @property
    def stop_reason(self) -> str:
        """`stop token`; `length bound` where a sentence never stopped, of several with how many."""
        endless = sum(not speech.stopped for speech in self.speeches)
        if not endless:
            return "stop token"
        many = f" ({endless} of {len(self.speeches)} sentences)" if len(self.speeches) > 1 else ""
        return "length bound" + many


def split_sentences(text: str) -> list[str]:
    """A normalised text cut behind each `.`, `!` and `?` that a space follows; abbreviations are spelled out
    by then. What holds no letter goes with its neighbour."""
    pieces: list[str] = []
    for piece in re.findall(r"\S.*?[.!?]+[\"')]*(?=\s|$)|\S.*$", text):
        if pieces and not any(character.isalpha() for character in piece):
            pieces[-1] += f" {piece}"
        else:
            pieces.append(piece)
    return pieces


def synthesise(
    model: Tacotron2,
    text: str,
    unreadable: str | None = None,
    dictionary: Mapping[str, str] | None = None,
    style: Tensor | None = None,
    stress: str | None = None,
    speaker: str | None = None,
    vocoder: Vocoder | None = None,
) -> SpokenText:
    """A text to samples by the model and a vocoder, sentence by sentence: a voice knows only the lengths
    that it was trained on.

    Args:
        unreadable: what to do with a character that has no symbol, error or drop; by default what the
            training did.
        dictionary: words in a form of their own, see `load_dictionary`; by default those of the file that
            `text.dictionary` names.
        style: `(1, gst_dim)` of `Tacotron2.style_of_recording` or `Tacotron2.style_of_tokens`; by default
            the text's own.
        stress: marks or library, where the stress comes from (`text.stress`); by default as in the training.
        speaker: a name of `model.speakers`; by default the first.
        vocoder: by default Griffin-Lim.

    Raises:
        SpeakerError: the model knows no such speaker.
        TextError: a character that has no symbol, nothing to say, a dictionary that cannot be read, or a
            speech library that cannot be asked for the stress.
        AudioError: the model's spectrogram cannot be played.
    """
    number, audio, settings = speaker_number(model, speaker), model.hparams.audio, model.hparams.text
    language = settings.language
    if dictionary is None:
        path = Path(settings.dictionary) if settings.dictionary else None
        dictionary = load_dictionary(path, find_language(language)) if path else {}
    encoded = text_to_sequence(text, language, unreadable or settings.unreadable, dictionary)
    if (stress or settings.stress) == "library":
        encoded = with_stress([encoded], language)[0]
    sentences = split_sentences(encoded.text)
    ids = [torch.tensor(text_to_sequence(sentence, language).ids) for sentence in sentences]
    speeches = speak(model, ids, rounded=True, style=style, speakers=[number] * len(ids))
    pause = np.zeros(int(PAUSE_S * audio.sampling_rate), dtype=np.float32)
    vocode = vocoder or GriffinLim(audio)
    parts = [part for speech in speeches for part in (vocode(speech.mel), pause)][:-1]
    scores = mean_metrics(alignment_metrics(speech.alignment).to_dict() for speech in speeches)
    alignment = scores.get("attention_alignment")
    return SpokenText(np.concatenate(parts), sentences, speeches, alignment, encoded.dropped)
