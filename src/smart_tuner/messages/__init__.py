"""What people read, in English and in Russian.

Records, outcomes and errors carry a `Message`: a phrase of a catalogue and its parameters. It becomes a
sentence when it is read, in the reader's language, which is always passed and never a state of the program.
Not gettext: that wants compiled catalogues, names a sentence by its English wording and leaves the parameters
unchecked; an enumeration with both forms side by side needs no tool, and types and tests see all of it.
"""

from __future__ import annotations

from smart_tuner.messages.command import CommandPhrase
from smart_tuner.messages.ending import EndPhrase
from smart_tuner.messages.environment import MachinePhrase, ServicePhrase
from smart_tuner.messages.language import Language, plural
from smart_tuner.messages.log import warnings_told
from smart_tuner.messages.phrase import Message, MessageError, Parameter, Phrase, render
from smart_tuner.messages.recordings import RecordingsPhrase
from smart_tuner.messages.training import TrainingPhrase

CATALOGUES: tuple[type[Phrase], ...] = (
    CommandPhrase,
    EndPhrase,
    MachinePhrase,
    RecordingsPhrase,
    ServicePhrase,
    TrainingPhrase,
)
"""All phrases; no name occurs in two of them."""


def find_phrase(name: str) -> Phrase | None:
    """The phrase of that name; None where another version of the program knew it."""
    return next((catalogue[name] for catalogue in CATALOGUES if name in catalogue.__members__), None)


__all__ = [
    "CATALOGUES",
    "CommandPhrase",
    "EndPhrase",
    "Language",
    "MachinePhrase",
    "Message",
    "MessageError",
    "Parameter",
    "Phrase",
    "RecordingsPhrase",
    "ServicePhrase",
    "TrainingPhrase",
    "find_phrase",
    "plural",
    "render",
    "warnings_told",
]
