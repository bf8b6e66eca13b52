"""Recognises how a folder of recordings names its texts. Only reads.

One listing of the folder and one of the folder of its recordings answer everything; a list candidate is
judged by its first line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tacotron2.data.entries import (
    SPLITS,
    Entry,
    Fault,
    RejectedError,
    Rejection,
    printable,
    require_inside,
)
from tacotron2.data.lines import LONGEST_TEXT_BYTES, Spelling, composed, decoded, read_lines
from tacotron2.data.utterances import DataError, names_speakers, speaker_name, split_line

AUDIO_ENDINGS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64")
"""In order of preference where one id has several files."""
HEAD_BYTES = 65_536
"""A first line longer than this is not the line of a list."""
COMMON_VOICE_WHOLE = "validated.tsv"
"""The list of Common Voice that holds all reviewed clips; the others are parts of it."""
SPEAKER_COLUMNS = ("speaker", "client_id")
"""Headers of a .tsv that name who speaks; the first of them that is there counts."""
ACCEPTED = (
    "train.txt, validation.txt and test.txt with lines path|text or path|text|speaker; metadata.csv with "
    "lines id|text or id|text|normalised text and the recordings in wavs/ or beside it; one .txt or .csv "
    "list with lines path|text or path|text|speaker; a Common Voice .tsv with the columns path and sentence "
    "and the recordings in clips/; or recordings with a .txt of equal name beside each"
)


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
    if {f"{split}.txt" for split in SPLITS} <= set(files):
        return _three_lists(folder)
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
    stems = {_stem(name) for name in files if is_audio(name)}
    pairs = {_stem(name): name for name in files if name.endswith(".txt") and _stem(name) in stems}
    tables = [name for name in files if name.endswith(".tsv") and _is_common_voice(folder / name)]
    if COMMON_VOICE_WHOLE in tables:
        tables = [COMMON_VOICE_WHOLE]
    for name in tables:
        yield _common_voice(folder, name)
    for name in files:
        if name.endswith((".txt", ".csv")) and pairs.get(_stem(name)) != name:
            columns = [column.strip() for column in _first_line(folder / name).split("|")]
            if len(columns) > 1 and is_audio(columns[0]):
                yield _path_list(folder, name)
            elif len(columns) > 1 and name == "metadata.csv":
                yield _metadata(folder, name, len(columns), files)
    if pairs:
        words = f"{len(pairs)} recordings with a .txt of equal name beside them"
        yield _Candidate(words, lambda: _read_pairs(folder, files, pairs))


def _stem(name: str) -> str:
    return composed(os.path.splitext(name)[0])


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
    speaker = next((columns.index(name) for name in SPEAKER_COLUMNS if name in columns), None)

    def parse(line: str) -> tuple[str, str, str]:
        fields = line.split("\t")
        if len(fields) != len(columns):
            raise RejectedError(Fault.LINE, f"{len(fields)} columns where the header has {len(columns)}")
        who = "" if speaker is None else speaker_name(fields[speaker])
        if "|" in who:
            raise RejectedError(Fault.LINE, f"the name of the speaker holds '|': {who!r}; write another sign")
        return fields[path].strip(), fields[sentence].strip(), who

    spelling = Spelling(folder)

    def locate(called: str) -> str:
        return spelling(f"clips/{called}" if is_audio(called) else f"clips/{called}.mp3")

    words = f"Common Voice: {name} has the columns path and sentence"
    return _Candidate(words, lambda: read_lines(folder / name, parse, locate, header=True))


def _path_list(folder: Path, name: str) -> _Candidate:
    speakers = names_speakers(_first_line(folder / name))
    form = "path|text|speaker" if speakers else "path|text"

    def parse(line: str) -> tuple[str, str, str]:
        if line.count("|") != form.count("|"):
            raise RejectedError(Fault.LINE, f"{line.count('|') + 1} columns; it has the form {form}")
        return split_line(line, speakers)

    words = f"a list {form}: {name} begins with a recording's path"
    return _Candidate(words, lambda: read_lines(folder / name, parse, Spelling(folder)))


def _three_lists(folder: Path) -> Contents:
    """The user's own split; the lines are those of `read_list`."""
    entries: list[Entry] = []
    rejected: list[Rejection] = []
    spelling = Spelling(folder)
    for split in SPLITS:
        path = folder / f"{split}.txt"
        parse = partial(_list_line, speakers=names_speakers(_first_line(path)))
        found, unusable = read_lines(path, parse, spelling, split=split)
        entries += found
        rejected += unusable
    words = "three lists: train.txt, validation.txt and test.txt are there, and the split is theirs"
    return Contents(words, entries, rejected)


def _list_line(line: str, speakers: bool) -> tuple[str, str, str]:
    try:
        return split_line(line, speakers)
    except ValueError as error:
        raise RejectedError(Fault.LINE, str(error)) from error


def _metadata(folder: Path, name: str, num_columns: int, files: list[str]) -> _Candidate:
    def parse(line: str) -> tuple[str, str, str]:
        columns = [column.strip() for column in line.split("|")]
        if len(columns) not in (2, 3):
            form = "id|text or id|text|normalised text"
            raise RejectedError(Fault.LINE, f"{len(columns)} columns; it has the form {form}")
        return columns[0], columns[-1] or columns[1], ""

    def read() -> tuple[list[Entry], list[Rejection]]:
        index = _recordings(folder, files)
        return read_lines(
            folder / name, parse, lambda called: index.get(composed(called), f"wavs/{called}.wav")
        )

    kind = "LJSpeech" if num_columns == 3 else "two-column metadata"
    return _Candidate(f"{kind}: {name} begins with a line of {num_columns} columns, the first an id", read)


def _recordings(folder: Path, files: list[str]) -> dict[str, str]:
    """Path of every recording by its composed name, with and without ending; those in `wavs/` go first."""
    wavs = folder / "wavs"
    inner = [f"wavs/{name}" for name in list_files(wavs)] if wavs.is_dir() else []
    index: dict[str, str] = {}
    for paths in (inner, files):
        audio = [path for path in paths if is_audio(path)]
        for path in sorted(audio, key=lambda each: AUDIO_ENDINGS.index(os.path.splitext(each)[1].lower())):
            name = composed(path.removeprefix("wavs/"))
            index.setdefault(name, path)
            index.setdefault(os.path.splitext(name)[0], path)
    return index


def _read_pairs(folder: Path, files: list[str], pairs: dict[str, str]) -> tuple[list[Entry], list[Rejection]]:
    """Every recording of the folder with its text file, and those that have none."""
    entries: list[Entry] = []
    rejected: list[Rejection] = []
    root = folder.resolve()
    for audio in filter(is_audio, files):
        stem = os.path.splitext(audio)[0]
        text = pairs.get(composed(stem))
        place = str(folder / printable(text or f"{stem}.txt"))
        try:
            if text is None:
                raise RejectedError(Fault.EMPTY_TEXT, "there is no such text file")
            entries.append(Entry(stem, audio, _text_beside(folder / text, root), place))
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
    return " ".join(decoded(raw.removeprefix(b"\xef\xbb\xbf")).split())
