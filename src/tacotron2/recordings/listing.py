"""Which recordings a folder holds. Only reads."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tacotron2.data.entries import RejectedError, printable, require_inside
from tacotron2.recordings.reading import AUDIO_ENDINGS, VIDEO_ENDINGS, is_recording
from tacotron2.recordings.settings import PreparationError
from tacotron2.recordings.transcripts import ENDINGS, find_transcript

LONGEST_SLUG = 60


@dataclass(frozen=True)
class Source:
    """One recording of the folder."""

    name: str
    """Its path from the folder."""
    path: Path
    slug: str
    """What its clips are called, unique among all; letters, digits, dots, dashes and underscores."""
    wrong: str = ""
    """Why it is not even opened; empty where it is."""


def find_recordings(folder: Path) -> list[Source]:
    """All recordings in the folder and the folders in it, by name; hidden ones are passed over.

    Raises:
        PreparationError: no folder, not to be read, or no recording in it.
    """
    if not folder.is_dir():
        raise PreparationError(f"{folder}: no such folder; name the folder that holds the recordings")
    names = sorted(_names(folder))
    if not names:
        endings = ", ".join(ending[1:] for ending in AUDIO_ENDINGS + VIDEO_ENDINGS)
        raise PreparationError(f"{folder}: no recording in it; they end in {endings}")
    slugs = Counter(_slug(name).lower() for name in names)
    root = folder.resolve()
    return [
        Source(name, folder / name, _unique(name, slugs), _outside(folder / name, root)) for name in names
    ]


def require_text(folder: Path, sources: Sequence[Source]) -> None:
    """PreparationError where no recording has a text: all of them would be rejected, one by one."""
    paths = [source.path for source in sources if not source.wrong]
    if paths and not any(find_transcript(path) for path in paths):
        wanted = f"{paths[0].with_suffix(ENDINGS[0]).name}, {', '.join(ENDINGS[1:-1])} or {ENDINGS[-1]}"
        raise PreparationError(
            f"{folder}: no recording has its text beside it, under the same name ({wanted}), and there is no "
            "--recogniser; put the texts there, or give one"
        )


def _names(folder: Path) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise PreparationError(f"{error.filename}: cannot be read ({error.strerror})") from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and is_recording(Path(name)):
                yield os.path.relpath(os.path.join(place, name), folder)


def _slug(name: str) -> str:
    plain = re.sub(r"[^\w.-]+", "-", os.path.splitext(printable(name))[0])
    return plain.strip("-.")[:LONGEST_SLUG] or "recording"


def _unique(name: str, slugs: Counter[str]) -> str:
    """With a piece of a hash where another recording would have the same."""
    slug = _slug(name)
    if slugs[slug.lower()] == 1:
        return slug
    return f"{slug}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:6]}"


def _outside(path: Path, root: Path) -> str:
    try:
        require_inside(path, root)
    except RejectedError as error:
        return str(error)
    return "" if path.is_file() else "is no file"
