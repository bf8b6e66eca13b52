"""`smart-tuner data analyze`: what recordings hold, and which to listen to before training."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from smart_tuner.messages import AnalysisPhrase, Language, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Messages, Overrides, Preset, RunsFolder


def analyze(
    folder: Annotated[Path, typer.Argument(help="A folder of recordings with texts, as for --data.")],
    html: Annotated[
        Path | None,
        typer.Option(help="The page to write; otherwise FOLDER's name and .html, here.", dir_okay=False),
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", help="Write all figures into this file.", dir_okay=False)
    ] = None,
    preset: Preset = "small",
    overrides: Overrides = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Tell what recordings hold: hours, loudness, noise, symbols, and which clips to listen to."""
    with plain_errors(messages):
        from smart_tuner.config import load_config
        from smart_tuner.library import run_library
        from smart_tuner.records import write_atomically
        from smart_tuner.reports.analysis_page import analysis_page, summary
        from smart_tuner.reports.html import page_html
        from smart_tuner.run_folder import data_folder

        config = load_config(preset, overrides or [])
        folder = folder.expanduser().absolute()
        with tempfile.TemporaryDirectory() as temporary:
            settings, figures = Path(temporary) / "run.yaml", Path(temporary) / "analysis.json"
            settings.write_text(config.to_yaml(), encoding="utf-8")
            home = data_folder(runs_folder.absolute())
            arguments = [f"--folder={folder}", f"--home={home}", f"--settings={settings}"]
            status = run_library(
                ["analyse", *arguments, f"--output={figures}"],
                messages,
                AnalysisPhrase.NOT_ANALYSED,
                lambda record: None,
            )
            if status != 0:
                raise typer.Exit(status)
            content = figures.read_text(encoding="utf-8")
        found = json.loads(content)
        for message in summary(found):
            typer.echo(render(message, messages))
        for sentence in found["advice"]:
            typer.echo(sentence)
        page = html or Path(f"{folder.name}.html")
        write_atomically(page, page_html(analysis_page(found, folder, messages)))
        typer.echo(render(AnalysisPhrase.ANALYSIS_WRITTEN(path=page), messages))
        if json_ is not None:
            write_atomically(json_, content)
            typer.echo(render(AnalysisPhrase.FIGURES_WRITTEN(path=json_), messages))
