"""Runs the batch of an incident again, as it was, and says what of it is not finite now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from tacotron2.checkpoint import CheckpointError
from tacotron2.events import IncidentEvent, from_json
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.training.devices import make_fabric
from tacotron2.training.faults import UNSEEN, read_faults, suffering
from tacotron2.training.freezing import Freezing
from tacotron2.training.gradients import backward
from tacotron2.training.incident_folder import RECORD, Evidence, read_evidence
from tacotron2.training.ranks import Ranks
from tacotron2.training.state import restore_rng


@dataclass(frozen=True)
class Replayed:
    """Terms of the loss and layers (by their gradients) that are not finite: recorded then, found now."""

    step: int
    recorded_terms: tuple[str, ...]
    recorded_layers: tuple[str, ...]
    terms: tuple[str, ...]
    layers: tuple[str, ...]

    @property
    def reached(self) -> bool:
        """Whether a term that was not finite is so again; of an update whose terms were finite, a layer."""
        if self.recorded_terms:
            return not set(self.recorded_terms).isdisjoint(self.terms)
        return not set(self.recorded_layers).isdisjoint(self.layers)


def replay(folder: Path, device: str = "cpu") -> Replayed:
    """Forward and backward of the incident's batch with its weights and its random state, and with what was
    injected there on purpose.

    In one process, also what several did together: then dropout is drawn otherwise.

    Raises:
        CheckpointError: the folder is absent or damaged.
        HParamsError: its hyper-parameters are of another version.
        DeviceError: the device is not there.
        FaultError: the list of what was injected is damaged.
    """
    recorded, evidence = _read_record(folder), read_evidence(folder)
    fabric, _ = make_fabric(evidence.hparams, device)
    with torch.random.fork_rng(devices=[fabric.device] if fabric.device.type == "cuda" else []):
        injected = [fault.kind for fault in read_faults(folder.parents[1]) if fault.step == recorded.step]
        terms, layers = _again(fabric, evidence, folder, injected, recorded.step)
    return Replayed(
        step=recorded.step,
        recorded_terms=tuple(recorded.details.get("terms", ())),
        recorded_layers=tuple(recorded.details.get("layers", ())),
        terms=terms,
        layers=layers,
    )


def _again(
    fabric: Fabric, evidence: Evidence, folder: Path, injected: Sequence[str], recorded_step: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The terms and layers that are not finite."""
    model = Tacotron2(evidence.hparams)
    try:
        model.load_state_dict(dict(evidence.weights))
    except RuntimeError as error:
        raise CheckpointError(f"{folder}: weights do not fit: {' '.join(str(error).split())}") from None
    made = evidence.made
    model.decoder.set_r(made.r)
    model.scale_dropout(made.dropout_scale)
    network = fabric.setup(model)
    Freezing(evidence.hparams.train, model).begin(recorded_step - 1)
    criterion = Tacotron2Loss(evidence.hparams, made.r).to(fabric.device)
    criterion.scale_positive_weight(made.positive_scale)
    arithmetic: Any = fabric.strategy.precision
    if getattr(arithmetic, "scaler", None) is not None:
        arithmetic.scaler = None  # gradients as they are: a scale that is too large is no incident
    restore_rng(dict(evidence.rng))
    how = (made.micro_batches, made.guide_weight, Ranks(), made.teacher_forcing)
    with ExitStack() as poisoned:
        for kind in injected:
            if kind in UNSEEN:
                poisoned.enter_context(suffering(kind, model, criterion))
        terms = backward(fabric, network, criterion, made.batch, *how)
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    layers = (name for name, g in gradients.items() if not torch.linalg.vector_norm(g).isfinite())
    return tuple(name for name, value in terms.items() if not value.isfinite()), tuple(layers)


def _read_record(folder: Path) -> IncidentEvent:
    try:
        event = from_json((folder / RECORD).read_text(encoding="utf-8")).event
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / RECORD}: cannot be read ({error})") from None
    if not isinstance(event, IncidentEvent):
        raise CheckpointError(f"{folder / RECORD}: is no incident but a record of kind {event.kind}")
    return event
