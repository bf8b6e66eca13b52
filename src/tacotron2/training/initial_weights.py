"""Weights that a training begins with in place of random ones: of an earlier run, a voice, or a base."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tacotron2.checkpoint import CheckpointError, load_model, sidecar_path
from tacotron2.interchange import WarmStartRow, warm_start
from tacotron2.models import Tacotron2
from tacotron2.text import SYMBOLS, find_language
from tacotron2.training.state import NonFiniteWeightsError, checked_weights
from tacotron2.voice import load_voice

MEL_STATISTICS = ("mel_mean", "mel_std")
SPEAKERS = "speaker_embedding.weight"
SHOWN = 3
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class BaseWeights:
    """What a fine-tuning begins with.

    path: a checkpoint that `tacotron2.base.write_base` wrote.
    statistics: whose mel statistics normalise: recordings (those trained on now), base, or auto: the base's
        where it has none, as published models have, else the recordings'.
    """

    path: Path
    statistics: str = "auto"


def begin_with(model: Tacotron2, given: Path | BaseWeights) -> None:
    """Puts a checkpoint, a voice or a base in the place of random weights.

    Raises:
        As `begin_as` and `begin_with_base`.
    """
    if isinstance(given, BaseWeights):
        begin_with_base(model, given)
    else:
        begin_as(model, given)


def begin_as(model: Tacotron2, path: Path) -> None:
    """Copies the weights of a checkpoint or a voice into a model of the same shapes.

    The mel statistics stay those of the recordings that are trained on now; nothing else is taken over,
    neither from an optimiser nor from random generators.

    Raises:
        CheckpointError, VoiceError: the file cannot be used.
        CheckpointError: its weights have other shapes, are not finite, or were learned for other speakers.
    """
    source = load_model(path) if sidecar_path(path).exists() else load_voice(path).model
    weights, own = finite_weights(source, path), model.state_dict()
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


@torch.no_grad()
def begin_with_base(model: Tacotron2, base: BaseWeights) -> list[WarmStartRow]:
    """Copies what fits of a base; the rest stays as it was drawn. Each row that is not loaded is logged.

    Letters that its language never writes begin as the nearest one: ä as a. Speakers that the base does not
    know begin with the mean of those it knows, or, where it knows none, with nothing added.

    Raises:
        CheckpointError: the file cannot be used.
    """
    source = load_model(base.path)
    weights = finite_weights(source, base.path)
    known = weights.pop(SPEAKERS, None)
    own = {name: value.clone() for name, value in model.state_dict().items() if name in MEL_STATISTICS}
    rows = warm_start(model, weights, _learned_symbols(source, model))
    if not _takes_statistics(source, base.statistics):
        model.set_mel_statistics(own["mel_mean"], own["mel_std"])
    if model.speaker_embedding is not None:
        rows = [row for row in rows if row.name != SPEAKERS]
        rows.append(_take_speakers(model, known, source.speakers))
    for row in rows:
        if row.outcome != "loaded":
            _LOGGER.warning("%s: %s: %s", row.name, row.outcome, row.why)
    return rows


def _learned_symbols(source: Tacotron2, model: Tacotron2) -> tuple[str, ...]:
    """The table, without the letters that the base's language never writes where the training's is another:
    their rows are as they were drawn."""
    code = source.hparams.text.language
    if code == model.hparams.text.language:
        return SYMBOLS
    language = find_language(code)
    written = language.normalise(" ".join(language.letters))
    foreign = {each for each in SYMBOLS if each.isalpha() and not each.isascii() and each not in written}
    return tuple("" if each in foreign else each for each in SYMBOLS)


def _takes_statistics(source: Tacotron2, wanted: str) -> bool:
    if wanted == "recordings":
        return False
    has_none = bool((source.mel_mean == 0).all()) and bool((source.mel_std == 1).all())
    return wanted == "base" or has_none


def _take_speakers(model: Tacotron2, known: Tensor | None, names: tuple[str, ...]) -> WarmStartRow:
    assert model.speaker_embedding is not None
    rows = model.speaker_embedding.weight
    if known is None or known.size(1) != rows.size(1):
        rows.zero_()
        return WarmStartRow(SPEAKERS, "skipped", "the base has no speakers; all begin alike")
    rows.copy_(known[: max(1, len(names))].mean(0).expand_as(rows))
    new = [name for name in model.speakers if name not in names]
    for number, name in enumerate(model.speakers):
        if name in names:
            rows[number] = known[names.index(name)]
    if not new:
        return WarmStartRow(SPEAKERS, "loaded", "the same speakers")
    return WarmStartRow(SPEAKERS, "partly", f"not known there, begin with the mean: {', '.join(new)}")


def finite_weights(source: Tacotron2, path: Path) -> dict[str, Tensor]:
    """The state dictionary of a model read from a file.

    Raises:
        CheckpointError: part of it is not finite.
    """
    try:
        return checked_weights(source)
    except NonFiniteWeightsError as error:  # no fault of this training: nothing that it changes would mend it
        raise CheckpointError(f"{path}: {error}") from None


def _shape(weights: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(weights[name].shape)) if name in weights else "none"
