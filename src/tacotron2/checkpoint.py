"""Checkpoints: written atomically, checksummed, loaded without running code.

A checkpoint is one file of tensors and plain values and, written after it, a sidecar `NAME.json` that a
program without torch can read: role, step, r, quality, whether all weights are finite, SHA-256. A
file without a matching sidecar is not a checkpoint.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tacotron2.files import write_atomically
from tacotron2.hparams import from_dict
from tacotron2.models.tacotron2 import Tacotron2

SCHEMA_VERSION = 1
_PLAIN = {"use_gst": False, "use_mmi": False, "use_ddc": False, "drop_frame_rate": 0.0}
"""What models were that do not name these settings: the first ones had no such part."""


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message names the file and why."""


def sidecar_path(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def save_checkpoint(path: Path, content: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Writes tensors and plain values, then the sidecar with `facts` (a step, metrics) and the checksum.

    Raises:
        StorageError: it cannot be written; other checkpoints are as they were.
    """
    buffer = io.BytesIO()
    torch.save({"schema": SCHEMA_VERSION, **content}, buffer)
    data = buffer.getvalue()
    if sidecar_path(path).exists():
        sidecar_path(path).unlink()  # of an older file of this name: it must not vouch for the new one
    write_atomically(path, data)
    weights = content.get("model", {})
    finite = all(bool(torch.isfinite(value).all()) for value in weights.values())
    sidecar = {"schema": SCHEMA_VERSION, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    known = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in facts.items()}
    write_atomically(sidecar_path(path), json.dumps(sidecar | {"finite": finite} | known, indent=1).encode())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint, verified against its sidecar; tensors come on the CPU.

    Raises:
        CheckpointError: missing, cut short, changed since it was written, not ours, not safe to load, or of
            another schema version.
    """
    try:
        data = path.read_bytes()
        sidecar = json.loads(sidecar_path(path).read_text())
    except FileNotFoundError as error:
        raise CheckpointError(f"{error.filename}: no such checkpoint file") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from None
    facts = sidecar if isinstance(sidecar, dict) else {}
    # First of all: another version may differ in everything else.
    _require_schema(path, facts.get("schema", SCHEMA_VERSION))
    recorded = facts.get("sha256")
    if hashlib.sha256(data).hexdigest() != recorded:
        raise CheckpointError(f"{path}: damaged, its checksum is not the one in {sidecar_path(path).name}")
    try:
        content: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path}: not a checkpoint that can be loaded safely ({reason})") from None
    _require_schema(path, content.get("schema") if isinstance(content, dict) else None)
    if "model" in content.get("hparams", {}):
        content["hparams"]["model"] = _PLAIN | content["hparams"]["model"]
    return content


def _require_schema(path: Path, found: object) -> None:
    if found == SCHEMA_VERSION:
        return
    if not isinstance(found, int):
        raise CheckpointError(f"{path}: carries no schema version, so it is no checkpoint of this program")
    if found > SCHEMA_VERSION:
        order, advice = "newer", "update the program"
    else:
        order, advice = "older", "use it with the version of the program that wrote it"
    raise CheckpointError(
        f"{path}: checkpoint schema {found}, {order} than schema {SCHEMA_VERSION}, the one that this version "
        f"reads; {advice}, or start a new run"
    )


def load_model(path: Path | str, device: str | torch.device = "cpu") -> Tacotron2:
    """The model of a checkpoint, ready for synthesis (evaluation mode), at the r it was trained with last.

    Raises:
        CheckpointError: see `read_checkpoint`; also weights that do not fit their own settings.
    """
    path = Path(path)
    content = read_checkpoint(path)
    try:
        model = Tacotron2(from_dict(content["hparams"]))
        model.load_state_dict(content["model"])
        model.decoder.set_r(content.get("n_frames_per_step", model.r))
        model.name_speakers(content.get("speakers", ()))
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CheckpointError(f"{path}: its weights do not fit its settings ({reason})") from None
    return model.to(device).eval()


@torch.no_grad()
def with_one_r(model: Tacotron2) -> Tacotron2:
    """The same voice in a model that is built for its present reduction factor alone; in evaluation mode."""
    if model.r == model.decoder.most == model.hparams.model.n_frames_per_step:
        return model.eval()
    single = Tacotron2(model.hparams.replace(n_frames_per_step=model.r, reduction_schedule=""))
    single.name_speakers(model.speakers)
    weights = model.state_dict()
    for name, own in single.state_dict().items():
        own.copy_(weights[name] if weights[name].shape == own.shape else weights[name][: len(own)])
    return single.to(model.mel_mean.device).eval()
