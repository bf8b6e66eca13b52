"""A lower learning rate where gradients explode, and back up when they are calm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tacotron2.training.knobs import Knobs, Request

LOWERED, RAISED = 0.5, 1.26
"""Half the rate at once; back in three calm stretches (1.26 is the cube root of 2)."""
ROUNDING = 1e-9


class RateRelief:
    """What the guard took from the learning rate. It gives back that and no more: what others asked for
    stays."""

    def __init__(self, calm_steps: int) -> None:
        self.calm_steps = calm_steps
        self.taken = 1.0
        """The product of its own factors; 1 when all is given back."""
        self._due = False
        self._since = 0

    def saw(self, step: int, incident: bool) -> None:
        """An exploding norm at a step; whether it was told as an incident, which lowers the rate."""
        self._since, self._due = step, self._due or incident

    def adjust(self, step: int, knobs: Knobs) -> None:
        """Asks for what is due; the next update has the new rate."""
        if self._due:
            self._due, self._since = False, step
            self._ask(knobs, Request("learning_rate", LOWERED, step, "guard", "exploding_norm"))
        elif self.taken < 1.0 and step - self._since >= self.calm_steps:
            self._since, factor = step, min(RAISED, 1.0 / self.taken)
            reason = f"{self.calm_steps} calm steps"
            if not self._ask(knobs, Request("learning_rate", factor, step, "guard", reason)):
                self.taken = 1.0  # the scale stands at its upper bound: there is nothing to give back

    def _ask(self, knobs: Knobs, request: Request) -> bool:
        before = knobs.scale(request.knob)
        granted = knobs.request(request)
        self.taken *= knobs.scale(request.knob) / before
        if self.taken > 1.0 - ROUNDING:
            self.taken = 1.0
        return granted

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        return {"taken": self.taken, "due": self._due, "since": self._since}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.taken, self._due = float(state["taken"]), bool(state["due"])
        self._since = int(state["since"])
