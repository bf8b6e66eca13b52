"""How well the model knows when to stop. "Gate" is the code name of the stop token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tacotron2.metrics.arrays import MetricsError, as_array, as_lengths, valid_positions


@dataclass
class GateAccuracy:
    """Balanced accuracy of the stop decision over any number of batches, teacher forced.

    Counts are summed and divided once, so the result does not depend on the batching.
    """

    num_go_on: int = 0
    num_go_on_right: int = 0
    num_stop: int = 0
    num_stop_right: int = 0
    num_not_finite: int = 0

    def add(self, stop_probabilities: ArrayLike, dec_lengths: ArrayLike) -> None:
        """Count one padded batch.

        Args:
            stop_probabilities: (B, T_dec); above 0.5 means stop.
            dec_lengths: (B,) true numbers of decoder steps; the last of them is the stop, padding counts not.

        Raises:
            MetricsError: wrong shapes, or a length outside the batch.
        """
        batch = as_array("stop_probabilities", stop_probabilities, "B, T_dec")
        lengths = as_lengths("dec_lengths", dec_lengths, *batch.shape)
        go_on = valid_positions(lengths - 1, batch.shape[1])
        at_stop = batch[np.arange(len(batch)), lengths - 1]
        self.num_go_on += int(go_on.sum())
        self.num_go_on_right += int((batch[go_on] <= 0.5).sum())
        self.num_stop += len(batch)
        self.num_stop_right += int((at_stop > 0.5).sum())
        self.num_not_finite += int((~np.isfinite(batch[go_on])).sum() + (~np.isfinite(at_stop)).sum())

    @property
    def value(self) -> float | None:
        """Mean of the recall on "go on" and on "stop" steps, 0-1 (never stopping: 0.5).

        None without a step of either kind or after a probability that was not finite.
        """
        if not self.num_go_on or not self.num_stop or self.num_not_finite:
            return None
        return (self.num_go_on_right / self.num_go_on + self.num_stop_right / self.num_stop) / 2


@dataclass(frozen=True)
class StopMetrics:
    """How one free-running synthesis ended.

    `error_steps`: decoder steps from the attention's arrival at the last symbol to the stop (None: it did
    not stop, or stopped before arriving). `premature`: it stopped before the attention arrived.
    """

    error_steps: int | None
    premature: bool
    never_stopped: bool

    def to_dict(self) -> dict[str, float]:
        """The figures under their public names; the mean of a rate's 0 and 1 over utterances is the rate."""
        rates = {"premature_rate": float(self.premature), "never_stopped_rate": float(self.never_stopped)}
        return rates if self.error_steps is None else rates | {"stop_error_steps": float(self.error_steps)}


def stop_metrics(arrival_step: int | None, num_steps: int, stopped: bool) -> StopMetrics:
    """How a free-running synthesis of `num_steps` decoder steps ended.

    Args:
        arrival_step: of `AlignmentMetrics`, from the free-running alignment.
        num_steps: steps taken; the last is the one that stopped.
        stopped: false if it was cut off at the greatest length.

    Raises:
        MetricsError: the arrival lies outside the steps.
    """
    if arrival_step is not None and not 0 <= arrival_step < num_steps:
        raise MetricsError(f"arrival_step: must be in 0..{num_steps - 1}, not {arrival_step}")
    reached = arrival_step is not None and stopped
    return StopMetrics(
        error_steps=num_steps - 1 - arrival_step if arrival_step is not None and stopped else None,
        premature=stopped and not reached,
        never_stopped=not stopped,
    )


def length_error_frames(synthesised_frames: int, recorded_frames: int) -> int:
    """|synthesised - recorded length| in mel frames. On human speech it also measures tempo."""
    return abs(synthesised_frames - recorded_frames)


def stop_score(synthesised_frames: int, recorded_frames: int, stopped: bool) -> float:
    """1 - |length error| / recorded length, at least 0; 0 for a synthesis that never stopped.

    Raises:
        MetricsError: the recording has no frame.
    """
    if recorded_frames < 1:
        raise MetricsError(f"recorded_frames: must be at least 1, not {recorded_frames}")
    error = length_error_frames(synthesised_frames, recorded_frames) / recorded_frames
    return max(0.0, 1.0 - error) if stopped else 0.0
