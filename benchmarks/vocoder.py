"""A small HiFi-GAN: what a short training on one core gains, against an untrained one and Griffin-Lim.

    PYTHONPATH=src python benchmarks/vocoder.py --threads 1 --steps 1000

All speak the same held-out clips from their recorded spectrograms. The recordings are those of the demo
corpus of the preset `probe`, or of `--folder`. Times are those on the processor: the training is the same on
a machine with other work. `--minutes` ends it by the clock.
"""

from __future__ import annotations

import copy
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from corpus import noise_folder
from measuring import arguments, begin, size, table

from tacotron2.audio import griffin_lim
from tacotron2.data.source import any_corpus
from tacotron2.vocoders.hifigan import HifiGanConfig
from tacotron2.vocoders.hifigan.clips import Clips, open_clips
from tacotron2.vocoders.hifigan.running import Material, Plan, run_training, validate
from tacotron2.vocoders.hifigan.speaking import HifiGan
from tacotron2.vocoders.hifigan.training import Training
from tacotron2.vocoders.hifigan.validation import MOST_CLIPS, Speak, nearness

SMALL = HifiGanConfig(
    resblock="2",
    upsample_rates=(8, 8, 4),
    upsample_kernel_sizes=(16, 16, 8),
    upsample_initial_channel=128,
    resblock_kernel_sizes=(3, 5, 7),
    resblock_dilation_sizes=((1, 2), (2, 6), (3, 12)),
    batch_size=4,
    learning_rate=1e-3,
    segment_size=4096,
    discriminator_divisor=16,
)
"""V3 at half its width, and discriminators at a sixteenth of theirs."""
TINY = HifiGanConfig(
    resblock="2",
    upsample_rates=(16, 16),
    upsample_kernel_sizes=(32, 32),
    upsample_initial_channel=8,
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1,),),
    batch_size=1,
    segment_size=2048,
    discriminator_divisor=16,
)


class Curve:
    """What a training told, with the time it had taken on the processor."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._mel, self._begun = float("nan"), time.process_time()

    def __call__(self, kind: str, **values: Any) -> None:
        if kind == "vocoder-step":
            self._mel = values["mel"]
        elif kind == "vocoder-validated":
            minutes = (time.process_time() - self._begun) / 60
            self.add(values["step"], minutes, self._mel, values["mel_error"], values["distortion_db"])

    def add(self, step: int, minutes: float, mel: float, error: float, distortion: float) -> None:
        loss = "-" if step == 0 else f"{mel:.3f}"
        self.rows.append([str(step), f"{minutes:.1f}", loss, f"{error:.3f}", f"{distortion:.1f}"])


def spoken(name: str, speak: Speak, material: Material) -> list[str]:
    """A row: figures, and seconds on the processor for a second of speech."""
    begun = time.process_time()
    found = nearness(speak, material.validation, material.audio)
    seconds = time.process_time() - begun
    cost = seconds / heard(material.validation)
    return [name, f"{found.mel_error:.3f}", f"{found.distortion_db:.1f}", f"{cost:.2f}"]


def heard(clips: Clips) -> float:
    """Seconds of the clips that are spoken."""
    frames = sum(clip.num_frames for clip in clips.clips[:MOST_CLIPS])
    return frames * clips.config.hop_size / clips.config.sampling_rate


def vocoder(training: Training) -> HifiGan:
    """The generator as it stands; a copy, as speaking folds it."""
    return HifiGan(copy.deepcopy(training.generator), "training", training.device)


def main() -> None:
    parser = arguments(__doc__, steps=1000, every=200, minutes=10_000)
    parser.add_argument("--folder", type=Path, help="recordings; without: the demo corpus")
    parser.add_argument("--output", type=Path, help="where the trained one is kept; without: nowhere")
    options = parser.parse_args()
    begin(options)
    config, hparams = (TINY if options.tiny else SMALL), size("probe")
    steps, every = (2, 1) if options.tiny else (options.steps, options.every)
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        folder = noise_folder(hparams, home / "noise") if options.tiny else options.folder
        corpus = any_corpus(folder, home, hparams)
        audio = config.audio()
        material = Material(*open_clips(corpus.folder, config, audio, home / "features"), audio)
        training = Training(config, options.output or home / "hifigan", torch.device("cpu"))
        curve = Curve()
        first = validate(training, material)
        curve.add(0, 0.0, 0.0, first.mel_error, first.distortion_db)
        rows = [spoken("HiFi-GAN, untrained", vocoder(training), material)]
        ends = time.monotonic() + 60 * options.minutes
        run_training(training, material, Plan(steps, every, every), curve, lambda: time.monotonic() > ends)
        rows.append(spoken(f"HiFi-GAN, {training.step} steps", vocoder(training), material))
        for rounds in (1, 60):
            speak = partial(griffin_lim, audio=audio, num_iterations=rounds)
            rows.append(spoken(f"Griffin-Lim, {rounds} iterations", speak, material))
    report(training, material, curve, rows)


def report(training: Training, material: Material, curve: Curve, rows: list[list[str]]) -> None:
    parts = {"generator": training.generator, "mpd": training.mpd, "msd": training.msd}
    counts = [f"{name} {sum(value.numel() for value in part.parameters()):,}" for name, part in parts.items()]
    config, clips = training.config, material.train
    print(
        f"- parameters: {', '.join(counts)}; batches of {config.batch_size} segments of {config.segment_size}"
    )
    print(f"- {len(clips)} clips to learn from, {clips.seconds / 60:.1f} minutes; held out and spoken")
    print(f"  {min(MOST_CLIPS, len(material.validation))} clips, {heard(material.validation):.0f} s\n")
    head = ("step", "minutes", "mel loss since the last", "mel error, held out", "distortion, dB")
    table(head, curve.rows, "Training")
    head = ("vocoder", "mel error", "distortion, dB", "seconds for a second")
    table(head, rows, "Held-out clips, each from its recorded spectrogram")


if __name__ == "__main__":
    main()
