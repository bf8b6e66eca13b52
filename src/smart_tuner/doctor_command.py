"""`smart-tuner doctor`: the readiness report."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_tuner.messages import CommandPhrase, Language, ReadinessPhrase, render
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import (
    DEFAULT_RUNS,
    DataFolder,
    Device,
    DeviceOption,
    Messages,
    Overrides,
    Preset,
    RunsFolder,
)

if TYPE_CHECKING:
    from smart_tuner.readiness.scene import Scene


def doctor(
    preset: Preset = "demo",
    data: DataFolder = None,
    overrides: Overrides = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    services: Annotated[
        bool, typer.Option("--services", help="Start MLflow and TensorBoard too, and wait for them.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody outside this machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="As a page that needs nothing but itself.")] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="As Markdown.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write it into this file.", dir_okay=False)] = None,
    messages: Messages = Language.EN,
) -> None:
    """Check program, settings, data and machine; status 0 where all is ready, 1 where something failed."""
    with plain_errors(messages):
        from smart_tuner.readiness import renderers
        from smart_tuner.readiness.report import keep, make_report

        if as_json + as_html + as_markdown > 1:
            usage_error(ReadinessPhrase.TWO_FORMS(), messages)
        if data is not None and not data.strip():
            usage_error(CommandPhrase.NAMELESS_FOLDER(), messages)
        scene = _scene(preset, data, overrides or [], runs_folder, device, services, offline)
        report = make_report(scene)
        if scene.problem is None:
            with suppress(OSError):  # the report itself says that the folder cannot be written
                keep(report, scene)
        forms = {renderers.as_json: as_json, renderers.as_html: as_html, renderers.as_markdown: as_markdown}
        form = next((form for form, wanted in forms.items() if wanted), renderers.as_text)
        text = form(report, messages)
        if output is None:
            sys.stdout.write(text)
        else:
            output.write_text(text, encoding="utf-8")
            told = ReadinessPhrase.DOCTOR_REPORT_WRITTEN(verdict=renderers.verdict(report), path=output)
            typer.echo(render(told, messages))
        raise typer.Exit(0 if report.is_ready else 1)


def _scene(
    preset: str,
    data: str | None,
    overrides: list[str],
    runs_folder: Path,
    device: Device,
    services: bool,
    offline: bool,
) -> Scene:
    from smart_tuner.config import ConfigError, load_config
    from smart_tuner.machine import inspect_machine
    from smart_tuner.readiness.scene import Scene

    problem = None
    try:
        config = load_config(preset, overrides)
    except ConfigError as error:
        config, problem = load_config("demo"), str(error)
    if data is not None:
        config = replace(config, data_folder=Path(data).expanduser().absolute())
    root = runs_folder.absolute()
    return Scene(
        config,
        inspect_machine(root),
        root,
        problem,
        device.value,
        offline=offline,
        starts_services=services,
    )
