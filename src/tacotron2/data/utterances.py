"""Lists of utterances: one `wavs/ID.wav|text` a line, UTF-8, paths relative to the corpus folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN_PROBLEMS = 10


class DataError(ValueError):
    """A corpus cannot be used; each line of the message names list file, line and what would be right."""


@dataclass(frozen=True)
class Utterance:
    """One recording and what is said in it."""

    id: str
    """File name without its ending; unique in a list."""
    audio_path: Path
    text: str
    """As it stands in the list, not normalised."""
    line: int
    """Counted from 1."""
    list_path: Path

    @property
    def place(self) -> str:
        """`LIST, line N`, the beginning of every message about this utterance."""
        return f"{self.list_path}, line {self.line}"


def read_list(list_path: Path, root: Path) -> list[Utterance]:
    """The utterances in the order of the list; blank lines are passed over.

    Args:
        root: folder that the paths are relative to and may not leave, not even through a symbolic link.

    Raises:
        DataError: the list cannot be read or is empty, or some line is not UTF-8, has no `|`, no text, names
            a file that is missing or outside `root`, or repeats an id. Several bad lines are told at once.
    """
    try:
        content = list_path.read_bytes()
    except OSError as error:
        raise DataError(f"{list_path}: cannot be read ({error.strerror})") from error
    utterances: list[Utterance] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    for line, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            utterance = _read_line(raw, line, list_path, root)
        except DataError as error:
            problems.append(str(error))
            continue
        first = seen.setdefault(utterance.id, line)
        if first != line:
            problems.append(
                f"{utterance.place}: the id {utterance.id!r} was already used in line {first}; "
                "every recording needs a file name of its own"
            )
        utterances.append(utterance)
    if not utterances and not problems:
        problems.append(f"{list_path}: names no recording; a line has the form wavs/ID.wav|text")
    raise_problems(problems)
    return utterances


def raise_problems(problems: Sequence[str]) -> None:
    """DataError with the first of them, one a line, and the number of the rest; none: nothing happens."""
    if not problems:
        return
    rest = len(problems) - SHOWN_PROBLEMS
    more = [f"and {rest} more like these"] if rest > 0 else []
    raise DataError("\n".join([*problems[:SHOWN_PROBLEMS], *more]))


def _read_line(raw: bytes, line: int, list_path: Path, root: Path) -> Utterance:
    place = f"{list_path}, line {line}"
    try:
        entry = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: byte {error.start + 1} (0x{raw[error.start]:02X}) is not UTF-8; save the list as UTF-8"
        ) from error
    name, separator, text = (part.strip() for part in entry.partition("|"))
    if not separator:
        raise DataError(f"{place}: no '|' between file and text; a line has the form wavs/ID.wav|text")
    if not name:
        raise DataError(f"{place}: no file before '|'; a line has the form wavs/ID.wav|text")
    if not text:
        raise DataError(f"{place}: no text after '|' for {name}")
    audio_path = root / name
    try:
        inside, exists = audio_path.resolve().is_relative_to(root.resolve()), audio_path.is_file()
    except (OSError, ValueError) as error:  # a text where the file belongs is too long for a name
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise DataError(
            f"{place}: {shown!r} cannot be a file; a line has the form wavs/ID.wav|text"
        ) from error
    if not inside:
        raise DataError(f"{place}: {name} lies outside {root}; put the recording into that folder")
    if not exists:
        raise DataError(f"{place}: there is no file {audio_path}")
    return Utterance(id=audio_path.stem, audio_path=audio_path, text=text, line=line, list_path=list_path)
