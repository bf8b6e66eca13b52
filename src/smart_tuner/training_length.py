"""How long a training on recordings of one's own should be, and why: a function of what is known of them.

What it rests on is in docs/clips.md, with what of it was measured and what is a rule of thumb. Nothing here
looks at files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from smart_tuner.messages import LengthPhrase, Message
from smart_tuner.preset_choice import LARGE, SMALL

ENOUGH_PAIRS = 400
"""Distinct neighbouring letters of a text that holds what a language has: 100 sentences of the German reader
have 432, all 1,312 have 664. With fewer there is less to be learned than the hours say."""
MOST_EPOCHS = 1000
"""The longest that published trainings of this model gain by."""
ORDINARY_R = 2
"""The reduction factor of both anchors."""


@dataclass(frozen=True)
class Speech:
    """What is known of the recordings before training."""

    hours: float
    """Of usable length, together."""
    clips: int
    left_out_share: float = 0.0
    """Of the clips that the folder names, those that cannot be used, 0-1."""
    letter_pairs: int | None = None
    """Distinct pairs of neighbouring letters in the texts; None: not counted."""
    speakers: int = 1


@dataclass(frozen=True)
class Anchor:
    """A training of a preset that is known: utterances read (updates x batch size), and for how many hours.

    `fewest`: below it attention does not form for certain, whatever the recordings are.
    """

    hours: float
    fewest: int
    low: int
    usual: int
    high: int


ANCHORS: dict[str, Anchor] = {
    # The German reader, batches of 16: attention by step 750, nothing gained after step 2,000, planned 4,800.
    SMALL: Anchor(hours=1.7, fewest=24_000, low=32_000, usual=48_000, high=76_800),
    # LJSpeech: attention after 20,000 updates of 32; published losses of 0.55 after 250 epochs of its 13,100
    # clips, 0.35 after 1,000.
    LARGE: Anchor(hours=24.0, fewest=1_280_000, low=1_600_000, usual=3_200_000, high=13_100_000),
}


@dataclass(frozen=True)
class Length:
    """A recommendation in updates, with bounds that are as reasonable, and its reasons."""

    steps: int
    low: int
    high: int
    epochs: float
    reasoning: Message


def recommend_length(
    speech: Speech, preset: str, batch_size: int, r: int = ORDINARY_R, validate_every: int = 1
) -> Length:
    """How long to train.

    The utterances to be read grow with the square root of the hours: twice the speech needs more updates, but
    fewer epochs. More speakers, a larger share of unusable clips and r = 1 need more.

    Args:
        preset: one of `ANCHORS`.
        batch_size: utterances of an update.
        r: mel frames per decoder step.
        validate_every: what all three lengths are multiples of.

    Raises:
        KeyError: nothing is known of that preset.
    """
    anchor = ANCHORS[preset]
    variety = 1.0 if speech.letter_pairs is None else min(1.0, speech.letter_pairs / ENOUGH_PAIRS)
    scale = (
        math.sqrt(max(speech.hours, 0.0) * variety / anchor.hours)
        * math.sqrt(max(1, speech.speakers))
        * (1.0 + min(max(speech.left_out_share, 0.0), 1.0))
        * math.sqrt(max(1.0, ORDINARY_R / r))
    )
    clips = max(1, speech.clips)

    def steps(read: int) -> int:
        wanted = max(anchor.fewest, min(read * scale, MOST_EPOCHS * clips))
        return math.ceil(wanted / batch_size / validate_every) * validate_every

    chosen, low, high = steps(anchor.usual), steps(anchor.low), steps(anchor.high)
    epochs = chosen * batch_size / clips
    reasoning = _reasoning(speech, anchor, preset, chosen * batch_size, epochs)
    return Length(chosen, low, high, epochs, reasoning)


def _reasoning(speech: Speech, anchor: Anchor, preset: str, read: int, epochs: float) -> Message:
    reasons = [
        LengthPhrase.FROM_HOURS(
            hours=speech.hours,
            clips=speech.clips,
            preset=preset,
            known_hours=anchor.hours,
            known=anchor.usual,
            read=read,
            epochs=round(epochs),
        )
    ]
    if speech.letter_pairs is not None and speech.letter_pairs < ENOUGH_PAIRS:
        reasons.append(LengthPhrase.LITTLE_VARIETY(pairs=speech.letter_pairs, enough=ENOUGH_PAIRS))
    if speech.speakers > 1:
        reasons.append(LengthPhrase.SPEAKERS(speakers=speech.speakers))
    if speech.left_out_share >= 0.01:
        reasons.append(LengthPhrase.LENGTH_LEFT_OUT(share=speech.left_out_share))
    return LengthPhrase.REASONS(reasons=tuple(reasons))
