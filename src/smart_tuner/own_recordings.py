"""The configuration for recordings of one's own where no preset was named: measured, chosen, told."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from smart_tuner.config import Config, load_config
from smart_tuner.machine import DISK_NEEDED_BYTES, free_disk, gib, num_cores
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


class SurveyError(ValueError):
    """The recordings or the device cannot be used; its child, whose status it has, told why."""

    def __init__(self, status: int) -> None:
        self.status = status if status > 0 else ExitCause.CRASHED.code
        super().__init__("no preset could be chosen; nothing was started")


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
        begun = digests[unfinished.config().digest()]
        choice = Choice(begun, f"the unfinished run {unfinished.name} has it (--new chooses afresh)")
    else:
        output.say(f"Looking at the recordings in {folder}")
        found = survey(folder, configs[LARGE], data_folder(runs_folder.absolute()), device)
        output.say(
            f"  {found.clips:,} of {found.named:,} clips have a usable length: {found.hours:.2f} hours, "
            f"mostly at {found.sampling_rate:,} Hz"
        )
        _warn_about_disk(found.hours, configs[LARGE], runs_folder, output)
        choice = choose_preset(found.hours, found.device, found.device_memory_bytes, num_cores())
    output.result(f"Preset {choice.preset}: {choice.reason}. Another one: --preset NAME")
    return configs[choice.preset]


def _warn_about_disk(hours: float, config: Config, runs_folder: Path, output: Output) -> None:
    """Where the cache of features would not fit; the run's own estimate leaves it out."""
    audio = config.hparams.audio
    frames = 3600 * hours * audio.sampling_rate / audio.hop_length
    needed = frames * audio.n_mel_channels * FEATURE_BYTES
    free = free_disk(runs_folder)
    if free < needed + DISK_NEEDED_BYTES:
        output.result(
            f"warning: the features of these recordings take about {gib(needed)} of disk beside the run, and "
            f"{gib(free)} are free: another --runs-folder helps"
        )


def survey(folder: Path, config: Config, home: Path, device: str) -> Survey:
    """What a child of the library measures; its words go to standard error, as does its progress.

    Raises:
        SurveyError: it ended with another status than 0.
    """
    with tempfile.TemporaryDirectory() as temporary:
        settings = Path(temporary) / "run.yaml"
        settings.write_text(config.to_yaml(), encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tacotron2.cli", "survey", f"--device={device}"),
                *(f"--folder={folder}", f"--home={home}", f"--settings={settings}"),
            ],
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
        )
    if done.returncode != 0:
        raise SurveyError(done.returncode)
    told = json.loads(done.stdout)
    return Survey(**{name: told[name] for name in Survey.__dataclass_fields__})
