"""Training and validation: the loop is `loop.train`, what it saves `state`, how it is judged `validation`."""

from tacotron2.training.estimate import Estimate, estimate
from tacotron2.training.guard import NonFiniteLossError
from tacotron2.training.initial_weights import BaseWeights
from tacotron2.training.knobs import Request
from tacotron2.training.loop import TrainingResult, train
from tacotron2.training.memory import MemoryFit, fit_memory, requested_parts
from tacotron2.training.ranks import LostRankError, Ranks, RanksError, join
from tacotron2.training.validation import ValidationResult, validate

__all__ = [
    "BaseWeights",
    "Estimate",
    "LostRankError",
    "MemoryFit",
    "NonFiniteLossError",
    "Ranks",
    "RanksError",
    "Request",
    "TrainingResult",
    "ValidationResult",
    "estimate",
    "fit_memory",
    "join",
    "requested_parts",
    "train",
    "validate",
]
