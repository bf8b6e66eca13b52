"""Everything a training needs to go on as if nothing had happened, and the files it is kept in.

`checkpoints/state-STEP.ckpt` are the newest full states; `checkpoints/best-STEP.ckpt` are weights alone. A
new file is complete, sidecar and all, before an old one is removed, so that a kill at any moment leaves one
that loads. An older state is what remains when the newest is damaged, or stands too late.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tacotron2.checkpoint import CheckpointError, read_checkpoint, save_checkpoint, sidecar_path
from tacotron2.files import StorageError
from tacotron2.hparams import HParams, HParamsError
from tacotron2.models import Tacotron2

_LOGGER = logging.getLogger(__name__)
_UNNAMED = {"freeze": "", "freeze_steps": 0}
"""How states were trained that do not name these settings."""


class NonFiniteWeightsError(ArithmeticError):
    """The model holds NaN or Inf; such weights are never saved."""


@dataclass
class Progress:
    """How far a training has come, in plain values."""

    step: int = 0
    train_seconds: float = 0.0
    sampler: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Best:
    """A weights file, the free-running quality it was kept for, and the r at which it speaks.

    Qualities at different r cannot be compared: a smaller r comes first, whatever its quality.
    """

    quality: float
    step: int
    path: Path
    r: int

    @property
    def rank(self) -> tuple[int, float]:
        """The lowest is the best."""
        return self.r, -self.quality


class CheckpointFolder:
    """The checkpoints of one run: the newest `keep_states` and the best `keep_best`."""

    def __init__(self, folder: Path, keep_best: int, keep_states: int = 1) -> None:
        self.folder, self.keep_best, self.keep_states = folder, keep_best, keep_states

    def save_state(
        self,
        hparams: HParams,
        model: Tacotron2,
        optimizer: torch.optim.Optimizer,
        progress: Progress,
        controllers: Mapping[str, Any],
        rng_of_others: Sequence[dict[str, Any]] = (),
    ) -> Path:
        """Writes the full state and then removes the oldest one where there are more than `keep_states`.

        `controllers`: name to state of what adjusts the training; `rng_of_others`: `rng_state()` of the other
        processes of the training, in the order of their ranks.

        Raises:
            StorageError: it cannot be written; those before are still there.
            NonFiniteWeightsError: the weights are not finite; the same.
        """
        path = self.folder / f"state-{progress.step:07d}.ckpt"
        content = {
            "hparams": hparams.to_dict(),
            "model": checked_weights(model),
            "optimizer": optimizer.state_dict(),
            "rng": rng_state(),
            "rng_of_others": list(rng_of_others),
            "step": progress.step,
            "n_frames_per_step": model.r,
            "train_seconds": progress.train_seconds,
            "sampler": progress.sampler,
            **controllers,
            **_named_speakers(model),
        }
        try:
            facts = {"role": "state", "step": progress.step, "n_frames_per_step": model.r}
            save_checkpoint(path, content, facts)
        except StorageError as error:
            kept = [other.name for other in self._states() if other != path and sidecar_path(other).exists()]
            rest = f"{kept[0]} is kept, to go on from" if kept else "there is no older state to go on from"
            raise StorageError(f"{error}; {rest}") from error
        self._remove_states_but(path)
        return path

    def newest_state(self) -> tuple[Path, dict[str, Any]] | None:
        """The last state that can be read, with its content; None where there is none at all.

        Raises:
            CheckpointError: there are states, but every one of them is damaged.
        """
        error: CheckpointError | None = None
        for path in self._states():
            try:
                content = read_checkpoint(path)
            except CheckpointError as problem:
                error = error or problem
                continue
            if error is not None:
                _LOGGER.warning("going back to %s: %s", path.name, error)
            return path, content
        if error is not None and any(self.folder.glob("state-*.ckpt.json")):
            raise error
        return None

    def _states(self) -> list[Path]:
        """Where a state file or its sidecar is, the newest first."""
        files = {*self.folder.glob("state-*.ckpt")}
        files |= {sidecar.with_suffix("") for sidecar in self.folder.glob("state-*.ckpt.json")}
        return sorted(files, reverse=True)

    def _remove_states_but(self, newest: Path | None) -> None:
        """What is newer than that one is damaged; of the older ones the newest stay."""
        older = [path for path in self._states() if newest and path < newest and _is_whole(path)]
        kept = {newest, *older[: self.keep_states - 1]}
        for path in self._states():
            if path not in kept:
                remove_checkpoint(path)

    def save_best(self, hparams: HParams, model: Tacotron2, step: int, quality: float) -> Path | None:
        """Keeps the weights if they are among the best; returns where, or None."""
        kept = self.best()
        path = self.folder / f"best-{step:07d}.ckpt"
        if len(kept) >= self.keep_best and Best(quality, step, path, model.r).rank >= kept[-1].rank:
            return None
        spoken = {"step": step, "n_frames_per_step": model.r}
        weights = {"hparams": hparams.to_dict(), "model": checked_weights(model)}
        content = weights | spoken | _named_speakers(model)
        save_checkpoint(path, content, {"role": "best", **spoken, "quality": quality})
        for worse in self.best()[self.keep_best :]:
            remove_checkpoint(worse.path)
        return path

    def best(self) -> list[Best]:
        """The kept weights, best first, from their sidecars; a file without a valid one is no checkpoint."""
        found = []
        for path in self.folder.glob("best-*.ckpt"):
            try:
                facts = json.loads(sidecar_path(path).read_text())
                quality, step = float(facts["quality"]), int(facts["step"])
                found.append(Best(quality, step, path, int(facts.get("n_frames_per_step", 0))))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return sorted(found, key=lambda best: (*best.rank, best.step))

    def tidy(self, state: Path | None) -> None:
        """Removes what a killed writer left: temporary files, files without a sidecar, the replaced.

        Only one process trains in a folder, so nothing here is being written while this runs.

        Args:
            state: the one to go on from; None where there is none. Older ones stay, up to `keep_states`.
        """
        self._remove_states_but(state)
        kept = {best.path for best in self.best()[: self.keep_best]}
        for path in self.folder.glob("best-*.ckpt"):
            if path not in kept:
                remove_checkpoint(path)
        for pattern in (".state-*", ".best-*"):
            for path in self.folder.glob(pattern):
                path.unlink()


def checked_weights(model: Tacotron2) -> dict[str, torch.Tensor]:
    """The state dictionary, if all of it is finite."""
    weights = model.state_dict()
    for name, value in weights.items():
        if not bool(torch.isfinite(value).all()):
            raise NonFiniteWeightsError(f"{name} holds values that are not finite")
    return weights


def refuse_other_settings(path: Path, saved: dict[str, dict[str, Any]], hparams: HParams) -> None:
    """A training goes on under the settings it began with, or it would be neither one run nor the other.

    Raises:
        HParamsError: naming every key that differs, with both values, one a line.
    """
    differences = [
        f"{section}.{name}: {saved.get(section, {}).get(name, 'absent')!r} in the checkpoint, now {value!r}"
        for section, values in hparams.to_dict().items()
        for name, value in values.items()
        if saved.get(section, {}).get(name, _UNNAMED.get(name, "absent")) != value
    ]
    if differences:
        head = f"{path}: was saved under other settings; restore them or start a new run"
        raise HParamsError("\n".join([head, *differences]))


def _named_speakers(model: Tacotron2) -> dict[str, Any]:
    """A checkpoint of one speaker has no names."""
    return {"speakers": list(model.speakers)} if model.speakers else {}


def refuse_other_speakers(path: Path, content: Mapping[str, Any], model: Tacotron2) -> None:
    """The rows of the embedding keep the speakers that they were learned for.

    Raises:
        CheckpointError: naming those of the checkpoint and those of the lists.
    """
    saved = content.get("speakers", [])
    if saved != list(model.speakers):
        raise CheckpointError(
            f"{path}: was trained on the speakers {saved}, the lists now name {list(model.speakers)}; "
            "restore the lists or start a new run"
        )


def _is_whole(path: Path) -> bool:
    return path.exists() and sidecar_path(path).exists()


def remove_checkpoint(path: Path) -> None:
    """The sidecar first: without it the file is no checkpoint any more."""
    sidecar_path(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def rng_state() -> dict[str, Any]:
    """The states of torch's generators; nothing else in the training draws random numbers."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def restore_rng(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
