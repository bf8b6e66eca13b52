"""What is said in a recording, as people have it: a plain text, or subtitles (SubRip, WebVTT).

Subtitles hold more than speech: markup, who speaks, sounds in brackets, songs. That is taken out, because
nobody says it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ENDINGS = (".srt", ".vtt", ".txt")
"""In the order in which they are looked for: times help."""
LARGEST_BYTES = 2**24
"""A hundred hours of speech have a quarter of it."""
TOUCHING_S = 0.2
"""Cues that are no further apart may repeat each other's lines, as captions that roll upwards do."""

_TIME = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-+>\s*{_TIME}(?:\s.*)?$")
_NOT_CUES = re.compile(r"^(WEBVTT|NOTE|STYLE|REGION)\b")
_MARKUP = re.compile(r"<[^>\n]*>|\{\\[^}\n]*\}")
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")
_IN_ROUND_ONES = re.compile(r"^[-–—\s]*\([^()]*\)$")
_WHO = re.compile(r"^[-–—>\s]*([^:]{1,30}):\s+")
_DASH = re.compile(r"^\s*(?:[-–—]|>>)\s*")
_SONG = "♪♫#"


class TranscriptError(ValueError):
    """A transcript cannot be used; the message names the file, the line, and what would be right."""


@dataclass(frozen=True)
class Passage:
    """A piece of a transcript; start and end in seconds of the recording, None where they are not known."""

    text: str
    start: float | None = None
    end: float | None = None


def find_transcript(recording: Path) -> Path | None:
    """The transcript of a recording: the same name with .srt, else .vtt, else .txt; None without one."""
    candidates = (recording.with_suffix(ending) for ending in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)


def read_transcript(path: Path) -> list[Passage]:
    """The passages of a transcript, in the order of the recording: paragraphs of a text, cues of subtitles.

    Raises:
        TranscriptError: unreadable, not UTF-8, without a word, or with a time that cannot be; the message
            names file and line.
    """
    lines = _content(path).split("\n")
    subtitles = path.suffix.lower() in ENDINGS[:2]
    passages = _in_order(list(_cues(path, lines))) if subtitles else list(_paragraphs(lines))
    if not passages:
        what = "no cue such as 00:00:01,000 --> 00:00:04,000 with words" if subtitles else "no words"
        raise TranscriptError(f"{path}: {what} in it")
    return passages


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise TranscriptError(f"{path}: larger than {LARGEST_BYTES / 2**20:g} MiB; this is no transcript")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise TranscriptError(f"{path}: byte {error.start + 1} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise TranscriptError(f"{path}: cannot be read ({error.strerror})") from error


def _paragraphs(lines: Sequence[str]) -> Iterator[Passage]:
    """Lines that follow each other. One without a letter or a digit parts them: it is blank, or a rule such
    as * * *, which nobody says."""
    paragraph: list[str] = []
    for line in (*lines, ""):
        if any(character.isalnum() for character in line):
            paragraph += line.split()
        elif paragraph:
            yield Passage(" ".join(paragraph))
            paragraph = []


@dataclass(frozen=True)
class _Cue:
    start: float
    end: float
    lines: list[str]


def _cues(path: Path, lines: Sequence[str]) -> Iterator[_Cue]:
    """A time line, and all lines to the next blank one. The line before a time line is its number or name."""
    cue: _Cue | None = None
    skipped = False  # inside of a block that is no cue
    for number, line in enumerate(lines, start=1):
        times = _TIMES.match(line)
        if times:
            if cue is not None:
                yield cue
            cue, skipped = _Cue(*_seconds(path, number, times), []), False
        elif not line.strip():
            skipped = False
        elif skipped or _is_name(lines, number):
            continue
        elif _NOT_CUES.match(line) and (cue is None or not lines[number - 2].strip()):
            skipped = True
        elif "-->" in line:
            wrong = "is no pair of times; it must be as 00:00:01,000 --> 00:00:04,000"
            raise TranscriptError(f"{path}, line {number}: {line.strip()!r} {wrong}")
        elif cue is not None:
            cue.lines.append(line)
    if cue is not None:
        yield cue


def _is_name(lines: Sequence[str], number: int) -> bool:
    """Whether the line of that number, from 1, names the cue after it: a block begins with it."""
    if number >= len(lines) or not _TIMES.match(lines[number]):
        return False
    return number == 1 or not lines[number - 2].strip() or lines[number - 1].strip().isdigit()


def _seconds(path: Path, number: int, times: re.Match[str]) -> tuple[float, float]:
    found = times.groups()
    start, end = (
        3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + int(part.ljust(3, "0")) / 1000
        for hours, minutes, seconds, part in (found[:4], found[4:])
    )
    if end <= start:
        raise TranscriptError(
            f"{path}, line {number}: the cue ends before it begins ({times.group().strip()})"
        )
    return start, end


def _in_order(cues: Sequence[_Cue]) -> list[Passage]:
    """What is said in the cues, by their start; each ends where the next begins at the latest."""
    passages: list[Passage] = []
    before: list[str] = []
    for cue in sorted(cues, key=lambda each: each.start):
        lines = [line for line in map(_said, cue.lines) if line]
        touches = bool(passages) and cue.start <= (passages[-1].end or 0.0) + TOUCHING_S
        new = lines[_repeated(before, lines) :] if touches else lines
        before = lines
        if not new:
            continue
        if passages and (passages[-1].end or 0.0) > cue.start > (passages[-1].start or 0.0):
            passages[-1] = replace(passages[-1], end=cue.start)
        passages.append(Passage(" ".join(new), cue.start, cue.end))
    return passages


def _repeated(before: Sequence[str], lines: Sequence[str]) -> int:
    """How many of the first lines were the last lines of the cue before."""
    most = min(len(before), len(lines))
    return next((count for count in range(most, 0, -1) if before[-count:] == lines[:count]), 0)


def _said(line: str) -> str:
    """A line without what nobody says; empty where nothing is left."""
    if any(mark in line for mark in _SONG[:2]) or line.strip().startswith("# "):
        return ""
    plain = _IN_BRACKETS.sub(" ", html.unescape(_MARKUP.sub("", line)))
    if _IN_ROUND_ONES.match(plain):
        return ""
    who = _WHO.match(plain)
    if who and who[1].isupper():
        plain = plain[who.end() :]
    plain = _DASH.sub("", plain)
    return " ".join(plain.split()) if any(character.isalnum() for character in plain) else ""
