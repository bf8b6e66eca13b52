"""The configuration for recordings of one's own where no preset was named: measured, chosen, told."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smart_tuner.config import ADVISED, Config, load_config
from smart_tuner.library import run_library
from smart_tuner.machine import DISK_NEEDED_BYTES, free_disk, num_cores
from smart_tuner.messages import (
    CommandPhrase,
    Language,
    LengthPhrase,
    Message,
    MessageError,
    RecordingsPhrase,
)
from smart_tuner.preset_choice import LARGE, SMALL, Choice, choose_preset
from smart_tuner.progress import Output
from smart_tuner.records import ExitCause
from smart_tuner.run_folder import RunFolder, data_folder, find_resumable
from smart_tuner.training_length import Speech, recommend_length

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
    letter_pairs: int = 0
    speakers: int = 1

    @property
    def speech(self) -> Speech:
        """What the length of a training depends on."""
        left_out = 1.0 - self.clips / self.named if self.named else 0.0
        return Speech(self.hours, self.clips, left_out, self.letter_pairs or None, self.speakers)


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
    advises = not sets_length(overrides)
    if advises:
        digests |= {replace(each, advised_length=True).digest(): name for name, each in configs.items()}
    unfinished = None if new else find_resumable(runs_folder.absolute(), *digests)
    if unfinished is not None:
        begun = digests[unfinished.asked_digest()]
        choice = Choice(begun, RecordingsPhrase.UNFINISHED(run=unfinished.name))
        chosen, length = _length_of(unfinished, configs[begun]), None
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
        chosen, length = configs[choice.preset], None
        if advises:
            chosen, length = advised(chosen, found.speech)
    output.result(RecordingsPhrase.PRESET(preset=choice.preset, reason=choice.reason))
    if length is not None:
        output.result(length)
    return chosen


def sets_length(overrides: Sequence[str]) -> bool:
    """Whether the user has said how long to train, in steps or in minutes."""
    keys = {text.partition("=")[0].strip().removeprefix("train.") for text in overrides}
    return bool(keys & {"max_steps", "max_train_minutes", "learning_rate_decay_start"})


def advised(config: Config, speech: Speech) -> tuple[Config, Message]:
    """The configuration with the recommended length, and what is said of it.

    The learning rate begins to fall where the preset says, but in the first half at the latest.
    """
    train = config.hparams.train
    length = recommend_length(
        speech, config.preset, train.batch_size, config.hparams.model.n_frames_per_step, train.validate_every
    )
    decay = min(train.learning_rate_decay_start, length.steps // 2)
    hparams = config.hparams.replace(max_steps=length.steps, learning_rate_decay_start=decay)
    told = LengthPhrase.RECOMMENDED(
        steps=length.steps, low=length.low, high=length.high, reasoning=length.reasoning
    )
    return replace(config, hparams=hparams, advised_length=True), told


def _length_of(run: RunFolder, config: Config) -> Config:
    """The configuration with the length that an unfinished run was begun with."""
    begun = run.config()
    if not begun.advised_length:
        return config
    lengths = {name: getattr(begun.hparams.train, name) for name in ADVISED}
    return replace(config, hparams=config.hparams.replace(**lengths), advised_length=True)


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
