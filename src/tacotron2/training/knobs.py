"""What may be adjusted while a training runs: effective value = schedule(step) x scale.

The schedules are functions of the step and belong to the configuration; the scales are here and nowhere else.
Whoever wants another value sends a request. The scales, and why they are what they are, go into every
checkpoint.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tacotron2.events import KnobEvent
from tacotron2.hparams import HParams

LOWEST_RATE_SCALE = 1 / 64
BOUNDS = {
    "learning_rate": (LOWEST_RATE_SCALE, 64.0),
    "guided_attention_weight": (1 / 64, 64.0),
    "gate_positive_weight": (1 / 64, 64.0),
    "dropout": (1 / 8, 8.0),
}
"""Of the scales, but for that of `micro_batches`, which ends where a part is one utterance."""


@dataclass(frozen=True)
class Request:
    """A scale is to be multiplied by `factor`.

    id: names the request where it may be sent again after a rollback (`restart-3`); empty: sent once.
    """

    knob: str
    factor: float
    step: int
    by: str
    reason: str
    id: str = ""


class Knobs:
    """The scales: `learning_rate`, `guided_attention_weight`, `gate_positive_weight`; `dropout`, of the
    convolutions and of both LSTMs of the decoder; and `micro_batches`, by which `train.accumulation_steps` is
    multiplied."""

    def __init__(self, hparams: HParams) -> None:
        train = hparams.train
        most_parts = train.batch_size // train.accumulation_steps
        self.bounds: dict[str, tuple[float, float]] = {
            **BOUNDS,
            "micro_batches": (1.0, float(max(1, most_parts))),
        }
        self.history: list[Request] = []
        """Every request that was granted, the oldest first, and those with an id that the bounds left nothing
        of: they too must not be made again."""
        self._scales = dict.fromkeys(self.bounds, 1.0)
        self._news: list[KnobEvent] = []

    def scale(self, knob: str) -> float:
        """What the schedule's value is multiplied by."""
        return self._scales[knob]

    def request(self, request: Request) -> bool:
        """Multiplies a scale, within its bounds; whether it changed.

        A request whose id was granted before changes nothing.
        """
        if request.id and any(earlier.id == request.id for earlier in self.history):
            return False
        lowest, highest = self.bounds[request.knob]
        before = self._scales[request.knob]
        self._scales[request.knob] = min(max(before * request.factor, lowest), highest)
        after = self._scales[request.knob]
        changed = after != before
        if changed:
            told = KnobEvent(request.step, request.knob, before, after, request.by, request.reason)
            self._news.append(told)
        if changed or request.id:
            self.history.append(request)
        return changed

    def news(self) -> list[KnobEvent]:
        """Every change since this was last asked."""
        told, self._news = self._news, []
        return told

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        return {"scales": dict(self._scales), "history": [asdict(request) for request in self.history]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._scales = {knob: float(state["scales"].get(knob, 1.0)) for knob in self.bounds}
        self.history = [Request(**request) for request in state["history"]]


def micro_batches(hparams: HParams, knobs: Knobs) -> int:
    """Parts that every batch is computed in."""
    return hparams.train.accumulation_steps * round(knobs.scale("micro_batches"))
