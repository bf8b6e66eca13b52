"""The whole model: symbols in, log-mel spectrogram, stop token and alignment out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.hparams import HParams, HParamsError
from tacotron2.models.checkpointing import recomputed
from tacotron2.models.decoder import Decoder
from tacotron2.models.decoder_state import DecoderOutput, Memory
from tacotron2.models.encoder import Encoder
from tacotron2.models.free_running import DrawnMasks, StepMasks, Voice, run, run_stepwise
from tacotron2.models.gst import StylePredictor, StyleTokens
from tacotron2.models.masking import ConvolutionBlock, length_mask
from tacotron2.models.mmi import Recogniser
from tacotron2.models.postnet import Postnet
from tacotron2.text.symbols import CTC_SYMBOLS

MOST_DROPOUT = 0.5
"""Above it a layer hands on less than it keeps back."""


class SecondaryOutput(NamedTuple):
    """The second decoder of double decoder consistency, at its own reduction factor.

    mel: log-mel `(B, T_mel, num_mels)` without post-net; gate_logits `(B, T_dec2)`; alignments
    `(B, T_dec2, T_text)`; T_dec2 = T_mel / ddc_frames_per_step, rounded up.
    """

    mel: Tensor
    gate_logits: Tensor
    alignments: Tensor


class TacotronOutput(NamedTuple):
    """Teacher-forced prediction (a named tuple: Fabric walks through outputs and refuses frozen dataclasses).

    mel_before, mel_after: log-mel `(B, T_mel, num_mels)` without and with the post-net; gate_logits
    `(B, T_dec)`; alignments `(B, T_dec, T_text)`.

    Of the parts that a model may be without: secondary; recogniser_logits `(B, T_dec, classes)`, and the
    scalar that backward sets to the recogniser's gradient adaptive factor; style `(B, gst_dim)` heard in the
    recording, and predicted_style from the text.
    """

    mel_before: Tensor
    mel_after: Tensor
    gate_logits: Tensor
    alignments: Tensor
    secondary: SecondaryOutput | None = None
    recogniser_logits: Tensor | None = None
    adaptive_factor: Tensor | None = None
    style: Tensor | None = None
    predicted_style: Tensor | None = None


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
    """Tacotron 2. Mels are raw log-mels outside; inside they are normalised by the stored statistics.

    speakers: the names that the numbers of speakers stand for, where there are several.
    """

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, hparams: HParams) -> None:
        super().__init__()
        self.hparams = hparams
        model, num_mels = hparams.model, hparams.audio.n_mel_channels
        self.embedding = nn.Embedding(model.n_symbols, model.symbols_embedding_dim)
        bound = math.sqrt(3.0) * math.sqrt(2.0 / (model.n_symbols + model.symbols_embedding_dim))
        nn.init.uniform_(self.embedding.weight, -bound, bound)
        self.encoder = Encoder(model)
        self.recompute = hparams.train.gradient_checkpointing
        memory_dim = model.encoder_embedding_dim + (model.gst_dim if model.use_gst else 0)
        most = hparams.reduction_stages[0].r
        self.decoder = Decoder(hparams, memory_dim, model.n_frames_per_step, most=most)
        self.postnet = Postnet(num_mels, model, self.recompute)
        second = model.ddc_frames_per_step
        self.decoder_secondary = Decoder(hparams, memory_dim, second, second) if model.use_ddc else None
        self.mi = Recogniser(model.decoder_rnn_dim, len(CTC_SYMBOLS) + 1) if model.use_mmi else None
        self.gst = StyleTokens(num_mels, model) if model.use_gst else None
        self.tpse_gst = StylePredictor(model.encoder_embedding_dim, model) if model.use_gst else None
        self.speaker_embedding = (
            nn.Embedding(model.n_speakers, model.encoder_embedding_dim) if model.n_speakers > 1 else None
        )
        self.speakers: tuple[str, ...] = ()
        self.register_buffer("mel_mean", torch.zeros(num_mels))
        self.register_buffer("mel_std", torch.ones(num_mels))

    @property
    def r(self) -> int:
        """Mel frames per decoder step: `n_frames_per_step`, unless `Decoder.set_r` said otherwise."""
        return self.decoder.r

    def set_mel_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Per-band mean and standard deviation `(num_mels,)` of the training set's log-mels."""
        self.mel_mean.copy_(mean)
        self.mel_std.copy_(std)

    def name_speakers(self, names: Sequence[str]) -> None:
        """Whom the rows of the speaker embedding stand for; ValueError: more names than rows, or no names."""
        most = 0 if self.speaker_embedding is None else self.speaker_embedding.num_embeddings
        if len(names) > most or not all(isinstance(name, str) for name in names):
            raise ValueError(f"the speakers {list(names)} are not those of a model with {most} to name")
        self.speakers = tuple(names)

    def num_parameters(self) -> int:
        """Trainable parameters."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def normalise(self, mel: Tensor) -> Tensor:
        return (mel - self.mel_mean) / self.mel_std

    def denormalise(self, mel: Tensor) -> Tensor:
        """Always in float32: in bf16 the floor of -11.5129 would come out as -11.5."""
        return mel.float() * self.mel_std + self.mel_mean

    def forward(
        self,
        text: Tensor,
        text_lengths: Tensor,
        mel: Tensor,
        mel_lengths: Tensor,
        speakers: Tensor | None = None,
        teacher_forcing: float = 1.0,
    ) -> TacotronOutput:
        """Teacher forcing, in the style of the recording itself.

        Args:
            text: `(B, T_text)` symbol ids, text_lengths `(B,)`.
            mel: `(B, T_mel, num_mels)` log-mel, T_mel a multiple of r; mel_lengths `(B,)`.
            speakers: `(B,)` speaker ids where there are several.
            teacher_forcing: the probability with which each decoder step reads the recording; the others
                read what the step before said.
        """
        encoded = self._encode(text, text_lengths, speakers)
        frames = self.normalise(mel)
        style = None if self.gst is None else self.gst(frames, mel_lengths)
        values = _styled(encoded, style)
        memory = self.decoder.prepare_memory(values, text_lengths)
        fed_back = self._without_some_frames(frames)
        masks = self.decoder.draw_masks(
            mel.size(0), mel.size(1) // self.r, memory.values, self._prenet_drops(), teacher_forcing
        )
        decoded = self.decoder(memory, fed_back, masks)
        return self._finish(decoded, mel_lengths)._replace(
            secondary=self._decode_again(values, text_lengths, fed_back, teacher_forcing),
            recogniser_logits=None if self.mi is None else self.mi(decoded.projection),
            adaptive_factor=decoded.adaptive_factor,
            style=style,
            predicted_style=None if self.tpse_gst is None else self.tpse_gst(encoded, text_lengths),
        )

    def _without_some_frames(self, frames: Tensor) -> Tensor:
        """Some frames replaced by the mean one, which is 0 here (arXiv 1909.01145)."""
        rate = self.hparams.model.drop_frame_rate
        if not (self.training and rate):
            return frames
        return frames * torch.rand(frames.shape[:2], device=frames.device).ge(rate)[:, :, None]

    def _decode_again(
        self, values: Tensor, text_lengths: Tensor, frames: Tensor, forced: float
    ) -> SecondaryOutput | None:
        decoder = self.decoder_secondary
        if decoder is None:
            return None
        num_frames = frames.size(1)
        frames = functional.pad(frames, (0, 0, 0, -num_frames % decoder.r))
        memory = decoder.prepare_memory(values, text_lengths)
        steps = frames.size(1) // decoder.r
        masks = decoder.draw_masks(frames.size(0), steps, values, self._prenet_drops(), forced)
        decoded = decoder(memory, frames, masks)
        mel = self.denormalise(decoded.mel[:, :num_frames])
        return SecondaryOutput(mel, decoded.gate_logits, decoded.alignments)

    def scale_dropout(self, scale: float) -> None:
        """From now on the dropout of convolutions and decoder LSTMs is the settings' times this, at most
        MOST_DROPOUT where the settings do not have more. The pre-net's stays: it is a part of how the model
        speaks."""
        model = self.hparams.model
        names = ("p_convolution_dropout", "p_attention_dropout", "p_decoder_dropout")
        usual = {name: getattr(model, name) for name in names}
        scaled = {name: min(p * scale, max(p, MOST_DROPOUT)) for name, p in usual.items()}
        for part in self.modules():
            if isinstance(part, ConvolutionBlock):
                part.p_dropout = scaled["p_convolution_dropout"]
            elif isinstance(part, Decoder):
                part.settings = replace(model, **scaled)

    def _prenet_drops(self) -> bool:
        return self.training or self.hparams.model.prenet_dropout_at_synthesis

    def _encode(self, text: Tensor, text_lengths: Tensor, speakers: Tensor | None) -> Tensor:
        embedded = self.embedding(text)
        if self.recompute and torch.is_grad_enabled():
            encoded = recomputed(self.encoder, embedded, text_lengths)
        else:
            encoded = self.encoder(embedded, text_lengths)
        if self.speaker_embedding is None:
            return encoded
        if speakers is None:
            count = self.speaker_embedding.num_embeddings
            raise HParamsError(f"model.n_speakers={count}: every utterance needs the number of its speaker")
        mask = length_mask(text_lengths, text.size(1))[:, :, None]
        return encoded + self.speaker_embedding(speakers)[:, None] * mask.to(encoded.dtype)

    def style_of_recording(self, mel: Tensor, mel_lengths: Tensor) -> Tensor:
        """The style `(B, gst_dim)` heard in log-mels `(B, T_mel, num_mels)` of true lengths `(B,)`."""
        return self._style_tokens()(self.normalise(mel), mel_lengths)

    def style_of_tokens(self, weights: Tensor) -> Tensor:
        """The style `(B, gst_dim)` of token weights `(B, tokens)`, or of each head's `(B, heads, tokens)`."""
        return self._style_tokens().from_weights(weights)

    def _style_tokens(self) -> StyleTokens:
        if self.gst is None:
            raise ValueError("model.use_gst=False: this model has one style only")
        return self.gst

    def prepare_speech(
        self,
        text: Tensor,
        text_lengths: Tensor,
        style: Tensor | None = None,
        speakers: Tensor | None = None,
    ) -> Memory:
        """What the decoder reads at synthesis; without a style, the one that is predicted from the text."""
        encoded = self._encode(text, text_lengths, speakers)
        if self.tpse_gst is None:
            if style is not None:
                raise ValueError("model.use_gst=False: this model has one style only")
        elif style is None:
            style = self.tpse_gst(encoded, text_lengths)
        return self.decoder.prepare_memory(_styled(encoded, style), text_lengths)

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
        style: Tensor | None = None,
        speakers: Tensor | None = None,
    ) -> Synthesis:
        """Free running: every sentence ends at its own stop token, or at `max_steps` decoder steps.

        The first step with a stop probability above `gate_threshold` is the last one spoken.

        Args:
            text: `(B, T_text)` symbol ids, text_lengths `(B,)`.
            max_steps: by default `max_decoder_seconds`.
            masks: dropout factors; by default drawn.
            voice: this model's, where one is to serve several calls; by default made from the weights.
            stepwise: by the paper's loop, the oracle of the usual way.
            style: `(B, gst_dim)` of `style_of_recording` or `style_of_tokens`; by default from the text.
            speakers: `(B,)` speaker ids where there are several.
        """
        settings, audio = self.hparams.model, self.hparams.audio
        bound = max_steps or math.ceil(
            settings.max_decoder_seconds * audio.sampling_rate / audio.hop_length / self.r
        )
        memory = self.prepare_speech(text, text_lengths, style, speakers)
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


def _styled(encoded: Tensor, style: Tensor | None) -> Tensor:
    """`(B, T_text, C)` and a style `(B, S)` to `(B, T_text, C + S)`: the same style behind every symbol."""
    if style is None:
        return encoded
    return torch.cat((encoded, style[:, None].to(encoded.dtype).expand(-1, encoded.size(1), -1)), dim=2)
