"""One dimension of a search space, and how its text is read: `1e-6..3e-3 log`, `0..0.3`, `8, 16, 32`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from tacotron2.hparams import LEAF_FIELD, LEAF_SECTION, parse_value

RANGE_FORM = "must have the form LOW..HIGH or LOW..HIGH log, as in 1e-6..3e-3 log; empty: not tuned"
CHOICES_FORM = "must be values with commas between them, as in 8, 16, 32; empty: not tuned"


@dataclass(frozen=True)
class Dimension:
    """A hyper-parameter that is tuned: between `low` and `high`, both included, or one of `choices`."""

    leaf: str
    """Its name among the hyper-parameters."""
    kind: Literal["float", "int", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    """Proposed evenly on a logarithmic scale."""
    choices: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """`train.learning_rate`"""
        return f"{LEAF_SECTION[self.leaf]}.{self.leaf}"

    def __contains__(self, value: object) -> bool:
        """Whether a trial may have this value."""
        if self.kind == "choice":
            return value in self.choices
        return isinstance(value, (int, float)) and self.low <= value <= self.high

    def place(self, value: Any) -> float:
        """Where a value lies between the ends, 0-1; of a choice, among the choices."""
        if self.kind == "choice":
            return self.choices.index(value) / (len(self.choices) - 1)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return float(value - self.low) / (self.high - self.low)


def read_range(leaf: str, text: str) -> Dimension:
    """The dimension that a range stands for; whole numbers for a hyper-parameter that is one.

    Raises:
        ValueError: what is wrong and what would be right, without the key.
    """
    bounds, _, scale = text.strip().partition(" ")
    low_text, dots, high_text = bounds.partition("..")
    if not dots or not low_text or not high_text or scale.strip() not in ("", "log"):
        raise ValueError(RANGE_FORM)
    low, high, log = _bound(leaf, low_text), _bound(leaf, high_text), bool(scale.strip())
    if low > high:
        raise ValueError(f"its lowest value {low:g} is above its highest {high:g}; swap them")
    if low == high:
        raise ValueError("leaves nothing to choose; widen it, or leave it empty and set the key itself")
    if log and low <= 0:
        raise ValueError(f"a log range needs a lowest value above 0, not {low:g}")
    return Dimension(leaf, "int" if LEAF_FIELD[leaf].type == "int" else "float", low, high, log)


def read_choices(leaf: str, text: str) -> Dimension:
    """The dimension that a list of choices stands for, in its order.

    Raises:
        ValueError: what is wrong and what would be right, without the key.
    """
    items = [item.strip() for item in text.split(",")]
    if not all(items):
        raise ValueError(f"has an empty choice; {CHOICES_FORM}")
    values = tuple(_bound(leaf, item) for item in items)
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"names {', '.join(map(str, twice))} more than once; name each choice once")
    if len(values) == 1:
        raise ValueError(
            "leaves nothing to choose; name two or more, or leave it empty and set the key itself"
        )
    return Dimension(leaf, "choice", choices=values)


def _bound(leaf: str, text: str) -> Any:
    """A value of the hyper-parameter, checked as everywhere."""
    try:
        return parse_value(LEAF_FIELD[leaf], text)
    except ValueError as error:
        raise ValueError(f"{text!r} {error}, as {LEAF_SECTION[leaf]}.{leaf} is") from None
