"""`smart-tuner study`: the studies that there are, and what came out of one so far."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_tuner.messages import Language, StudyPhrase, TuningPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Messages, RunsFolder
from smart_tuner.study_command import Storage

if TYPE_CHECKING:
    from optuna import Study

    from smart_tuner.tuning.study_folder import StudyFolder
    from smart_tuner.tuning.study_result import StudyResult

study_app = typer.Typer(help="What was tuned so far.", rich_markup_mode=None, no_args_is_help=True)


@study_app.command("list")
def list_(runs_folder: RunsFolder = DEFAULT_RUNS, messages: Messages = Language.EN) -> None:
    """All studies: trials, how many are complete, the score of the best."""
    with plain_errors(messages):
        from smart_tuner.tuning.study_folder import list_studies

        folders = list_studies(runs_folder)
        if not folders:
            typer.echo(render(TuningPhrase.NO_STUDIES(folder=runs_folder), messages))
            return
        for line in _study_table(folders, messages):
            typer.echo(line)


@study_app.command()
def show(
    study: Annotated[str, typer.Argument(metavar="NAME", help="The study's name.")],
    storage: Storage = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """The best trials of a study, also of a running one. Its record and pictures are written anew."""
    with plain_errors(messages):
        from smart_tuner.tuning.study_folder import study_folder

        folder = study_folder(runs_folder, study)
        result = renew_record(folder, storage)
        for line in result.lines:
            typer.echo(render(line, messages))
        names = ", ".join(path.name for path in result.pictures)
        typer.echo(render(TuningPhrase.PICTURES(folder=_shown(folder.path), names=names), messages))
        typer.echo(render(result.verdict(folder, _shown), messages))


def renew_record(folder: StudyFolder, storage: str | None = None) -> StudyResult:
    """The record and the pictures of a study as it is now.

    Raises:
        RunError: there is no such study.
        StudyStorageError: the storage cannot be used.
        StorageError: they cannot be written.
    """
    from smart_tuner.tuning.samplers import plan_sampler
    from smart_tuner.tuning.search_space import SearchSpace
    from smart_tuner.tuning.study_result import write_result

    found, config = opened_study(folder, storage), folder.config()
    space = SearchSpace.of(config)
    plan = plan_sampler(config.tuning, space, config.tuning.trials)
    return write_result(found, folder, config, space, plan)


def opened_study(folder: StudyFolder, storage: str | None) -> Study:
    """The study in its own file, or where `storage` says.

    Raises:
        RunError: there is no such study.
        StudyStorageError: the storage cannot be used.
    """
    from smart_tuner.run_folder import RunError
    from smart_tuner.tuning.storage_address import check_address, sqlite_url

    if not folder.settings_file.is_file():
        raise RunError(TuningPhrase.NO_STUDY_THERE(folder=_shown(folder.path)))
    if storage is None and not folder.database_file.is_file():
        raise RunError(TuningPhrase.STUDY_ELSEWHERE(file=_shown(folder.database_file)))
    import optuna

    from smart_tuner.tuning.storage import open_storage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = storage or sqlite_url(folder.database_file)
    try:
        return optuna.load_study(study_name=folder.name, storage=open_storage(url))
    except KeyError:
        address = str(check_address(url))
        raise RunError(StudyPhrase.NO_SUCH_STUDY(study=folder.name, storage=address)) from None


def _study_table(folders: list[StudyFolder], language: Language) -> list[str]:
    """A heading and a line for each study, aligned; `-` where its trials are kept elsewhere."""
    heads = (
        TuningPhrase.HEAD_STUDY,
        TuningPhrase.HEAD_TRIALS,
        TuningPhrase.HEAD_COMPLETE,
        TuningPhrase.HEAD_BEST,
    )
    rows = [[render(head(), language) for head in heads], *(_row(folder, language) for folder in folders)]
    width = max(len(row[0]) for row in rows)
    return [
        f"{name:<{width}}  {trials:>8} {complete:>10} {best:>10}" for name, trials, complete, best in rows
    ]


def _row(folder: StudyFolder, language: Language) -> list[str]:
    """Name, trials that were begun, complete ones, and the score of the best one."""
    if not folder.database_file.is_file():
        return [folder.name, "-", "-", "-"]
    from smart_tuner.run_folder import RunError
    from smart_tuner.tuning.storage_address import StudyStorageError
    from smart_tuner.tuning.trial_facts import counts, winner

    try:
        trials = [trial for trial in opened_study(folder, None).get_trials(deepcopy=False) if counts(trial)]
    except (RunError, StudyStorageError) as error:  # one that cannot be read does not hide the others
        typer.echo(render(error.message, language), err=True)
        return [folder.name, "?", "?", "?"]
    complete = sum(trial.state.name == "COMPLETE" for trial in trials)
    best = winner(trials)
    return [folder.name, str(len(trials)), str(complete), f"{best.value:.3f}" if best else "-"]


def _shown(path: Path) -> Path:
    """As short as it can be typed."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
