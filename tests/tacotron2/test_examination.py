"""The final examination: a wav file for every sentence, figures over all of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.data.dataset import TextMelLoader
from tacotron2.evaluation import FreeRunning
from tacotron2.examination import HOW, examine, summary
from tacotron2.hparams import HParams
from tacotron2.metrics import free_running_metrics, mean_metrics
from tacotron2.synthesis import Speech

DIAGONAL = np.eye(20, dtype=np.float32)


def test_every_sentence_is_spoken_and_measured(
    weights_file: Path, tiny: HParams, load_split: Callable[[str], TextMelLoader], tmp_path: Path
) -> None:
    test_set = load_split("test")
    told: list[tuple[int, int]] = []
    samples = tmp_path / "samples"
    found = examine(weights_file, test_set, tiny, samples, progress=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]
    names = [utterance.id for utterance in test_set.utterances]
    assert [spoken.id for spoken in found.sentences] == names
    assert [spoken.text for spoken in found.sentences] == [one.text for one in test_set.utterances]
    files = {path.name for path in samples.iterdir()}
    assert files == {"attention.png"} | {f"{name}.wav" for name in names}
    for spoken in found.sentences:
        assert soundfile.info(spoken.path).samplerate == 22050
        assert 0 <= spoken.figures["attention_alignment"] <= 1
    assert all(math.isfinite(value) for value in found.figures.values())
    assert HOW.keys() <= found.figures.keys()
    assert found.figures["sentences"] == 3
    assert found.figures["teacher_forced_val_loss"] > 0
    mean = np.mean([spoken.figures["mcd_dtw_db"] for spoken in found.sentences])
    assert found.figures["mcd_dtw_db"] == pytest.approx(mean)


def recordings(count: int) -> list[np.ndarray]:
    generator = np.random.default_rng(1)
    smooth = np.ones(9) / 9
    return [
        np.apply_along_axis(np.convolve, 0, generator.normal(-4, 3, (48, 20)), smooth).astype(np.float32)
        for _ in range(count)
    ]


def spoken(mels: list[np.ndarray], heard: list[np.ndarray], stopped: list[bool]) -> FreeRunning:
    speeches = [Speech(mel, DIAGONAL, stop) for mel, stop in zip(mels, stopped, strict=True)]
    each = [
        free_running_metrics(speech.alignment, speech.mel, recording, speech.stopped)
        for speech, recording in zip(speeches, heard, strict=True)
    ]
    return FreeRunning(mean_metrics(each), each, speeches)


def test_a_perfect_voice() -> None:
    heard = recordings(3)
    figures = summary(spoken(heard, heard, [True] * 3), heard)
    assert figures["nearest_own_rate"] == 1.0 and figures["never_stopped"] == 0.0
    assert figures["skipped_or_repeated_rate"] == 0.0 and figures["attention_alignment"] == pytest.approx(1.0)
    assert figures["quality"] == pytest.approx(1.0, abs=0.01)


def test_a_voice_that_mixes_up_two_of_three_sentences_and_does_not_end_one() -> None:
    heard = recordings(3)
    figures = summary(spoken([heard[1], heard[0], heard[2]], heard, [True, False, True]), heard)
    assert figures["nearest_own_rate"] == pytest.approx(1 / 3)
    assert figures["never_stopped"] == 1.0 and figures["sentences"] == 3.0


def test_what_cannot_be_computed_is_absent() -> None:
    heard = recordings(2)
    broken = [np.full_like(mel, np.nan) for mel in heard]
    figures = summary(spoken(broken, heard, [True, True]), heard)
    assert not {"quality", "mcd_dtw_db"} & figures.keys()
    assert all(math.isfinite(value) for value in figures.values())
