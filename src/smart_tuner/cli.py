"""The command `smart-tuner`. What a command needs is imported when it runs, so that `--help` stays light."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from smart_tuner.config import Config
    from smart_tuner.progress import Output
    from smart_tuner.run_folder import RunFolder

USAGE_ERROR = 2

app = typer.Typer(
    name="smart-tuner",
    help="A Tacotron 2 that trains, watches and shows itself. Without a command: auto.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
)
data_app = typer.Typer(help="Corpora.", rich_markup_mode=None, no_args_is_help=True)
runs_app = typer.Typer(help="What was trained so far.", rich_markup_mode=None, no_args_is_help=True)
app.add_typer(data_app, name="data")
app.add_typer(runs_app, name="runs")


class Voice(StrEnum):
    """Who speaks the demo corpus."""

    ENGLISH = "en"
    RUSSIAN = "ru"


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


Preset = Annotated[str, typer.Option(help="A preset's name, or the path of a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one value, as in train.learning_rate=1e-4."),
]
VoiceOption = Annotated[
    Voice | None,
    typer.Option(help="Language and voice of the demo corpus; else what the preset says."),
]
RunsFolder = Annotated[Path, typer.Option(help="Where runs are kept.", file_okay=False)]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say everything.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say warnings and results only.")]
DEFAULT_RUNS = Path("runs")


@app.command()
def auto(
    preset: Preset = "demo",
    data: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Your recordings; else a demo corpus is made.")
    ] = None,
    voice: VoiceOption = None,
    overrides: Overrides = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    device: DeviceOption = Device.AUTO,
    new: Annotated[
        bool, typer.Option("--new", help="Start a new run, even where one could be gone on with.")
    ] = False,
    no_services: Annotated[
        bool, typer.Option("--no-services", help="Without MLflow and TensorBoard.")
    ] = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    """The main job: check the machine, train, show it live, leave a voice. Goes on with an unfinished run."""
    with plain_errors():
        from dataclasses import replace

        from smart_tuner.main import SmartTunerMain

        output = _output(verbose, quiet)
        config = _config(preset, voice, overrides, data)
        if data is not None:
            if not data.strip():
                _usage_error("--data names no folder; leave it out for the demo corpus")
            config = replace(config, data_folder=Path(data).expanduser().absolute())
        if no_services:
            config = replace(config, services=replace(config.services, enabled=False))
        job = SmartTunerMain(config, output, runs_folder=runs_folder, device=device.value, new=new)
        raise typer.Exit(job.run())


@app.command()
def synthesize(
    text: Annotated[
        str | None, typer.Argument(help="What to say; otherwise --file or standard input.")
    ] = None,
    run: Annotated[
        str | None, typer.Option(help="The run whose voice speaks: its name, or its folder.")
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
    runs_folder: RunsFolder = DEFAULT_RUNS,
) -> None:
    """Let the best voice of a run speak, or a voice that was bundled."""
    with plain_errors():
        if (run is None) == (voice is None):
            _usage_error("whose voice? give --run RUN or --voice FILE, one of them")
        if text is not None and file is not None:
            _usage_error("give the text or --file, not both")
        if text is None and file is None and sys.stdin.isatty():
            _usage_error('nothing to say: give a text in quotes, as in "Good morning.", or --file')
        speaker, folder = f"--voice={voice}", Path()
        if run is not None:
            from smart_tuner.run_folder import find_run

            found = find_run(runs_folder, run)
            speaker, folder = f"--checkpoint={found.best_checkpoint()}", found.speech_folder
        target = output or folder / f"{time.strftime('%Y%m%d-%H%M%S')}.wav"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _usage_error(f"{target.parent}: cannot be created ({error.strerror})")
        source = [f"--text={text}"] if text is not None else [f"--file={file}"] if file is not None else []
        if drop_unreadable:
            source.append("--drop-unreadable")
        raise typer.Exit(_library("synthesize", speaker, f"--output={target}", *source))


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
) -> None:
    """Write the best voice of a run as one file, with a card, to speak anywhere."""
    with plain_errors():
        from smart_tuner.run_folder import find_run
        from smart_tuner.voice_bundle import Stated, bundle_run

        stated = Stated(name, speaker, consent, recordings_licence, licence, contact)
        raise typer.Exit(bundle_run(find_run(runs_folder, run), stated, output, _library))


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
) -> None:
    """Make the demo corpus that auto trains on when no recordings are named."""
    with plain_errors():
        from smart_tuner.run_folder import data_folder

        config = _config(preset, voice, overrides)
        target = folder or data_folder(runs_folder.absolute())
        with tempfile.TemporaryDirectory() as temporary:
            settings = Path(temporary) / "run.yaml"
            settings.write_text(config.to_yaml(), encoding="utf-8")
            raise typer.Exit(_library("demo", f"--folder={target}", f"--settings={settings}"))


@app.command()
def monitor(
    run: Annotated[str, typer.Argument(help="The run's name, or its folder.")],
    runs_folder: RunsFolder = DEFAULT_RUNS,
) -> None:
    """Bring MLflow and TensorBoard up again, until Ctrl-C."""
    with plain_errors():
        from dataclasses import replace

        from smart_tuner import main as job
        from smart_tuner.run_folder import find_run

        folder = find_run(runs_folder, run)
        config = folder.config()
        config = replace(config, services=replace(config.services, enabled=True))
        job.monitor(config, folder, _output(False, False))


@runs_app.command("list")
def list_(runs_folder: RunsFolder = DEFAULT_RUNS) -> None:
    """All runs, the oldest first."""
    with plain_errors():
        from smart_tuner.run_folder import list_runs

        runs = list_runs(runs_folder)
        if not runs:
            typer.echo(f"no runs in {runs_folder}")
            return
        width = max(len(run.name) for run in runs)
        typer.echo(f"{'run':<{width}}  {'state':<20} {'step':>8} {'alignment':>9} {'size':>9}")
        for run in runs:
            typer.echo(f"{run.name:<{width}}  {_row(run)}")


@runs_app.command()
def remove(
    runs: Annotated[list[str], typer.Argument(help="Whole names, or folders, of runs.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    runs_folder: RunsFolder = DEFAULT_RUNS,
) -> None:
    """Delete runs with their checkpoints and samples; the demo corpus and MLflow's records stay."""
    with plain_errors():
        from smart_tuner.run_folder import find_run
        from smart_tuner.run_folder import remove as remove_run

        folders = {
            folder.path: folder for folder in (find_run(runs_folder, run, whole_name=True) for run in runs)
        }
        if not yes:
            if not sys.stdin.isatty():
                _usage_error("nobody can be asked here: add --yes to delete " + ", ".join(runs))
            names = ", ".join(folder.name for folder in folders.values())
            typer.confirm(f"Delete {names} for good?", abort=True)
        for folder in folders.values():
            freed = remove_run(folder)
            typer.echo(f"removed {folder.name}, {freed / 2**20:,.0f} MiB freed")


def main() -> NoReturn:
    """The console entry. Options without a command belong to `auto`."""
    signal.signal(signal.SIGTERM, _terminate)
    arguments = sys.argv[1:]
    if not arguments or (arguments[0].startswith("-") and arguments[0] != "--help"):
        arguments = ["auto", *arguments]
    app(args=arguments, prog_name="smart-tuner")
    raise AssertionError("typer ends the process")


def _terminate(number: int, frame: object) -> NoReturn:
    """SIGTERM ends the command in order, so that what it started is stopped."""
    sys.exit(128 + number)


@contextmanager
def plain_errors() -> Iterator[None]:
    """A user's mistake becomes one message and an exit status; an error of the program stays a traceback."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("smart_tuner", "tacotron2"):
            raise
        _usage_error(
            f"{error.name} is not installed: this installation can only speak, by `synthesize --voice`. "
            "./install.sh installs everything"
        )
    except (ValueError, OSError) as error:
        status = _status_of(error)
        if status is None:
            raise
        typer.echo(f"smart-tuner: {error}", err=True)
        raise typer.Exit(status) from None


def _status_of(error: ValueError | OSError) -> int | None:
    """The exit status of a mistake that a user can mend; None for an error of the program."""
    from smart_tuner.main import MachineError
    from smart_tuner.records import ExitCause, OutcomeError
    from smart_tuner.run_folder import RunError
    from tacotron2.files import StorageError
    from tacotron2.hparams import HParamsError

    if isinstance(error, HParamsError):
        return ExitCause.CONFIGURATION_ERROR.code
    if isinstance(error, StorageError):
        return ExitCause.STORAGE_ERROR.code
    return USAGE_ERROR if isinstance(error, RunError | MachineError | OutcomeError) else None


def _usage_error(message: str) -> NoReturn:
    typer.echo(f"smart-tuner: {message}", err=True)
    raise typer.Exit(USAGE_ERROR)


def _config(preset: str, voice: Voice | None, overrides: list[str] | None, data: str | None = None) -> Config:
    """Preset, then the voice, then what was set by hand."""
    from smart_tuner.config import load_config, voice_settings

    config = load_config(preset, [*(voice_settings(voice) if voice else ()), *(overrides or [])])
    if voice and (data is not None or config.data_folder):
        _usage_error(
            "--voice names the voice of the demo corpus; recordings of your own have theirs: leave it out, "
            "and name their language with --set text.language=" + voice
        )
    return config


def _output(verbose: bool, quiet: bool) -> Output:
    from smart_tuner.progress import Output, Verbosity

    if verbose and quiet:
        _usage_error("--verbose and --quiet contradict each other")
    chosen = Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else Verbosity.NORMAL
    return Output(sys.stdout, chosen)


def _library(*arguments: str) -> int:
    """Run a command of the `tacotron2` library as a child: this process never imports torch."""
    return subprocess.run([sys.executable, "-m", "tacotron2.cli", *arguments], check=False).returncode


def _row(run: RunFolder) -> str:
    """State, last step, free-running alignment and size of a run, aligned."""
    from smart_tuner.records import read_events
    from smart_tuner.run_folder import state_of
    from tacotron2.events import StepEvent, ValidationEvent

    step = alignment = "-"
    for stamped in read_events(run.events_file)[0]:
        if isinstance(stamped.event, StepEvent):
            step = str(stamped.event.step)
        elif isinstance(stamped.event, ValidationEvent):
            value = stamped.event.free_running.get("attention_alignment")
            alignment = alignment if value is None else f"{value:.2f}"
    return f"{state_of(run):<20} {step:>8} {alignment:>9} {run.size_bytes() / 2**20:>5,.0f} MiB"


if __name__ == "__main__":
    main()
