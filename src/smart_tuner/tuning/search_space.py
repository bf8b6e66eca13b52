"""The space that a study searches: fixed, checked as a whole, and the way from a proposal to a training."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from smart_tuner.config import Config, ConfigError
from smart_tuner.tuning.dimensions import Dimension, read_choices, read_range
from smart_tuner.tuning.settings import SpaceSettings, TuningSettings
from tacotron2.hparams import HParams, HParamsError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

PART_OF = {"mmi_loss_weight": "use_mmi", "ddc_loss_weight": "use_ddc", "tpse_loss_weight": "use_gst"}
"""Weights of parts that a model may lack; without the part the weight is not tuned."""
_SHARES = ("alignment_share", "mel_quality_share", "stop_score_share", "val_loss_share")


@dataclass(frozen=True)
class SearchSpace:
    """What is tuned, in the order of the configuration's keys."""

    dimensions: tuple[Dimension, ...]

    @classmethod
    def of(cls, config: Config) -> SearchSpace:
        """The space of a configuration.

        Raises:
            ConfigError: every problem of the space and of the objective's shares at once, a line each, with
                section, key and what would be right.
        """
        dimensions, problems = _dimensions(config)
        problems += [problem for each in dimensions for problem in _misfits(each, config.hparams)]
        problems += _share_problems(config.tuning)
        if not dimensions and not problems:
            problems.append("space: nothing is tuned; give at least one of its keys a range or choices")
        if problems:
            raise ConfigError(problems)
        return cls(tuple(dimensions))

    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna draws from, by the name of the hyper-parameter."""
        return {each.leaf: _distribution(each) for each in self.dimensions}

    def values_of(self, hparams: HParams) -> dict[str, Any]:
        """The values that hyper-parameters have in this space.

        Trial 0 is `values_of(HParams())`, the report's; trial 1 `values_of(config.hparams)`, the preset's.
        """
        return {each.leaf: getattr(hparams, each.leaf) for each in self.dimensions}

    def apply(self, base: HParams, params: Mapping[str, Any], trial_steps: int = 0) -> HParams:
        """The hyper-parameters of a trial: `base` with `params`, and the same work whatever the batch size.

        Work is counted in utterances: `trial_steps` (0: `base.max_steps`) x `base.batch_size`. With another
        batch size the training's length, the steps between validations and checkpoints and the step at which
        the rate begins to fall change with 1 / batch, so that there are as many validations, at the same
        work but for rounding. `log_every` stays, and so do the keys that are tuned themselves.

        Raises:
            HParamsError: a value is out of its range or breaks a rule with another.
        """
        train = base.train
        steps = trial_steps or train.max_steps
        validations = -(-steps // train.validate_every)
        shrinkage = train.batch_size / params.get("batch_size", train.batch_size)
        every = max(1, _rounded(train.validate_every * shrinkage))
        fewest, most = (validations - 1) * every + 1, validations * every
        lengths = {
            "max_steps": min(max(_rounded(steps * shrinkage), fewest), most),
            "validate_every": every,
            "checkpoint_every": max(1, _rounded(train.checkpoint_every * shrinkage)),
            "learning_rate_decay_start": _rounded(train.learning_rate_decay_start * shrinkage),
        }
        return base.replace(**lengths | dict(params))

    def digest(self) -> str:
        """The same for two spaces that are searched alike; a study keeps the one that it began with."""
        content = [dataclasses.asdict(each) for each in self.dimensions]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _dimensions(config: Config) -> tuple[list[Dimension], list[str]]:
    """The dimensions whose text can be read, and what is wrong with the others."""
    found, problems = [], []
    for setting in dataclasses.fields(SpaceSettings):
        text = getattr(config.space, setting.name)
        leaf, _, form = setting.name.rpartition("_")
        part = PART_OF.get(leaf)
        if not text.strip() or (part and not getattr(config.hparams, part)):
            continue
        try:
            found.append((read_range if form == "range" else read_choices)(leaf, text))
        except ValueError as error:
            problems.append(f"space.{setting.name}={text!r}: {error}")
    return found, problems


def _misfits(dimension: Dimension, hparams: HParams) -> Iterator[str]:
    """What does not fit between a dimension and the values that the first two trials have."""
    form = "choices" if dimension.kind == "choice" else "range"
    key = f"space.{dimension.leaf}_{form}"
    report, own = getattr(HParams(), dimension.leaf), getattr(hparams, dimension.leaf)
    if report not in dimension:
        yield f"{key}: must hold {report:g}, the default of {dimension.key} (the report's value, trial 0)"
    if own not in dimension and own != report:
        yield f"{key}: must hold {own:g}, the value of {dimension.key} (trial 1)"
    for choice in dimension.choices:
        try:
            hparams.replace(**{dimension.leaf: choice})
        except HParamsError as error:
            yield f"{key}: {choice} cannot be trained: {error}"


def _share_problems(tuning: TuningSettings) -> list[str]:
    shares = {name: getattr(tuning, name) for name in _SHARES}
    total = math.fsum(shares.values())
    if math.isclose(total, 1.0, abs_tol=1e-9):
        return []
    listed = " + ".join(f"tuning.{name} {share:g}" for name, share in shares.items())
    return [f"{listed} = {total:g}: the four shares of the objective must sum to 1"]


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna import distributions

    if dimension.kind == "choice":
        return distributions.CategoricalDistribution(dimension.choices)
    if dimension.kind == "int":
        return distributions.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return distributions.FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _rounded(value: float) -> int:
    """To the nearest whole number, halves up."""
    return math.floor(value + 0.5)
