"""Real readers: a handful of clips learned by heart, and a German folder taken whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from smart_tuner.run_folder import list_runs
from tacotron2 import Tacotron2, TextMelCollate, TextMelLoader, create_hparams, load_model, train
from tacotron2.data.corpus import SPLITS, open_corpus
from tacotron2.data.dataset import mel_statistics
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.evaluation import teacher_forced
from tacotron2.losses import guided_attention_weight
from tacotron2.schema import read_hparams
from tests.gradients import assert_everything_learns
from tests.real_recordings import PROJECT, kerstin_folder, ljspeech_folder

SMALL = PROJECT / "configs" / "small.yaml"
STEPS = 2600


@pytest.fixture
def two_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.timeout(2000)
@pytest.mark.usefixtures("two_threads")
def test_32_clips_of_a_reader_are_learned_by_heart(tmp_path: Path) -> None:
    """Teacher forced, on the clips it was trained on, when the guide has gone.

    How many updates it gets is what counts with so few clips, so the batches are small and r is 3. The
    post-net is as small as the probe's: this is about attention, not about sound.
    """
    hparams = read_hparams(SMALL).replace(
        n_frames_per_step=3,
        postnet_embedding_dim=64,
        postnet_n_convolutions=3,
        batch_size=4,
        learning_rate=2e-3,
        max_steps=STEPS,
        learning_rate_decay_start=2200,
        learning_rate_final_share=0.3,
        guided_attention_sigma=0.1,
        guide_loss_decay_start=1700,
        guide_loss_decay_steps=500,
        validate_every=STEPS,
        checkpoint_every=STEPS,
        free_running_clips=2,
    )
    corpus = open_corpus(ljspeech_folder(), tmp_path / "data", hparams)
    assert (corpus.num_clips, corpus.num_rejected) == (32, 0)
    cache = FeatureCache(tmp_path / "features", hparams.audio)
    clips = [clip for split in SPLITS for clip in read_list(corpus.list_path(split), corpus.folder)]
    everything = TextMelLoader(clips, hparams, cache)
    train(hparams, everything, everything, tmp_path / "run", device="cpu")
    assert guided_attention_weight(hparams.loss, STEPS - 1) <= 1.0
    model = load_model(next((tmp_path / "run" / "checkpoints").glob("best-*.ckpt")))
    figures = teacher_forced(model, [everything[i] for i in range(len(everything))], 8).figures
    assert figures["attention_alignment"] > 0.5


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_parameter_of_the_report_learns_from_a_reader(tmp_path: Path) -> None:
    """58,811,635 parameters on the four shortest of real clips."""
    hparams = create_hparams()
    corpus = open_corpus(ljspeech_folder(), tmp_path / "data", hparams)
    cache = FeatureCache(tmp_path / "features", hparams.audio)
    clips = [clip for split in SPLITS for clip in read_list(corpus.list_path(split), corpus.folder)]
    everything = TextMelLoader(clips, hparams, cache)
    torch.manual_seed(0)
    model = Tacotron2(hparams)
    model.set_mel_statistics(*mel_statistics(everything))
    shortest = sorted(range(len(everything)), key=everything.lengths.__getitem__)[:4]
    assert_everything_learns(model, hparams, TextMelCollate(model.r)([everything[i] for i in shortest]))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_german_reader_from_folder_to_samples(tmp_path: Path) -> None:
    """1,312 clips as they are, two columns and flac, by the main command; two updates, so no voice yet."""
    folder = kerstin_folder()
    settings = {
        "text.language": "de",
        "train.max_steps": 2,
        "train.free_running_clips": 2,
        "model.max_decoder_seconds": 1,
        "data.validation_clips": 4,
        "data.test_clips": 3,
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "smart_tuner.cli", "auto", f"--data={folder}", "--device=cpu"),
            *("--no-services", f"--runs-folder={tmp_path / 'runs'}"),
            *(f"--set={key}={value}" for key, value in settings.items()),
        ],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src"), "OMP_NUM_THREADS": "2"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Preset small: 1.7 hours of speech, and the CPU" in done.stdout
    assert "recordings: 4 of 1,312 clips left out" in done.stdout
    (run,) = list_runs(tmp_path / "runs")
    data = json.loads(run.summary_file.read_text(encoding="utf-8"))["data"]
    assert sum(data[f"{split}_clips"]["value"] for split in SPLITS) == 1308
    assert len(list(run.samples_folder.glob("*.wav"))) == 3
    (table,) = (tmp_path / "runs" / "data").glob("own-*/rejected.tsv")
    reasons = [line.split("\t")[2] for line in table.read_text(encoding="utf-8").splitlines()[1:]]
    assert all(reason.endswith("longer than data.max_seconds=12") for reason in reasons)
