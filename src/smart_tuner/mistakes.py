"""A mistake of the person who typed: one message and an exit status, never a traceback."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from smart_tuner.messages import CommandPhrase, Language, Message, MessageError, render, warnings_told

USAGE_ERROR = 2


@contextmanager
def plain_errors(messages: Language) -> Iterator[None]:
    """A user's mistake becomes one message and an exit status; an error of the program stays a traceback."""
    try:
        with warnings_told(messages):
            yield
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("smart_tuner", "tacotron2"):
            raise
        usage_error(CommandPhrase.NOT_INSTALLED(name=str(error.name)), messages)
    except (ValueError, OSError) as error:
        status = _status_of(error)
        if status is None:
            raise
        typer.echo(render(_headed(error), messages), err=True)
        raise typer.Exit(status) from None


def _headed(error: ValueError | OSError) -> Message:
    """What to tell of a mistake; what the library and its settings say about it stays in English."""
    if isinstance(error, MessageError):
        return CommandPhrase.MISTAKE(detail=error.message)
    if isinstance(error, OSError):
        return CommandPhrase.NOT_STORED(detail=str(error))
    return CommandPhrase.BAD_SETTINGS(detail=str(error))


def _status_of(error: ValueError | OSError) -> int | None:
    """The exit status of a mistake that a user can mend; None for an error of the program."""
    from smart_tuner.faults import FaultError
    from smart_tuner.finetuning import NeedsBaseError
    from smart_tuner.main import MachineError
    from smart_tuner.notice_settings import SecretsError
    from smart_tuner.own_recordings import SurveyError
    from smart_tuner.records import ExitCause, OutcomeError
    from smart_tuner.registry.errors import RegistryError
    from smart_tuner.restart_history import HistoryError
    from smart_tuner.run_folder import RunError
    from smart_tuner.tuning.storage_address import StudyStorageError
    from smart_tuner.tuning.study_tracking import StudyTrackingError
    from tacotron2.files import StorageError
    from tacotron2.hparams import HParamsError

    if isinstance(error, (HParamsError, NeedsBaseError)):
        return ExitCause.CONFIGURATION_ERROR.code
    if isinstance(error, SurveyError):
        return error.status
    if isinstance(error, StorageError):
        return ExitCause.STORAGE_ERROR.code
    known = (
        RunError,
        MachineError,
        OutcomeError,
        HistoryError,
        RegistryError,
        FaultError,
        SecretsError,
        StudyStorageError,
        StudyTrackingError,
    )
    return USAGE_ERROR if isinstance(error, known) else None


def usage_error(message: Message, messages: Language) -> NoReturn:
    typer.echo(render(CommandPhrase.MISTAKE(detail=message), messages), err=True)
    raise typer.Exit(USAGE_ERROR)
