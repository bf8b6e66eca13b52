"""The section `early_stop` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from tacotron2.hparams import param


@dataclass(frozen=True)
class EarlyStopSettings:
    """When a training that no longer gets better is ended: three phases of its progress."""

    early_stopping: bool = param(True, "end a training that no longer gets better")
    alignment_phase_end: float = param(
        0.3, "share of the training at which the phase of alignment ends", gt=0.0, lt=1.0
    )
    learning_phase_end: float = param(
        0.7,
        "share of the training at which the phase of learning ends",
        gt=0.0,
        lt=1.0,
    )
    alignment_patience_validations: int = param(
        200, "validations in a row without a gain that are borne in the phase of alignment", ge=1
    )
    alignment_min_delta: float = param(
        0.02, "what free-running quality must rise by to be a gain, in that phase", ge=0.0, lt=1.0
    )
    alignment_attention_threshold: float = param(
        0.4,
        "attention_alignment of the best weights from which a plateau is a success",
        ge=0.0,
        le=1.0,
    )
    learning_patience_validations: int = param(150, "the same in the phase of learning", ge=1)
    learning_min_delta: float = param(0.001, "the same in the phase of learning", ge=0.0, lt=1.0)
    learning_attention_threshold: float = param(0.7, "the same in the phase of learning", ge=0.0, le=1.0)
    fine_tuning_patience_validations: int = param(100, "the same in fine-tuning", ge=1)
    fine_tuning_min_delta: float = param(0.0005, "the same in fine-tuning", ge=0.0, lt=1.0)
    fine_tuning_attention_threshold: float = param(0.85, "the same in fine-tuning", ge=0.0, le=1.0)


def phase_order_problem(settings: EarlyStopSettings) -> str:
    """What is wrong with the ends of the phases; empty where nothing."""
    if settings.alignment_phase_end < settings.learning_phase_end:
        return ""
    return (
        f"early_stop.learning_phase_end={settings.learning_phase_end:g}: "
        f"must be above early_stop.alignment_phase_end ({settings.alignment_phase_end:g})"
    )
