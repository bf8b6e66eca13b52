"""Who speaks: the names in the lists, and the numbers that the model knows them by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from tacotron2.data.utterances import FORM_WITH_SPEAKER, raise_problems

SHOWN_NAMES = 10


class Placed(Protocol):
    """A line of a list: an utterance, or an entry of a folder."""

    @property
    def place(self) -> str: ...

    @property
    def speaker(self) -> str: ...


def require_named(lines: Iterable[Placed], n_speakers: int) -> None:
    """Every line names its speaker, unless `model.n_speakers` is 1.

    Raises:
        DataError: naming the lines that do not.
    """
    if n_speakers == 1:
        return
    raise_problems(
        [
            f"{line.place}: names no speaker, and model.n_speakers={n_speakers} needs one in every line, as "
            f"in {FORM_WITH_SPEAKER}; with model.n_speakers=1 all are learned as one voice"
            for line in lines
            if not line.speaker
        ]
    )


def speaker_names(train: Sequence[Placed], n_speakers: int) -> tuple[str, ...]:
    """The speakers of a training list, sorted: the place of a name is its number. Empty with one speaker.

    Args:
        n_speakers: `model.n_speakers`.

    Raises:
        DataError: a line names no speaker, or there are more speakers than the model has places for.
    """
    require_named(train, n_speakers)
    if n_speakers == 1:
        return ()
    first: dict[str, Placed] = {}
    for line in train:
        first.setdefault(line.speaker, line)
    raise_problems(
        [
            f"{line.place}: {name!r} is speaker {number} of {len(first)}, and model.n_speakers={n_speakers}; "
            f"set model.n_speakers={len(first)}, or leave speakers out of the lists"
            for number, (name, line) in enumerate(first.items(), start=1)
            if number > n_speakers
        ]
    )
    return tuple(sorted(first))


def speaker_numbers(lines: Sequence[Placed], names: Sequence[str], n_speakers: int) -> list[int]:
    """The number of each line's speaker among the names of the training; zeros with one speaker.

    Raises:
        DataError: a line names no speaker, or one that is not in the training.
    """
    require_named(lines, n_speakers)
    if n_speakers == 1:
        return [0] * len(lines)
    numbers = {name: number for number, name in enumerate(names)}
    raise_problems(
        [
            f"{line.place}: the speaker {line.speaker!r} is not in the training list; it has "
            f"{shown_names(names)}. Give it clips of that speaker, or take this line out"
            for line in lines
            if line.speaker not in numbers
        ]
    )
    return [numbers[line.speaker] for line in lines]


def shown_names(names: Sequence[str]) -> str:
    """The names for a sentence, not more of them than can be read."""
    rest = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")
