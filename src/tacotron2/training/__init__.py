"""Training and validation: the loop is `loop.train`, what it saves `state`, how it is judged `validation`."""

from tacotron2.training.estimate import Estimate, estimate
from tacotron2.training.loop import NonFiniteLossError, TrainingResult, train
from tacotron2.training.validation import ValidationResult, validate

__all__ = [
    "Estimate",
    "NonFiniteLossError",
    "TrainingResult",
    "ValidationResult",
    "estimate",
    "train",
    "validate",
]
