"""A page that is drawn again about once a second, until q or Ctrl-C; without a terminal, printed once."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import IO

from rich.console import Console, RenderableType
from rich.live import Live

from smart_tuner.live_frame import Frame, frame_of
from smart_tuner.messages import Language

LOOK_S = 1.0
PLAIN_WIDTH, PLAIN_ROWS = 100, 12
ROWS = ((16, False), (12, False), (8, False), (6, False), (4, False), (2, False), (3, True), (1, True))
"""How many lines lists may have, and whether the rest is brief: the first that fits the screen is taken."""
LAST_ROWS = 6
"""Of the page that stays when the person has left."""

LEAVING = frozenset("qQйЙ")
"""The same key on a Russian keyboard too."""
MOST_KEYS = 1024

Page = Callable[[Frame], RenderableType]


def print_once(page: Page, language: Language, stream: IO[str]) -> None:
    """The page as plain lines, as wide as the terminal; where there is none, as COLUMNS, else 100."""
    width = shutil.get_terminal_size((PLAIN_WIDTH, 0)).columns
    console = Console(file=stream, width=width, highlight=False, markup=False)
    frame = replace(frame_of(console, language), rows=PLAIN_ROWS)
    with console.capture() as capture:
        console.print(page(frame))
    lines = [line.rstrip() for line in capture.get().splitlines()]
    stream.write("\n".join(lines) + "\n")
    stream.flush()


def watch(look: Callable[[], Page], change: Callable[[Frame], Frame], language: Language) -> None:
    """Draw what `look` finds until the person leaves; the last page stays on the screen.

    Args:
        change: what the frame holds besides, as of this moment.

    Raises:
        Whatever `look` raises, with the terminal as it was before.
    """
    console = Console(highlight=False, markup=False)
    page = look()
    try:
        with _keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(fitting(page, change, console, language), refresh=True)
                if LEAVING.intersection(pressed(LOOK_S)):
                    break
                page = look()
    except KeyboardInterrupt:
        pass
    frame = replace(change(frame_of(console, language)), rows=LAST_ROWS, hint=False, pages=None)
    console.print(page(frame))


def fitting(
    page: Page, change: Callable[[Frame], Frame], console: Console, language: Language
) -> RenderableType:
    """The page with lists as long as the screen allows."""
    frame, height = change(replace(frame_of(console, language), hint=True)), console.size.height
    for rows, brief in ROWS:
        drawn = page(replace(frame, rows=rows, brief=brief))
        if len(console.render_lines(drawn, pad=False)) <= height:
            break
    return drawn


@contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """A function that waits so many seconds for keys and tells them; empty where none was pressed."""
    try:
        import termios
        import tty
    except ImportError:  # no such terminals here; Ctrl-C is enough
        yield _wait_only
        return
    if not sys.stdin.isatty():
        yield _wait_only
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def pressed(seconds: float) -> str:
        ready, _, _ = select.select([descriptor], [], [], seconds)
        return os.read(descriptor, MOST_KEYS).decode("utf-8", errors="replace") if ready else ""

    try:
        tty.setcbreak(descriptor)  # Ctrl-C stays a signal
        yield pressed
    finally:
        with suppress(termios.error):  # a terminal that has gone away
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _wait_only(seconds: float) -> str:
    time.sleep(seconds)
    return ""
