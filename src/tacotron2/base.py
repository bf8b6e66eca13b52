"""What a fine-tuning begins with: a voice, a checkpoint or a published model, brought into one form.

That form is a checkpoint of ours at one reduction factor and of one speaker, with our table of symbols. Its
sidecar has the sections that follow from it and the hash of its content, readable without torch.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacotron2.checkpoint import CheckpointError, load_model, save_checkpoint, sidecar_path, with_one_r
from tacotron2.hparams import HParams
from tacotron2.interchange import PUBLISHED_SYMBOLS, WarmStartRow, read_published, warm_start
from tacotron2.models import Tacotron2
from tacotron2.one_speaker import of_one_speaker
from tacotron2.training.initial_weights import BaseWeights, begin_with_base, finite_weights
from tacotron2.voice import FACTS, load_voice

ROLE = "base"
SECTIONS = ("audio", "text", "model")
"""What follows from a base."""


@dataclass(frozen=True)
class Base:
    """A model to fine-tune, and what it was read from: voice, checkpoint, or published."""

    model: Tacotron2
    kind: str

    def content_hash(self) -> str:
        """The same for the same weights, whatever file they came in."""
        digest = hashlib.sha256()
        for name, value in sorted(self.model.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()


def read_base(path: Path, speaker: str | None = None, keep_speakers: bool = False) -> Base:
    """Reads whatever can be fine-tuned.

    Args:
        speaker: whose row of a base of several speakers is taken; None: the first one's.
        keep_speakers: leave all of them.

    Raises:
        CheckpointError, VoiceError: absent, damaged, of a newer version, not a model, not finite, or
            without that speaker.
    """
    kind = _kind(path)
    if kind == "voice":
        model = load_voice(path).model
    elif kind == "checkpoint":
        model = load_model(path)
    else:
        model = _published(path)
    finite_weights(model, path)
    model = with_one_r(model)
    if speaker is not None and speaker not in model.speakers:
        known = f"it has {', '.join(model.speakers)}" if model.speakers else "it has one, without a name"
        raise CheckpointError(f"{path}: no speaker {speaker!r}; {known}")
    if model.speaker_embedding is not None and not keep_speakers:
        number = 0 if speaker is None else model.speakers.index(speaker)
        model = of_one_speaker(model, number)
    return Base(model.eval(), kind)


def write_base(path: Path, base: Base) -> dict[str, Any]:
    """Writes it as a checkpoint; returns the facts of its sidecar.

    Raises:
        StorageError: it cannot be written.
    """
    model = base.model
    sections = {name: model.hparams.to_dict()[name] for name in SECTIONS}
    sections["text"]["dictionary"] = ""  # a path of the machine that it was trained on
    facts = {
        "role": ROLE,
        "kind": base.kind,
        "content": base.content_hash(),
        "sections": sections,
        "speakers": list(model.speakers),
    }
    content = {
        "hparams": model.hparams.to_dict() | sections,
        "model": model.state_dict(),
        "n_frames_per_step": model.r,
        "speakers": list(model.speakers),
    }
    save_checkpoint(path, content, facts)
    return facts


def _kind(path: Path) -> str:
    if path.is_dir():
        return "voice"
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    if sidecar_path(path).exists():
        return "checkpoint"
    try:
        with zipfile.ZipFile(path) as archive:  # files of torch are zip archives too
            return "voice" if FACTS in archive.namelist() or path.suffix == ".zip" else "published"
    except (zipfile.BadZipFile, OSError):
        return "voice" if path.suffix == ".zip" else "published"


def _published(path: Path) -> Tacotron2:
    try:
        given = read_published(path)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error}; a checkpoint of this program needs {sidecar_path(path).name} beside it, and a voice "
            f"is a zip file, or a folder, with {FACTS}"
        ) from None
    model = Tacotron2(given.hparams.replace(n_symbols=HParams().model.n_symbols))
    warm_start(model, given.state_dict(), PUBLISHED_SYMBOLS)
    return model


def new_tensors(hparams: HParams, path: Path) -> list[WarmStartRow]:
    """What a training under these settings would not take over of a written base, each with its reason.

    Raises:
        CheckpointError: the base cannot be used.
    """
    rows = begin_with_base(Tacotron2(hparams), BaseWeights(path))
    return [row for row in rows if row.outcome != "loaded"]
