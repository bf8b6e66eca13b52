"""The section `cure` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from tacotron2.hparams import param


@dataclass(frozen=True)
class CureSettings:
    """What is done about a training that does not do well; what is found is told in any case."""

    curing: bool = param(True, "try something against a trouble that was found")
    judge_after_validations: int = param(2, "validations after which a cure is judged by the objective", ge=1)
    cool_down_validations: int = param(1, "validations after the judgement before the next cure", ge=0)
    most_cures: int = param(6, "cures that a training is given in all", ge=0, le=100)
    harm: float = param(
        0.02, "fall of the objective from the beginning of a cure that undoes it", ge=0.0, lt=1.0
    )
    calmer_restarts: int = param(
        2, "times that an unstable training begins anew at a quarter of the rate", ge=0, le=10
    )
    min_confidence: float = param(0.5, "confidence from which a trouble is told and treated", ge=0.0, le=1.0)
