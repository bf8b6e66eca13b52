"""`smart-tuner registry`: the best voices of all runs, checked, promoted and taken out as files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_tuner.messages import CommandPhrase, Language, Message, RegistryPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Messages, RunsFolder

if TYPE_CHECKING:
    from smart_tuner.registry.catalogue import Version
    from smart_tuner.registry.store import Registry
    from smart_tuner.run_folder import RunFolder

registry_app = typer.Typer(help="The best voices of all runs.", rich_markup_mode=None, no_args_is_help=True)
PREFIX = "registry:"
"""Before a version where otherwise a run is named."""

VersionName = Annotated[
    str,
    typer.Argument(metavar="VERSION", help="3, best or production; VOICE/3, VOICE@best of several voices."),
]
_HEADS = (
    RegistryPhrase.HEAD_VERSION,
    RegistryPhrase.HEAD_ALIASES,
    RegistryPhrase.HEAD_QUALITY,
    RegistryPhrase.HEAD_R,
    RegistryPhrase.HEAD_GATE,
    RegistryPhrase.HEAD_REGISTERED,
    RegistryPhrase.HEAD_OF_RUN,
)


@registry_app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """All registered voices, the best of each first."""
    with plain_errors(messages), _opened(runs_folder) as registry:
        versions = registry.versions() if registry else []
        if as_json:
            rows = [_plain(version) for version in versions]
            typer.echo(json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False))
            return
        if not versions:
            typer.echo(render(RegistryPhrase.NOTHING_REGISTERED(), messages))
            return
        for line in _table(versions, messages):
            typer.echo(line)


@registry_app.command()
def verify(
    version: Annotated[str | None, typer.Argument(metavar="VERSION", help="One of them; else all.")] = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Compute all checksums anew; status 0, or 1 where a file is damaged or missing."""
    with plain_errors(messages), _opened(runs_folder) as registry:
        if registry is None:
            _tell(messages, RegistryPhrase.NOTHING_REGISTERED())
            return
        versions = [registry.find(version)] if version else registry.versions()
        whole = True
        for each in versions:
            found = each.damage()
            phrase = RegistryPhrase.FOUND_DAMAGED if found else RegistryPhrase.AS_REGISTERED
            _tell(messages, phrase(version=each.name))
            for damaged in found:
                typer.echo("  " + render(damaged, messages))
            whole = whole and not found
        for folder in () if version else registry.unclaimed:
            _tell(messages, RegistryPhrase.UNCLAIMED(folder=folder))
            whole = False
        if not versions and whole:
            _tell(messages, RegistryPhrase.NOTHING_REGISTERED())
        if not whole:
            _tell(messages, RegistryPhrase.MEND())
            raise typer.Exit(1)


@registry_app.command()
def promote(
    version: VersionName,
    force: Annotated[bool, typer.Option("--force", help="Although its figures fail the gate.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Put a version in production; refused where its files are damaged or its figures fail the gate."""
    with plain_errors(messages), _needed(runs_folder) as registry:
        chosen = registry.find(version)
        registry.promote(chosen, force)
        _tell(messages, RegistryPhrase.PROMOTED(version=chosen.name))


@registry_app.command()
def export(
    version: VersionName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write: NAME.voice.zip.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    name: Annotated[
        str | None, typer.Option(help="What the voice is called; else as it is registered.")
    ] = None,
    speaker: Annotated[str | None, typer.Option(help="Whose voice it is.")] = None,
    consent: Annotated[str | None, typer.Option(help="What the speaker has agreed to.")] = None,
    recordings_licence: Annotated[str | None, typer.Option(help="Licence of the recordings.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the voice.")] = None,
    contact: Annotated[str | None, typer.Option(help="Whom to ask about it.")] = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Write a version as a voice in one file, as `bundle` does of a run; its files are verified first."""
    with plain_errors(messages), _needed(runs_folder) as registry:
        from smart_tuner.library import run_library
        from smart_tuner.registry.errors import RegistryError
        from smart_tuner.run_folder import RunFolder
        from smart_tuner.voice_bundle import Stated, bundle_run

        if file.exists() and not overwrite:
            raise RegistryError(RegistryPhrase.EXPORT_EXISTS(file=file))
        chosen = registry.find(version)
        registry.check(chosen)
        stated = Stated(name or chosen.voice, speaker, consent, recordings_licence, licence, contact)

        def library(*arguments: str) -> int:
            return run_library(arguments, messages, CommandPhrase.NOT_BUNDLED)

        run = RunFolder(chosen.folder)
        raise typer.Exit(bundle_run(run, stated, file, library, messages, replace=overwrite))


@registry_app.command()
def add(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Register the voice of a run that could not do it itself; files that were damaged are brought again."""
    with plain_errors(messages):
        from smart_tuner.registry.registration import add_run
        from smart_tuner.run_folder import find_run

        found = find_run(runs_folder, run)
        _tell(messages, add_run(found, found.config().registry))


@registry_app.command()
def remove(
    version: VersionName,
    force: Annotated[bool, typer.Option("--force", help="Although it is in production.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Delete a version with its files from the registry; the folder of its run stays as it is."""
    with plain_errors(messages), _needed(runs_folder) as registry:
        chosen = registry.find(version)
        registry.remove(chosen, force)
        _tell(messages, RegistryPhrase.VERSION_REMOVED(version=chosen.name))


def registered_run(runs_folder: Path, text: str) -> RunFolder | None:
    """The files of a registered voice, verified, where `registry:VERSION` is meant; None for other texts.

    Raises:
        RegistryError: there is no such version, its files are damaged, or the registry cannot be used.
    """
    if not text.startswith(PREFIX):
        return None
    from smart_tuner.run_folder import RunFolder

    with _needed(runs_folder) as registry:
        chosen = registry.find(text.removeprefix(PREFIX))
        registry.check(chosen)
        return RunFolder(chosen.folder)


@contextmanager
def _opened(runs_folder: Path) -> Iterator[Registry | None]:
    """None where nothing was ever registered: looking makes no store."""
    from smart_tuner.registry.store import is_there, open_registry

    root = runs_folder.absolute()
    if not is_there(root):
        yield None
        return
    with open_registry(root) as registry:
        yield registry


@contextmanager
def _needed(runs_folder: Path) -> Iterator[Registry]:
    """Raises RegistryError: nothing was ever registered."""
    from smart_tuner.registry.errors import RegistryError

    with _opened(runs_folder) as registry:
        if registry is None:
            raise RegistryError(RegistryPhrase.NOTHING_REGISTERED())
        yield registry


def _tell(language: Language, message: Message) -> None:
    typer.echo(render(message, language))


def _plain(version: Version) -> dict[str, Any]:
    return {
        "voice": version.voice,
        "version": version.number,
        "aliases": list(version.aliases),
        "folder": str(version.folder),
        "files_there": version.folder.is_dir(),
        **dataclasses.asdict(version.facts),
    }


def _table(versions: list[Version], language: Language) -> list[str]:
    """A heading and a line for each version, aligned."""
    rows = [[render(head(), language) for head in _HEADS], *(_row(each, language) for each in versions)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(version: Version, language: Language) -> list[str]:
    facts = version.facts
    gate = RegistryPhrase.ROW_FAILED if facts.failed else RegistryPhrase.ROW_PASSED
    if not version.folder.is_dir():
        gate = RegistryPhrase.ROW_GONE
    return [
        version.name,
        ", ".join(version.aliases) or "-",
        render(RegistryPhrase.ROW_QUALITY(value=facts.quality), language),
        str(facts.r),
        render(gate(), language),
        facts.registered[:10],
        facts.run,
    ]
