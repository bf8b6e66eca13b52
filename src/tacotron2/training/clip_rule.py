"""Which recordings fare badly: a rule over the figures of all of them. Nothing here knows of a training.

A recording is held against the others of the same training, never against a fixed number alone: how well
attention can score depends on the reduction factor, and how low the loss can be on the voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

FORMED = 0.35
"""The usual recording's alignment (`clip_figures.alignment_scores`) from which attention counts as formed.
Before it nothing is bad: everything is."""
FEWEST_SEEN = 3
"""So often a recording must have been trained on since then."""
DEVIATIONS = 3.5
"""So many deviations from the median are no chance: of a normal distribution, one clip in 2,000."""
LOW_ALIGNMENT = 0.75
"""Share of the usual alignment below which it is bad: where all are nearly equal, deviations alone tell
little."""
HIGH_LOSS, LOW_LOSS = 2.0, 0.5
"""Loss as a multiple of the usual one: above it the text does not tell what is heard, below it there is
hardly anything to tell, as in noise or a hum."""


class Why(StrEnum):
    """What is wrong with a bad recording."""

    MISALIGNED = "misaligned"
    """Attention does not find the text in it: another text, another speaker, cut off."""
    UNPREDICTED = "unpredicted"
    """Its sound is not what the others with such texts have."""
    EMPTY = "empty"
    """Its sound is far easier to tell than speech is: noise, a hum, silence."""


@dataclass(frozen=True)
class Usual:
    """Median and deviation as of a normal distribution (1.4826 x MAD) over all recordings."""

    alignment: float
    alignment_deviation: float
    loss: float
    loss_deviation: float

    @classmethod
    def of(cls, alignment: Tensor, loss: Tensor) -> Usual:
        """Those of figures `(N,)`, N at least 1."""
        return cls(*_scale(alignment), *_scale(loss))

    @property
    def formed(self) -> bool:
        """Whether attention has formed for the usual recording."""
        return self.alignment >= FORMED


def _scale(values: Tensor) -> tuple[float, float]:
    middle = values.double().median()
    return middle.item(), 1.4826 * (values - middle).abs().median().item()


def reasons(alignment: float, loss: float, usual: Usual) -> list[Why]:
    """Everything that is wrong with a recording; nothing where it is like the others."""
    far = DEVIATIONS * usual.alignment_deviation, DEVIATIONS * usual.loss_deviation
    found = {
        Why.MISALIGNED: alignment < min(usual.alignment - far[0], LOW_ALIGNMENT * usual.alignment),
        Why.UNPREDICTED: loss > max(usual.loss + far[1], HIGH_LOSS * usual.loss),
        Why.EMPTY: loss < min(usual.loss - far[1], LOW_LOSS * usual.loss),
    }
    return [why for why, holds in found.items() if holds]


def are_bad(alignment: Tensor, loss: Tensor, usual: Usual) -> Tensor:
    """`reasons` for figures `(N,)` at once: whether there is one."""
    if not usual.formed:
        return torch.zeros(len(alignment), dtype=torch.bool)
    low = min(usual.alignment - DEVIATIONS * usual.alignment_deviation, LOW_ALIGNMENT * usual.alignment)
    far = DEVIATIONS * usual.loss_deviation
    high_loss = max(usual.loss + far, HIGH_LOSS * usual.loss)
    low_loss = min(usual.loss - far, LOW_LOSS * usual.loss)
    return (alignment < low) | (loss > high_loss) | (loss < low_loss)


def severity(alignment: Tensor, loss: Tensor, usual: Usual) -> Tensor:
    """How many deviations `(N,)` the worse of the two figures is off, to put the worst first."""
    small = 1e-9
    below = (usual.alignment - alignment) / max(usual.alignment_deviation, small)
    off = (loss - usual.loss).abs() / max(usual.loss_deviation, small)
    return torch.maximum(below, off)
