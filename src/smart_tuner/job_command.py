"""What `auto` and `train` have in common: from what was typed to a run and its exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

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


def start_job(typed: Typed) -> int:
    """Train, show it, leave a voice; returns the exit status."""
    from smart_tuner.config import voice_settings
    from smart_tuner.faults import parse_faults
    from smart_tuner.main import SmartTunerMain
    from smart_tuner.own_recordings import job_config
    from smart_tuner.progress import Output, verbosity

    voice, messages = typed.voice, typed.messages
    check_loudness(typed.verbose, typed.quiet, messages)
    output = Output(sys.stdout, verbosity(typed.verbose, typed.quiet), messages)
    check_recordings(typed.data, voice, messages)
    spoken = voice_settings(voice) if voice else ()
    shared = [] if typed.processes is None else [f"train.num_processes={typed.processes}"]
    changes = [*spoken, *typed.overrides, *shared]
    device, runs_folder = typed.device.value, typed.runs_folder
    config = job_config(typed.preset, typed.data, changes, runs_folder, device, typed.new, output)
    if voice and config.data_folder is not None:
        usage_error(CommandPhrase.VOICE_OF_DEMO(voice=voice.value), messages)
    if typed.no_services:
        config = replace(config, services=replace(config.services, enabled=False))
    faults = [] if typed.inject is None else parse_faults(typed.inject, config.hparams.train.max_steps)
    job = SmartTunerMain(
        config,
        output,
        runs_folder=runs_folder,
        device=device,
        new=typed.new,
        faults=faults,
        tunes=typed.tunes,
    )
    return job.run()


def train(
    preset: Preset = "demo",
    data: DataFolder = None,
    voice: VoiceOption = None,
    overrides: Overrides = None,
    inject: Annotated[
        str | None,
        typer.Option(
            metavar="FAULTS",
            help="Make a new run go wrong, to see it heal: KIND@STEP, parted by commas, as in nan-loss@37.",
        ),
    ] = None,
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
