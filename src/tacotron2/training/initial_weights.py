"""Weights that a training begins with in place of random ones: of an earlier run, or of a voice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from tacotron2.checkpoint import CheckpointError, load_model, sidecar_path
from tacotron2.models import Tacotron2
from tacotron2.training.state import NonFiniteWeightsError, checked_weights
from tacotron2.voice import load_voice

MEL_STATISTICS = ("mel_mean", "mel_std")
SHOWN = 3


def begin_with(model: Tacotron2, path: Path) -> None:
    """Copies the weights of a checkpoint or a voice into a model of the same shapes.

    The mel statistics stay those of the recordings that are trained on now; nothing else is taken over,
    neither from an optimiser nor from random generators.

    Raises:
        CheckpointError, VoiceError: the file cannot be used.
        CheckpointError: its weights have other shapes, are not finite, or were learned for other speakers.
    """
    source = load_model(path) if sidecar_path(path).exists() else load_voice(path).model
    weights, own = _finite(source, path), model.state_dict()
    wrong = [
        f"{name}: {_shape(weights, name)} in the file, {_shape(own, name)} in this training"
        for name in sorted(weights.keys() | own.keys())
        if _shape(weights, name) != _shape(own, name)
    ]
    if wrong:
        rest = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise CheckpointError(f"{path}: does not fit this model: {'; '.join(wrong[:SHOWN])}{rest}")
    if source.speakers != model.speakers:
        raise CheckpointError(
            f"{path}: was trained on the speakers {list(source.speakers)}, the lists name "
            f"{list(model.speakers)}; a training begins with weights of the same speakers"
        )
    model.load_state_dict(weights | {name: own[name] for name in MEL_STATISTICS})


def _finite(source: Tacotron2, path: Path) -> dict[str, Tensor]:
    try:
        return checked_weights(source)
    except NonFiniteWeightsError as error:  # no fault of this training: nothing that it changes would mend it
        raise CheckpointError(f"{path}: {error}") from None


def _shape(weights: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(weights[name].shape)) if name in weights else "none"
