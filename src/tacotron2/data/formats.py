"""Recognises how a folder of recordings names its texts. Only reads.

One listing of the folder and one of the folder of its recordings answer everything; a list candidate is
judged by its first line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tacotron2.data.entries import Entry, Fault, RejectedError, Rejection, printable, require_inside
from tacotron2.data.utterances import DataError

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")
"""In order of preference where one id has several files."""
HEAD_BYTES = 65_536
"""A first line longer than this is not the line of a list."""
LONGEST_TEXT_BYTES = 65_536
"""A text file beside a recording that is larger is not what is said in it."""
COMMON_VOICE_WHOLE = "validated.tsv"
"""The list of Common Voice that holds all reviewed clips; the others are parts of it."""
ACCEPTED = (
    "train.txt, validation.txt and test.txt with lines path|text; metadata.csv with lines id|text or "
    "id|text|normalised text and the recordings in wavs/ or beside it; one .txt or .csv list with lines "
    "path|text; a Common Voice .tsv with the columns path and sentence and the recordings in clips/; or "
    "recordings with a .txt of equal name beside each"
)

Name = Callable[[str], str]
"""From what a list calls a recording to its path in the folder."""
Parse = Callable[[str], tuple[str, str]]
"""From a line to what it calls the recording, and the text."""


@dataclass(frozen=True)
class Contents:
    """What a folder names."""

    layout: str
    """Which form was taken and why, in words."""
    entries: list[Entry]
    rejected: list[Rejection]
    """Lines and files that name no recording with a text."""


@dataclass(frozen=True)
class _Candidate:
    """A form that the folder may have, and how to read it."""

    words: str
    read: Callable[[], tuple[list[Entry], list[Rejection]]]


def read_contents(folder: Path) -> Contents:
    """What the folder names, in the one form it has.

    Raises:
        DataError: missing, not a folder, empty, of no known form, or of several forms at once.
    """
    files = list_files(folder)
    candidates = list(_candidates(folder, files))
    if not candidates:
        seen = ", ".join(printable(name) for name in files[:5]) + (", ..." if len(files) > 5 else "")
        raise DataError(
            f"{folder}: of no known form; its files are: {seen or 'none, only folders'}. "
            f"Right would be: {ACCEPTED}"
        )
    if len(candidates) > 1:
        found = "; ".join(candidate.words for candidate in candidates)
        raise DataError(
            f"{folder}: could be read in {len(candidates)} ways ({found}). Name a folder with one of them, "
            "or write train.txt, validation.txt and test.txt, which go before all others"
        )
    entries, rejected = candidates[0].read()
    return Contents(candidates[0].words, entries, rejected)


def list_files(folder: Path) -> list[str]:
    """Names of the files in the folder, sorted; hidden ones are passed over.

    Raises:
        DataError: missing, not a folder, not to be read, or without anything in it.
    """
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, _is_file(entry)) for entry in entries]
    except OSError as error:
        raise DataError(
            f"{folder}: no folder of recordings ({error.strerror}). Right would be: {ACCEPTED}"
        ) from error
    if not found:
        raise DataError(f"{folder}: the folder is empty. Right would be: {ACCEPTED}")
    return sorted(name for name, is_file in found if is_file and not name.startswith("."))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def is_audio(name: str) -> bool:
    """Whether the name has the ending of a recording."""
    return os.path.splitext(name)[1].lower() in AUDIO_ENDINGS


def _candidates(folder: Path, files: list[str]) -> Iterator[_Candidate]:
    stems = {os.path.splitext(name)[0] for name in files if is_audio(name)}
    pairs = {name for name in files if name.endswith(".txt") and name[:-4] in stems}
    tables = [name for name in files if name.endswith(".tsv") and _is_common_voice(folder / name)]
    if COMMON_VOICE_WHOLE in tables:
        tables = [COMMON_VOICE_WHOLE]
    for name in tables:
        yield _common_voice(folder, name)
    for name in files:
        if name.endswith((".txt", ".csv")) and name not in pairs:
            columns = [column.strip() for column in _first_line(folder / name).split("|")]
            if len(columns) > 1 and is_audio(columns[0]):
                yield _path_list(folder, name)
            elif len(columns) > 1 and name == "metadata.csv":
                yield _metadata(folder, name, len(columns), files)
    if pairs:
        words = f"{len(pairs)} recordings with a .txt of equal name beside them"
        yield _Candidate(words, lambda: _read_pairs(folder, files, pairs))


def _first_line(path: Path) -> str:
    """The first line that is not blank, whatever bytes it has."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{path}: is UTF-16; save the list as UTF-8")
    lines = head.decode("utf-8-sig", "replace").splitlines()
    return next((line for line in lines if line.strip()), "")


def _is_common_voice(path: Path) -> bool:
    return {"path", "sentence"} <= set(_first_line(path).split("\t"))


def _common_voice(folder: Path, name: str) -> _Candidate:
    columns = _first_line(folder / name).split("\t")
    path, sentence = columns.index("path"), columns.index("sentence")

    def parse(line: str) -> tuple[str, str]:
        fields = line.split("\t")
        if len(fields) != len(columns):
            raise RejectedError(Fault.LINE, f"{len(fields)} columns where the header has {len(columns)}")
        return fields[path].strip(), fields[sentence].strip()

    def locate(called: str) -> str:
        return f"clips/{called}" if is_audio(called) else f"clips/{called}.mp3"

    words = f"Common Voice: {name} has the columns path and sentence"
    return _Candidate(words, lambda: _read_lines(folder / name, parse, locate, header=True))


def _path_list(folder: Path, name: str) -> _Candidate:
    def parse(line: str) -> tuple[str, str]:
        columns = [column.strip() for column in line.split("|")]
        if len(columns) != 2:
            raise RejectedError(Fault.LINE, f"{len(columns)} columns; it has the form path|text")
        return columns[0], columns[1]

    words = f"a list path|text: {name} begins with a recording's path"
    return _Candidate(words, lambda: _read_lines(folder / name, parse, str))


def _metadata(folder: Path, name: str, num_columns: int, files: list[str]) -> _Candidate:
    def parse(line: str) -> tuple[str, str]:
        columns = [column.strip() for column in line.split("|")]
        if len(columns) not in (2, 3):
            form = "id|text or id|text|normalised text"
            raise RejectedError(Fault.LINE, f"{len(columns)} columns; it has the form {form}")
        return columns[0], columns[-1] or columns[1]

    def read() -> tuple[list[Entry], list[Rejection]]:
        index = _recordings(folder, files)
        return _read_lines(folder / name, parse, lambda called: index.get(called, f"wavs/{called}.wav"))

    kind = "LJSpeech" if num_columns == 3 else "two-column metadata"
    return _Candidate(f"{kind}: {name} begins with a line of {num_columns} columns, the first an id", read)


def _recordings(folder: Path, files: list[str]) -> dict[str, str]:
    """Path of every recording by its name, with and without ending; `wavs/` goes before the folder itself."""
    wavs = folder / "wavs"
    inner = [f"wavs/{name}" for name in list_files(wavs)] if wavs.is_dir() else []
    index: dict[str, str] = {}
    for paths in (inner, files):
        audio = [path for path in paths if is_audio(path)]
        for path in sorted(audio, key=lambda each: AUDIO_ENDINGS.index(os.path.splitext(each)[1].lower())):
            name = path.removeprefix("wavs/")
            index.setdefault(name, path)
            index.setdefault(os.path.splitext(name)[0], path)
    return index


def _read_lines(
    path: Path, parse: Parse, locate: Name, header: bool = False
) -> tuple[list[Entry], list[Rejection]]:
    """Entries of all lines that are not blank, and the lines that give none."""
    entries: list[Entry] = []
    rejected: list[Rejection] = []
    _require_list_inside(path)
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    numbered = [(number, raw) for number, raw in enumerate(lines, start=1) if raw.strip()]
    for number, raw in numbered[1:] if header else numbered:
        place = f"{path}, line {number}"
        try:
            called, text = parse(_decoded(raw).rstrip("\r"))
        except RejectedError as error:
            rejected.append(error.of(f"line {number}", place))
            continue
        if called:
            audio = locate(called)
            entries.append(Entry(os.path.splitext(os.path.basename(audio))[0], audio, text, place))
        else:
            rejected.append(Rejection(f"line {number}", place, Fault.LINE, "names no recording"))
    return entries, rejected


def _require_list_inside(path: Path) -> None:
    try:
        require_inside(path, path.parent.resolve())
    except RejectedError as error:
        raise DataError(f"{path}: {error}") from error


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1} (0x{raw[error.start]:02X}); save it as UTF-8"
        raise RejectedError(Fault.NOT_UTF8, wrong) from error


def _read_pairs(folder: Path, files: list[str], pairs: set[str]) -> tuple[list[Entry], list[Rejection]]:
    """Every recording of the folder with its text file, and those that have none."""
    entries: list[Entry] = []
    rejected: list[Rejection] = []
    root = folder.resolve()
    for audio in filter(is_audio, files):
        stem = os.path.splitext(audio)[0]
        place = str(folder / printable(f"{stem}.txt"))
        try:
            if f"{stem}.txt" not in pairs:
                raise RejectedError(Fault.EMPTY_TEXT, "there is no such text file")
            entries.append(Entry(stem, audio, _text_beside(folder / f"{stem}.txt", root), place))
        except RejectedError as error:
            rejected.append(error.of(printable(stem), place))
    return entries, rejected


def _text_beside(path: Path, root: Path) -> str:
    require_inside(path, root)
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST_TEXT_BYTES + 1)
    except OSError as error:
        raise RejectedError(Fault.EMPTY_TEXT, f"the text cannot be read ({error.strerror})") from error
    if len(raw) > LONGEST_TEXT_BYTES:
        raise RejectedError(Fault.MISMATCH, f"the text has more than {LONGEST_TEXT_BYTES} bytes")
    return " ".join(_decoded(raw.removeprefix(b"\xef\xbb\xbf")).split())
