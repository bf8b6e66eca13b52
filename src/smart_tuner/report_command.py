"""`smart-tuner report`: the page of a run or a study, written anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_tuner.messages import Language, ReportPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Messages, RunsFolder

if TYPE_CHECKING:
    from smart_tuner.tuning.study_folder import StudyFolder


def report(
    name: Annotated[
        str, typer.Argument(metavar="RUN|STUDY", help="The name of a run or a study, or its folder.")
    ],
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Write the report of a run or a study, one HTML file, also while it goes on."""
    with plain_errors(messages):
        from smart_tuner.run_folder import find_run
        from smart_tuner.run_report import write_run_report, write_study_report

        if study := _study(name, runs_folder):
            from smart_tuner.study_commands import renew_record

            if study.database_file.is_file():  # otherwise its trials are kept elsewhere
                renew_record(study)
            file = write_study_report(study, messages)
        else:
            file = write_run_report(find_run(runs_folder, name), messages)
        typer.echo(render(ReportPhrase.REPORT_WRITTEN(file=file), messages))


def _study(name: str, runs_folder: Path) -> StudyFolder | None:
    """The study of that name or in that folder; None where there is none."""
    from smart_tuner.tuning.study_folder import NAME, StudyFolder, study_folder

    if (Path(name) / "study.yaml").is_file():
        return StudyFolder(Path(name))
    if not NAME.fullmatch(name) or (runs_folder / name / "run.yaml").is_file():
        return None
    found = study_folder(runs_folder, name)
    return found if found.settings_file.is_file() else None
