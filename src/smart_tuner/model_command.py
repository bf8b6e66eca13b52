"""The commands `smart-tuner model ...`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_tuner.messages import Language, Message, ModelPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.model_memory_command import memory
from smart_tuner.options import Messages, Overrides

MIB = 2**20
MILLION = 1e6

model_app = typer.Typer(help="Models.", rich_markup_mode=None, no_args_is_help=True)
model_app.command()(memory)


@model_app.command()
def info(
    preset: Annotated[
        str | None,
        typer.Option(help="A preset's name, or the path of a YAML file; otherwise the defaults."),
    ] = None,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as one JSON object.")] = False,
    messages: Messages = Language.EN,
) -> None:
    """What a model is made of, which parts learn, and what a second of speech costs."""
    with plain_errors(messages):
        from smart_tuner.config import default_config, load_config
        from smart_tuner.library import run_library

        changes = overrides or ()
        config = default_config(changes) if preset is None else load_config(preset, changes)
        told: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as temporary:
            settings = Path(temporary) / "run.yaml"
            settings.write_text(config.to_yaml(), encoding="utf-8")
            arguments = ["model-info", f"--settings={settings}"]
            status = run_library(arguments, messages, ModelPhrase.NOT_DESCRIBED, told.update)
        if status != 0:
            raise typer.Exit(status)
        del told["kind"]
        lines = [json.dumps(told, indent=2)] if as_json else [*_table(told, messages), *_told(told, messages)]
        for line in lines:
            typer.echo(line)


def _table(told: dict[str, Any], language: Language) -> list[str]:
    """A heading, a line for each module and their sums, aligned."""
    heads = (
        ModelPhrase.HEAD_MODULE,
        ModelPhrase.HEAD_PARAMETERS,
        ModelPhrase.HEAD_TENSORS,
        ModelPhrase.HEAD_GRADIENT,
        ModelPhrase.HEAD_NORMALISED,
    )
    counts = [
        [each["parameters"], _num_tensors(each), each["learning"], each["normalised"]]
        for each in told["modules"]
    ]
    counts.append([sum(column) for column in zip(*counts, strict=True)])
    names = [each["name"] for each in told["modules"]] + [render(ModelPhrase.ALL_MODULES(), language)]
    rows = [[render(head(), language) for head in heads]]
    rows += [
        [name, *(render(ModelPhrase.ROW_COUNT(count=count), language) for count in row)]
        for name, row in zip(names, counts, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _num_tensors(module: dict[str, Any]) -> int:
    return int(module["learning"]) + int(module["normalised"]) + len(module["without"])


def _told(told: dict[str, Any], language: Language) -> list[str]:
    """What is behind the table, and what the model costs."""
    without = [name for each in told["modules"] for name in each["without"]]
    tensors = sum(each["normalised"] for each in told["modules"])
    training, synthesis = told["training"], told["synthesis"]
    sentences: list[Message] = [
        ModelPhrase.NORMALISED(count=told["normalised_parameters"], tensors=tensors),
        ModelPhrase.NO_GRADIENT(names=", ".join(without)) if without else ModelPhrase.ALL_LEARN(),
        ModelPhrase.SIZES(weights=told["weights_bytes"] / MIB, state=told["optimizer_bytes"] / MIB),
        ModelPhrase.TRAINING(macs=training["macs"] / MILLION, kept=training["bytes"] / MIB),
        ModelPhrase.SYNTHESIS(macs=synthesis["macs"] / MILLION, live=synthesis["bytes"] / MIB),
        ModelPhrase.HOW(utterances=told["utterances"], seconds=told["seconds"], symbols=told["symbols"]),
    ]
    return [render(sentence, language) for sentence in sentences]
