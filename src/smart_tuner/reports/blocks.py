"""What a page is made of: plain values, in the reader's language, with nothing of HTML in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar


class Tone(StrEnum):
    """How a word is coloured; the word says the same without colour."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"


@dataclass(frozen=True)
class Block:
    """Base of all; `kind` tells the template which one it is."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Text(Block):
    """A paragraph, or several as a list."""

    kind: ClassVar[str] = "text"
    sentences: Sequence[str]
    muted: bool = False


@dataclass(frozen=True)
class Figure:
    """One number that a person wants first, with its name and what it means."""

    name: str
    value: str
    note: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Figures(Block):
    """A few of them side by side."""

    kind: ClassVar[str] = "figures"
    figures: Sequence[Figure]


@dataclass(frozen=True)
class Table(Block):
    """Rows under heads; `words` are the columns (from 0) of text, the others are numbers."""

    kind: ClassVar[str] = "table"
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: Sequence[int] = (0,)
    tones: Sequence[Tone] = ()
    """Of the last cell of each row."""


@dataclass(frozen=True)
class Series:
    """A curve. Of each part the points (x, y) are joined; `gone`: parts that a restart has given up."""

    name: str
    parts: Sequence[Sequence[tuple[float, float]]]
    gone: Sequence[Sequence[tuple[float, float]]] = ()

    @property
    def points(self) -> list[tuple[float, float]]:
        """All of them, without what was given up."""
        return [point for part in self.parts for point in part]


@dataclass(frozen=True)
class Mark:
    """Something that happened at a step: a symbol of one character, and the same in words."""

    x: float
    symbol: str
    words: str


@dataclass(frozen=True)
class Span:
    """A stretch of the horizontal axis with a name."""

    start: float
    end: float
    name: str


@dataclass(frozen=True)
class Level:
    """A horizontal line: what is to be reached."""

    y: float
    name: str


@dataclass(frozen=True)
class Chart(Block):
    """Curves over the steps of a training."""

    kind: ClassVar[str] = "chart"
    title: str
    explanation: str
    series: Sequence[Series]
    x_name: str
    last_x: float
    logarithmic: bool = False
    bounds: tuple[float, float] | None = None
    marks: Sequence[Mark] = ()
    spans: Sequence[Span] = ()
    levels: Sequence[Level] = ()
    table_name: str = ""
    table: Table | None = None


@dataclass(frozen=True)
class Frame:
    """One picture of a viewer, as a data URI."""

    label: str
    source: str
    alternative: str
    width: int
    height: int


@dataclass(frozen=True)
class Viewer(Block):
    """Pictures of the same thing at different times, under a slider."""

    kind: ClassVar[str] = "viewer"
    label: str
    frames: Sequence[Frame]
    earlier: str
    later: str
    start: int
    """Which of them is shown first, from 0."""


@dataclass(frozen=True)
class Picture(Block):
    """One picture with its caption."""

    kind: ClassVar[str] = "picture"
    frame: Frame
    caption: str


@dataclass(frozen=True)
class Clip:
    """A sound as a data URI; `name` is read aloud with its controls."""

    label: str
    source: str
    name: str
    note: str = ""


@dataclass(frozen=True)
class Sounds(Block):
    """Sounds under a heading: the text that is spoken."""

    kind: ClassVar[str] = "sounds"
    title: str
    clips: Sequence[Clip]


@dataclass(frozen=True)
class Listing(Block):
    """Text as it stands in a file."""

    kind: ClassVar[str] = "listing"
    text: str


@dataclass(frozen=True)
class Folded(Block):
    """Blocks that open when they are asked for."""

    kind: ClassVar[str] = "folded"
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading; `anchor` is what the contents point at."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """The whole."""

    language: str
    title: str
    subtitle: str
    badge: str
    tone: Tone
    contents_name: str
    sections: Sequence[Section]
    footer: Sequence[str] = field(default_factory=tuple)
