"""`smart-tuner incident`: what went wrong in a run, and one of it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smart_tuner.messages import IncidentPhrase, Language, render
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import DEFAULT_RUNS, Messages, RunsFolder

if TYPE_CHECKING:
    from smart_tuner.run_folder import RunFolder
    from tacotron2.events import IncidentEvent

incident_app = typer.Typer(help="What went wrong in a training.", rich_markup_mode=None, no_args_is_help=True)
Run = Annotated[str, typer.Argument(help="The run's name, or its folder.")]


@incident_app.command("list")
def list_(run: Run, runs_folder: RunsFolder = DEFAULT_RUNS, messages: Messages = Language.EN) -> None:
    """The incidents of a run, in the order in which they were found."""
    with plain_errors(messages):
        from smart_tuner.records import read_events
        from smart_tuner.run_folder import find_run
        from tacotron2.events import IncidentEvent

        folder = find_run(runs_folder, run)
        events = [stamped.event for stamped in read_events(folder.events_file)[0]]
        incidents = [event for event in events if isinstance(event, IncidentEvent)]
        if not incidents:
            typer.echo(render(IncidentPhrase.NO_INCIDENTS(run=folder.name), messages))
            return
        for line in incident_table(folder, incidents, messages):
            typer.echo(line)


@incident_app.command()
def replay(
    run: Run,
    step: Annotated[int, typer.Argument(help="The step of a non-finite update, from the list.")],
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Run the batch of a non-finite update again; status 0 where it is not finite again, else 1."""
    with plain_errors(messages):
        from smart_tuner.library import run_library
        from smart_tuner.run_folder import find_run

        folder = find_run(runs_folder, run)
        incident = folder.incident_folder(step)
        if not incident.is_dir():
            usage_error(IncidentPhrase.NOTHING_TO_REPLAY(step=step, run=folder.name), messages)
        arguments = ["incident-replay", f"--folder={incident}"]
        raise typer.Exit(run_library(arguments, messages, IncidentPhrase.NOT_REPLAYED))


def incident_table(folder: RunFolder, incidents: list[IncidentEvent], language: Language) -> list[str]:
    """A heading and a line for each incident: step, kind, what it is about, whether it can be replayed."""
    from smart_tuner.wording import subject

    heads = (
        IncidentPhrase.HEAD_INCIDENT_STEP,
        IncidentPhrase.HEAD_INCIDENT,
        IncidentPhrase.HEAD_SUBJECT,
        IncidentPhrase.HEAD_REPLAY,
    )
    rows = [[render(head(), language) for head in heads]]
    for event in incidents:
        kept = event.folder is not None and (folder.path / event.folder).is_dir()
        word = IncidentPhrase.CAN_REPLAY() if kept else IncidentPhrase.NO_REPLAY_KEPT()
        rows.append([str(event.step), event.incident, subject(event) or "-", render(word, language)])
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        f"{step:>{widths[0]}}  {kind:<{widths[1]}}  {about:<{widths[2]}}  {replayed}"
        for step, kind, about, replayed in rows
    ]
