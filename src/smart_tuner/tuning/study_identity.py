"""Which study this is: its settings and its recordings, kept in it, so that nothing else joins it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from smart_tuner.config import Config, ConfigError
from smart_tuner.tuning.search_space import SearchSpace
from tacotron2.hparams import HParams

if TYPE_CHECKING:
    from optuna import Study

BUDGET = ("trials", "max_tuning_hours", "max_tuning_steps", "auto_minutes", "auto_share")
"""Settings of a study that may change while it goes on."""


def claim_study(study: Study, config: Config, space: SearchSpace) -> None:
    """Make the study ours or see that it is; what its first two trials are is known before it begins.

    Raises:
        ConfigError: it tunes something else.
    """
    known = study.user_attrs.get("digest")
    digest = study_digest(config, space)
    if known is None:
        for params in (space.values_of(HParams()), space.values_of(config.hparams)):
            study.enqueue_trial(params, skip_if_exists=True)
        study.set_user_attr("settings", config.to_yaml())
        study.set_user_attr("digest", digest)  # last: without it all this is done again
    elif known != digest:
        name = study.study_name
        raise ConfigError([f"study {name!r} tunes other settings; give this one another name with --study"])


def claim_data(study: Study, digests: Sequence[str]) -> None:
    """See that all who work on the study learn from the same recordings; the first one says which.

    Raises:
        ConfigError: these are others.
    """
    digest = hashlib.sha256(" ".join(digests).encode()).hexdigest()
    known = study.user_attrs.get("data")
    if known is None:
        study.set_user_attr("data", digest)
    elif known != digest:
        raise ConfigError(
            [
                f"study {study.study_name!r}: its trials learn from other recordings (hash "
                f"{known[:12]}, here {digest[:12]}); bring the same lists and files here, or give the "
                "study another name"
            ]
        )


def study_digest(config: Config, space: SearchSpace) -> str:
    """The same for two configurations whose studies may share their trials: budgets may differ, and where
    the recordings lie; what is in them is compared by itself."""
    tuning = {k: v for k, v in asdict(config.tuning).items() if k not in BUDGET}
    facts = (replace(config, data_folder=None).digest(), space.digest(), tuning, asdict(config.gate))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
