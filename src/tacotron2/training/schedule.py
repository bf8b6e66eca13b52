"""The learning rate as a function of the step, and of nothing else, so that a resumed run cannot lose it."""

from __future__ import annotations

from tacotron2.hparams import TrainParams


def learning_rate(train: TrainParams, step: int) -> float:
    """Linear warm-up, a plateau, then exponential decay to its final share at the last step.

    `step` counts from 0: the rate of the update that makes it `step + 1`.
    """
    warm = min(1.0, (step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
    span = max(1, train.max_steps - train.learning_rate_decay_start)
    passed = min(max((step - train.learning_rate_decay_start) / span, 0.0), 1.0)
    return train.learning_rate * warm * train.learning_rate_final_share**passed
