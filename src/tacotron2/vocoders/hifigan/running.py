"""The run of a training: batches, states, validation, and what is told on the way."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tacotron2.hparams import AudioParams
from tacotron2.vocoders.hifigan.clips import Clips
from tacotron2.vocoders.hifigan.speaking import HifiGan
from tacotron2.vocoders.hifigan.training import NonFiniteError, Segment, Training, complete_states
from tacotron2.vocoders.hifigan.validation import Nearness, nearness

Tell = Callable[..., None]
"""Is given a record: `kind` and its values."""


@dataclass(frozen=True)
class Plan:
    """How long a training goes on, and how often it says and keeps something."""

    steps: int
    """At which it ends; counted from its very beginning."""
    save_every: int
    log_every: int


@dataclass(frozen=True)
class Material:
    """What is learned from, and what is held out."""

    train: Clips
    validation: Clips
    audio: AudioParams


def run_training(
    training: Training, material: Material, plan: Plan, tell: Tell, stopped: Callable[[], bool]
) -> bool:
    """Trains to the end of the plan, or until `stopped`; either way the last state is written.

    Records: `vocoder-step` with losses and steps a second, `vocoder-validated` with mel error and distortion
    of held-out clips, `vocoder-saved` with a path.

    Returns:
        whether the end of the plan was reached.

    Raises:
        NonFiniteError: the message says what is kept and what to do.
        StorageError: a state cannot be written.
    """
    begun, first = time.monotonic(), training.step
    try:
        for segment in _segments(training, material.train, plan.steps):
            if stopped():
                break
            training.update(segment)
            due = training.step % plan.save_every == 0 or training.step == plan.steps
            if training.step % plan.log_every == 0 or due:
                losses = training.losses()
                pace = (training.step - first) / max(1e-9, time.monotonic() - begun)
                tell("vocoder-step", step=training.step, steps=plan.steps, pace=pace, **losses)
            if due:
                _keep(training, material, tell)
        if training.step > first and training.step not in complete_states(training.folder):
            training.losses()
            _save(training, material.train, tell)
    except NonFiniteError as error:
        raise NonFiniteError(_advice(training, error)) from None
    return training.step >= plan.steps


def validate(training: Training, material: Material) -> Nearness:
    """Figures of the generator as it stands."""
    spoken = HifiGan(copy.deepcopy(training.generator), "training", training.device)
    return nearness(spoken, material.validation, material.audio)


def _keep(training: Training, material: Material, tell: Tell) -> None:
    """State first: what comes after may take long."""
    _save(training, material.train, tell)
    found = validate(training, material)
    tell(
        "vocoder-validated",
        step=training.step,
        mel_error=found.mel_error,
        distortion_db=found.distortion_db,
    )


def _save(training: Training, clips: Clips, tell: Tell) -> None:
    path = training.save(clips.epoch(training.step))
    tell("vocoder-saved", step=training.step, path=str(path))


def _segments(training: Training, clips: Clips, steps: int) -> Iterator[Segment]:
    """Batches from where the training stands; the next one is read while one is trained on."""
    config, device = training.config, training.device

    def fetch(step: int) -> Segment:
        mel, samples = clips.batch(step)
        rate = config.learning_rate * config.lr_decay ** clips.epoch(step)
        if device.type == "cuda":
            mel, samples = mel.pin_memory(), samples.pin_memory()
        return Segment(mel, samples, rate)

    def put(segment: Segment) -> Segment:
        mel = segment.mel.to(device, non_blocking=True)
        return Segment(mel, segment.samples.to(device, non_blocking=True), segment.rate)

    with ThreadPoolExecutor(max_workers=1) as reader:
        following = reader.submit(fetch, training.step) if training.step < steps else None
        while following is not None:
            segment = following.result()
            # The generator has advanced by one step when it comes here again.
            after = training.step + 1
            following = reader.submit(fetch, after) if after < steps else None
            yield put(segment)


def _advice(training: Training, error: NonFiniteError) -> str:
    newest = max(complete_states(training.folder), default=None)
    kept = "no state was written yet" if newest is None else f"the state of step {newest} is kept"
    return (
        f"{error}; {kept}. Go on from it with a smaller --learning-rate (now "
        f"{training.config.learning_rate:g}), and look for broken recordings"
    )


def facts(training: Training, material: Material) -> dict[str, Any]:
    """What a training begins with."""
    left_out = [*material.train.left_out, *material.validation.left_out]
    return {
        "folder": str(training.folder),
        "step": training.step,
        "clips": len(material.train),
        "minutes": material.train.seconds / 60,
        "held_out": len(material.validation),
        "left_out": [f"{name}: {reason}" for name, reason in left_out],
        "parameters": sum(value.numel() for value in training.generator.parameters()),
    }


def begin(training: Training, source: Path | None) -> None:
    """Where its folder holds a state, goes on from it; else begins with the weights of `source`."""
    if not training.resume() and source is not None:
        training.begin_with(source)
