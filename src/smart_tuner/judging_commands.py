"""`smart-tuner replay` and `smart-tuner gate`: what would have been decided; is a voice good enough."""

from __future__ import annotations

from typing import Annotated

import typer

from smart_tuner.messages import ControlPhrase, Language, render
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import DEFAULT_RUNS, Messages, RunsFolder

Run = Annotated[str, typer.Argument(help="The run's name, or its folder.")]


def replay(
    run: Run,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Settings to change, as early_stop.early_stopping=true."),
    ] = None,
    every: Annotated[bool, typer.Option("--every", help="Every validation, not only what changes.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Show who would have decided what, and when, in a recorded run, with its settings or others."""
    with plain_errors(messages):
        from smart_tuner import replay as replaying
        from smart_tuner.config import load_config
        from smart_tuner.finetuning import finetuned_from
        from smart_tuner.records import read_events
        from smart_tuner.run_folder import find_run

        folder = find_run(runs_folder, run)
        config = load_config(folder.settings_file, settings or ())
        stream, _ = read_events(folder.events_file)
        result = replaying.replay(stream, config, every)
        if not result.rows:
            usage_error(ControlPhrase.NOTHING_RECORDED(run=folder.name), messages)
        if base := finetuned_from(config):
            typer.echo(render(base, messages))
        for line in replaying.table(result, config, messages):
            typer.echo(line)


def gate(run: Run, runs_folder: RunsFolder = DEFAULT_RUNS, messages: Messages = Language.EN) -> None:
    """Say whether the voice of a run is good enough, figure by figure; status 0, or 1 where one fails."""
    with plain_errors(messages):
        from smart_tuner import quality_gate
        from smart_tuner.run_folder import find_run

        folder = find_run(runs_folder, run)
        judged = quality_gate.judged_figures(folder)
        checks = quality_gate.check(judged.figures, folder.config().gate)
        for line in quality_gate.table(judged, checks, messages):
            typer.echo(line)
        raise typer.Exit(0 if all(each.passed for each in checks) else 1)
