"""What is out of the ordinary in a training: figures against those before them. Standard library only.

The rules are functions of figures. The watches keep what came before, and tell an incident of one kind once
in a while.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

WINDOW = 100
"""Good updates that the running scale of norm and loss is taken from."""
FEWEST = 20
"""With fewer of them nothing is out of the ordinary yet."""
DEVIATIONS = 8.0
"""So many deviations from the median are no chance, whatever the figure."""
EXPLODING, VANISHING, SPIKE = 10.0, 0.01, 2.0
"""Gradient norm and loss as multiples of their median that are large, or small."""
EXPLODING_UPDATES, WITHIN_STEPS, BURSTING = 3, 10, 1000.0
"""So many large norms within so many steps, or a single one so many times the median. Single norms of up to
250 times the median were met, once in thousands of steps, in trainings that came out well: clipping bears
them."""
VANISHING_STEPS = 5
"""Steps in a row, since one batch may fit perfectly."""
QUIET_STEPS, QUIET_VALIDATIONS = 100, 5
"""Cool-down: so long after an incident no other of its kind is told."""
LEARNED_ALIGNMENT = 0.4
"""Alignment from which attention counts as formed; docs/metrics.md, `attention_alignment`."""
LEARNED_GATE, LOST_GATE = 0.75, 0.55
"""Balanced accuracy of a stop token that was good, and of one hardly better than never stopping (0.5)."""
HIGHEST_VALIDATION_LOSS = 30.0
"""The founding report's quality gate; only divergence exceeds it."""


@dataclass(frozen=True)
class RunningScale:
    """A figure's usual size: median, and deviation as of a normal distribution (1.4826 x MAD)."""

    median: float
    deviation: float

    def exceeded(self, value: float, times: float) -> bool:
        """Whether a value is above both the multiple of the median and what chance explains."""
        return value > max(times * self.median, self.median + DEVIATIONS * self.deviation)


def running_scale(values: Sequence[float]) -> RunningScale | None:
    """That of the values before; None while they are too few."""
    if len(values) < FEWEST:
        return None
    middle = median(values)
    return RunningScale(middle, 1.4826 * median(abs(value - middle) for value in values))


def update_incidents(
    norm: float,
    loss: float,
    norms: RunningScale | None,
    losses: RunningScale | None,
    large_before: int = 0,
    small_before: int = 0,
) -> tuple[str, ...]:
    """What is wrong with one finite update.

    Args:
        norm: true gradient norm; loss: the reference term; with their scales.
        large_before: large norms in the steps before this one that are looked at with it.
        small_before: vanishing norms directly before this one.
    """
    found = []
    if is_large(norm, norms) and (
        large_before + 1 >= EXPLODING_UPDATES or (norms is not None and norm > BURSTING * norms.median)
    ):
        found.append("exploding_norm")
    if is_vanishing(norm, norms) and small_before + 1 >= VANISHING_STEPS:
        found.append("vanishing_norm")
    if losses is not None and losses.exceeded(loss, SPIKE):
        found.append("loss_spike")
    return tuple(found)


def is_large(norm: float, norms: RunningScale | None) -> bool:
    return norms is not None and norms.exceeded(norm, EXPLODING)


def is_vanishing(norm: float, norms: RunningScale | None) -> bool:
    return norms is not None and norm < VANISHING * norms.median


def attention_collapsed(alignments: Sequence[float]) -> bool:
    """Whether the last two validations are below half of the best, which had formed."""
    best = max(alignments[:-2], default=0.0)
    return best > LEARNED_ALIGNMENT and max(alignments[-2:]) < best / 2


def gate_collapsed(accuracies: Sequence[float]) -> bool:
    """Whether the stop token, good before, is lost in the last validation."""
    return max(accuracies[:-1], default=0.0) >= LEARNED_GATE and accuracies[-1] <= LOST_GATE


def exceeds_gate(val_loss: float) -> bool:
    """Whether the validation loss is above the quality gate, or not a finite number."""
    return not val_loss <= HIGHEST_VALIDATION_LOSS


class CoolDown:
    """Lets an incident of one kind pass once in `length` steps (or whatever is counted)."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._told: dict[str, int] = {}

    def passes(self, kind: str, now: int) -> bool:
        if kind in self._told and now - self._told[kind] < self.length:
            return False
        self._told[kind] = now
        return True

    def state_dict(self) -> dict[str, int]:
        return dict(self._told)

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self._told = {kind: int(now) for kind, now in state.items()}


@dataclass(frozen=True)
class Verdict:
    """Of one update: what is to be told, and whether norms explode, told or not."""

    incidents: tuple[str, ...]
    exploding: bool
    norms: RunningScale | None
    losses: RunningScale | None


class UpdateWatch:
    """Norm and loss of the last good updates, and what of the next one is out of the ordinary."""

    def __init__(self) -> None:
        self.norms: list[float] = []
        self.losses: list[float] = []
        self._large: list[int] = []
        self._small = 0
        self._r = 0
        self._quiet = CoolDown(QUIET_STEPS)

    def judge(self, step: int, norm: float, loss: float, r: int = 1) -> Verdict:
        """One finite update. It counts for the scale whatever it is: the median bears it, and what stays is
        no longer out of the ordinary. Another reduction factor is another task, with a scale of its own."""
        if r != self._r:
            self._r, self.norms, self.losses, self._large, self._small = r, [], [], [], 0
        norms, losses = running_scale(self.norms), running_scale(self.losses)
        self._large = [large for large in self._large if step - large < WITHIN_STEPS]
        found = update_incidents(norm, loss, norms, losses, len(self._large), self._small)
        self._large += [step] if is_large(norm, norms) else []
        self._small = self._small + 1 if is_vanishing(norm, norms) else 0
        self.norms = [*self.norms, norm][-WINDOW:]
        self.losses = [*self.losses, loss][-WINDOW:]
        told = tuple(kind for kind in found if self._quiet.passes(kind, step))
        return Verdict(told, "exploding_norm" in found, norms, losses)

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        own: dict[str, Any] = {"norms": list(self.norms), "losses": list(self.losses)}
        own |= {"large": list(self._large), "small": self._small, "r": self._r}
        return own | {"quiet": self._quiet.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.norms, self.losses = list(state["norms"]), list(state["losses"])
        self._large, self._small = list(state["large"]), int(state["small"])
        self._r = int(state["r"])
        self._quiet.load_state_dict(state["quiet"])


class ValidationWatch:
    """Figures of all validations, and what of the last one is out of the ordinary."""

    def __init__(self) -> None:
        self._alignments: list[float] = []
        self._gates: list[float] = []
        self._count = 0
        self._quiet = CoolDown(QUIET_VALIDATIONS)

    def judge(
        self, teacher_forced: Mapping[str, float], free_running: Mapping[str, float]
    ) -> dict[str, dict[str, Any]]:
        """Incident to details. A figure that is absent is neither good nor bad."""
        self._count += 1
        found: dict[str, dict[str, Any]] = {}
        alignment, gate = free_running.get("attention_alignment"), teacher_forced.get("gate_accuracy")
        loss = teacher_forced.get("val_loss")
        if alignment is not None and math.isfinite(alignment):
            self._alignments.append(alignment)
            if attention_collapsed(self._alignments):
                found["attention_collapse"] = _fallen("attention_alignment", self._alignments)
        if gate is not None and math.isfinite(gate):
            self._gates.append(gate)
            if gate_collapsed(self._gates):
                found["gate_collapse"] = _fallen("gate_accuracy", self._gates)
        if loss is not None and exceeds_gate(loss):
            found["validation_loss"] = {"val_loss": loss, "highest": HIGHEST_VALIDATION_LOSS}
        return {kind: details for kind, details in found.items() if self._quiet.passes(kind, self._count)}

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        own = {"alignments": list(self._alignments), "gates": list(self._gates), "count": self._count}
        return own | {"quiet": self._quiet.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._alignments, self._gates = list(state["alignments"]), list(state["gates"])
        self._count = int(state["count"])
        self._quiet.load_state_dict(state["quiet"])


def _fallen(name: str, values: Sequence[float]) -> dict[str, Any]:
    return {name: values[-1], "best": max(values)}
