"""Commands of the `tacotron2` library in a child: this process never imports torch.

The child says what it did as records, a JSON object a line (`--json`); here they become sentences in the
language of the person. Lines that are no records, and what it writes to standard error, stay as they are.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from smart_tuner.messages import CommandPhrase, IncidentPhrase, Language, Message, Phrase, render

FOR_PROGRAMS = (
    "surveyed",
    "prepared",
    "analysed",
    "described",
    "fits",
    "digest",
    "base",
    "new-tensors",
    "mels-exported",
    "vocoder-begins",
    "vocoder-step",
    "vocoder-saved",
    "vocoder-validated",
    "vocoder-ended",
)
"""Kinds of records that are not told as they are."""


def run_library(
    arguments: Sequence[str],
    language: Language,
    failure: Phrase,
    found: Callable[[dict[str, Any]], None] | None = None,
    in_order: bool = False,
) -> int:
    """Run one command and tell its results; returns its exit status.

    Args:
        failure: the headline of what went wrong, with the place `{detail}` for the library's own words.
        found: is given a record of the kinds that are not told as they are.
        in_order: the command ends by itself on SIGINT and has something to keep: the first Ctrl-C or SIGTERM
            waits for that, a second one kills it.
    """
    command = [sys.executable, "-m", "tacotron2.cli", "--json", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    try:
        try:
            _follow(process, language, failure, found)
        except (KeyboardInterrupt, SystemExit):
            if in_order:
                process.send_signal(signal.SIGINT)  # the terminal tells it too; SIGTERM came here alone
                _follow(process, language, failure, found)
            raise
        return process.wait()
    finally:
        if process.poll() is None:  # Ctrl-C, or nobody reads any more
            process.kill()
            process.wait()


def _follow(
    process: subprocess.Popen[str],
    language: Language,
    failure: Phrase,
    found: Callable[[dict[str, Any]], None] | None,
) -> None:
    """Tells what a command says, to its end."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            record = json.loads(line)
            if found is not None and record["kind"] in FOR_PROGRAMS:
                found(record)
            else:
                _tell(record, language, failure)
        else:  # of a package that prints
            sys.stdout.write(line)


def _tell(record: dict[str, Any], language: Language, failure: Phrase) -> None:
    kind = record["kind"]
    if kind == "progress":
        _show_progress(record["done"], record["total"], language)
    elif kind == "error":
        _write(sys.stderr, language, failure(detail=record["message"]))
    elif kind == "spoken":
        _write(sys.stdout, language, *_spoken(record))
        _write(sys.stderr, language, *_left_out(record["dropped"]))
    elif kind == "bundled":
        size = record["bytes"] / 2**20
        _write(sys.stdout, language, CommandPhrase.BUNDLED(path=record["path"], size=size))
    elif kind == "corpus":
        _write(sys.stdout, language, *_corpus(record))
    elif kind == "replayed":
        _write(sys.stdout, language, *_replayed(record))


def _spoken(record: dict[str, Any]) -> list[Message]:
    value, sentences, endless = record["attention_alignment"], record["sentences"], record["endless"]
    alignment = CommandPhrase.NOT_MEASURABLE() if value is None else CommandPhrase.ROW_ALIGNMENT(value=value)
    bound = (
        CommandPhrase.LENGTH_BOUND()
        if sentences == 1
        else CommandPhrase.LENGTH_BOUNDS(count=endless, sentences=sentences)
    )
    ended = bound if endless else CommandPhrase.STOP_TOKEN()
    speaker, count = record.get("speaker"), record.get("speakers", 0)
    who = [] if speaker is None else [CommandPhrase.SPEAKER(name=speaker, count=count)]
    return [
        CommandPhrase.SPOKEN(path=record["path"], seconds=record["seconds"], alignment=alignment),
        CommandPhrase.ENDED_BY(reason=ended),
        *who,
    ]


def _left_out(dropped: dict[str, int]) -> list[Message]:
    return [
        CommandPhrase.CHARACTER_LEFT_OUT(
            count=count, character=repr(character), code=f"U+{ord(character):04X}"
        )
        for character, count in dropped.items()
    ]


def _corpus(record: dict[str, Any]) -> list[Message]:
    lists = [
        CommandPhrase.LIST_LENGTH(name=name, count=count) for name, count in record["utterances"].items()
    ]
    return [CommandPhrase.CORPUS(folder=record["folder"], minutes=record["seconds"] / 60), *lists]


def _replayed(record: dict[str, Any]) -> list[Message]:
    """Terms of the loss where there were any, else layers."""
    what = "terms" if record["recorded_terms"] else "layers"
    recorded, found = record[f"recorded_{what}"], record[what]
    told = IncidentPhrase.REPLAYED(
        step=record["step"],
        recorded=", ".join(recorded),
        found=", ".join(found) or IncidentPhrase.NOTHING(),
    )
    return [told, IncidentPhrase.REACHED() if record["reached"] else IncidentPhrase.NOT_REACHED()]


def _show_progress(done: int, total: int, language: Language) -> None:
    if sys.stderr.isatty():
        words = render(CommandPhrase.CLIPS_MADE(done=done, total=total), language)
        sys.stderr.write("\r" + words + ("\n" if done == total else ""))
        sys.stderr.flush()


def _write(stream: TextIO, language: Language, *messages: Message) -> None:
    for message in messages:
        stream.write(render(message, language) + "\n")
    stream.flush()
