"""`smart-tuner data prepare`: long recordings to a folder that training accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smart_tuner.messages import Language, PreparationPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import Messages


def prepare(
    folder: Annotated[Path, typer.Argument(help="Long recordings, each with its text beside it.")],
    output: Annotated[Path, typer.Option(help="The folder for the clips.", file_okay=False)],
    language: Annotated[str, typer.Option(help="The language that is spoken: en, ru, de.")] = "en",
    recogniser: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="For recordings without a text: whisper:FOLDER, or module:function of yours."
        ),
    ] = "",
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Processes; otherwise one for each core.")
    ] = None,
    min_seconds: Annotated[float, typer.Option(help="The shortest clip.")] = 1.0,
    max_seconds: Annotated[float, typer.Option(help="The longest clip.")] = 15.0,
    min_snr_db: Annotated[
        float,
        typer.Option("--min-snr-db", help="Clips with more noise are left out."),
    ] = 15.0,
    messages: Messages = Language.EN,
) -> None:
    """Cut long recordings into clips with their texts. The same command goes on where it was interrupted."""
    with plain_errors(messages):
        from smart_tuner.library import run_library
        from smart_tuner.machine import num_cores

        def tell(record: dict[str, Any]) -> None:
            for message in _told(record):
                typer.echo(render(message, messages))

        arguments = [
            *("prepare", f"--folder={folder.expanduser()}", f"--output={output.expanduser()}"),
            *(f"--language={language}", f"--recogniser={recogniser}"),
            *(f"--workers={workers or num_cores()}", f"--min-seconds={min_seconds}"),
            *(f"--max-seconds={max_seconds}", f"--min-snr-db={min_snr_db}"),
        ]
        raise typer.Exit(run_library(arguments, messages, PreparationPhrase.NOT_PREPARED, tell))


def _told(record: dict[str, Any]) -> list[Any]:
    clips = record["clips"]
    told = [
        PreparationPhrase.PREPARED(
            output=record["output"],
            clips=sum(clips.values()),
            minutes=record["clip_seconds"] / 60,
            whole=record["seconds"] / 60,
            recordings=record["recordings"] - record["recordings_rejected"],
        ),
        PreparationPhrase.PREPARED_LISTS(
            train=clips["train"], validation=clips["validation"], test=clips["test"]
        ),
    ]
    if record["rejected"] or record["recordings_rejected"]:
        told.append(
            PreparationPhrase.PREPARED_REJECTED(
                clips=record["rejected"],
                recordings=record["recordings_rejected"],
                path=Path(record["output"]) / "rejected.tsv",
            )
        )
    if record["first_reason"]:
        told.append(PreparationPhrase.PREPARED_FIRST(reason=record["first_reason"]))
    return told
