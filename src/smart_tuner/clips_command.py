"""`smart-tuner clips`: the recordings of a run that stay badly aligned."""

from __future__ import annotations

from typing import Annotated

import typer

from smart_tuner.messages import ClipsPhrase, Language
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import DEFAULT_RUNS, Messages, RunsFolder


def clips(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    as_json: Annotated[bool, typer.Option("--json", help="The whole record, for programs.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """List the recordings that stay badly aligned, with why and what to do about them."""
    with plain_errors(messages):
        import json

        from smart_tuner.bad_clips import clips_record, clips_table
        from smart_tuner.records import read_events
        from smart_tuner.run_folder import find_run

        folder = find_run(runs_folder, run)
        record = clips_record(folder, read_events(folder.events_file)[0])
        if record is None:
            usage_error(ClipsPhrase.NOT_YET(run=folder.name), messages)
        if as_json:
            typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
            return
        for line in clips_table(folder, record, messages):
            typer.echo(line)
