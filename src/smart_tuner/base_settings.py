"""The section `base` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from tacotron2.hparams import param


@dataclass(frozen=True)
class BaseSettings:
    """What a fine-tuning begins with; `smart-tuner finetune --from BASE` sets all but the last."""

    base_weights: str = param("", "the base, as it was found; empty: a training from random weights")
    base_sha256: str = param("", "hash of its weights; a run keeps what it was begun with")
    base_speaker: str = param("", "which of its speakers was taken; empty: the first")
    base_statistics: str = param(
        "auto",
        "whose mean and deviation normalise the spectrograms; auto: the recordings', or the base's where "
        "it has none (a published model)",
        choices=("auto", "recordings", "base"),
    )
