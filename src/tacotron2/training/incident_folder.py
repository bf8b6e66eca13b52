"""What replays a non-finite update: `incidents/STEP/` below the run's folder, whole or absent.

    incidents/0000037/
        replay.ckpt         batch, weights, hyper-parameters, the random state before the update
        replay.ckpt.json    its description and checksum
        incident.json       the record, as in events.jsonl; readable without torch

The weights are those at the look that found it, at most `train.log_every` steps after the update; the batch
and the random state are the update's own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from tacotron2.checkpoint import read_checkpoint, save_checkpoint
from tacotron2.data.dataset import Batch
from tacotron2.events import IncidentEvent, to_json
from tacotron2.files import not_written, write_atomically
from tacotron2.hparams import HParams, from_dict
from tacotron2.training.readings import Made

KEPT = 5
"""The newest folders; each is as large as the weights."""
RECORD, REPLAY = "incident.json", "replay.ckpt"


@dataclass(frozen=True)
class Evidence:
    """What an update was made from. `rng`: the random state before it, as `state.rng_state` gives it."""

    hparams: HParams
    """With the precision that `auto` stood for."""
    weights: Mapping[str, Tensor]
    made: Made
    rng: Mapping[str, Any]


def step_folder(run: Path, step: int) -> Path:
    return run / "incidents" / f"{step:07d}"


def write_incident(run: Path, incident: IncidentEvent, evidence: Evidence) -> None:
    """Writes the folder of the incident's step, in place of one of the same step, and removes old ones.

    Raises:
        StorageError: it cannot be written.
    """
    folder = step_folder(run, incident.step)
    content = {
        "hparams": evidence.hparams.to_dict(),
        "model": dict(evidence.weights),
        "step": incident.step,
        "batch": _values(evidence.made.batch) | {"ids": list(evidence.made.batch.ids), "whole": None},
        "made": {name: value for name, value in _values(evidence.made).items() if name != "batch"},
        "rng": dict(evidence.rng),
    }
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(".*"):  # by a writer that was killed
            shutil.rmtree(left, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    except OSError as error:
        raise not_written(folder, error) from error
    try:
        save_checkpoint(unfinished / REPLAY, content, {"role": "incident", "step": incident.step})
        write_atomically(unfinished / RECORD, to_json(incident, time.time()).encode() + b"\n")
        shutil.rmtree(folder, ignore_errors=True)
        os.chmod(unfinished, 0o755)  # mkdtemp makes it its owner's alone
        os.replace(unfinished, folder)
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    # By age and not by step: after a rollback the newest has not the highest.
    others = [other for other in folder.parent.glob("[0-9]*") if other != folder]
    for old in sorted(others, key=lambda other: (other.stat().st_mtime_ns, other.name))[: 1 - KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def read_evidence(folder: Path) -> Evidence:
    """What `write_incident` kept; loading runs no code.

    Raises:
        CheckpointError: absent, damaged, or not safe to load.
        HParamsError: of hyper-parameters that this version does not know.
    """
    content = read_checkpoint(folder / REPLAY)
    batch = Batch(**content["batch"] | {"ids": tuple(content["batch"]["ids"])})
    made = Made(batch=batch, **content["made"])
    return Evidence(from_dict(content["hparams"]), content["model"], made, content["rng"])


def whole_batch(parts: Sequence[Batch]) -> Batch:
    """The batch of which several processes had the rows, in the order of ranks, as one process has it."""
    if parts[0].whole is None:
        return parts[0]
    filled = [part for part in parts if part.ids]
    places = torch.cat([part.whole.rows for part in filled if part.whole is not None])
    order = places.argsort()
    names = [name for part in filled for name in part.ids]
    joined: dict[str, Any] = {"ids": tuple(names[place] for place in order.tolist()), "whole": None}
    for field in fields(Batch):
        if isinstance(values := getattr(filled[0], field.name), Tensor):
            padding = 1.0 if field.name == "gate" else 0.0  # the stop token stays set after the end
            tensors = [getattr(part, field.name) for part in filled]
            longest = max(tensor.size(1) for tensor in tensors) if values.dim() > 1 else 0
            joined[field.name] = torch.cat([_padded(t, longest, padding) for t in tensors])[order]
    return Batch(**joined)


def _values(record: Batch | Made) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _padded(tensor: Tensor, size: int, value: float) -> Tensor:
    """The second dimension filled up to `size`."""
    if tensor.dim() < 2:
        return tensor
    behind = [0, 0] * (tensor.dim() - 2) + [0, size - tensor.size(1)]
    return functional.pad(tensor, behind, value=value)
