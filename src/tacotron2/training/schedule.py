"""Learning rate and teacher forcing as functions of the step alone, so that a resumed run cannot lose them.

`step` counts from 0 everywhere: that of the update that makes it `step + 1`.
"""

from __future__ import annotations

from tacotron2.hparams import TrainParams


def learning_rate(train: TrainParams, step: int) -> float:
    """Linear warm-up, a plateau, then exponential decay to its final share at the last step."""
    warm = min(1.0, (step + 1) / train.warmup_steps) if train.warmup_steps else 1.0
    span = max(1, train.max_steps - train.learning_rate_decay_start)
    passed = min(max((step - train.learning_rate_decay_start) / span, 0.0), 1.0)
    return train.learning_rate * warm * train.learning_rate_final_share**passed


def teacher_forcing(train: TrainParams, step: int) -> float:
    """The share of the decoder's steps that read the recording: 1, then linearly down to its final share.

    Source: scheduled sampling, arXiv 1506.03099, section 2.4 (linear decay).
    """
    passed = (step - train.teacher_forcing_decay_start) / train.teacher_forcing_decay_steps
    return 1.0 - min(max(passed, 0.0), 1.0) * (1.0 - train.teacher_forcing_final)
