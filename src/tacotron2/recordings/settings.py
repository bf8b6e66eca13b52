"""How recordings are prepared. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLING_RATE = 22_050
"""Hz of the clips; that of all presets."""


class PreparationError(ValueError):
    """Nothing can be prepared; the message says of what, why, and what would be right."""


class SettingError(PreparationError):
    """A setting is out of its range."""


@dataclass(frozen=True)
class Settings:
    """What decides the content of the clips; part of the key of every recording's record."""

    language: str = "en"
    """Code of the texts, as in text.language."""
    recogniser: str = ""
    """For recordings without a transcript; empty: they are rejected."""
    min_seconds: float = 1.0
    max_seconds: float = 15.0
    """Of a clip, margins included."""
    min_pause_s: float = 0.25
    """A shorter one is never cut in: it may be the closure of a consonant."""
    min_snr_db: float = 15.0
    """Speech against pauses; a clip below is rejected."""
    max_clipped: float = 0.001
    """Largest share of samples in flattened peaks."""
    min_certainty: float = 0.6
    """Smallest mean certainty of a clip's words; no single one may have less than half of it."""

    def __post_init__(self) -> None:
        rules = {
            f"min_seconds={self.min_seconds:g}: must be at least 0.3": self.min_seconds >= 0.3,
            f"max_seconds={self.max_seconds:g}: must be at least twice min_seconds={self.min_seconds:g}, "
            "and at most 60": 2 * self.min_seconds <= self.max_seconds <= 60,
            f"min_pause_s={self.min_pause_s:g}: must be from 0.15 to 2": 0.15 <= self.min_pause_s <= 2,
            f"min_snr_db={self.min_snr_db:g}: must be from -20 to 80": -20 <= self.min_snr_db <= 80,
            f"max_clipped={self.max_clipped:g}: is a share, from 0 to 1": 0 <= self.max_clipped <= 1,
            f"min_certainty={self.min_certainty:g}: must be from 0 to 1": 0 <= self.min_certainty <= 1,
        }
        broken = [rule for rule, kept in rules.items() if not kept]
        if broken:
            raise SettingError("\n".join(broken))
