"""The training loop, on Fabric for devices and precision; everything that must be exact is ours."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import CheckpointEvent, Event, FinishedEvent, StartedEvent, StepEvent
from tacotron2.hparams import HParams
from tacotron2.training.faults import make_trainer
from tacotron2.training.initial_weights import BaseWeights, begin_with
from tacotron2.training.knobs import Request
from tacotron2.training.meter import Meter
from tacotron2.training.ranks import Ranks
from tacotron2.training.state import rng_state
from tacotron2.training.trainer import Trainer
from tacotron2.training.validation import validate
from tacotron2.versions import installed_versions, source_commit


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended: `cause` is completed, or what ended it by request."""

    step: int
    cause: str
    best_checkpoint: Path | None
    train_seconds: float


def train(
    hparams: HParams,
    train_set: TextMelLoader,
    validation_set: TextMelLoader,
    folder: Path,
    *,
    device: str = "auto",
    emit: Callable[[Event], None] = lambda event: None,
    stop_requested: Callable[[], str | None] = lambda: None,
    moved: Callable[[], None] = lambda: None,
    ranks: Ranks | None = None,
    requests: Sequence[Request] = (),
    initial_weights: Path | BaseWeights | None = None,
    adjustments: Callable[[], Sequence[Request]] = tuple,
) -> TrainingResult:
    """Trains until `max_steps`, `max_train_minutes`, or a request to stop; goes on where `folder` left off.

    Args:
        folder: the run's folder; checkpoints, attention maps and audio go to its sub-folders.
        device: auto, cpu or cuda.
        emit: is given every event; must not block.
        stop_requested: asked after every step; a cause (interrupted, terminated, stopped) ends the training
            with a full checkpoint.
        moved: called while a validation goes on, which may take long.
        ranks: the processes that train together, from `join`; None: this one alone. The first one emits,
            decides, judges and saves.
        requests: what is to be adjusted; those that the state knows already, by their ids, change nothing.
        initial_weights: what the training begins with, where the folder has no state yet: the weights of a
            checkpoint or a voice of the same shapes, or what fits of a base.
        adjustments: asked after every validation and before the state is saved, for what is to be adjusted
            from then on.

    Raises:
        NonFiniteLossError: within `log_every` steps of the third update that had to be masked within ten.
        CheckpointError: the folder's state is damaged, or was trained on other recordings.
        HParamsError: the folder's state belongs to other hyper-parameters.
        DeviceError: the device is not there.
        FaultError: the folder's list of faults cannot be read.
        CheckpointError, VoiceError: the initial weights cannot be used, see `begin_with`.
        RanksError, LostRankError: see `tacotron2.training.ranks`.
    """
    ranks = ranks or Ranks()
    trainer = make_trainer(hparams, train_set, validation_set, folder, device, ranks)
    emit = emit if ranks.is_first else lambda event: None
    resumed = trainer.resume()
    if resumed is None and initial_weights is not None:
        begin_with(trainer.model, initial_weights)
    trainer.request(requests)
    emit(_started(trainer, resumed))
    _tell_changes(trainer, emit)
    cause = _run(trainer, emit, stop_requested, moved, adjustments)
    progress, best = trainer.progress, trainer.checkpoints.best()
    emit(FinishedEvent(progress.step, cause, progress.train_seconds))
    return TrainingResult(progress.step, cause, best[0].path if best else None, progress.train_seconds)


def _run(
    trainer: Trainer,
    emit: Callable[[Event], None],
    stop_requested: Callable[[], str | None],
    moved: Callable[[], None],
    adjustments: Callable[[], Sequence[Request]],
) -> str:
    settings, progress, ranks = trainer.hparams.train, trainer.progress, trainer.ranks
    batches, meter = trainer.batches(), Meter(ranks)
    limit = settings.max_train_minutes * 60 or math.inf
    clock, earlier = time.perf_counter(), progress.train_seconds

    def seconds() -> float:
        return earlier + time.perf_counter() - clock

    def complete() -> bool:
        return progress.step >= settings.max_steps or progress.train_seconds >= limit

    cause = None
    while cause is None and not complete():
        asked = time.perf_counter()
        batch = next(batches)
        meter.wait_seconds += time.perf_counter() - asked
        trainer.step(batch, meter)
        progress.train_seconds = seconds()
        cause = None if complete() else stop_requested()  # after the last step there is nothing to stop
        progress.train_seconds, cause = ranks.agreed((progress.train_seconds, cause))
        validates = progress.step % settings.validate_every == 0 or complete()
        saves = progress.step % settings.checkpoint_every == 0 or cause is not None
        reports = trainer.snapshots.is_due(progress.step)
        if validates or saves or reports or progress.step % settings.log_every == 0:
            # Looked at first: what is not finite must be neither judged nor saved.
            _look(trainer, meter, emit)
            meter = Meter(ranks)
        if validates:
            _tell_clips(trainer, emit)
            ranks.alone(partial(_judge, trainer, emit, moved))
            trainer.request(ranks.agreed(tuple(adjustments()) if ranks.is_first else ()))
            _tell_changes(trainer, emit)
            progress.train_seconds = ranks.agreed(seconds())
        if reports:  # after what was decided at this step, before it can be lost
            ranks.alone(partial(_take_snapshot, trainer, emit))
        if saves or complete():  # the validation may have used up the time
            _save(trainer, emit)
        if validates or saves or reports:
            meter = Meter(ranks)  # their time is not the next steps'
    return cause or "completed"


def record(trainer: Trainer, meter: Meter) -> StepEvent | None:
    """The means since the last record; None where no update was made."""
    means, seconds = meter.means(), meter.seconds
    if math.isnan(means["grad_norm"]):
        return None
    done = trainer.progress.step - 1
    return StepEvent(
        step=trainer.progress.step,
        epoch=trainer.progress.sampler["epoch"],
        losses={k: v for k, v in means.items() if k not in ("reference", "grad_norm")},
        train_reference_loss=means["reference"],
        learning_rate=trainer.learning_rate(done),
        guided_attention_weight=trainer.guide_weight(done),
        n_frames_per_step=trainer.r(done),
        teacher_forcing=trainer.teacher_forcing(done),
        grad_norm=means["grad_norm"],
        mel_frames_per_s=meter.num_frames / seconds,
        data_wait_share=meter.wait_seconds / seconds,
        step_seconds=seconds / meter.num_steps,
    )


def _look(trainer: Trainer, meter: Meter, emit: Callable[[Event], None]) -> None:
    """Tells what happened since the last look, and adjusts the training to it.

    Raises:
        NonFiniteLossError: the attempt is to end.
    """
    for incident in trainer.guard.look():
        emit(incident)
    means = record(trainer, meter)
    if means is not None:
        emit(means)
    trainer.guard.require_sound()
    if trainer.progress.step % trainer.hparams.train.log_every == 0:
        # At no other step, so that an interruption, which has its own look, changes nothing.
        for incident in trainer.adjust():
            emit(incident)
        _tell_changes(trainer, emit)


def _tell_clips(trainer: Trainer, emit: Callable[[Event], None]) -> None:
    event = trainer.clips.settle(trainer.progress.step)
    if event is not None:
        emit(event)


def _tell_changes(trainer: Trainer, emit: Callable[[Event], None]) -> None:
    for change in trainer.knobs.news():
        emit(change)


def _judge(trainer: Trainer, emit: Callable[[Event], None], moved: Callable[[], None]) -> None:
    """Validation on both passes, pictures, and the weights if they are among the best."""
    step = trainer.progress.step
    result = validate(trainer.model, trainer.validation_set, trainer.hparams, moved)
    told = replace(result.published(trainer.folder, step), train_seconds=trainer.progress.train_seconds)
    emit(told)
    for incident in trainer.guard.judge(step, told.teacher_forced, told.free_running):
        emit(incident)
    if result.quality is not None:
        path = trainer.checkpoints.save_best(trainer.hparams, trainer.model, step, result.quality)
        if path is not None:
            emit(CheckpointEvent(step, str(path.relative_to(trainer.folder)), "best", result.quality))


def _take_snapshot(trainer: Trainer, emit: Callable[[Event], None]) -> None:
    step = trainer.progress.step
    emit(trainer.snapshots.take(step, trainer.r(step - 1), trainer.guard.last_norms(), trainer.folder))


def _save(trainer: Trainer, emit: Callable[[Event], None]) -> None:
    others = trainer.ranks.gathered(rng_state())[1:]
    controllers = {
        "knobs": trainer.knobs.state_dict(),
        "guard": trainer.guard.state_dict(),
        "loss_scale": trainer.loss_scale.state_dict(),
        "clips": trainer.clips.state_dicts(),
    }

    def save() -> None:
        path = trainer.checkpoints.save_state(
            trainer.hparams, trainer.model, trainer.optimizer, trainer.progress, controllers, others
        )
        emit(CheckpointEvent(trainer.progress.step, str(path.relative_to(trainer.folder)), "state"))

    trainer.ranks.alone(save)


def _started(trainer: Trainer, resumed: int | None) -> StartedEvent:
    return StartedEvent(
        device=str(trainer.fabric.device),
        precision=trainer.precision,
        threads=torch.get_num_threads(),
        seed=trainer.hparams.train.seed,
        parameters=trainer.model.num_parameters(),
        max_steps=trainer.hparams.train.max_steps,
        train_clips=len(trainer.train_set),
        validation_clips=len(trainer.validation_set),
        commit=source_commit(),
        versions=installed_versions(),
        resumed_from_step=resumed,
        processes=trainer.ranks.count,
    )
