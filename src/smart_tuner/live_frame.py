"""How a page of the terminal is drawn, whatever it shows: width, language, heading, progress, foot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from smart_tuner.messages import Language, Message, MonitorPhrase, ServicePhrase, render
from smart_tuner.service_process import ServiceAddress
from smart_tuner.sparkline import ASCII, BLOCKS, sparkline

WIDE = 100
"""From so many columns on, two parts stand side by side."""
WIDEST_TREND = 40


@dataclass(frozen=True)
class Frame:
    """How the page is drawn, whatever it shows.

    rows: validations and happenings that may be listed.
    brief: without what can be missed first on a low screen.
    """

    language: Language
    width: int
    rows: int = 6
    brief: bool = False
    blocks: str = BLOCKS
    pages: Sequence[ServiceAddress] | None = None
    hint: bool = False

    def say(self, message: Message | str) -> str:
        return render(message, self.language)

    def heading(self, message: Message) -> Rule:
        """A line across the page with the name of what follows."""
        return Rule(Text(self.say(message), style="bold"), align="left", style="dim", characters="─")

    def trend(self, values: Sequence[float], beside: int) -> str:
        """A curve in what other columns leave."""
        return sparkline(values, max(8, min(WIDEST_TREND, self.width - beside)), self.blocks)


def frame_of(console: Console, language: Language) -> Frame:
    """For a console: its width, and blocks where its encoding has them."""
    unicode = console.encoding.lower().startswith("utf")
    return Frame(language, console.width, blocks=BLOCKS if unicode else ASCII)


def progress_line(done: int, total: int, frame: Frame) -> RenderableType:
    """A bar across the page with the count behind it."""
    count = frame.say(MonitorPhrase.ROW_PROGRESS(done=done, total=total))
    line = Table.grid(expand=True, padding=(0, 1, 0, 0))
    line.add_column(ratio=1)
    line.add_column(justify="right", no_wrap=True)
    bar = ProgressBar(total=max(1, total), completed=min(done, total), complete_style="green")
    line.add_row(bar, Text(count))
    return line


def page_foot(frame: Frame, how_to_leave: Message) -> Iterator[RenderableType]:
    """The addresses of what this command has brought up, and how to leave."""
    if frame.pages is not None:
        yield frame.heading(MonitorPhrase.PART_PAGES())
        if not frame.pages:
            yield Text(frame.say(MonitorPhrase.PAGE_COMES()), style="dim")
        for each in frame.pages:
            told = ServicePhrase.ANSWERS(name=each.name, page=each.page)
            if not each.ready:
                told = MonitorPhrase.NO_PAGE(name=each.name, reason=each.reason or "")
            yield Text(frame.say(told), style="" if each.ready else "yellow")
    if frame.hint:
        yield Text(frame.say(how_to_leave), style="dim")
