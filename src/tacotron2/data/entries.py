"""What a folder of recordings names, and why some of it is not used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SPLITS = ("train", "validation", "test")
LONGEST_ID = 80
"""Characters of an id that are shown; a line of a wrong list may give one of any length."""


class Fault(StrEnum):
    """Why a clip is rejected."""

    LINE = "not a line of the list's form"
    NOT_UTF8 = "not UTF-8"
    NAME = "unusable file name"
    DUPLICATE = "duplicate id"
    LEAK = "in two lists"
    OUTSIDE = "outside the folder"
    MISSING = "no such recording"
    EMPTY_TEXT = "empty text"
    CHARACTER = "unreadable text"
    UNREADABLE = "unreadable recording"
    SILENT = "silent"
    CLIPPED = "clipped"
    LENGTH = "too short or too long"
    MISMATCH = "text and length cannot belong together"


@dataclass(frozen=True)
class Entry:
    """One recording that a folder names, not yet looked at."""

    id: str
    """File name without its ending."""
    audio: str
    """Path of the recording, from the folder."""
    text: str
    place: str
    """Where it is named: list file and line, or the text file."""
    split: str = ""
    """The list of the user's own split that names it; empty where the split is made here."""
    speaker: str = ""
    """Who speaks; empty where the folder does not say."""


@dataclass(frozen=True)
class Rejection:
    """A clip that is not used; `detail` says what is wrong and what would be right."""

    id: str
    place: str
    fault: Fault
    detail: str

    @property
    def reason(self) -> str:
        return f"{self.fault}: {self.detail}"


class RejectedError(ValueError):
    """One clip cannot be used; becomes a `Rejection`."""

    def __init__(self, fault: Fault, detail: str) -> None:
        self.fault = fault
        self.detail = detail
        super().__init__(f"{fault}: {detail}")

    def of(self, name: str, place: str) -> Rejection:
        """The record of it for the clip of that id and place."""
        shown = name if len(name) <= LONGEST_ID else f"{name[: LONGEST_ID - 3]}..."
        return Rejection(shown, place, self.fault, self.detail)


def rejected_table(rejected: Iterable[Rejection]) -> str:
    """Tab-separated lines: id, list place, reason; the first line names the columns."""
    rows = [("id", "place", "reason"), *((each.id, each.place, each.reason) for each in rejected)]
    return "".join("\t".join(re.sub(r"\s+", " ", field) for field in row) + "\n" for row in rows)


def counted(rejected: Iterable[Rejection]) -> str:
    """How often each fault occurs, the most frequent first: `3 silent, 1 clipped`."""
    counts = Counter(each.fault for each in rejected)
    return ", ".join(f"{count} {fault}" for fault, count in counts.most_common())


def printable(name: str) -> str:
    """A file name that may hold bytes of no text, as text that can be written."""
    return name.encode("utf-8", "replace").decode("utf-8")


def require_inside(path: Path, root: Path) -> None:
    """RejectedError where the path leaves `root` (resolved), by its name or through a link, or is none."""
    try:
        inside = path.resolve().is_relative_to(root)
    except (OSError, ValueError, RuntimeError) as error:  # too long, a zero byte, a loop of links
        raise RejectedError(Fault.NAME, f"cannot be a file ({type(error).__name__})") from error
    if not inside:
        raise RejectedError(
            Fault.OUTSIDE, f"{printable(path.name)} leads out of it; put the file itself there"
        )
