"""What a command needs to work on a study that another command has begun."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smart_tuner.config import Config
from smart_tuner.device_slots import Slot
from smart_tuner.messages import StudyPhrase
from smart_tuner.run_folder import RunError
from smart_tuner.tuning.storage import open_storage
from smart_tuner.tuning.storage_address import check_address
from smart_tuner.tuning.study_folder import StudyFolder

SLOTS_OF_OTHERS = 1_000_000
"""Workers that join have a number beyond those of the command that began the study."""


def joined_config(storage_url: str, folder: StudyFolder, data: Path | None) -> Config:
    """The configuration of a study that another command has begun; `data`: where the recordings are here.

    Raises:
        RunError: there is no such study.
        StudyStorageError: the storage cannot be used.
    """
    import optuna

    name = folder.name
    try:
        study = optuna.load_study(study_name=name, storage=open_storage(storage_url))
        text = study.user_attrs["settings"]
    except KeyError:
        raise RunError(
            StudyPhrase.NO_SUCH_STUDY(study=name, storage=str(check_address(storage_url)))
        ) from None
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / folder.settings_file.name
        file.write_text(text, encoding="utf-8")
        config = Config.from_yaml(file)
    return config if data is None else replace(config, data_folder=data.expanduser().absolute())


def joining(slots: Sequence[Slot]) -> list[Slot]:
    """The same slots under numbers that no other worker of the study has."""
    first = SLOTS_OF_OTHERS + random.SystemRandom().randrange(2**20) * len(slots)
    return [replace(slot, index=first + slot.index) for slot in slots]
