"""Utterances as tensors, and batches of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from tacotron2.data.features import FeatureCache
from tacotron2.data.speakers import speaker_numbers
from tacotron2.data.utterances import DataError, Utterance, raise_problems
from tacotron2.hparams import HParams
from tacotron2.text import (
    EncodedText,
    TextError,
    find_language,
    load_dictionary,
    text_to_sequence,
    with_stress,
)

MEMORY_BYTES = 512 * 2**20
"""Spectrograms kept in memory (about 5 hours of speech); those beyond are read from disk each time."""
SMALLEST_STD = 0.1
"""A band that never leaves the floor must not be blown up by normalisation."""


@dataclass(frozen=True)
class Item:
    """One utterance, ready for the model."""

    ids: Tensor
    """(T_text,) long symbol ids."""
    mel: Tensor
    """(T_mel, num_mels) float32 log-mel, not normalised."""
    utterance: Utterance
    speaker: int = 0
    """Its number among the speakers of the training; 0 with one speaker."""


@dataclass(frozen=True)
class SharedBatch:
    """What a process knows of a whole batch of N utterances of which it has some rows; stays on the host."""

    rows: Tensor
    """(B,) long, the places of its rows in the batch; none where it has no row."""
    text_lengths: Tensor
    """(N,) long."""
    mel_lengths: Tensor
    """(N,) long, frames."""


@dataclass(frozen=True)
class Batch:
    """Padded utterances; true lengths say what is valid. T_dec = padded T_mel / r."""

    text: Tensor
    """(B, T_text) long, padded with 0."""
    text_lengths: Tensor
    """(B,) long."""
    mel: Tensor
    """(B, T_mel, num_mels) float32, padded with zeros, T_mel a multiple of r."""
    mel_lengths: Tensor
    """(B,) long, frames; not rounded to r."""
    gate: Tensor
    """(B, T_dec) float32: 1.0 at the decoder step that holds the last valid frame and after it."""
    ids: tuple[str, ...]
    """The utterances' names."""
    whole: SharedBatch | None = None
    """The batch of which these are one process's rows; None where these rows are all of it."""
    speakers: Tensor | None = None
    """(B,) long, the speakers' numbers, zeros with one speaker; None only in a batch made by hand for a model
    of one speaker: one of several refuses it."""

    @property
    def num_frames(self) -> int:
        """Valid frames of the whole batch."""
        return int((self.whole or self).mel_lengths.sum())

    def to(self, device: torch.device | str) -> Batch:
        """The same batch with all tensors on `device`."""
        return Batch(
            text=self.text.to(device),
            text_lengths=self.text_lengths.to(device),
            mel=self.mel.to(device),
            mel_lengths=self.mel_lengths.to(device),
            gate=self.gate.to(device),
            ids=self.ids,
            whole=self.whole,
            speakers=None if self.speakers is None else self.speakers.to(device),
        )


def no_utterance(whole: SharedBatch, r: int, num_mels: int) -> Batch:
    """For a process that has no row of a batch: one row of length 0, all of it padding.

    It takes part in every exchange of the others and adds nothing to any sum.
    """
    none = torch.zeros(1, dtype=torch.long)
    mel, gate = torch.zeros(1, r, num_mels), torch.ones(1, 1)
    return Batch(none[:, None], none, mel, none, gate, (), whole, speakers=none)


class TextMelLoader(Dataset[Item]):
    """Symbol ids and log-mels of a list of utterances.

    Attributes:
        utterances: those in use, in the order given.
        lengths: their mel frames.
        audio_seconds: their length after trimming, together.
        left_out: (utterance, reason) of the clips outside min_seconds .. max_seconds after trimming.
        dropped: characters without a symbol and how often each was dropped, where dropping was asked for.
        speakers: the names that the numbers of the items stand for; none with one speaker.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance],
        hparams: HParams,
        cache: FeatureCache,
        speakers: Sequence[str] = (),
    ) -> None:
        """Encodes all texts and reads all features, making those that the cache lacks.

        Args:
            speakers: `speaker_names` of the training list where `model.n_speakers` is more than 1.

        Raises:
            DataError: a text, recording or speaker cannot be used (list file and line are named), or nothing
                is left.
        """
        self.speakers = tuple(speakers)
        numbers = speaker_numbers(utterances, speakers, hparams.model.n_speakers)
        self.utterances: list[Utterance] = []
        self.lengths: list[int] = []
        self.left_out: list[tuple[Utterance, str]] = []
        self.dropped: Counter[str] = Counter()
        self._cache = cache
        self._ids: list[Tensor] = []
        self._mels: list[Tensor | None] = []
        self._speakers: list[int] = []
        encoded = self._encode_all(utterances, hparams)
        num_bytes = 0
        for utterance, ids, speaker in zip(utterances, encoded, numbers, strict=True):
            mel = cache.mel(utterance)
            reason = wrong_length(len(mel), hparams)
            if reason:
                self.left_out.append((utterance, reason))
                continue
            num_bytes += mel.nbytes
            self.utterances.append(utterance)
            self.lengths.append(len(mel))
            self._ids.append(ids)
            self._speakers.append(speaker)
            self._mels.append(mel if num_bytes <= MEMORY_BYTES else None)
        if not self.utterances:
            first = f"; {self.left_out[0][0].place}: {self.left_out[0][1]}" if self.left_out else ""
            raise DataError(f"none of {len(utterances)} utterances can be used{first}")
        self.audio_seconds = (sum(self.lengths) - len(self.lengths)) * (
            hparams.audio.hop_length / hparams.audio.sampling_rate
        )

    def _encode_all(self, utterances: Sequence[Utterance], hparams: HParams) -> list[Tensor]:
        encoded: list[EncodedText] = []
        problems: list[str] = []
        settings = hparams.text
        dictionary: dict[str, str] = {}
        if settings.dictionary:
            try:
                dictionary = load_dictionary(Path(settings.dictionary), find_language(settings.language))
            except TextError as error:
                raise DataError(str(error)) from error
        for utterance in utterances:
            try:
                text = text_to_sequence(
                    utterance.text, settings.language, settings.unreadable, dictionary=dictionary
                )
            except TextError as error:
                problems.append(f"{utterance.place}: {error}")
                continue
            self.dropped.update(text.dropped)
            encoded.append(text)
        raise_problems(problems)
        if settings.stress == "library":
            try:
                encoded = with_stress(encoded, settings.language)
            except TextError as error:
                raise DataError(str(error)) from error
        return [torch.tensor(text.ids, dtype=torch.long) for text in encoded]

    @property
    def text_lengths(self) -> list[int]:
        """Symbols of each utterance."""
        return [len(ids) for ids in self._ids]

    def __len__(self) -> int:
        return len(self.utterances)

    def __getitem__(self, index: int) -> Item:
        utterance, mel = self.utterances[index], self._mels[index]
        mel = self._cache.mel(utterance) if mel is None else mel
        return Item(self._ids[index], mel, utterance, self._speakers[index])


class TextMelCollate:
    """Pads items to one batch, in the order given."""

    def __init__(self, n_frames_per_step: int) -> None:
        self.n_frames_per_step = n_frames_per_step

    def __call__(self, items: Sequence[Item]) -> Batch:
        """See `Batch` for the shapes."""
        r = self.n_frames_per_step
        text_lengths = torch.tensor([len(item.ids) for item in items])
        mel_lengths = torch.tensor([len(item.mel) for item in items])
        decoder_lengths = (mel_lengths + r - 1) // r
        num_steps = int(decoder_lengths.max())
        text = torch.zeros(len(items), int(text_lengths.max()), dtype=torch.long)
        mel = torch.zeros(len(items), num_steps * r, items[0].mel.shape[1])
        for row, item in enumerate(items):
            text[row, : len(item.ids)] = item.ids
            mel[row, : len(item.mel)] = item.mel
        gate = (torch.arange(num_steps) >= decoder_lengths[:, None] - 1).float()
        names = tuple(item.utterance.id for item in items)
        speakers = torch.tensor([item.speaker for item in items])
        return Batch(text, text_lengths, mel, mel_lengths, gate, names, speakers=speakers)


def mel_statistics(dataset: TextMelLoader) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every band over all frames, each (num_mels,) float32.

    The deviation is at least SMALLEST_STD. Recordings that are not finite count for nothing: one of them
    would make every batch so.
    """
    total = squares = torch.zeros((), dtype=torch.float64)
    num_frames = 0
    for index in range(len(dataset)):
        mel = dataset[index].mel.double()
        if not mel.isfinite().all():
            continue
        num_frames += len(mel)
        total = total + mel.sum(dim=0)
        squares = squares + mel.square().sum(dim=0)
    mean = total / num_frames
    variance = (squares / num_frames - mean.square()).clamp_min(0.0)
    return mean.float(), variance.sqrt().clamp_min(SMALLEST_STD).float()


def wrong_length(num_frames: int, hparams: HParams) -> str:
    """Why a clip of that many frames is left out; empty where it is not."""
    seconds = (num_frames - 1) * hparams.audio.hop_length / hparams.audio.sampling_rate
    data = hparams.data
    if seconds < data.min_seconds:
        return f"{seconds:.2f} s after trimming, shorter than data.min_seconds={data.min_seconds:g}"
    if seconds > data.max_seconds:
        return f"{seconds:.2f} s after trimming, longer than data.max_seconds={data.max_seconds:g}"
    return ""
