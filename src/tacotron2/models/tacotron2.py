"""The whole model: symbols in, log-mel spectrogram, stop token and alignment out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tacotron2.hparams import HParams
from tacotron2.models.checkpointing import recomputed
from tacotron2.models.decoder import Decoder, DecoderOutput
from tacotron2.models.encoder import Encoder
from tacotron2.models.free_running import DrawnMasks, StepMasks, Voice, run, run_stepwise
from tacotron2.models.masking import length_mask
from tacotron2.models.postnet import Postnet


class TacotronOutput(NamedTuple):
    """Teacher-forced prediction (a named tuple: Fabric walks through outputs and refuses frozen dataclasses).

    mel_before, mel_after: log-mel `(B, T_mel, num_mels)` without and with the post-net; gate_logits
    `(B, T_dec)`; alignments `(B, T_dec, T_text)`.
    """

    mel_before: Tensor
    mel_after: Tensor
    gate_logits: Tensor
    alignments: Tensor


@dataclass(frozen=True)
class Synthesis:
    """Free-running prediction.

    mel: log-mel `(B, T_mel, num_mels)`, true lengths in `mel_lengths` `(B,)`; gate_probabilities
    `(B, T_dec)`; alignments `(B, T_dec, T_text)`, true steps in `step_lengths` `(B,)`; stopped `(B,)` is
    false where the stop token never came and the bound ended the sentence.
    """

    mel: Tensor
    mel_lengths: Tensor
    gate_probabilities: Tensor
    alignments: Tensor
    step_lengths: Tensor
    stopped: Tensor


class Tacotron2(nn.Module):
    """Tacotron 2. Mels are raw log-mels outside; inside they are normalised by the stored statistics."""

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, hparams: HParams) -> None:
        super().__init__()
        self.hparams = hparams
        model, num_mels = hparams.model, hparams.audio.n_mel_channels
        self.r = model.n_frames_per_step
        self.embedding = nn.Embedding(model.n_symbols, model.symbols_embedding_dim)
        bound = math.sqrt(3.0) * math.sqrt(2.0 / (model.n_symbols + model.symbols_embedding_dim))
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.encoder = Encoder(model)
        self.decoder = Decoder(hparams, model.encoder_embedding_dim)
        self.recompute = hparams.train.gradient_checkpointing
        self.postnet = Postnet(num_mels, model, self.recompute)
        self.register_buffer("mel_mean", torch.zeros(num_mels))
        self.register_buffer("mel_std", torch.ones(num_mels))

    def set_mel_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Per-band mean and standard deviation `(num_mels,)` of the training set's log-mels."""
        self.mel_mean.copy_(mean)
        self.mel_std.copy_(std)

    def num_parameters(self) -> int:
        """Trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def normalise(self, mel: Tensor) -> Tensor:
        return (mel - self.mel_mean) / self.mel_std

    def denormalise(self, mel: Tensor) -> Tensor:
        """Always in float32: in bf16 the floor of -11.5129 would come out as -11.5."""
        return mel.float() * self.mel_std + self.mel_mean

    def forward(self, text: Tensor, text_lengths: Tensor, mel: Tensor, mel_lengths: Tensor) -> TacotronOutput:
        """Teacher forcing.

        Args:
            text: `(B, T_text)` symbol ids, text_lengths `(B,)`.
            mel: `(B, T_mel, num_mels)` log-mel, T_mel a multiple of r; mel_lengths `(B,)`.
        """
        memory = self.decoder.prepare_memory(self._encode(text, text_lengths), text_lengths)
        frames = self.normalise(mel)
        masks = self.decoder.draw_masks(
            mel.size(0), mel.size(1) // self.r, memory.values, prenet=self._prenet_drops()
        )
        decoded = self.decoder(memory, frames, masks)
        return self._finish(decoded, mel_lengths)

    def _prenet_drops(self) -> bool:
        return self.training or self.hparams.model.prenet_dropout_at_synthesis

    def _encode(self, text: Tensor, text_lengths: Tensor) -> Tensor:
        embedded = self.embedding(text)
        if self.recompute and torch.is_grad_enabled():
            return recomputed(self.encoder, embedded, text_lengths)
        return self.encoder(embedded, text_lengths)

    def _finish(self, decoded: DecoderOutput, mel_lengths: Tensor) -> TacotronOutput:
        mask = length_mask(mel_lengths, decoded.mel.size(1))
        residual = self.postnet(decoded.mel, mask)
        return TacotronOutput(
            mel_before=self.denormalise(decoded.mel),
            mel_after=self.denormalise(decoded.mel + residual),
            gate_logits=decoded.gate_logits,
            alignments=decoded.alignments,
        )

    @torch.no_grad()
    def infer(
        self,
        text: Tensor,
        text_lengths: Tensor,
        max_steps: int | None = None,
        *,
        masks: StepMasks | None = None,
        voice: Voice | None = None,
        stepwise: bool = False,
    ) -> Synthesis:
        """Free running: every sentence ends at its own stop token, or at `max_steps` decoder steps.

        The first step with a stop probability above `gate_threshold` is the last one spoken.

        Args:
            text: `(B, T_text)` symbol ids, text_lengths `(B,)`.
            max_steps: by default `max_decoder_seconds`.
            masks: dropout factors; by default drawn.
            voice: this model's, where one is to serve several calls; by default made from the weights.
            stepwise: by the paper's loop, the oracle of the usual way.
        """
        settings, audio = self.hparams.model, self.hparams.audio
        bound = max_steps or math.ceil(
            settings.max_decoder_seconds * audio.sampling_rate / audio.hop_length / self.r
        )
        memory = self.decoder.prepare_memory(self._encode(text, text_lengths), text_lengths)
        masks = masks or DrawnMasks(self.decoder, memory.values, self._prenet_drops())
        operands = (memory, masks, bound, settings.gate_threshold)
        if stepwise:
            said = run_stepwise(self.decoder, *operands)
        else:
            said = run(voice or Voice(self.decoder), *operands)
        spoken = self._finish(said.output, said.steps * self.r)
        return Synthesis(
            mel=spoken.mel_after,
            mel_lengths=said.steps * self.r,
            gate_probabilities=torch.sigmoid(spoken.gate_logits),
            alignments=spoken.alignments,
            step_lengths=said.steps,
            stopped=said.stopped,
        )
