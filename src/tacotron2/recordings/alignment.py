"""When each word of a transcript is said, without a recogniser: the synthesiser reads the text along.

eSpeak NG speaks the transcript and says when each word begins. Dynamic time warping of the cepstra of both
carries these times over to the recording: coarse over the whole, unless subtitles say where to look, then
fine around that. Pauses are left out on both sides, because nobody pauses where a synthesiser does; behind
each pause of the recording the nearest word begins, the more willingly after a comma or a full stop. The way
of aeneas (readbeyond), with pauses handled apart.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tacotron2.audio import MelSpectrogram, Samples
from tacotron2.data.synthesiser import SynthesiserError, speak_words
from tacotron2.hparams import AudioParams, DemoParams
from tacotron2.metrics.distortion import mel_cepstra
from tacotron2.recordings.snapping import snapped
from tacotron2.recordings.transcripts import Passage
from tacotron2.recordings.warping import Features, warping_path
from tacotron2.recordings.words import TimedWord

VOICES = {"en": "en-us"}
"""eSpeak NG calls most voices by their language."""
RATE_HZ = 16_000
FRAME_S = 0.02
COARSE = 5
"""Frames in one of the first pass: a tenth of a second."""
BAND_SHARE, LEAST_BAND_S, MOST_BAND_S = 0.15, 30.0, 300.0
"""How far the tempo may drift from an even one in the first pass; the bound on memory is the last."""
FINE_BAND_S = 2.5
KNOT_S = 4.0
"""The first pass is believed at points so far apart, and straight between them."""
CUE_MARGIN_S = 0.4
"""Subtitles come a little early or late."""
QUIET_DB = 35.0
"""A synthetic frame so far below the loudest is a pause."""
WINDOW = 5
"""Words over which certainty is judged: one alone tells little."""
FAR, LEAST_SPREAD = 6.0, 0.05
"""Certainty ends at so many spreads above the median distance; the least spread, as a share of the median."""
TEMPI = (1.4, 2.4)
"""Times slower or faster than usual in the recording: certainty falls between these two."""

TEMPO_WINDOW_S, LEAST_JUDGED_S = 1.0, 20.0
"""Over what the tempo is measured, and how much speech there must be to judge the text as a whole."""
MOST_UNEVEN = 0.22
"""Right texts had 0.03 to 0.19, those of other recordings 0.18 to 0.38: docs/preparing-texts.md."""


class AlignmentError(ValueError):
    """A transcript cannot be aligned; the message says why and what would help."""


@dataclass(frozen=True)
class _Spoken:
    """Features of the transcript as the synthesiser says it, without pauses, and where each word begins in
    them (frames)."""

    words: list[str]
    features: Features
    starts: NDArray[np.float64]
    passage_of: NDArray[np.int64]


def align_words(
    samples: Samples,
    rate: int,
    passages: Sequence[Passage],
    speech: Sequence[tuple[float, float]],
    language: str,
) -> list[TimedWord]:
    """Times for each word, parted by spaces, of all passages.

    Args:
        samples: (L,) mono, a whole recording.
        rate: of them, Hz.
        passages: in order; where they have times, all of them must.
        speech: spans of voice activity in seconds, rising.
        language: its code, as eSpeak NG knows it.

    Returns:
        the words in order. `certainty` is high where the sounds agree as well as they usually do in this
        recording and the tempo is plausible, and falls to 0 where the text is something else.

    Raises:
        AlignmentError: no speech, no words, words of another recording, or a language that the synthesiser
            does not speak.
    """
    timed = all(each.start is not None and each.end is not None for each in passages)
    if timed:
        speech = _inside(speech, passages)
    if not speech:
        raise AlignmentError("no speech was found in the recording where the text should be")
    heard, times = _recorded(samples, rate, speech)
    spoken = _synthesised(passages, language)
    if timed:
        expected = _by_cues(passages, spoken, times)
    else:
        expected = _coarse(heard, spoken.features)
    path = _fine(heard, spoken.features, expected)
    if len(heard) * FRAME_S >= LEAST_JUDGED_S and (uneven := unevenness(path)) > MOST_UNEVEN:
        raise AlignmentError(
            f"the text does not seem to be of this recording: the tempo would be uneven by {uneven:.2f}, "
            f"more than {MOST_UNEVEN:g}; is it the text of another one, or are parts missing?"
        )
    found = _words(path, heard, spoken, times)
    return snapped(found, speech)


def _inside(speech: Sequence[tuple[float, float]], passages: Sequence[Passage]) -> list[tuple[float, float]]:
    """The speech that lies in a cue: what is said beside them has no text."""
    spans: list[tuple[float, float]] = []
    for each in passages:
        start, end = (each.start or 0.0) - CUE_MARGIN_S, (each.end or 0.0) + CUE_MARGIN_S
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    kept = [
        (max(start, left), min(end, right))
        for start, end in speech
        for left, right in spans
        if min(end, right) - max(start, left) > FRAME_S
    ]
    return sorted(kept)


def _features(samples: Samples) -> Features:
    """(T, 13) cepstra at RATE_HZ, a frame every FRAME_S."""
    audio = AudioParams(
        sampling_rate=RATE_HZ,
        filter_length=1024,
        hop_length=int(RATE_HZ * FRAME_S),
        win_length=640,
        n_mel_channels=40,
        mel_fmin=60.0,
        mel_fmax=7_600.0,
    )
    return mel_cepstra(MelSpectrogram(audio)(samples)).astype(np.float32)


def _normal(features: Features) -> Features:
    """Mean 0 and deviation 1 of each coefficient, so that another voice and microphone count less."""
    deviation = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0))


def _recorded(
    samples: Samples, rate: int, speech: Sequence[tuple[float, float]]
) -> tuple[Features, NDArray[np.float64]]:
    """Features of the speech alone, and the time in the recording of each frame."""
    parts, times = [], []
    for start, end in speech:
        piece = samples[max(0, round(start * rate)) : round(end * rate)]
        if rate != RATE_HZ:
            piece = soxr.resample(piece, rate, RATE_HZ)
        if not len(piece):
            continue
        found = _features(piece)[: max(1, round((end - start) / FRAME_S))]
        parts.append(found)
        times.append(start + FRAME_S * np.arange(len(found)))
    return _normal(np.concatenate(parts)), np.concatenate(times)


def _synthesised(passages: Sequence[Passage], language: str) -> _Spoken:
    words = [each.text.split() for each in passages]
    if not any(words):
        raise AlignmentError("the transcript holds no words")
    demo = DemoParams(demo_voice=VOICES.get(language, language))
    features, starts, offset = [], [], 0
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.wav" for number in range(len(passages))]
        texts = [" ".join(each) for each in words]
        try:
            places = speak_words(list(zip(texts, paths, strict=True)), demo)
        except SynthesiserError as error:
            known = " (give another --language, or subtitles and a recogniser)" if error.setting else ""
            raise AlignmentError(f"the synthesiser cannot read {language!r}: {error}{known}") from error
        for text, path, placed in zip(texts, paths, places, strict=True):
            samples, rate = soundfile.read(path, dtype="float32")
            found = _features(soxr.resample(samples, rate, RATE_HZ))
            loud = _loud(samples, rate, len(found))
            begins = np.concatenate([[0], np.cumsum(loud)])  # frames that stay before each
            frames = np.minimum(word_starts(text, placed, len(samples)) / rate / FRAME_S, len(found))
            starts.append(offset + np.interp(frames, np.arange(len(begins)), begins))
            features.append(found[loud])
            offset += int(loud.sum())
    passage_of = np.repeat(np.arange(len(words)), [len(each) for each in words])
    return _Spoken(
        [word for each in words for word in each],
        _normal(np.concatenate(features)),
        np.concatenate(starts),
        passage_of,
    )


def _loud(samples: Samples, rate: int, num_frames: int) -> NDArray[np.bool_]:
    """Frames of a synthesis that are no pause."""
    hop = round(rate * FRAME_S)
    padded = np.zeros(num_frames * hop, dtype=np.float32)
    padded[: len(samples)] = samples[: len(padded)]
    power = np.square(padded).reshape(num_frames, hop).mean(axis=1)
    return np.asarray(power > power.max() * 10.0 ** (-QUIET_DB / 10.0))


def word_starts(text: str, placed: Sequence[tuple[int, int]], num_samples: int) -> NDArray[np.float64]:
    """First sample of each word, parted by spaces, by what `speak_words` has returned for the text.

    Of one that the synthesiser does not tell, between its neighbours.
    """
    begins = [match.start() for match in re.finditer(r"\S+", text)]
    ends = [*begins[1:], len(text) + 1]
    known: dict[int, int] = {}
    word = 0
    for character, sample in placed:
        while word + 1 < len(begins) and character >= ends[word]:
            word += 1
        known.setdefault(word, sample)
    known.setdefault(0, 0)
    told = sorted(known)
    samples = [known[each] for each in told]
    return np.interp(np.arange(len(begins)), [*told, len(begins)], [*samples, num_samples])


def _coarse(heard: Features, spoken: Features) -> NDArray[np.float64]:
    """For each frame of the recording about which frame of the synthesis, by means of some frames each."""
    rows, columns = _pooled(heard), _pooled(spoken)
    stretched = columns[_even(len(rows), len(columns))]
    frames = round(1 / (FRAME_S * COARSE))
    band = min(max(BAND_SHARE * len(rows), LEAST_BAND_S * frames), MOST_BAND_S * frames)
    path = warping_path(rows, stretched, max(1, min(int(band), len(rows) - 1)))
    scale = len(spoken) / len(rows)
    knots = np.arange(0, len(rows), max(1, round(KNOT_S * frames)))
    targets = np.array([path[path[:, 0] == knot, 1].mean() for knot in knots])
    at = np.concatenate([knots * COARSE, [len(heard) - 1]])
    to = np.concatenate([targets * scale, [len(spoken) - 1]])
    return np.interp(np.arange(len(heard)), at, np.maximum.accumulate(to))


def _pooled(features: Features) -> Features:
    whole = len(features) // COARSE
    if not whole:
        return features.mean(axis=0, keepdims=True)
    return _normal(features[: whole * COARSE].reshape(whole, COARSE, -1).mean(axis=1))


def _even(count: int, length: int) -> NDArray[np.int64]:
    return np.minimum((np.arange(count) * length / count).astype(np.int64), length - 1)


def _by_cues(passages: Sequence[Passage], spoken: _Spoken, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same by the times of the cues."""
    first = np.searchsorted(spoken.passage_of, np.arange(len(passages) + 1))
    begins = np.concatenate([spoken.starts, [len(spoken.features)]])[first]
    seconds = [second for each in passages for second in (each.start or 0.0, each.end or 0.0)]
    frames = [frame for bounds in pairwise(begins) for frame in bounds]
    return np.interp(times, np.maximum.accumulate(seconds), frames)


def _fine(heard: Features, spoken: Features, expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """(P, 2) frames of the recording and of the synthesis that belong together, near the expected ones."""
    near = np.clip(np.round(expected).astype(np.int64), 0, len(spoken) - 1)
    width = max(1, min(round(FINE_BAND_S / FRAME_S), len(heard) - 1))
    path = warping_path(heard, spoken[near], width)
    return np.stack([path[:, 0], near[path[:, 1]]], axis=1)


def _words(
    path: NDArray[np.int64], heard: Features, spoken: _Spoken, times: NDArray[np.float64]
) -> list[TimedWord]:
    """Every word where the path meets its beginning, with its certainty."""
    # One frame of the recording may meet several: their mean.
    met = np.bincount(path[:, 0], weights=path[:, 1], minlength=len(heard)) / np.bincount(path[:, 0])
    begins = np.searchsorted(np.maximum.accumulate(met), spoken.starts, side="left")
    bounds = np.append(begins, len(heard))
    certain = _certainty(path, bounds, heard, spoken)
    last = len(times) - 1
    found = []
    for word, (start, end), certainty in zip(spoken.words, pairwise(bounds), certain, strict=True):
        finish = times[min(max(end - 1, start), last)] + FRAME_S
        found.append(TimedWord(word, float(times[min(start, last)]), float(finish), float(certainty)))
    return found


def unevenness(path: NDArray[np.int64]) -> float:
    """Median distance of the logarithmic tempo, over a second, from its median.

    Small where the words are those of the recording; a path through other words hurries and waits.

    Args:
        path: (P, 2), see `warping_path`.
    """
    met = np.bincount(path[:, 0], weights=path[:, 1]) / np.bincount(path[:, 0])
    window = round(TEMPO_WINDOW_S / FRAME_S)
    tempo = np.log(met[window:] - met[:-window] + 1.0)
    return float(np.median(np.abs(tempo - np.median(tempo))))


def _certainty(
    path: NDArray[np.int64], bounds: NDArray[np.int64], heard: Features, spoken: _Spoken
) -> NDArray[np.float64]:
    """1 for what is as near and as fast as usual in this recording, down to 0.

    Args:
        bounds: the frame of the recording at which each word begins, and the end.
    """
    count = len(spoken.words)
    first = np.maximum(np.arange(count) - WINDOW // 2, 0)
    last = np.minimum(np.arange(count) + WINDOW // 2 + 1, count)
    distance = np.linalg.norm(heard[path[:, 0]] - spoken.features[path[:, 1]], axis=1)
    cells = np.append(np.searchsorted(path[:, 1], spoken.starts), len(path))
    sums = np.concatenate([[0.0], np.cumsum(distance)])[cells]
    mean = (sums[last] - sums[first]) / np.maximum(cells[last] - cells[first], 1)
    middle = float(np.median(mean))
    spread = max(1.4826 * float(np.median(np.abs(mean - middle))), LEAST_SPREAD * middle)
    near = np.clip(1.0 - (mean - middle) / (FAR * spread), 0.0, 1.0)
    begins = np.append(spoken.starts, len(spoken.features))
    usual = (begins[last] - begins[first]) * len(heard) / len(spoken.features)
    tempo = np.abs(np.log((bounds[last] - bounds[first] + 1.0) / (usual + 1.0)))
    even = np.interp(tempo, np.log(TEMPI), (1.0, 0.0))
    return np.asarray(near * even)
