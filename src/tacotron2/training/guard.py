"""What goes wrong in an update, found without waiting for the device.

Every update leaves a reading on the device: the norm of each gradient, the terms of the loss, and whether any
of it is not finite. An update that is not finite is masked there and then. The readings are fetched together,
once in `train.log_every` steps, and judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tacotron2.data.dataset import Batch
from tacotron2.events import IncidentEvent

MOST_MASKED, WITHIN_STEPS = 3, 10
"""So many masked updates within so many steps end the attempt: it is no single bad batch."""


class NonFiniteLossError(ArithmeticError):
    """Loss, gradient or weights became NaN or Inf again and again; the message names steps and terms."""


@dataclass(frozen=True)
class Reading:
    """One update: on the device `masked`, `norms` (one for each gradient tensor) and `terms`.

    masked: not for an overflow that the loss scale explains, which is no incident.
    """

    step: int
    """The step it led to."""
    batch: Batch
    learning_rate: float
    masked: Tensor
    norms: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True)
class FetchedReading:
    """The same on the host."""

    reading: Reading
    masked: bool
    norms: dict[str, float]
    terms: dict[str, float]


class RunningStatistics:
    """The statistics of batch normalisation, which a forward pass changes: kept, to be put back where the
    update is masked."""

    def __init__(self, model: nn.Module) -> None:
        self._values = [
            value
            for module in model.modules()
            if isinstance(module, nn.modules.batchnorm._BatchNorm)
            for value in module.buffers(recurse=False)
        ]
        self._kept: list[Tensor] = []

    def keep(self) -> None:
        self._kept = [value.clone() for value in self._values]

    def put_back_where(self, masked: Tensor) -> None:
        """All of them, if the truth value on the device says so."""
        for value, kept in zip(self._values, self._kept, strict=True):
            torch.where(masked, kept, value, out=value)


class Guard:
    """Judges the readings of a training."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        self._readings: list[Reading] = []
        self._masked_steps: list[int] = []

    def note(self, reading: Reading) -> None:
        """Keeps a reading for the next look; nothing is fetched."""
        self._readings.append(reading)

    def look(self) -> list[IncidentEvent]:
        """Fetches the readings since the last look, and judges them."""
        fetched = self._fetch()
        incidents = [self._incident(reading) for reading in fetched if reading.masked]
        self._masked_steps += [incident.step for incident in incidents]
        return incidents

    def require_sound(self) -> None:
        """
        Raises:
            NonFiniteLossError: too many updates were masked, or the weights are not finite.
        """
        last = self._masked_steps[-MOST_MASKED:]
        if len(last) == MOST_MASKED and last[-1] - last[0] < WITHIN_STEPS:
            raise NonFiniteLossError(
                f"loss or gradient was NaN or Inf in the updates to steps {', '.join(map(str, last))}: "
                f"{MOST_MASKED} within {WITHIN_STEPS} steps; the weights were kept from them"
            )
        sizes = torch._foreach_norm([parameter.detach() for parameter in self._model.parameters()])
        if not bool(torch.isfinite(torch.stack(sizes)).all()):
            names = [name for name, size in zip(self._names, sizes, strict=True) if not size.isfinite()]
            raise NonFiniteLossError(f"weights became NaN or Inf: {', '.join(names[:5])}")

    def _fetch(self) -> list[FetchedReading]:
        readings, self._readings = self._readings, []
        if not readings:
            return []
        rows = [
            torch.cat((r.masked[None].float(), torch.stack(list(r.terms.values())).float(), r.norms.float()))
            for r in readings
        ]
        fetched = []
        for reading, row in zip(readings, torch.stack(rows).tolist(), strict=True):
            ends = 1 + len(reading.terms)
            terms = dict(zip(reading.terms, row[1:ends], strict=True))
            fetched.append(FetchedReading(reading, bool(row[0]), self._named(row[ends:]), terms))
        return fetched

    def _named(self, norms: Sequence[float]) -> dict[str, float]:
        return dict(zip(self._names, norms, strict=True))

    def _incident(self, fetched: FetchedReading) -> IncidentEvent:
        reading = fetched.reading
        details = {
            "terms": [name for name, value in fetched.terms.items() if not is_finite(value)],
            "layers": [name for name, norm in fetched.norms.items() if not is_finite(norm)],
            "utterances": list(reading.batch.ids),
            "learning_rate": reading.learning_rate,
        }
        return IncidentEvent(reading.step, "non_finite_update", details)

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        return {"masked_steps": list(self._masked_steps)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._masked_steps = [int(step) for step in state["masked_steps"]]


def is_finite(value: float) -> bool:
    return value - value == 0.0
