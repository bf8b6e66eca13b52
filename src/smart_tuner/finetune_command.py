"""`smart-tuner finetune`: a training that begins with a base."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_tuner.job_command import Inject, Typed, open_output, run_job
from smart_tuner.library import run_library
from smart_tuner.messages import CommandPhrase, FinetunePhrase, Language
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import (
    DEFAULT_RUNS,
    Device,
    DeviceOption,
    Messages,
    New,
    NoServices,
    Overrides,
    Preset,
    Processes,
    Quiet,
    RunsFolder,
    Verbose,
)

if TYPE_CHECKING:
    from smart_tuner.config import Config
    from smart_tuner.finetuning import Asked, WrittenBase
    from smart_tuner.progress import Output

BASE_FILE = "base.ckpt"


def finetune(
    base: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="BASE",
            help="A voice, a checkpoint, a run, registry:VERSION, or a published Tacotron 2.",
        ),
    ],
    data: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Your recordings; else those of the preset.")
    ] = None,
    preset: Preset = "finetune",
    overrides: Overrides = None,
    speaker: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which speaker of a base with several; else the first.")
    ] = None,
    other_audio: Annotated[
        bool, typer.Option("--other-audio", help="Allow other spectrograms than those of the base.")
    ] = False,
    inject: Inject = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    processes: Processes = None,
    new: New = False,
    no_services: NoServices = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    messages: Messages = Language.EN,
) -> None:
    """Train on from a voice that exists, on recordings of another. Goes on with an unfinished run."""
    with plain_errors(messages):
        from smart_tuner.finetuning import Asked

        typed = Typed(
            preset,
            data,
            None,
            overrides or [],
            runs_folder,
            device,
            processes,
            new,
            no_services,
            verbose,
            quiet,
            messages,
            inject,
        )
        output = open_output(typed)
        label, place = find_base(runs_folder, base)
        asked = Asked(preset, data, typed.changes(), label, speaker or "", other_audio)
        with tempfile.TemporaryDirectory() as temporary:
            staged = Path(temporary) / BASE_FILE
            config, written = prepared(asked, place, staged, typed, output)
            raise typer.Exit(run_job(typed, config, output, written))


def find_base(runs_folder: Path, name: str) -> tuple[str, Path | None]:
    """The name under which a base is recorded, and its file or folder; None: there is none now.

    Raises:
        RegistryError: `registry:VERSION` is not there.
        RunError: the run of that name has no voice yet.
    """
    from smart_tuner.registry.commands import registered_run
    from smart_tuner.run_folder import RunError, RunFolder, find_run

    registered = registered_run(runs_folder, name)
    if registered is not None:
        return name, registered.best_checkpoint()
    path = Path(name).expanduser().absolute()
    if path.exists() and not (path / "run.yaml").is_file():
        return str(path), path
    run: RunFolder | None = None
    with suppress(RunError):
        run = find_run(runs_folder, name)
    return (str(path), None) if run is None else (str(run.path), run.best_checkpoint())


def prepared(
    asked: Asked, place: Path | None, staged: Path, typed: Typed, output: Output
) -> tuple[Config, WrittenBase]:
    """The configuration, and the base in its written form: read anew, or the copy of the unfinished run.

    Raises:
        BaseError: there is no such base, it has changed, or it has other spectrograms.
        ConfigError: the preset or an override is wrong.
        typer.Exit: the base cannot be read; the library has told why.
    """
    from smart_tuner.finetuning import (
        SHOWN_HASH,
        BaseError,
        begun_run,
        changes_sizes,
        finetune_config,
        sizes_not_taken,
    )

    begun = None if typed.new else begun_run(typed.runs_folder.absolute(), asked)
    if place is None:
        if begun is None:
            raise BaseError(FinetunePhrase.NO_SUCH_BASE(name=asked.base, folder=typed.runs_folder))
        output.result(FinetunePhrase.OWN_COPY(base=asked.base, run=begun[0].name))
        return finetune_config(asked, begun[1]), begun[1]
    written = read_base(place, staged, asked, typed.messages)
    if begun is not None and begun[1].content != written.content:
        run, copy = begun
        raise BaseError(
            FinetunePhrase.BASE_CHANGED(
                base=asked.base,
                run=run.name,
                before=copy.content[:SHOWN_HASH],
                now=written.content[:SHOWN_HASH],
                copy=run.base_file,
            )
        )
    config = finetune_config(asked, written)
    if keys := sizes_not_taken(asked.preset, written):
        output.result(CommandPhrase.WARNING(message=FinetunePhrase.SIZES_OF_BASE(keys=keys)))
    if changes_sizes(config, written):
        tell_new_tensors(config, staged, output)
    return config, written


def read_base(place: Path, staged: Path, asked: Asked, language: Language) -> WrittenBase:
    """The library brings the base into its written form."""
    from smart_tuner.finetuning import WrittenBase

    arguments = ["base", f"--from={place}", f"--output={staged}"]
    if asked.speaker:
        arguments.append(f"--speaker={asked.speaker}")
    if asks_for_speakers(asked.overrides):
        arguments.append("--keep-speakers")
    status = run_library(arguments, language, FinetunePhrase.BASE_NOT_READ, lambda record: None)
    written = WrittenBase.read(staged)
    if status != 0 or written is None:
        raise typer.Exit(status or 1)
    return written


def asks_for_speakers(overrides: tuple[str, ...] | list[str] | Any) -> bool:
    """Whether the recordings are of several speakers, who are to be told apart."""
    wanted = [text.partition("=") for text in overrides]
    counts = [value.strip() for key, _, value in wanted if key.strip().removeprefix("model.") == "n_speakers"]
    return bool(counts) and counts[-1] != "1"


def tell_new_tensors(config: Config, staged: Path, output: Output) -> None:
    """Which tensors of the training the base does not bring."""
    from smart_tuner.finetuning import new_tensors

    told: dict[str, Any] = {}
    settings = staged.with_name("run.yaml")
    settings.write_text(config.to_yaml(), encoding="utf-8")
    arguments = ["base", f"--output={staged}", f"--settings={settings}"]
    status = run_library(arguments, output.language, FinetunePhrase.BASE_NOT_READ, told.update)
    if status != 0:
        raise typer.Exit(status)
    if told["tensors"]:
        output.result(new_tensors(told["tensors"]))
