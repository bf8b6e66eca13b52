"""The command `smart-tuner`. What a command needs is imported when it runs, so that `--help` stays light."""

from __future__ import annotations

import io
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from smart_tuner.analyze_command import analyze
from smart_tuner.clips_command import clips
from smart_tuner.doctor_command import doctor
from smart_tuner.export_command import export_app
from smart_tuner.finetune_command import finetune
from smart_tuner.incident_commands import incident_app
from smart_tuner.job_command import Typed, start_job, train
from smart_tuner.judging_commands import gate, replay
from smart_tuner.messages import CommandPhrase, Language, render
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.model_command import model_app
from smart_tuner.monitor_command import monitor
from smart_tuner.notify_command import notify_app
from smart_tuner.options import (
    DEFAULT_RUNS,
    DataFolder,
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
    StressOption,
    Verbose,
    Voice,
    VoiceOption,
)
from smart_tuner.prepare_command import prepare
from smart_tuner.registry.commands import registered_run, registry_app
from smart_tuner.report_command import report
from smart_tuner.speak_command import speak
from smart_tuner.study_command import join, optimize
from smart_tuner.study_commands import study_app
from smart_tuner.vocoder_command import vocoder_app

app = typer.Typer(
    name="smart-tuner",
    help="A Tacotron 2 that trains, watches, tunes and shows itself. Without a command: auto.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)
data_app = typer.Typer(help="Corpora.", rich_markup_mode=None, no_args_is_help=True)
runs_app = typer.Typer(help="What was trained so far.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")
app.add_typer(export_app, name="export")
app.add_typer(incident_app, name="incident")
app.add_typer(model_app, name="model")
app.add_typer(notify_app, name="notify")
app.add_typer(registry_app, name="registry")
app.add_typer(study_app, name="study")
app.add_typer(vocoder_app, name="vocoder")


@app.command()
def auto(
    preset: Annotated[
        str, typer.Option(help="As elsewhere; choose: demo, or what suits your recordings and machine.")
    ] = "choose",
    data: DataFolder = None,
    voice: VoiceOption = None,
    overrides: Overrides = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    processes: Processes = None,
    new: New = False,
    no_services: NoServices = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
    messages: Messages = Language.EN,
) -> None:
    """The main job: check the machine, train, show it live, leave a voice. Goes on with an unfinished run."""
    with plain_errors(messages):
        typed = Typed(
            preset,
            data,
            voice,
            overrides or [],
            runs_folder,
            device,
            processes,
            new,
            no_services,
            verbose,
            quiet,
            messages,
            tunes=True,
        )
        raise typer.Exit(start_job(typed))


app.command()(train)
app.command()(finetune)
app.command()(replay)
app.command()(gate)
app.command()(clips)
app.command()(report)
app.command()(doctor)
app.command()(optimize)
app.command()(join)


@app.command()
def synthesize(
    text: Annotated[
        str | None, typer.Argument(help="What to say; otherwise --file or standard input.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="The run whose voice speaks: its name, its folder, or registry:best.")
    ] = None,
    voice: Annotated[Path | None, typer.Option(help="Or a voice that `bundle` wrote.", exists=True)] = None,
    file: Annotated[
        Path | None, typer.Option(help="A text file (UTF-8).", exists=True, dir_okay=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="The wav file; otherwise one in the run's folder, or in this one.")
    ] = None,
    drop_unreadable: Annotated[
        bool, typer.Option("--drop-unreadable", help="Leave out, and count, characters without a symbol.")
    ] = False,
    speaker: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who speaks, of a voice with several; else the first.")
    ] = None,
    stress: StressOption = None,
    style_recording: Annotated[
        Path | None,
        typer.Option(help="A recording in whose style it is said; else as the text suggests.", exists=True),
    ] = None,
    style_weights: Annotated[
        str | None, typer.Option(metavar="W,W,...", help="Or a weight for each style token.")
    ] = None,
    vocoder: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="hifigan:PATH, or MODULE:FUNCTION; else Griffin-Lim."),
    ] = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Let the best voice of a run speak, or a voice that was bundled."""
    with plain_errors(messages):
        from smart_tuner.library import run_library

        if (run is None) == (voice is None):
            usage_error(CommandPhrase.WHOSE_VOICE(), messages)
        if text is not None and file is not None:
            usage_error(CommandPhrase.TEXT_AND_FILE(), messages)
        if style_recording is not None and style_weights is not None:
            usage_error(CommandPhrase.TWO_STYLES(), messages)
        if text is None and file is None and sys.stdin.isatty():
            usage_error(CommandPhrase.NOTHING_TO_SAY(), messages)
        weights, folder = f"--voice={voice}", Path()
        if run is not None:
            from smart_tuner.run_folder import find_run

            registered = registered_run(runs_folder, run)  # nothing is written into its folder
            found = registered or find_run(runs_folder, run)
            weights = f"--checkpoint={found.best_checkpoint()}"
            folder = Path() if registered else found.speech_folder
        target = output or folder / f"{time.strftime('%Y%m%d-%H%M%S')}.wav"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            usage_error(CommandPhrase.NO_FOLDER(path=target.parent, detail=str(error.strerror)), messages)
        source = [f"--text={text}"] if text is not None else [f"--file={file}"] if file is not None else []
        if drop_unreadable:
            source.append("--drop-unreadable")
        how: dict[str, object] = {"stress": stress, "speaker": speaker, "style-weights": style_weights}
        how |= {"style-recording": style_recording, "vocoder": vocoder}
        source += [f"--{name}={value}" for name, value in how.items() if value is not None]
        arguments = ["synthesize", weights, f"--output={target}", *source]
        raise typer.Exit(run_library(arguments, messages, CommandPhrase.NOT_SPOKEN))


@app.command()
def bundle(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    output: Annotated[
        Path | None, typer.Option(help="The file to write; otherwise NAME.voice.zip in this folder.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the voice is called; otherwise as the run.")] = None,
    speaker: Annotated[str | None, typer.Option(help="Whose voice it is.")] = None,
    consent: Annotated[str | None, typer.Option(help="What the speaker has agreed to.")] = None,
    recordings_licence: Annotated[str | None, typer.Option(help="Licence of the recordings.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the voice.")] = None,
    contact: Annotated[str | None, typer.Option(help="Whom to ask about it.")] = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Write the best voice of a run as one file, with a card, to speak anywhere."""
    with plain_errors(messages):
        from smart_tuner.library import run_library
        from smart_tuner.run_folder import find_run
        from smart_tuner.voice_bundle import Stated, bundle_run

        stated = Stated(name, speaker, consent, recordings_licence, licence, contact)

        def library(*arguments: str) -> int:
            return run_library(arguments, messages, CommandPhrase.NOT_BUNDLED)

        raise typer.Exit(bundle_run(find_run(runs_folder, run), stated, output, library, messages))


@data_app.command()
def demo(
    preset: Preset = "demo",
    voice: VoiceOption = None,
    overrides: Overrides = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where to make it; otherwise where auto looks for it.", file_okay=False),
    ] = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Make the demo corpus that auto trains on when no recordings are named."""
    with plain_errors(messages):
        from smart_tuner.config import load_config
        from smart_tuner.library import run_library
        from smart_tuner.run_folder import data_folder

        config = load_config(preset, _overrides(voice, overrides))
        if voice and config.data_folder is not None:
            usage_error(CommandPhrase.VOICE_OF_DEMO(voice=voice.value), messages)
        target = folder or data_folder(runs_folder.absolute())
        with tempfile.TemporaryDirectory() as temporary:
            settings = Path(temporary) / "run.yaml"
            settings.write_text(config.to_yaml(), encoding="utf-8")
            arguments = ["demo", f"--folder={target}", f"--settings={settings}"]
            raise typer.Exit(run_library(arguments, messages, CommandPhrase.NO_CORPUS))


data_app.command()(prepare)
data_app.command()(analyze)
data_app.command()(speak)
app.command()(monitor)


@runs_app.command("list")
def list_(runs_folder: RunsFolder = DEFAULT_RUNS, messages: Messages = Language.EN) -> None:
    """All runs, the oldest first."""
    with plain_errors(messages):
        from smart_tuner.run_folder import list_runs
        from smart_tuner.run_list import run_table

        runs = list_runs(runs_folder)
        if not runs:
            typer.echo(render(CommandPhrase.NO_RUNS(folder=runs_folder), messages))
            return
        for line in run_table(runs, messages):
            typer.echo(line)


@runs_app.command()
def remove(
    runs: Annotated[list[str], typer.Argument(help="Whole names, or folders, of runs.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Delete runs with their checkpoints and samples; the demo corpus and MLflow's records stay."""
    with plain_errors(messages):
        from smart_tuner.run_folder import find_run
        from smart_tuner.run_folder import remove as remove_run

        folders = {
            folder.path: folder for folder in (find_run(runs_folder, run, whole_name=True) for run in runs)
        }
        if not yes:
            if not sys.stdin.isatty():
                usage_error(CommandPhrase.NOBODY_TO_ASK(runs=", ".join(runs)), messages)
            names = ", ".join(folder.name for folder in folders.values())
            if not typer.confirm(render(CommandPhrase.DELETE(runs=names), messages)):
                typer.echo(render(CommandPhrase.NOT_DELETED(), messages))
                raise typer.Exit(1)
        for folder in folders.values():
            freed = remove_run(folder)
            typer.echo(render(CommandPhrase.REMOVED(run=folder.name, freed=freed), messages))


def main() -> NoReturn:
    """The console entry. Options without a command belong to `auto`."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # letters that a terminal lacks end nothing
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
        arguments = ["auto", *arguments]
    app(args=arguments, prog_name="smart-tuner")
    raise AssertionError("typer ends the process")


def _terminate(number: int, frame: object) -> NoReturn:
    """SIGTERM ends the command in order, so that what it started is stopped."""
    sys.exit(128 + number)


def _overrides(voice: Voice | None, overrides: list[str] | None) -> list[str]:
    """What the voice stands for, then what was set by hand."""
    from smart_tuner.config import voice_settings

    return [*(voice_settings(voice) if voice else ()), *(overrides or [])]


if __name__ == "__main__":
    main()
