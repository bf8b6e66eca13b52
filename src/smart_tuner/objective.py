"""The objective of a study: one figure of 0-1 from a validation, by what one hears, and the gate beside it.

No weight of the training loss enters it, so tuning these weights cannot move it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from smart_tuner.tuning.gate_bars import BARS_OF_TRIALS, check
from smart_tuner.tuning.settings import GateSettings, TuningSettings
from tacotron2.events import ValidationEvent


class ObjectiveError(ValueError):
    """A validation cannot be judged; the message names the figures that are missing or wrong."""


@dataclass(frozen=True)
class Score:
    """What a validation is worth."""

    value: float
    """0-1, larger is better."""
    parts: Mapping[str, float]
    """What was weighed, each 0-1: alignment, mel_quality, stop_score, val_loss (as 1 / (1 + val_loss))."""
    step: int
    gate_failures: tuple[str, ...]
    """Thresholds that were missed, as `attention_alignment 0.31 < 0.4`; with any, it cannot be the best."""


def judge(event: ValidationEvent, tuning: TuningSettings, gate: GateSettings) -> Score:
    """The score of one validation: the sum of share x part, with the shares of `tuning` (which sum to 1).

    Alignment, mel quality and stop score are those of the free-running pass, `val_loss` and `gate_accuracy`
    those of the teacher-forced one.

    Raises:
        ObjectiveError: a figure is missing, not finite or outside its range; all of them at once.
    """
    figures, problems = _figures(event)
    if problems:
        raise ObjectiveError(f"the validation at step {event.step} cannot be judged: {'; '.join(problems)}")
    parts = {
        "alignment": figures["attention_alignment"],
        "mel_quality": figures["mel_quality_score"],
        "stop_score": figures["stop_score"],
        "val_loss": 1.0 / (1.0 + figures["val_loss"]),
    }
    shares = {name: getattr(tuning, f"{name}_share") for name in parts}
    value = min(1.0, math.fsum(shares[name] * part for name, part in parts.items()))
    bars = [bar for bar in check(figures, gate) if bar.name in BARS_OF_TRIALS]
    return Score(value, parts, event.step, tuple(bar.missed for bar in bars if not bar.passed))


def _figures(event: ValidationEvent) -> tuple[dict[str, float], list[str]]:
    """What is judged, by its public name, and what is wrong with the rest."""
    passes = {"free-running": event.free_running, "teacher-forced": event.teacher_forced}
    wanted = (
        ("free-running", "attention_alignment", 1.0),
        ("free-running", "mel_quality_score", 1.0),
        ("free-running", "stop_score", 1.0),
        ("teacher-forced", "val_loss", math.inf),
        ("teacher-forced", "gate_accuracy", 1.0),
    )
    figures: dict[str, float] = {}
    problems: list[str] = []
    for source, name, highest in wanted:
        value = passes[source].get(name)
        if value is None:
            problems.append(f"{source} {name} is missing")
        elif not math.isfinite(value):
            problems.append(f"{source} {name} is {value}, not a finite number")
        elif not 0.0 <= value <= highest:
            limits = "below 0" if math.isinf(highest) else "outside 0-1"
            problems.append(f"{source} {name} is {value:g}, {limits}")
        else:
            figures[name] = value
    return figures, problems
