"""Which preset suits recordings of one's own: by how much speech there is, and what computes.

The table is in docs/configuration.md. Nothing here looks at files or devices.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    reason: str


def choose_preset(hours: float, device: str, device_memory_bytes: float, cores: int) -> Choice:
    """The preset for so much speech on such a device.

    Args:
        hours: of speech, by the recordings' headers.
        device: cpu or cuda.
        device_memory_bytes: of the card; counts for cuda alone.
        cores: of the processor; told where it computes.
    """
    speech = f"{hours:.1f} hours of speech" if hours >= 1 else f"{60 * hours:.0f} minutes of speech"
    if device != "cuda":
        cpu = f"the CPU ({cores} cores)" if cores > 1 else "the CPU (one core)"
        return Choice(SMALL, f"{speech}, and {cpu} computes: {LARGE} would take it weeks")
    card = f"a GPU of {device_memory_bytes / GIB:.1f} GiB"
    if device_memory_bytes < LARGE_MEMORY_BYTES:
        return Choice(SMALL, f"{speech}, and {card}: {LARGE} needs {LARGE_MEMORY_BYTES / GIB:g} GiB")
    if hours < LARGE_HOURS:
        return Choice(
            SMALL, f"{speech} on {card}: {LARGE} needs {LARGE_HOURS:g} hours, or learns them by heart"
        )
    return Choice(LARGE, f"{speech} on {card}: enough for the model of the paper")
