"""`smart-tuner model memory`: what of a training fits which card."""

from __future__ import annotations

import json
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_tuner.messages import Language, Message, ModelPhrase, render
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import Messages, Overrides

GIB = 2**30
CARDS = [8.0, 12.0, 24.0]
"""GB that cards for homes have."""


class Precision(StrEnum):
    """As in `train.precision`, without the choice of one."""

    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def memory(
    preset: Annotated[
        str | None,
        typer.Option(help="A preset's name, or the path of a YAML file; otherwise the defaults."),
    ] = None,
    card: Annotated[
        list[float] | None, typer.Option(min=1, max=1024, help="GB of a card; may be repeated.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=600, help="Of the longest utterance; else data.max_seconds.")
    ] = None,
    precision: Annotated[list[Precision] | None, typer.Option(help="May be repeated; else all.")] = None,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as one JSON object.")] = False,
    messages: Messages = Language.EN,
) -> None:
    """Which batches of longest utterances fit cards of several sizes: an estimate, made without a card."""
    with plain_errors(messages):
        from smart_tuner.config import default_config, load_config
        from smart_tuner.library import run_library

        changes = overrides or ()
        config = default_config(changes) if preset is None else load_config(preset, changes)
        told: dict[str, Any] = {}
        with tempfile.TemporaryDirectory() as temporary:
            settings = Path(temporary) / "run.yaml"
            settings.write_text(config.to_yaml(), encoding="utf-8")
            arguments = ["card-memory", f"--settings={settings}"]
            arguments += [f"--card={size}" for size in card or CARDS]
            arguments += [f"--precision={each}" for each in precision or ()]
            arguments += [] if seconds is None else [f"--seconds={seconds}"]
            status = run_library(arguments, messages, ModelPhrase.MEMORY_NOT_TOLD, told.update)
        if status != 0:
            raise typer.Exit(status)
        del told["kind"]
        for line in [json.dumps(told, indent=2)] if as_json else _lines(told, messages):
            typer.echo(line)


def _lines(told: dict[str, Any], language: Language) -> list[str]:
    heads = [
        ModelPhrase.MEMORY_HEAD_CARD,
        ModelPhrase.MEMORY_HEAD_PRECISION,
        ModelPhrase.MEMORY_HEAD_CHECKPOINTING,
        ModelPhrase.MEMORY_HEAD_ROWS,
        ModelPhrase.MEMORY_HEAD_PARTS,
        ModelPhrase.MEMORY_HEAD_NEEDED,
        ModelPhrase.MEMORY_HEAD_FITS,
    ]
    rows = [[render(head(), language) for head in heads]]
    rows += [_row(fit, language) for fit in told["fits"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    how = ModelPhrase.MEMORY_HOW(seconds=told["seconds"], batch=told["batch_size"])
    return [*lines, render(how, language)]


def _row(fit: dict[str, Any], language: Language) -> list[str]:
    parts = fit["accumulation"]
    fits: Message = ModelPhrase.MEMORY_FITS() if fit["as_planned"] else ModelPhrase.MEMORY_FITS_IN_PARTS()
    if parts is None:
        fits = ModelPhrase.MEMORY_DOES_NOT_FIT()
    again = ModelPhrase.MEMORY_ON() if fit["checkpointing"] else ModelPhrase.MEMORY_OFF()
    return [
        f"{fit['card_bytes'] / GIB:g}",
        fit["precision"],
        render(again, language),
        str(fit["rows"]),
        "-" if parts is None else str(parts),
        f"{fit['needed_bytes'] / GIB:.1f}",
        render(fits, language),
    ]
