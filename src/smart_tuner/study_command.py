"""The commands that tune: `optimize` begins a study or goes on with it, `join` adds a worker to one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from smart_tuner.messages import Language
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import (
    DEFAULT_RUNS,
    DataFolder,
    Device,
    DeviceOption,
    Messages,
    NoServices,
    Overrides,
    Preset,
    Quiet,
    RunsFolder,
    Verbose,
    VoiceOption,
    check_loudness,
    check_recordings,
)

Storage = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="SMART_TUNER_STORAGE",
        help="Where the study is kept, as in postgresql+psycopg://user:password@host/name; else a file.",
    ),
]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        envvar="SMART_TUNER_TRACKING_URI",
        help="An MLflow server, as in http://host:5000, that is given the best weights of every trial.",
    ),
]
Devices = Annotated[
    str | None,
    typer.Option(metavar="N,N,...", help="Devices that work at the same time, a trial on each, as in 0,1."),
]


def optimize(
    preset: Preset = "demo",
    data: DataFolder = None,
    voice: VoiceOption = None,
    overrides: Overrides = None,
    study: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name; else made of preset and settings.")
    ] = None,
    storage: Storage = None,
    tracking_uri: TrackingUri = None,
    trials: Annotated[int | None, typer.Option(help="At most so many; short for tuning.trials.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="At most so long; short for tuning.max_tuning_hours.")
    ] = None,
    devices: Devices = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    no_services: NoServices = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    messages: Messages = Language.EN,
) -> None:
    """Find better hyper-parameters by short trainings. Goes on with a study of the same settings."""
    with plain_errors(messages):
        from dataclasses import replace

        from smart_tuner.config import load_config, voice_settings
        from smart_tuner.finetuning import refuse_without_base
        from smart_tuner.main import SmartTunerMain
        from smart_tuner.progress import Output, verbosity

        check_loudness(verbose, quiet, messages)
        check_recordings(data, voice, messages)
        changes = [*(voice_settings(voice) if voice else ()), *(overrides or [])]
        changes += [] if trials is None else [f"tuning.trials={trials}"]
        changes += [] if hours is None else [f"tuning.max_tuning_hours={hours}"]
        config = load_config(preset, changes)
        refuse_without_base(preset, config)
        if data is not None:
            config = replace(config, data_folder=Path(data).expanduser().absolute())
        if no_services:
            config = replace(config, services=replace(config.services, enabled=False))
        output = Output(sys.stdout, verbosity(verbose, quiet), messages)
        job = SmartTunerMain(config, output, runs_folder=runs_folder, device=device.value)
        raise typer.Exit(job.optimize(study, storage, devices, tracking_uri))


def join(
    study: Annotated[str, typer.Option(metavar="NAME", help="The study's name.")],
    storage: Annotated[
        str,
        typer.Option(
            metavar="URL", envvar="SMART_TUNER_STORAGE", help="Where it is kept: a server's database."
        ),
    ],
    tracking_uri: TrackingUri = None,
    data: DataFolder = None,
    devices: Devices = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    no_services: NoServices = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    messages: Messages = Language.EN,
) -> None:
    """Work on a study that `optimize` has begun, from this machine, until its budget is used up."""
    with plain_errors(messages):
        from dataclasses import replace

        from smart_tuner.device_slots import make_slots
        from smart_tuner.main import serving
        from smart_tuner.progress import Output, verbosity
        from smart_tuner.study_job import StudyJob
        from smart_tuner.study_joining import joined_config, joining
        from smart_tuner.tuning.study_folder import study_folder
        from smart_tuner.tuning.study_tracking import uploading

        check_loudness(verbose, quiet, messages)
        check_recordings(data, None, messages)
        folder = study_folder(runs_folder, study)
        upload = uploading(tracking_uri, folder.name)
        config = joined_config(storage, folder, None if data is None else Path(data))
        output = Output(sys.stdout, verbosity(verbose, quiet), messages)
        slots = joining(make_slots(devices))
        job = StudyJob(config, folder, storage, slots, device.value, output, before_complete=upload)
        if no_services:
            config = replace(config, services=replace(config.services, enabled=False))
        with serving(config, folder.root, output, storage, dashboard_alone=True):
            raise typer.Exit(job.join())
