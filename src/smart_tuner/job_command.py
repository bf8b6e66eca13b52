"""What `auto`, `train` and `finetune` have in common: from what was typed to a run and its exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_tuner.messages import CommandPhrase, Language
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import (
    DEFAULT_RUNS,
    DataFolder,
    Device,
    DeviceOption,
    Messages,
    New,
    NoServices,
    Overrides,
    Preset,
    Processes,
    Quiet,
    RunsFolder,
    Verbose,
    Voice,
    VoiceOption,
    check_loudness,
    check_recordings,
)

if TYPE_CHECKING:
    from smart_tuner.config import Config
    from smart_tuner.finetuning import WrittenBase
    from smart_tuner.progress import Output


@dataclass(frozen=True)
class Typed:
    """The options of a command that trains."""

    preset: str
    data: str | None
    voice: Voice | None
    overrides: Sequence[str]
    runs_folder: Path
    device: Device
    processes: int | None
    new: bool
    no_services: bool
    verbose: bool
    quiet: bool
    messages: Language
    inject: str | None = None
    tunes: bool = False

    def changes(self) -> list[str]:
        """The overrides that the other options stand for, too."""
        from smart_tuner.config import voice_settings

        spoken = voice_settings(self.voice) if self.voice else ()
        shared = [] if self.processes is None else [f"train.num_processes={self.processes}"]
        return [*spoken, *self.overrides, *shared]


Inject = Annotated[
    str | None,
    typer.Option(
        metavar="FAULTS",
        help="Make a new run go wrong, to see it heal: KIND@STEP, parted by commas, as in nan-loss@37.",
    ),
]


def open_output(typed: Typed) -> Output:
    """Where the command speaks, when what was typed has been looked at."""
    from smart_tuner.progress import Output, verbosity

    check_loudness(typed.verbose, typed.quiet, typed.messages)
    check_recordings(typed.data, typed.voice, typed.messages)
    return Output(sys.stdout, verbosity(typed.verbose, typed.quiet), typed.messages)


def start_job(typed: Typed) -> int:
    """Train, show it, leave a voice; returns the exit status."""
    from smart_tuner.finetuning import refuse_without_base
    from smart_tuner.own_recordings import job_config

    voice, output = typed.voice, open_output(typed)
    device, runs_folder = typed.device.value, typed.runs_folder
    config = job_config(typed.preset, typed.data, typed.changes(), runs_folder, device, typed.new, output)
    if voice and config.data_folder is not None:
        usage_error(CommandPhrase.VOICE_OF_DEMO(voice=voice.value), typed.messages)
    refuse_without_base(typed.preset, config)
    return run_job(typed, config, output)


def run_job(typed: Typed, config: Config, output: Output, base: WrittenBase | None = None) -> int:
    """The same with a configuration, and with what the training begins with."""
    from smart_tuner.faults import parse_faults
    from smart_tuner.main import SmartTunerMain

    if typed.no_services:
        config = replace(config, services=replace(config.services, enabled=False))
    faults = [] if typed.inject is None else parse_faults(typed.inject, config.hparams.train.max_steps)
    job = SmartTunerMain(
        config,
        output,
        runs_folder=typed.runs_folder,
        device=typed.device.value,
        new=typed.new,
        faults=faults,
        tunes=typed.tunes,
        base=base,
    )
    return job.run()


def train(
    preset: Preset = "demo",
    data: DataFolder = None,
    voice: VoiceOption = None,
    overrides: Overrides = None,
    inject: Inject = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    processes: Processes = None,
    new: New = False,
    no_services: NoServices = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    messages: Messages = Language.EN,
) -> None:
    """Train as a preset says: nothing is chosen. Goes on with an unfinished run of the same settings."""
    with plain_errors(messages):
        typed = Typed(
            preset,
            data,
            voice,
            overrides or [],
            runs_folder,
            device,
            processes,
            new,
            no_services,
            verbose,
            quiet,
            messages,
            inject,
        )
        from smart_tuner.config import load_config

        load_config(preset)  # "choose", which means something to auto, is no preset
        raise typer.Exit(start_job(typed))
