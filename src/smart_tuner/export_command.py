"""`smart-tuner export`: what a run made, for programs of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smart_tuner.messages import Language, VocoderPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Device, DeviceOption, Messages, RunsFolder

export_app = typer.Typer(help="What others read.", rich_markup_mode=None, no_args_is_help=True)


@export_app.callback()
def _group() -> None:
    """What a run made, for programs of others."""


@export_app.command("gta-mels")
def gta_mels(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's name, or its folder.")],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="The folder to make.", file_okay=False)],
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its weights; else the best ones.", exists=True)
    ] = None,
    device: DeviceOption = Device.AUTO,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Spectrograms of the run's own recordings, teacher forced, for the fine-tuning of a vocoder."""
    with plain_errors(messages):
        from smart_tuner.library import run_library
        from smart_tuner.run_folder import data_folder, feature_folder, find_run

        found = find_run(runs_folder, run)
        folder = found.config().data_folder
        weights = checkpoint or found.best_checkpoint()
        arguments = [
            *("gta-mels", f"--checkpoint={weights}", f"--settings={found.settings_file}"),
            *(f"--home={data_folder(found.root)}", f"--features={feature_folder(found.root)}"),
            *(f"--output={output}", f"--device={device.value}"),
            *([f"--folder={folder}"] if folder is not None else []),
        ]

        def tell(record: dict[str, Any]) -> None:
            made = VocoderPhrase.EXPORT_DONE(
                folder=record["folder"],
                training=record["training"],
                validation=record["validation"],
                minutes=record["seconds"] / 60,
            )
            typer.echo(render(made, messages))
            if record["left_out"]:
                reason = record["first_left_out"]
                told = VocoderPhrase.EXPORT_LEFT_OUT(count=record["left_out"], reason=reason)
                typer.echo(render(told, messages))

        raise typer.Exit(run_library(arguments, messages, VocoderPhrase.EXPORT_FAILED, tell))
