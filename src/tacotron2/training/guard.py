"""What goes wrong in an update, found without waiting for the device.

Every update leaves a reading on the device. An update that is not finite is masked there and then. The
readings are fetched together, once in `train.log_every` steps, and judged; what they call for is done at
steps that `log_every` divides, so that an interruption in between changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tacotron2.detectors import UpdateWatch, ValidationWatch, Verdict
from tacotron2.events import IncidentEvent
from tacotron2.files import StorageError
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training.culprits import find_culprits
from tacotron2.training.incident_folder import Evidence, step_folder, whole_batch, write_incident
from tacotron2.training.knobs import Knobs
from tacotron2.training.quarantine import Quarantine
from tacotron2.training.ranks import Ranks
from tacotron2.training.rate_relief import RateRelief
from tacotron2.training.readings import FetchedReading, Reading, RunningStatistics, fetch
from tacotron2.training.state import rng_state

MOST_MASKED, WITHIN_STEPS = 3, 10
"""So many masked updates within so many steps end the attempt: it is no single bad batch."""
MOST_OVERFLOWS = 20
"""Overflows of the loss scale in a row that are one incident: a scale that is found again takes fewer."""
REMEMBERED = 100
"""Steps of masked updates that are kept."""
LAST_NORMS, SHOWN_LAYERS = 10, 5
"""What an incident tells of the updates before it, and of the gradient's largest parts."""
_LOGGER = logging.getLogger(__name__)


class NonFiniteLossError(ArithmeticError):
    """Loss, gradient or weights became NaN or Inf again and again; the message names steps and terms."""


@dataclass(frozen=True)
class Guarded:
    """The training that is watched. `network` is the model as it is called, in the training's arithmetic."""

    hparams: HParams
    """With the precision that `auto` stands for."""
    model: Tacotron2
    network: nn.Module
    ranks: Ranks
    folder: Path
    num_utterances: int


class Guard:
    """Judges the readings of a training.

    With several processes each has one, and all of them come to the same judgement: `look`, `adjust` and
    `require_sound` are called by all.

    Attributes:
        quarantine: the utterances left out of further batches.
        overflows: masked updates that the loss scale explains, so far.
    """

    def __init__(self, guarded: Guarded) -> None:
        self._guarded = guarded
        model, folder = guarded.model, guarded.folder
        self._names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        self._statistics = RunningStatistics(model)
        self._rng: dict[str, Any] = {}
        self._readings: list[Reading] = []
        self._last_norms: Sequence[float] = ()
        self._masked_steps: list[int] = []
        self.overflows = self._overflows_in_a_row = 0
        self._updates, self._validations = UpdateWatch(), ValidationWatch()
        self._relief = RateRelief(guarded.hparams.train.calm_steps)
        self.quarantine = Quarantine(folder / "quarantine.json", guarded.num_utterances)

    def begin(self) -> None:
        """Before an update: keeps what it changes apart from the weights."""
        self._rng = rng_state()
        self._statistics.keep()

    def note(self, reading: Reading) -> None:
        """After it: puts that back if the update was masked, and keeps the reading for the next look.
        Nothing is fetched."""
        self._statistics.put_back_where(reading.masked)
        self._readings.append(replace(reading, rng=self._rng))

    def look(self) -> list[IncidentEvent]:
        """Fetches the readings since the last look, and judges them."""
        readings, self._readings = self._readings, []
        incidents, num_told = [], 0
        for fetched in fetch(readings, self._guarded.ranks):
            self._last_norms = fetched.norms
            if fetched.overflow and not self._overflow_persists():
                continue
            if fetched.masked:
                num_told += 1
                # The third ends the attempt: what follows tells nothing new, and costs time and room.
                incidents.append(self._non_finite(fetched, readings[-1].step, num_told <= MOST_MASKED))
                self._masked_steps = [*self._masked_steps, fetched.reading.step][-REMEMBERED:]
            else:
                self._overflows_in_a_row = 0
                incidents += self._out_of_the_ordinary(fetched)
        return incidents

    def last_norms(self) -> dict[str, float]:
        """The true norm of each gradient of the last update looked at, by the name of its parameter."""
        return dict(zip(self._names, self._last_norms, strict=True))

    def judge(
        self, step: int, teacher_forced: Mapping[str, float], free_running: Mapping[str, float]
    ) -> list[IncidentEvent]:
        """The figures of a validation, in the process that validates."""
        found = self._validations.judge(teacher_forced, free_running)
        return [IncidentEvent(step, kind, details) for kind, details in found.items()]

    def adjust(self, step: int, knobs: Knobs) -> list[IncidentEvent]:
        """Does what the readings call for: the learning rate, and who is left out of further batches."""
        self._relief.adjust(step, knobs)
        new = self.quarantine.settle()
        if new and self._guarded.ranks.is_first:
            self.quarantine.write()
        return [
            IncidentEvent(step, "poisoned_clip", {"utterance": name, "steps": steps})
            for name, steps in new.items()
        ]

    def set_aside(self, step: int, names: Sequence[str]) -> list[IncidentEvent]:
        """Leaves clips that stay badly aligned out of further batches; called by all."""
        new = self.quarantine.set_aside(step, names)
        if new and self._guarded.ranks.is_first:
            self.quarantine.write()
        return [IncidentEvent(step, "bad_clip", {"utterance": name}) for name in new]

    def require_sound(self) -> None:
        """
        Raises:
            NonFiniteLossError: too many updates were masked, or the weights are not finite.
        """
        # What single utterances explain, which are left out from now on, is over.
        last = [step for step in self._masked_steps if not self.quarantine.explains(step)][-MOST_MASKED:]
        if len(last) == MOST_MASKED and last[-1] - last[0] < WITHIN_STEPS:
            if self._guarded.ranks.is_first:
                self.quarantine.write(ended_by=last)
            raise NonFiniteLossError(
                f"loss or gradient was NaN or Inf in the updates to steps {', '.join(map(str, last))}: "
                f"{MOST_MASKED} within {WITHIN_STEPS} steps; the weights were kept from them"
            )
        if names := self._unsound_weights():
            raise NonFiniteLossError(f"weights became NaN or Inf: {', '.join(names[:5])}")

    def _unsound_weights(self) -> list[str]:
        named = dict(self._guarded.model.named_parameters())
        sizes = torch.stack(torch._foreach_norm([value.detach() for value in named.values()]))
        return [name for name, sound in zip(named, sizes.isfinite().tolist(), strict=True) if not sound]

    def _overflow_persists(self) -> bool:
        self.overflows += 1
        self._overflows_in_a_row += 1
        if self._overflows_in_a_row < MOST_OVERFLOWS:
            return False
        self._overflows_in_a_row = 0
        return True

    def _non_finite(self, fetched: FetchedReading, weights_step: int, examined: bool) -> IncidentEvent:
        """The incident; if it is examined, with its culprits and the folder that replays it."""
        reading, made, guarded = fetched.reading, fetched.reading.made, self._guarded
        if examined:
            culprits = find_culprits(guarded.model, guarded.network, made)
        else:  # by now it is known who comes again and again
            condemned = self.quarantine.condemned()
            culprits = tuple(name for name in made.batch.ids if name in condemned)
        named = guarded.ranks.gathered((made.batch.ids, culprits))
        guilty = [name for _, names in named for name in names]
        self.quarantine.saw(reading.step, guilty)
        norms = zip(self._names, fetched.norms, strict=True)
        details = {
            "terms": [name for name, value in fetched.terms.items() if not is_finite(value)],
            "layers": [name for name, norm in norms if not is_finite(norm)],
            "utterances": [name for ids, _ in named for name in ids],
            "culprits": guilty,
            "learning_rate": made.learning_rate,
            "last_norms": self._updates.norms[-LAST_NORMS:],
            "weights_step": weights_step,
        }
        if fetched.overflow:
            details["overflows"] = MOST_OVERFLOWS
        incident = IncidentEvent(reading.step, "non_finite_update", details)
        return self._kept(incident, reading) if examined else incident

    def _kept(self, incident: IncidentEvent, reading: Reading) -> IncidentEvent:
        """With its folder, unless the weights are not finite themselves, or the disk does not take it."""
        guarded = self._guarded
        parts = guarded.ranks.gathered(reading.made.batch)
        if self._unsound_weights() or not guarded.ranks.is_first:
            return incident
        folder = step_folder(guarded.folder, incident.step)
        incident = replace(incident, folder=str(folder.relative_to(guarded.folder)))
        evidence = Evidence(
            guarded.hparams,
            guarded.model.state_dict(),
            replace(reading.made, batch=whole_batch(parts)),
            reading.rng,
        )
        try:
            write_incident(guarded.folder, incident, evidence)
        except StorageError as error:
            _LOGGER.warning("nothing is left to replay the update to step %d: %s", incident.step, error)
            return replace(incident, folder=None)
        return incident

    def _out_of_the_ordinary(self, fetched: FetchedReading) -> list[IncidentEvent]:
        """A finite update against those before it."""
        step, made, norm = fetched.reading.step, fetched.reading.made, fetched.norm
        verdict = self._updates.judge(step, norm, fetched.terms["reference"], made.r)
        if verdict.exploding:
            self._relief.saw(step, "exploding_norm" in verdict.incidents)
        if not verdict.incidents:
            return []
        named = self._guarded.ranks.gathered(made.batch.ids)
        largest = sorted(zip(fetched.norms, self._names, strict=True), reverse=True)[:SHOWN_LAYERS]
        details = {
            "norm": norm,
            "reference": fetched.terms["reference"],
            "layers": {name: size for size, name in largest},
            "utterances": [name for names in named for name in names],
            "learning_rate": made.learning_rate,
            "last_norms": self._updates.norms[-1 - LAST_NORMS : -1],
        } | _usual(verdict)
        return [IncidentEvent(step, kind, details) for kind in verdict.incidents]

    def state_dict(self) -> dict[str, Any]:
        """Plain values, for `load_state_dict`."""
        return {
            "masked_steps": list(self._masked_steps),
            "overflows": [self.overflows, self._overflows_in_a_row],
            "updates": self._updates.state_dict(),
            "validations": self._validations.state_dict(),
            "relief": self._relief.state_dict(),
            "quarantine": self.quarantine.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._masked_steps = [int(step) for step in state["masked_steps"]]
        self.overflows, self._overflows_in_a_row = map(int, state["overflows"])
        self._updates.load_state_dict(state["updates"])
        self._validations.load_state_dict(state["validations"])
        self._relief.load_state_dict(state["relief"])
        self.quarantine.load_state_dict(state["quarantine"])


def _usual(verdict: Verdict) -> dict[str, float]:
    """The medians that the figures were held against."""
    scales = {"norm_median": verdict.norms, "reference_median": verdict.losses}
    return {name: scale.median for name, scale in scales.items() if scale is not None}


def is_finite(value: float) -> bool:
    return value - value == 0.0
