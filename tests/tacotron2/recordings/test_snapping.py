"""Words at pauses: whatever stands on the wrong side is carried over, and no order is lost."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tacotron2.recordings.snapping import snapped
from tacotron2.recordings.words import TimedWord

SPEECH = [(0.0, 1.0), (2.0, 3.0)]


def words(*placed: tuple[str, float]) -> list[TimedWord]:
    ends = [*(start for _, start in placed[1:]), SPEECH[-1][1]]
    return [TimedWord(text, start, end, 1.0) for (text, start), end in zip(placed, ends, strict=True)]


@pytest.mark.parametrize(
    ("found", "before"),
    [
        ((("Und", 0.0), ("dann", 0.5), ("kam", 2.0), ("er.", 2.1), ("Dann", 2.25), ("ging", 2.6)), 4),
        ((("Sie", 0.0), ("kam.", 0.4), ("Dann", 0.7), ("ging", 0.8), ("sie", 0.9), ("fort", 2.3)), 2),
        ((("Sie", 0.0), ("kam.", 0.4), ("Dann", 0.9), ("ging", 2.2)), 2),
        ((("Kam", 0.0), ("sie?", 2.0), ("Nein", 2.2), ("danke", 2.6)), 2),
    ],
)
def test_all_words_on_the_wrong_side_are_carried_over(
    found: tuple[tuple[str, float], ...], before: int
) -> None:
    placed = snapped(words(*found), SPEECH)
    assert [word.text for word in placed] == [text for text, _ in found]
    assert all(word.end <= 1.0 for word in placed[:before])
    assert placed[before - 1].end == 1.0 and placed[before].start == 2.0
    assert all(word.start < word.end for word in placed)
    assert all(one.end <= other.start for one, other in pairwise(placed))


def test_words_far_from_a_pause_stay() -> None:
    found = words(("Eins", 0.0), ("zwei", 2.7))
    assert [word.start for word in snapped(found, SPEECH)] == [0.0, 2.7]


@pytest.mark.parametrize("seed", range(20))
def test_order_and_speech_are_kept(seed: int) -> None:
    generator = np.random.default_rng(seed)
    edges = np.cumsum(generator.uniform(0.2, 1.0, size=20))
    speech = [(float(start), float(end)) for start, end in edges.reshape(-1, 2)]
    inside = np.sort(np.concatenate([generator.uniform(*span, size=4) for span in speech]))
    found = [
        TimedWord(text, float(start), float(end), 1.0)
        for text, (start, end) in zip(
            generator.choice(["so", "ja."], len(inside)), pairwise([*inside, edges[-1]]), strict=True
        )
    ]
    placed = snapped(found, speech)
    assert all(one.start <= one.end <= other.start for one, other in pairwise(placed))
    assert all(any(start <= word.start <= end for start, end in speech) for word in placed)
