"""The training loss and its terms, all of them means over valid positions only. Needs torch alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from tacotron2.hparams import HParams, LossParams
from tacotron2.models.masking import length_mask
from tacotron2.models.tacotron2 import SecondaryOutput, TacotronOutput
from tacotron2.text.symbols import CTC_SYMBOLS, SYMBOLS


class Targets(Protocol):
    """What the loss needs of a batch: text `(B, T_text)`, mel `(B, T_mel, num_mels)`, gate `(B, T_dec)`,
    lengths `(B,)`."""

    @property
    def text(self) -> Tensor: ...
    @property
    def mel(self) -> Tensor: ...
    @property
    def mel_lengths(self) -> Tensor: ...
    @property
    def text_lengths(self) -> Tensor: ...
    @property
    def gate(self) -> Tensor: ...


@dataclass(frozen=True)
class Losses:
    """Scalars. `total` is what training minimises; `reference` is the untuned sum of docs/metrics.md."""

    total: Tensor
    reference: Tensor
    mel_before: Tensor
    mel_after: Tensor
    gate: Tensor
    guided_attention: Tensor
    auxiliary: Mapping[str, Tensor]
    """Of the parts that the model has: mmi (CTC, nats per symbol), mmi_left_out (utterances too short
    for it, as a share), mmi_factor (set by backward), ddc_decoder (the second decoder's mel and stop losses),
    ddc, tpse."""

    share: Tensor
    """Of the batch's frames in these rows: 1, unless several processes have the batch in parts."""

    def terms(self) -> dict[str, Tensor]:
        """The terms by the names under which they are recorded, detached; after backward."""
        names = ("total", "mel_before", "mel_after", "gate", "guided_attention")
        terms = {name: getattr(self, name).detach() for name in names}
        terms |= {name: value.detach() for name, value in self.auxiliary.items()}
        if "mmi_factor" in terms:
            terms["mmi_factor"] = terms["mmi_factor"] * self.share
        return terms


@dataclass(frozen=True)
class ValidPositions:
    """How many positions the terms are means over, each a scalar: mel frames, decoder steps, cells of the
    alignments, steps of the second decoder, symbols, utterances."""

    frames: Tensor
    steps: Tensor
    cells: Tensor
    second_steps: Tensor
    symbols: Tensor
    utterances: Tensor


def count_valid(text_lengths: Tensor, mel_lengths: Tensor, r: int, second_r: int) -> ValidPositions:
    """Those of utterances of these true lengths, each `(B,)`."""
    steps = decoder_steps(mel_lengths, r)
    return ValidPositions(
        frames=mel_lengths.sum(),
        steps=steps.sum(),
        cells=(steps * text_lengths).sum(),
        second_steps=decoder_steps(mel_lengths, second_r).sum(),
        symbols=text_lengths.sum(),
        utterances=(mel_lengths > 0).sum(),
    )


def decoder_steps(mel_lengths: Tensor, r: int) -> Tensor:
    """Frames `(B,)` to the decoder steps that cover them: ceil(frames / r)."""
    return torch.div(mel_lengths + r - 1, r, rounding_mode="floor")


def guided_attention_weight(loss: LossParams, step: int) -> float:
    """The weight at a training step: full, then linearly down to its final share."""
    passed = (step - loss.guide_loss_decay_start) / loss.guide_loss_decay_steps
    share = 1.0 - min(max(passed, 0.0), 1.0) * (1.0 - loss.guide_loss_final_share)
    return loss.guided_attention_weight * share


def guided_attention_loss(
    alignments: Tensor, text_lengths: Tensor, steps: Tensor, sigma: float, num_cells: Tensor | None = None
) -> Tensor:
    """Attention far from the diagonal, `W = 1 - exp(-(n/N - t/T)^2 / (2 g^2))`.

    Source: arXiv 1710.08969, section 4.1.

    Args:
        alignments: `(B, T_dec, T_text)`; text_lengths, steps: true `(B,)`; sigma: the width g.
        num_cells: what to divide by, if not by the valid cells of these utterances.

    Returns:
        the mean of `A * W` over the valid cells.
    """
    _, num_steps, num_symbols = alignments.shape
    device = alignments.device
    # A length of 0 stands where a process has no utterance of a batch; all of it is masked.
    t = torch.arange(num_steps, device=device)[None, :, None] / steps.clamp(min=1)[:, None, None]
    n = torch.arange(num_symbols, device=device)[None, None, :] / text_lengths.clamp(min=1)[:, None, None]
    penalty = 1.0 - torch.exp(-((n - t) ** 2) / (2.0 * sigma**2))
    valid = length_mask(steps, num_steps)[:, :, None] & length_mask(text_lengths, num_symbols)[:, None, :]
    return (alignments * penalty * valid).sum() / (valid.sum() if num_cells is None else num_cells)


def consistency_loss(
    first: Tensor, second: Tensor, r_first: int, r_second: int, mel_lengths: Tensor, num_frames: Tensor
) -> Tensor:
    """How differently two decoders attend: half the L1 distance of their weights, mean over valid frames.

    Both are compared frame by frame, each step standing for the r frames it speaks; 0 is the same, 1 nothing
    in common.

    Args:
        first: `(B, T_dec, T_text)` at reduction factor r_first; second: `(B, T_dec2, T_text)` at r_second.
        mel_lengths: true frames `(B,)`; num_frames: what to divide by.
    """
    frames = min(first.size(1) * r_first, second.size(1) * r_second)
    a, b = (
        alignments.repeat_interleave(r, dim=1)[:, :frames]
        for alignments, r in ((first, r_first), (second, r_second))
    )
    valid = length_mask(mel_lengths, frames)
    return 0.5 * ((a - b).abs().sum(2) * valid).sum() / num_frames


def heard_classes(n_symbols: int) -> Tensor:
    """Each symbol's class `(n_symbols,)` in the recogniser; 0 is none: padding, punctuation, the blank."""
    classes = torch.zeros(n_symbols, dtype=torch.long)
    for number, symbol in enumerate(CTC_SYMBOLS, start=1):
        classes[SYMBOLS.index(symbol)] = number
    return classes


def recogniser_loss(logits: Tensor, steps: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """CTC over the decoder's steps (blank 0), summed, in nats.

    Args:
        logits: `(B, T_dec, num_classes)`; steps: true `(B,)`.
        classes: `(B, T_text)`, 0 where there is nothing to hear.

    Returns:
        the sum, and the number of utterances left out of it: fewer steps than CTC needs (one for each class,
        one more between two equal ones), or nothing to hear.
    """
    lengths = (classes > 0).sum(1)
    order = torch.argsort((classes == 0).to(torch.uint8), dim=1, stable=True)
    targets = classes.gather(1, order)  # what is heard first, zeros behind it
    repeats = ((targets[:, 1:] == targets[:, :-1]) & (targets[:, 1:] > 0)).sum(1)
    fits = (lengths > 0) & (steps >= lengths + repeats)
    log_probs = torch.log_softmax(logits.float(), dim=2).transpose(0, 1)
    each = functional.ctc_loss(log_probs, targets, steps, lengths, reduction="none", zero_infinity=True)
    return torch.where(fits, each, 0.0).sum(), ((steps > 0) & ~fits).sum()


def frame_error(predicted: Tensor, target: Tensor, mel_lengths: Tensor, num_frames: Tensor) -> Tensor:
    """Squared error over the valid frames of `(B, T_mel, num_mels)`, divided by `num_frames` of them."""
    frames = length_mask(mel_lengths, target.size(1))[:, :, None]
    return ((predicted - target) ** 2 * frames).sum() / (num_frames * target.size(2))


class Tacotron2Loss(nn.Module):
    """Mel error before and after the post-net, stop token, guided attention; MMI, DDC and TPSE where used.

    Args:
        r: the model's reduction factor, if not `n_frames_per_step`.
    """

    def __init__(self, hparams: HParams, r: int | None = None) -> None:
        super().__init__()
        self.settings, self.r = hparams.loss, r or hparams.model.n_frames_per_step
        self.second_r = hparams.model.ddc_frames_per_step
        self.register_buffer("positive_weight", torch.tensor(self.settings.gate_positive_weight), False)
        self.register_buffer("heard_classes", heard_classes(hparams.model.n_symbols), False)

    def scale_positive_weight(self, scale: float) -> None:
        """From now on a stop step weighs `gate_positive_weight` times this."""
        self.get_buffer("positive_weight").fill_(self.settings.gate_positive_weight * scale)

    def forward(
        self,
        output: TacotronOutput,
        targets: Targets,
        guide_weight: float,
        positions: ValidPositions | None = None,
    ) -> Losses:
        """Every term over the valid positions of the batch.

        Args:
            output: teacher-forced prediction.
            targets: the batch.
            guide_weight: `guided_attention_weight` at the training step; 0 outside training.
            positions: what to divide by, where these utterances are a part of a batch that several processes
                share: the terms of all of them add up to those of the whole.
        """
        settings, text_lengths, lengths = self.settings, targets.text_lengths, targets.mel_lengths
        own = count_valid(text_lengths, lengths, self.r, self.second_r)
        whole = positions or own
        mel_before = frame_error(output.mel_before, targets.mel, lengths, whole.frames)
        mel_after = frame_error(output.mel_after, targets.mel, lengths, whole.frames)
        steps = decoder_steps(lengths, self.r)
        gate, entropy = self._stop_losses(output.gate_logits, targets.gate, steps, whole.steps)
        alignments, sigma = output.alignments.float(), settings.guided_attention_sigma
        guided = guided_attention_loss(alignments, text_lengths, steps, sigma, whole.cells)
        total = mel_before + mel_after + settings.gate_loss_weight * gate + guide_weight * guided
        reference = mel_before + mel_after + entropy
        auxiliary = self._auxiliary(output, targets, whole)
        weights = {
            "mmi": settings.mmi_loss_weight,
            "ddc_decoder": settings.ddc_decoder_weight,
            "ddc": settings.ddc_loss_weight,
            "tpse": settings.tpse_loss_weight,
        }
        for name, value in auxiliary.items():
            if name in weights:
                total = total + weights[name] * value
        share = own.frames / whole.frames
        return Losses(total, reference.detach(), mel_before, mel_after, gate, guided, auxiliary, share)

    def _stop_losses(
        self, logits: Tensor, gate: Tensor, steps: Tensor, num_steps: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy over the valid steps, with a stop step weighing more, and without."""
        valid = length_mask(steps, gate.size(1))
        entropy = functional.binary_cross_entropy_with_logits(logits.float(), gate, reduction="none")
        weights = torch.where(gate > 0.5, self.get_buffer("positive_weight"), 1.0)
        return (entropy * weights * valid).sum() / num_steps, (entropy * valid).sum() / num_steps

    def _auxiliary(
        self, output: TacotronOutput, targets: Targets, whole: ValidPositions
    ) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        lengths = targets.mel_lengths
        if output.recogniser_logits is not None:
            classes = self.get_buffer("heard_classes")[targets.text]
            classes = classes * length_mask(targets.text_lengths, targets.text.size(1))
            steps = decoder_steps(lengths, self.r)
            nats, left_out = recogniser_loss(output.recogniser_logits, steps, classes)
            terms |= {"mmi": nats / whole.symbols, "mmi_left_out": left_out / whole.utterances}
        if output.adaptive_factor is not None:
            terms["mmi_factor"] = output.adaptive_factor
        if output.secondary is not None:
            terms["ddc_decoder"] = self._secondary(output.secondary, targets, whole)
            both = output.alignments.float(), output.secondary.alignments.float()
            terms["ddc"] = consistency_loss(*both, self.r, self.second_r, lengths, whole.frames)
        if output.style is not None and output.predicted_style is not None:
            error = (output.predicted_style.float() - output.style.detach().float()).abs().mean(1)
            terms["tpse"] = (error * (lengths > 0)).sum() / whole.utterances
        return terms

    def _secondary(self, output: SecondaryOutput, targets: Targets, whole: ValidPositions) -> Tensor:
        """The second decoder's own mel and stop losses."""
        steps = decoder_steps(targets.mel_lengths, self.second_r)
        index = torch.arange(output.gate_logits.size(1), device=steps.device)
        gate = (index >= steps[:, None] - 1).to(targets.gate.dtype)
        stop, _ = self._stop_losses(output.gate_logits, gate, steps, whole.second_steps)
        mel = frame_error(output.mel, targets.mel, targets.mel_lengths, whole.frames)
        return mel + self.settings.gate_loss_weight * stop
