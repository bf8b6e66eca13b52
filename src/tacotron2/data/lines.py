"""The lines of a list as entries, and the files they mean. Only reads."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from pathlib import Path

from tacotron2.data.entries import Entry, Fault, RejectedError, Rejection, require_inside
from tacotron2.data.utterances import DataError

LONGEST_TEXT_BYTES = 65_536
"""A line or text file that is longer is not what is said in one recording."""
LARGEST_LIST_BYTES = 2**28
"""A million lines have a quarter of it."""

Name = Callable[[str], str]
"""From what a list calls a recording to its path in the folder."""
Parse = Callable[[str], tuple[str, str, str]]
"""From a line to what it calls the recording, the text, and the speaker or an empty string."""


class Spelling:
    """Finds files by names written with other code points for the same letters.

    macOS and the archives made there write `é` as two characters, most lists as one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, dict[str, str]] = {}

    def __call__(self, path: str) -> str:
        """The path as the folder spells it; unchanged where there is no such file."""
        parts = path.split("/")
        if path.isascii() or ".." in parts or os.path.exists(self._folder / path):
            return path
        found = ""
        for part in parts:
            found = os.path.join(found, self._names(found).get(composed(part), part))
        return found

    def _names(self, inner: str) -> dict[str, str]:
        """Composed name to name of everything in a folder; listed once."""
        if inner not in self._listed:
            try:
                names = os.listdir(self._folder / inner)
            except (OSError, ValueError):
                names = []
            self._listed[inner] = {composed(name): name for name in names}
        return self._listed[inner]


def composed(name: str) -> str:
    """The name with each letter and its accents as one character."""
    return unicodedata.normalize("NFC", name)


def read_lines(
    path: Path, parse: Parse, locate: Name, header: bool = False, split: str = ""
) -> tuple[list[Entry], list[Rejection]]:
    """Entries of all lines that are not blank, and the lines that give none.

    Args:
        header: the first line names the columns.
        split: the list of the split that the file is, where the split is the user's.

    Raises:
        DataError: the list is no file of the folder, or too large to be a list.
    """
    entries: list[Entry] = []
    rejected: list[Rejection] = []
    lines = _content(path).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    numbered = [(number, raw) for number, raw in enumerate(lines, start=1) if raw.strip()]
    for number, raw in numbered[1:] if header else numbered:
        place = f"{path}, line {number}"
        try:
            called, text, speaker = parse(_line(raw))
        except RejectedError as error:
            rejected.append(error.of(f"line {number}", place))
            continue
        if called:
            audio = locate(called)
            name = os.path.splitext(os.path.basename(audio))[0]
            entries.append(Entry(name, audio, text, place, split, speaker))
        else:
            rejected.append(Rejection(f"line {number}", place, Fault.LINE, "names no recording"))
    return entries, rejected


def _content(path: Path) -> bytes:
    try:
        require_inside(path, path.parent.resolve())
        if path.stat().st_size > LARGEST_LIST_BYTES:
            raise DataError(
                f"{path}: larger than {LARGEST_LIST_BYTES / 2**20:g} MiB; this is no list of clips"
            )
        return path.read_bytes()
    except RejectedError as error:
        raise DataError(f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _line(raw: bytes) -> str:
    if len(raw) > LONGEST_TEXT_BYTES:
        wrong = f"{len(raw):,} bytes in one line, more than {LONGEST_TEXT_BYTES:,}; a clip is a line"
        raise RejectedError(Fault.LINE, wrong)
    return decoded(raw).rstrip("\r")


def decoded(raw: bytes) -> str:
    """The text of UTF-8 bytes; RejectedError where they are none."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1} (0x{raw[error.start]:02X}); save it as UTF-8"
        raise RejectedError(Fault.NOT_UTF8, wrong) from error
