"""Alignment against recordings whose word times are known, spoken by another voice at another tempo."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.recordings.alignment import AlignmentError, align_words
from tacotron2.recordings.transcripts import Passage
from tacotron2.recordings.warping import DOWN, RIGHT, STRAIGHT, warping_path
from tacotron2.recordings.words import TimedWord
from tests.tacotron2.recordings.long_recordings import RATE, Known, long_recording

pytest.importorskip("espeakng_loader")

GERMAN = [
    "Der alte Kapitän wartete auf den Zug.",
    "Um 7 Uhr, kurz vor Sonnenaufgang, kam er an.",
    "Niemand hatte ihn gesehen!",
    "Im Jahr 1984 war das Haus noch bewohnt.",
    "Wer weiß schon, was danach geschah?",
    "Die Kinder spielten im Garten, bis es dunkel wurde.",
    "Ja.",
    "Ein schmaler Weg führt am Fluss entlang zur Mühle.",
    "Sie kauften Brot, Honig und Bienenwachs.",
    "Am Abend schrieb er einen langen Brief an seine Schwester.",
    "Es regnete seit drei Tagen.",
    "Später wurde die Brücke gesperrt, weil sie zu alt war.",
]
ENGLISH = [
    "The old captain waited for the train.",
    "It's a well-known fact.",
    "Nobody saw him, not at 7 o'clock.",
    "Why?",
]
RUSSIAN = [
    "Старый капитан ждал поезда.",
    "Никто его не видел!",
    "В 7 часов он пришёл, как всегда.",
    "Почему?",
]


def of_sentences(words: list[TimedWord], sentences: list[str]) -> list[list[TimedWord]]:
    found, left = [], list(words)
    for sentence in sentences:
        count = len(sentence.split())
        assert " ".join(word.text for word in left[:count]) == sentence
        found.append(left[:count])
        left = left[count:]
    assert not left
    return found


def check(known: Known, words: list[TimedWord]) -> None:
    by_sentence = of_sentences(words, known.sentences)
    errors = np.concatenate(
        [
            np.abs([word.start - start for word, start in zip(said, starts, strict=True)])
            for said, starts in zip(by_sentence, known.starts, strict=True)
        ]
    )
    assert np.median(errors) < 0.04 and np.quantile(errors, 0.95) < 0.25
    for said, (start, end) in zip(by_sentence, known.spans, strict=True):
        middles = [(word.start + word.end) / 2 for word in said]
        assert all(start - 0.1 < middle < end + 0.1 for middle in middles)
    assert all(first.end <= second.start for first, second in pairwise(words))
    assert np.median([word.certainty for word in words]) > 0.9


@pytest.mark.parametrize(
    ("sentences", "language", "voice", "tempo", "noise_db"),
    [
        (GERMAN, "de", "de+f3", 185, -40.0),
        (GERMAN, "de", "de+m3", 125, -30.0),
        (ENGLISH, "en", "en+m3", 170, -50.0),
        (RUSSIAN, "ru", "ru+f4", 130, -50.0),
    ],
)
def test_words_of_another_voice_are_found(
    sentences: list[str], language: str, voice: str, tempo: int, noise_db: float
) -> None:
    known = long_recording(sentences, voice, tempo, noise_db)
    check(known, align_words(known.samples, RATE, [Passage(" ".join(sentences))], known.spans, language))


def test_subtitles_say_where_to_look() -> None:
    """With two minutes of something else in between, and cues that are half a second early."""
    known = long_recording(GERMAN, "de+f3", 170)
    other = long_recording(ENGLISH * 8, "en-us", seed=1)
    gap = (known.spans[5][1] + known.spans[6][0]) / 2
    shift = len(other.samples) / RATE
    cut = round(gap * RATE)
    samples = np.concatenate([known.samples[:cut], other.samples, known.samples[cut:]])
    later = [shift if start > gap else 0.0 for start, _ in known.spans]
    spans = [(start + by, end + by) for (start, end), by in zip(known.spans, later, strict=True)]
    starts = [[each + by for each in one] for one, by in zip(known.starts, later, strict=True)]
    cues = [Passage(text, start - 0.3, end - 0.3) for text, (start, end) in zip(GERMAN, spans, strict=True)]
    speech = sorted([*spans, *((start + gap, end + gap) for start, end in other.spans)])
    check(Known(samples, GERMAN, spans, starts), align_words(samples, RATE, cues, speech, "de"))


def test_what_is_not_said_is_not_certain() -> None:
    known = long_recording(GERMAN * 2, "de+f3", 170)
    unsaid = [
        "Diesen Satz hat wirklich niemand jemals laut vorgelesen.",
        "Auch dieser steht nur im Buch, zweimal.",
    ]
    said = of_sentences(
        align_words(
            known.samples,
            RATE,
            [Passage(" ".join([*GERMAN, *unsaid])), Passage(" ".join(GERMAN))],
            known.spans,
            "de",
        ),
        [*GERMAN, *unsaid, *GERMAN],
    )
    certain = [float(np.mean([word.certainty for word in words])) for words in said]
    assert max(certain[12:14]) < 0.6
    assert np.median(certain[:11] + certain[15:]) > 0.8


@pytest.mark.parametrize(("voice", "seed"), [("de+f3", 0), ("de+m3", 1), ("de+f5", 2)])
@pytest.mark.parametrize("cues", [False, True])
def test_a_text_of_another_recording_is_told(voice: str, seed: int, cues: bool) -> None:
    known = long_recording(GERMAN, voice, 160, -40.0, seed)
    spans = known.spans if cues else [(None, None)] * len(GERMAN)

    def passages(texts: list[str]) -> list[Passage]:
        return [Passage(text, *span) for text, span in zip(texts, spans, strict=True)]

    assert align_words(known.samples, RATE, passages(GERMAN), known.spans, "de")
    other = [*GERMAN[5:], *GERMAN[:5]]
    with pytest.raises(AlignmentError, match="does not seem to be of this recording"):
        align_words(known.samples, RATE, passages(other), known.spans, "de")


def test_what_cannot_be_aligned_is_told() -> None:
    known = long_recording(ENGLISH[:1], "en-us")
    passage = [Passage("A word.")]
    with pytest.raises(AlignmentError, match="cannot read 'qq'"):
        align_words(known.samples, RATE, passage, known.spans, "qq")
    with pytest.raises(AlignmentError, match="no words"):
        align_words(known.samples, RATE, [Passage(" ")], known.spans, "en")
    with pytest.raises(AlignmentError, match="no speech"):
        align_words(known.samples, RATE, passage, [], "en")
    with pytest.raises(AlignmentError, match="no speech"):
        align_words(known.samples, RATE, [Passage("A word.", 100.0, 101.0)], known.spans, "en")


def test_a_real_reader() -> None:
    folder = Path(os.environ.get("TACOTRON2_KERSTIN", Path(__file__).parents[4] / "shared/data/kerstin-de"))
    if not folder.is_dir():
        pytest.skip(f"the recordings of a German reader are not there ({folder})")
    lines = [line.split("|") for line in (folder / "metadata.csv").read_text("utf-8").splitlines()[:24]]
    parts, spans, position = [], [], 0
    for name, _ in lines:
        samples, rate = soundfile.read(folder / "wavs" / f"{name}.flac", dtype="float32")
        spans.append((position / rate, (position + len(samples)) / rate))
        parts += [samples, np.zeros(rate // 2, dtype=np.float32)]
        position += len(samples) + rate // 2
    text = " ".join(text for _, text in lines)
    words = align_words(np.concatenate(parts), rate, [Passage(text)], spans, "de")
    for said, (start, end) in zip(of_sentences(words, [text for _, text in lines]), spans, strict=True):
        assert all(start - 0.05 < (word.start + word.end) / 2 < end + 0.05 for word in said)


def dearest(rows: np.ndarray, columns: np.ndarray, width: int, alone: float) -> float:
    """The cost of the best path, cell by cell."""
    distance = np.linalg.norm(rows[:, None] - columns[None], axis=2)
    cost = np.full(distance.shape, np.inf)
    for i in range(len(rows)):
        for j in range(len(columns)):
            if abs(i - j) > width:
                continue
            candidates = [2 * distance[i, j] + cost[i - 1, j - 1]] if i and j else []
            candidates += [distance[i, j] + alone + cost[i - 1, j]] if i else []
            candidates += [distance[i, j] + alone + cost[i, j - 1]] if j else []
            cost[i, j] = min(candidates, default=distance[i, j])
    return float(cost[-1, -1])


@pytest.mark.parametrize(
    ("num_rows", "num_columns", "width"), [(1, 1, 1), (9, 9, 3), (12, 9, 3), (7, 11, 6), (20, 20, 20)]
)
def test_the_path_is_the_cheapest_in_the_band(
    num_rows: int, num_columns: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tacotron2.recordings import warping

    monkeypatch.setattr(warping, "_typical", lambda *_: 1.0)
    generator = np.random.default_rng(num_rows)
    rows, columns = (
        generator.normal(size=(count, 3)).astype(np.float32) for count in (num_rows, num_columns)
    )
    path = warping_path(rows, columns, width)
    assert path[0].tolist() == [0, 0] and path[-1].tolist() == [num_rows - 1, num_columns - 1]
    assert np.abs(path[:, 0] - path[:, 1]).max() <= width
    distance = np.linalg.norm(rows[path[:, 0]] - columns[path[:, 1]], axis=1)
    steps = np.diff(path, axis=0)
    kinds = [STRAIGHT if step.all() else DOWN if step[0] else RIGHT for step in steps]
    assert all(step.tolist() in ([1, 1], [1, 0], [0, 1]) for step in steps)
    prices = [
        2 * cell if kind == STRAIGHT else cell + warping.ALONE
        for kind, cell in zip(kinds, distance[1:], strict=True)
    ]
    found = float(distance[0] + sum(prices))
    assert found == pytest.approx(dearest(rows, columns, width, warping.ALONE), rel=1e-5)
