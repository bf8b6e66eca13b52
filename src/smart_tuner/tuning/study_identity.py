"""Which study this is: its settings and its recordings, kept in it, so that nothing else joins it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from smart_tuner.config import Config, ConfigError
from smart_tuner.messages import StudyPhrase
from smart_tuner.run_folder import RunError
from smart_tuner.tuning.budget import Budget
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
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


def require_own_folder(folder: StudyFolder, config: Config) -> None:
    """See that the folder of a study holds no other one: their trials would take each other's place.

    Raises:
        RunError: it does.
    """
    if not folder.settings_file.is_file():
        return
    try:
        there = folder.config()
        same = study_digest(there, SearchSpace.of(there)) == study_digest(config, SearchSpace.of(config))
    except ConfigError:
        return  # damaged: it is written anew
    if not same:
        raise RunError(StudyPhrase.OTHER_STUDY_THERE(file=folder.settings_file))


def budget_of(config: Config) -> Budget:
    """What a study of this configuration may cost."""
    tuning = config.tuning
    return Budget(tuning.trials, tuning.max_tuning_hours, tuning.max_tuning_steps)


def keep_budget(study: Study, config: Config) -> None:
    """Let all who work on the study know what it may cost from now on, those who join later too."""
    budget, settings = asdict(budget_of(config)), config.to_yaml()
    known = study.user_attrs
    if known.get("budget") != budget:
        study.set_user_attr("settings", settings)
        study.set_user_attr("budget", budget)


def kept_budget(study: Study) -> Budget | None:
    """What the study may cost by the command that leads it; None: it has not said so."""
    known = study.user_attrs.get("budget")
    return Budget(**known) if known else None


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
