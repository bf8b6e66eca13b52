"""`smart-tuner vocoder train` and `smart-tuner vocoder finetune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smart_tuner.messages import Language, Message, VocoderTrainingPhrase, render
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import DEFAULT_RUNS, Device, DeviceOption, Messages, RunsFolder

SHOWN_LEFT_OUT = 5
MILLION = 1e6
TRAINING_STEPS = 400_000
FINE_TUNING_STEPS = 20_000

vocoder_app = typer.Typer(help="Vocoders.", rich_markup_mode=None, no_args_is_help=True)

Recordings = Annotated[str, typer.Option(metavar="FOLDER", help="The recordings, as for `train`.")]
Mels = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Spectrograms ID.npy to learn from in place of the recorded ones."),
]
Output = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where it is kept; otherwise in the folder `vocoders` of all runs."),
]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="In place of the one in the settings.")]
SaveEvery = Annotated[int, typer.Option(metavar="STEPS", min=1, help="Save and validate so often.")]
LogEvery = Annotated[int, typer.Option(metavar="STEPS", min=1, help="Say the losses so often.")]


@vocoder_app.command()
def train(
    data: Recordings,
    config: Annotated[
        str | None, typer.Option(metavar="NAME", help="v1, v2, v3, or the path of a config.json; else v1.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="At which it ends.")] = TRAINING_STEPS,
    output: Output = None,
    mels: Mels = None,
    learning_rate: Rate = None,
    save_every: SaveEvery = 1000,
    log_every: LogEvery = 50,
    device: DeviceOption = Device.AUTO,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Train a HiFi-GAN on recordings. The same command goes on where it was stopped."""
    with plain_errors(messages):
        folder = output or _folder(runs_folder, data, "")
        known = (folder / "config.json").exists()
        settings = [] if config is None and known else [f"--config={config or 'v1'}"]
        options: dict[str, object] = {"steps": steps, "mels": mels, "learning-rate": learning_rate}
        options |= {"save-every": save_every, "log-every": log_every, "device": device.value}
        _start([*settings, *_given(options)], data, folder, runs_folder, messages)


@vocoder_app.command()
def finetune(
    data: Recordings,
    source: Annotated[
        Path, typer.Option("--from", metavar="PATH", help="A HiFi-GAN: the generator's file, or its folder.")
    ],
    steps: Annotated[int, typer.Option(min=1, help="At which it ends.")] = FINE_TUNING_STEPS,
    output: Output = None,
    mels: Mels = None,
    learning_rate: Rate = None,
    save_every: SaveEvery = 1000,
    log_every: LogEvery = 50,
    device: DeviceOption = Device.AUTO,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    messages: Messages = Language.EN,
) -> None:
    """Go on with a HiFi-GAN of anybody's on these recordings, or on what a voice makes of them."""
    with plain_errors(messages):
        folder = output or _folder(runs_folder, data, "-finetuned")
        options: dict[str, object] = {"steps": steps, "mels": mels, "learning-rate": learning_rate}
        options |= {"save-every": save_every, "log-every": log_every, "device": device.value}
        _start([f"--from={source}", *_given(options)], data, folder, runs_folder, messages)


def _folder(runs_folder: Path, data: str, ending: str) -> Path:
    return runs_folder / "vocoders" / f"{Path(data).resolve().name}{ending}"


def _given(options: dict[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in options.items() if value is not None]


def _start(options: list[str], data: str, folder: Path, runs_folder: Path, messages: Language) -> None:
    from smart_tuner.library import run_library
    from smart_tuner.run_folder import feature_folder

    if not data.strip():
        usage_error(VocoderTrainingPhrase.VOCODER_NO_FOLDER(), messages)
    places = [f"--data={data}", f"--output={folder}", f"--features={feature_folder(runs_folder)}"]

    def tell(record: dict[str, Any]) -> None:
        for message in _told(record):
            typer.echo(render(message, messages))

    arguments = ["vocoder-train", *places, *options]
    failure = VocoderTrainingPhrase.VOCODER_NOT_TRAINED
    raise typer.Exit(run_library(arguments, messages, failure, tell, in_order=True))


def _told(record: dict[str, Any]) -> list[Message]:
    kind = record["kind"]
    if kind == "vocoder-begins":
        return _beginning(record)
    if kind == "vocoder-step":
        left = (record["steps"] - record["step"]) / max(1e-9, record["pace"])
        told = VocoderTrainingPhrase.VOCODER_STEP(
            step=record["step"],
            steps=record["steps"],
            mel=record["mel"],
            features=record["features"],
            adversarial=record["adversarial"],
            discriminators=record["discriminators"],
            pace=record["pace"],
            left=_hours(left),
        )
        return [told]
    if kind == "vocoder-saved":
        return [VocoderTrainingPhrase.VOCODER_SAVED(path=record["path"])]
    if kind == "vocoder-validated":
        return [
            VocoderTrainingPhrase.VOCODER_VALIDATED(
                step=record["step"], mel_error=record["mel_error"], distortion=record["distortion_db"]
            )
        ]
    if record["reached"]:
        return [VocoderTrainingPhrase.VOCODER_DONE(folder=record["folder"])]
    return [VocoderTrainingPhrase.VOCODER_STOPPED(step=record["step"])]


def _beginning(record: dict[str, Any]) -> list[Message]:
    reasons = record["left_out"]
    told: list[Message] = [
        VocoderTrainingPhrase.VOCODER_LEFT_OUT(reason=reason) for reason in reasons[:SHOWN_LEFT_OUT]
    ]
    if len(reasons) > SHOWN_LEFT_OUT:
        told.append(VocoderTrainingPhrase.VOCODER_MORE_LEFT_OUT(count=len(reasons) - SHOWN_LEFT_OUT))
    told.append(
        VocoderTrainingPhrase.VOCODER_BEGINS(
            clips=record["clips"],
            minutes=record["minutes"],
            held_out=record["held_out"],
            millions=record["parameters"] / MILLION,
        )
    )
    if record["step"]:
        told.append(VocoderTrainingPhrase.VOCODER_GOES_ON(step=record["step"], folder=record["folder"]))
    return told


def _hours(seconds: float) -> Message:
    hours, minutes = divmod(round(seconds / 60), 60)
    return VocoderTrainingPhrase.VOCODER_HOURS(hours=hours, minutes=minutes)
