"""The options that several commands have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from smart_tuner.messages import CommandPhrase, Language
from smart_tuner.mistakes import usage_error


class Voice(StrEnum):
    """Who speaks the demo corpus."""

    ENGLISH = "en"
    RUSSIAN = "ru"


class Device(StrEnum):
    """Where to compute."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Stress(StrEnum):
    """Where the stress of words comes from."""

    MARKS = "marks"
    LIBRARY = "library"


Preset = Annotated[str, typer.Option(help="A preset's name, or the path of a YAML file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one value, as in train.learning_rate=1e-4."),
]
DataFolder = Annotated[
    str | None, typer.Option(metavar="FOLDER", help="Your recordings; else a demo corpus is made.")
]
Processes = Annotated[
    int | None,
    typer.Option(metavar="N", help="Processes that train together; short for train.num_processes."),
]
New = Annotated[bool, typer.Option("--new", help="Start a new run, even where one could be gone on with.")]
NoServices = Annotated[bool, typer.Option("--no-services", help="Without the web interfaces.")]
VoiceOption = Annotated[
    Voice | None,
    typer.Option(help="Language and voice of the demo corpus; else what the preset says."),
]
StressOption = Annotated[
    Stress | None,
    typer.Option(help="Where the stress comes from: the text's own marks, or the speech library."),
]
RunsFolder = Annotated[Path, typer.Option(help="Where runs are kept.", file_okay=False)]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say everything.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say warnings and results only.")]
Messages = Annotated[
    Language, typer.Option(envvar="SMART_TUNER_MESSAGES", help="The language of what people read.")
]
DEFAULT_RUNS = Path("runs")


def check_loudness(verbose: bool, quiet: bool, messages: Language) -> None:
    """See that at most one of the two was asked for."""
    if verbose and quiet:
        usage_error(CommandPhrase.VERBOSE_AND_QUIET(), messages)


def check_recordings(data: str | None, voice: Voice | None, messages: Language) -> None:
    """See that `--data` names a folder, and that `--voice` is asked for the demo corpus alone."""
    if data is not None and not data.strip():
        usage_error(CommandPhrase.NAMELESS_FOLDER(), messages)
    if voice and data is not None:
        usage_error(CommandPhrase.VOICE_OF_DEMO(voice=voice.value), messages)
