"""What a corpus is, as one hash: the same on every machine that has the same lists and recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tacotron2.data.utterances import DataError, Utterance

SPLITS = ("train", "validation", "test")


def list_digest(
    utterances: Sequence[Utterance], folder: Path, done: Callable[[], None] = lambda: None
) -> str:
    """64 hexadecimal digits of a list in its order: path in the corpus, text, speaker and the file's bytes.

    Where the corpus lies, and what its folder is called, makes no difference.

    Args:
        folder: the one that the paths of the list count from.
        done: called after every recording; each is read once.

    Raises:
        DataError: a recording cannot be read.
    """
    digest = hashlib.sha256()
    for utterance in utterances:
        try:
            with utterance.audio_path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{utterance.place}: cannot be read ({error.strerror})") from error
        name = utterance.audio_path.relative_to(folder).as_posix()
        digest.update(repr((name, utterance.text, utterance.speaker, content)).encode())
        done()
    return digest.hexdigest()


def corpus_digest(lists: Mapping[str, str]) -> str:
    """One hash of the digests of train, validation and test, by these names."""
    return hashlib.sha256("".join(f"{split} {lists[split]}\n" for split in SPLITS).encode()).hexdigest()
