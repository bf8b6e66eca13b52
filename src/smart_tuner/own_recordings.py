"""The configuration for recordings of one's own where no preset was named: measured, chosen, told."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smart_tuner.config import Config, load_config
from smart_tuner.library import run_library
from smart_tuner.machine import DISK_NEEDED_BYTES, free_disk, num_cores
from smart_tuner.messages import CommandPhrase, Language, MessageError, RecordingsPhrase
from smart_tuner.preset_choice import LARGE, SMALL, Choice, choose_preset
from smart_tuner.progress import Output
from smart_tuner.records import ExitCause
from smart_tuner.run_folder import data_folder, find_resumable

CHOOSE = "choose"
"""In a preset's place: choose one."""
DEMO = "demo"
CANDIDATES = (SMALL, LARGE)
FEATURE_BYTES = 4
"""Of a value in the cache."""


class SurveyError(MessageError):
    """The recordings or the device cannot be used; its child, whose status it has, told why."""

    def __init__(self, status: int) -> None:
        self.status = status if status > 0 else ExitCause.CRASHED.code
        super().__init__(RecordingsPhrase.NOT_CHOSEN())


@dataclass(frozen=True)
class Survey:
    """What the child found; see `tacotron2.data.survey.Survey`."""

    clips: int
    named: int
    hours: float
    sampling_rate: int
    device: str
    device_memory_bytes: int


def job_config(
    preset: str,
    data: str | None,
    overrides: Sequence[str],
    runs_folder: Path,
    device: str,
    new: bool,
    output: Output,
) -> Config:
    """The configuration of the main job, its preset chosen where `preset` says so.

    Args:
        data: the folder of the recordings; None: that of the preset or an override, else the demo corpus.

    Raises:
        ConfigError: the preset or an override is wrong.
        SurveyError: see `own_config`.
    """
    chooses = preset == CHOOSE
    config = load_config(DEMO if chooses else preset, overrides)
    if data is not None:
        config = replace(config, data_folder=Path(data).expanduser().absolute())
    if chooses and config.data_folder is not None:
        return own_config(config.data_folder, overrides, runs_folder, device, new, output)
    return config


def own_config(
    folder: Path, overrides: Sequence[str], runs_folder: Path, device: str, new: bool, output: Output
) -> Config:
    """A candidate preset with the overrides and the folder; the choice is told with its reason.

    An unfinished run of the same folder and overrides keeps the preset it was started with, whatever has
    been recorded since or computes now; `new` chooses afresh.

    Raises:
        ConfigError: an override is wrong.
        SurveyError: the folder has no known form, or the device is not there.
    """
    configs = {name: replace(load_config(name, overrides), data_folder=folder) for name in CANDIDATES}
    digests = {config.digest(): name for name, config in configs.items()}
    unfinished = None if new else find_resumable(runs_folder.absolute(), *digests)
    if unfinished is not None:
        begun = digests[unfinished.asked_digest()]
        choice = Choice(begun, RecordingsPhrase.UNFINISHED(run=unfinished.name))
    else:
        output.say(RecordingsPhrase.LOOKING(folder=folder))
        home = data_folder(runs_folder.absolute())
        found = survey(folder, configs[LARGE], home, device, output.language)
        output.say(
            RecordingsPhrase.USABLE(
                clips=found.clips, named=found.named, hours=found.hours, rate=found.sampling_rate
            )
        )
        _warn_about_disk(found.hours, configs[LARGE], runs_folder, output)
        choice = choose_preset(found.hours, found.device, found.device_memory_bytes, num_cores())
    output.result(RecordingsPhrase.PRESET(preset=choice.preset, reason=choice.reason))
    return configs[choice.preset]


def _warn_about_disk(hours: float, config: Config, runs_folder: Path, output: Output) -> None:
    """Where the cache of features would not fit; the run's own estimate leaves it out."""
    audio = config.hparams.audio
    frames = 3600 * hours * audio.sampling_rate / audio.hop_length
    needed = frames * audio.n_mel_channels * FEATURE_BYTES
    free = free_disk(runs_folder)
    if free < needed + DISK_NEEDED_BYTES:
        told = RecordingsPhrase.FEATURES_DISK(needed=needed, free=free)
        output.result(CommandPhrase.WARNING(message=told))


def survey(folder: Path, config: Config, home: Path, device: str, language: Language) -> Survey:
    """What a child of the library measures; its mistakes and its progress are told in `language`.

    Raises:
        SurveyError: it ended with another status than 0.
    """
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        settings = Path(temporary) / "run.yaml"
        settings.write_text(config.to_yaml(), encoding="utf-8")
        status = run_library(
            [
                *("survey", f"--device={device}", f"--folder={folder}"),
                *(f"--home={home}", f"--settings={settings}"),
            ],
            language,
            RecordingsPhrase.NOT_SURVEYED,
            told.update,
        )
    if status != 0:
        raise SurveyError(status)
    return Survey(**{name: told[name] for name in Survey.__dataclass_fields__})
