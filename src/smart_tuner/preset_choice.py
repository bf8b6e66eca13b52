"""Which preset suits recordings of one's own: by how much speech there is, and what computes.

The table is in docs/configuration.md. Nothing here looks at files or devices.
"""

from __future__ import annotations

from dataclasses import dataclass

from smart_tuner.messages import Message, RecordingsPhrase

GIB = 1024**3
SMALL, LARGE = "small", "ljspeech"
"""The presets that are chosen from."""
LARGE_MEMORY_BYTES = 7.5 * GIB
"""A card sold as one of 8 GB reports a little less. What the large preset takes: docs/configuration.md."""
LARGE_HOURS = 2.0
"""With less speech the large model learns its sentences by heart."""


@dataclass(frozen=True)
class Choice:
    """A preset, and why it was taken, as the end of a sentence."""

    preset: str
    reason: Message


def choose_preset(hours: float, device: str, device_memory_bytes: float, cores: int) -> Choice:
    """The preset for so much speech on such a device.

    Args:
        hours: of speech, by the recordings' headers.
        device: cpu or cuda.
        device_memory_bytes: of the card; counts for cuda alone.
        cores: of the processor; told where it computes.
    """
    speech = (
        RecordingsPhrase.HOURS(hours=hours)
        if hours >= 1
        else RecordingsPhrase.MINUTES(minutes=round(60 * hours))
    )
    if device != "cuda":
        return Choice(SMALL, RecordingsPhrase.ON_CPU(speech=speech, cores=cores, large=LARGE))
    memory = device_memory_bytes
    if memory < LARGE_MEMORY_BYTES:
        needed = LARGE_MEMORY_BYTES
        told = RecordingsPhrase.ON_SMALL_CARD(speech=speech, memory=memory, large=LARGE, needed=needed)
        return Choice(SMALL, told)
    if hours < LARGE_HOURS:
        told = RecordingsPhrase.LITTLE_SPEECH(speech=speech, memory=memory, large=LARGE, hours=LARGE_HOURS)
        return Choice(SMALL, told)
    return Choice(LARGE, RecordingsPhrase.ENOUGH(speech=speech, memory=memory))
