"""Lists of utterances: one `wavs/ID.wav|text` a line, UTF-8, paths relative to the corpus folder.

A list that names speakers has `wavs/ID.wav|text|speaker`. Its first line decides: with two bars or more, what
stands behind the last bar of every line is the speaker, or nothing where nobody is named.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SHOWN_PROBLEMS = 10
FORM, FORM_WITH_SPEAKER = "wavs/ID.wav|text", "wavs/ID.wav|text|speaker"


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
    speaker: str = ""
    """Empty where the list names none."""

    @property
    def place(self) -> str:
        """`LIST, line N`, the beginning of every message about this utterance."""
        return f"{self.list_path}, line {self.line}"


def read_list(list_path: Path, root: Path) -> list[Utterance]:
    """The utterances in the order of the list; blank lines are passed over.

    Args:
        root: folder that the paths are relative to and may not leave, not even through a symbolic link.

    Raises:
        DataError: the list cannot be read or is empty, or some line is not UTF-8, has no `|`, no text, no
            column for the speaker where the first line has one, names a file that is missing or outside
            `root`, or repeats an id. Several bad lines are told at once.
    """
    try:
        content = list_path.read_bytes()
    except OSError as error:
        raise DataError(f"{list_path}: cannot be read ({error.strerror})") from error
    utterances: list[Utterance] = []
    problems: list[str] = []
    seen: dict[str, int] = {}
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    numbered = [(number, raw) for number, raw in enumerate(lines, start=1) if raw.strip()]
    speakers = bool(numbered) and names_speakers(numbered[0][1].decode("utf-8", "replace"))
    for line, raw in numbered:
        try:
            utterance = _read_line(raw, line, list_path, root, speakers)
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
        problems.append(f"{list_path}: names no recording; a line has the form {FORM}")
    raise_problems(problems)
    return utterances


def raise_problems(problems: Sequence[str]) -> None:
    """DataError with the first of them, one a line, and the number of the rest; none: nothing happens."""
    if not problems:
        return
    rest = len(problems) - SHOWN_PROBLEMS
    more = [f"and {rest} more like these"] if rest > 0 else []
    raise DataError("\n".join([*problems[:SHOWN_PROBLEMS], *more]))


def names_speakers(first_line: str) -> bool:
    """Whether a list that begins with this line has a column for the speaker."""
    return first_line.count("|") > 1


def split_line(line: str, speakers: bool) -> tuple[str, str, str]:
    """File, text and speaker of a line, by its first bar and, where there are `speakers`, its last.

    Raises:
        ValueError: a bar is missing; the message says which, and the form of a line.
    """
    name, bar, rest = line.partition("|")
    if not bar:
        form = FORM_WITH_SPEAKER if speakers else FORM
        raise ValueError(f"no '|' between file and text; a line has the form {form}")
    if not speakers:
        return name.strip(), rest.strip(), ""
    text, bar, speaker = rest.rpartition("|")
    if not bar:
        wrong = "no '|' between text and speaker, a column that the first line of the list has"
        raise ValueError(f"{wrong}; a line has the form {FORM_WITH_SPEAKER}")
    return name.strip(), text.strip(), speaker_name(speaker)


def speaker_name(written: str) -> str:
    """A speaker as everything else knows them: white space and accents have one form each."""
    return unicodedata.normalize("NFC", " ".join(written.split()))


def _read_line(raw: bytes, line: int, list_path: Path, root: Path, speakers: bool) -> Utterance:
    place = f"{list_path}, line {line}"
    try:
        entry = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: byte {error.start + 1} (0x{raw[error.start]:02X}) is not UTF-8; save the list as UTF-8"
        ) from error
    try:
        name, text, speaker = split_line(entry, speakers)
    except ValueError as error:
        raise DataError(f"{place}: {error}") from error
    if not name:
        raise DataError(f"{place}: no file before '|'; a line has the form {FORM}")
    if not text:
        raise DataError(f"{place}: no text after '|' for {name}")
    audio_path = root / name
    try:
        inside, exists = audio_path.resolve().is_relative_to(root.resolve()), audio_path.is_file()
    except (OSError, ValueError) as error:  # a text where the file belongs is too long for a name
        shown = name if len(name) <= 60 else f"{name[:57]}..."
        raise DataError(f"{place}: {shown!r} cannot be a file; a line has the form {FORM}") from error
    if not inside:
        raise DataError(f"{place}: {name} lies outside {root}; put the recording into that folder")
    if not exists:
        raise DataError(f"{place}: there is no file {audio_path}")
    return Utterance(audio_path.stem, audio_path, text, line, list_path, speaker)
