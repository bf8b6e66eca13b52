"""The reference loss `val_loss`: one fixed formula, whatever weights the training loss was given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tacotron2.metrics.arrays import Array, MetricsError, as_array, as_lengths, valid_positions


@dataclass
class ReferenceLoss:
    """Mel MSE before and after the post-net + stop-token BCE (section 2.2 of arXiv 1712.05884).

    Sums over valid frames and steps, divided once: neither padding nor the batching moves it. The same
    formula serves held-out utterances (`val_loss`) and training batches (`train_reference_loss`).
    """

    squares_before: float = 0.0
    squares_after: float = 0.0
    num_mel_values: int = 0
    stop_bce: float = 0.0
    num_steps: int = 0

    def add_mels(
        self, mel_before: ArrayLike, mel_after: ArrayLike, mel_target: ArrayLike, mel_lengths: ArrayLike
    ) -> None:
        """Add the mel error of one padded batch.

        Args:
            mel_before, mel_after: (B, T_mel, num_mels) predicted before and after the post-net, denormalised
                log-mels. mel_target: of the same shape, the recordings. mel_lengths: (B,) true frames.

        Raises:
            MetricsError: the shapes differ, or a length is outside the batch.
        """
        target = as_array("mel_target", mel_target, "B, T_mel, num_mels")
        valid = valid_positions(as_lengths("mel_lengths", mel_lengths, *target.shape[:2]), target.shape[1])
        self.squares_before += _squared_error("mel_before", mel_before, target, valid)
        self.squares_after += _squared_error("mel_after", mel_after, target, valid)
        self.num_mel_values += int(valid.sum()) * target.shape[2]

    def add_stops(self, stop_logits: ArrayLike, dec_lengths: ArrayLike) -> None:
        """Add the stop-token error of one padded batch; the last valid step is the stop.

        Args:
            stop_logits: (B, T_dec), before the sigmoid. dec_lengths: (B,) true decoder steps.

        Raises:
            MetricsError: wrong shapes, or a length outside the batch.
        """
        logits = as_array("stop_logits", stop_logits, "B, T_dec")
        lengths = as_lengths("dec_lengths", dec_lengths, *logits.shape)
        signed = logits.copy()
        signed[np.arange(len(logits)), lengths - 1] *= -1.0
        # -log sigmoid(-x) = log(1 + e^x), without overflow
        self.stop_bce += float(np.logaddexp(0.0, signed[valid_positions(lengths, logits.shape[1])]).sum())
        self.num_steps += int(lengths.sum())

    @property
    def mel_before(self) -> float | None:
        """Mean squared error before the post-net; None if nothing was added or it is not finite."""
        return _mean(self.squares_before, self.num_mel_values)

    @property
    def mel_after(self) -> float | None:
        """Mean squared error after the post-net; None if nothing was added or it is not finite."""
        return _mean(self.squares_after, self.num_mel_values)

    @property
    def gate(self) -> float | None:
        """Mean binary cross-entropy of the stop token; None if nothing was added or it is not finite."""
        return _mean(self.stop_bce, self.num_steps)

    @property
    def value(self) -> float | None:
        """The sum of the three; None if one is absent."""
        before, after, gate = self.mel_before, self.mel_after, self.gate
        if before is None or after is None or gate is None:
            return None
        return before + after + gate


def _squared_error(name: str, predicted: ArrayLike, target: Array, valid: np.ndarray) -> float:
    mel = as_array(name, predicted, "B, T_mel, num_mels")
    if mel.shape != target.shape:
        raise MetricsError(f"{name}: must have the shape of mel_target {target.shape}, not {mel.shape}")
    return float(((mel[valid] - target[valid]) ** 2).sum())


def _mean(total: float, count: int) -> float | None:
    return total / count if count and np.isfinite(total) else None
