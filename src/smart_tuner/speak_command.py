"""`smart-tuner data speak`: the texts of one's recordings by the synthesiser, to make a base from."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from smart_tuner.messages import CommandPhrase, Language
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Messages, Overrides, Preset, RunsFolder


def speak(
    folder: Annotated[Path, typer.Argument(help="A folder of recordings with texts, as for --data.")],
    output: Annotated[Path, typer.Option(help="The folder to make.", file_okay=False)],
    preset: Preset = "small",
    overrides: Overrides = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Speak the texts of recordings by the synthesiser: a training on that is a base to fine-tune from."""
    with plain_errors(messages):
        from smart_tuner.config import load_config, synthesiser_voice
        from smart_tuner.library import run_library
        from smart_tuner.run_folder import data_folder

        config = load_config(preset, synthesiser_voice(preset, overrides or []))
        with tempfile.TemporaryDirectory() as temporary:
            settings = Path(temporary) / "run.yaml"
            settings.write_text(config.to_yaml(), encoding="utf-8")
            home = data_folder(runs_folder.absolute())
            arguments = [f"--folder={folder}", f"--output={output}", f"--home={home}"]
            command = ["speak", *arguments, f"--settings={settings}"]
            raise typer.Exit(run_library(command, messages, CommandPhrase.NO_CORPUS))
