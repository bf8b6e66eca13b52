"""How a command answers: statuses, records for programs, lines for people."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

NOT_REACHED = 1
DATA_ERROR = 30
CONFIGURATION_ERROR = 31
INTERRUPTED = 130


def fail(chosen: argparse.Namespace, message: object, status: int) -> int:
    """Tells a mistake, and gives back the status."""
    if chosen.json:
        say_record(kind="error", message=str(message))
    else:
        print(f"tacotron2: {message}", file=sys.stderr)
    return status


def say_record(**record: Any) -> None:
    """One line for a program."""
    print(json.dumps(record), flush=True)


def progress_of(chosen: argparse.Namespace) -> Callable[[int, int], None]:
    """Who is told (done, total)."""
    return _say_progress if chosen.json else _show_progress


def _say_progress(done: int, total: int) -> None:
    say_record(kind="progress", done=done, total=total)


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} clips", end="\n" if done == total else "", file=sys.stderr)
