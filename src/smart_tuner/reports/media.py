"""Pictures and sounds of a run, small enough to stand inside a page.

A file that cannot be read is left out: a kill can leave half a picture, and a report must come all the same.
"""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_LOGGER = logging.getLogger(__name__)

WIDEST_PX = 1120
"""Of a picture; a desk shows it as it is, a telephone smaller."""
WEBP_QUALITY = 72
MOST_PIXELS = 16_000_000
LONGEST_SOUND_S = 20.0
MP3_COMPRESSION = 0.75
"""0-1 of libsndfile. MP3, because every browser plays it; Ogg is silent in older ones."""

T = TypeVar("T")


@dataclass
class Budget:
    """Bytes of a page that pictures and sounds may still take."""

    bytes_left: int

    def take(self, source: str) -> bool:
        """Whether there is room; the room is taken then."""
        if len(source) > self.bytes_left:
            return False
        self.bytes_left -= len(source)
        return True


@dataclass(frozen=True)
class Embedded:
    """A picture as a data URI, and its size in pixels."""

    source: str
    width: int
    height: int


def thinned(items: Sequence[T], most: int) -> list[T]:
    """At most so many of them, the first and the last among them, at even distances."""
    if len(items) <= most:
        return list(items)
    if most == 1:
        return [items[-1]]
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def picture(path: Path, widest: int = WIDEST_PX) -> Embedded | None:
    """A picture as WebP, not wider than asked; None where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.width * image.height > MOST_PIXELS:
                return None
            small = image.convert("RGB")
        if small.width > widest:
            small = small.resize((widest, round(small.height * widest / small.width)))
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        _LOGGER.info("%s: not shown: %s", path, error)
        return None
    return Embedded(_data_uri("image/webp", buffer.getvalue()), small.width, small.height)


def sound(path: Path) -> str | None:
    """A recording as MP3, cut after `LONGEST_SOUND_S`; None where it cannot be read."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            samples = file.read(int(LONGEST_SOUND_S * file.samplerate), dtype="float32")
            rate = file.samplerate
        buffer = io.BytesIO()
        if len(samples) == 0:
            return None
        soundfile.write(
            buffer,
            samples,
            rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            bitrate_mode="VARIABLE",
            compression_level=MP3_COMPRESSION,
        )
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        _LOGGER.info("%s: not shown: %s", path, error)
        return None
    return _data_uri("audio/mpeg", buffer.getvalue())


def _data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
