"""The bars of the section `gate`: one figure against each. A figure that is missing, or no number, fails."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from smart_tuner.tuning.settings import GateSettings

BARS_OF_TRIALS = ("attention_alignment", "gate_accuracy", "val_loss")
"""What a trial must reach to be the best; the others are for voices."""


@dataclass(frozen=True)
class Check:
    """One figure against its bar: at least it, or at most it."""

    name: str
    value: float | None
    bar: float
    at_least: bool

    @property
    def passed(self) -> bool:
        if self.value is None or not math.isfinite(self.value):
            return False
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    @property
    def missed(self) -> str:
        """Of a figure that is below or above its bar: `attention_alignment 0.31 < 0.4`."""
        return f"{self.name} {self.value:.4g} {'<' if self.at_least else '>'} {self.bar:g}"


def check(figures: Mapping[str, float | None], gate: GateSettings) -> list[Check]:
    """Every bar of the gate, in the order of its keys."""
    bars = (
        ("attention_alignment", gate.min_attention_alignment, True),
        ("gate_accuracy", gate.min_gate_accuracy, True),
        ("val_loss", gate.max_validation_loss, False),
        ("stop_error_steps", gate.max_stop_error_steps, False),
        ("never_stopped_rate", gate.max_never_stopped_rate, False),
        ("skip_rate", gate.max_skip_rate, False),
        ("repeat_rate", gate.max_repeat_rate, False),
        ("mcd_dtw_db", gate.max_mcd_dtw_db, False),
    )
    return [Check(name, figures.get(name), bar, at_least) for name, bar, at_least in bars]
