"""The training loop, on Fabric for devices and precision; everything that must be exact is ours.

No step reads anything back from the device: losses are summed there and read once in `log_every` steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.utils.data import DataLoader

from tacotron2.checkpoint import CheckpointError
from tacotron2.data.dataset import Batch, TextMelCollate, TextMelLoader, mel_statistics
from tacotron2.data.sampler import LengthBatchSampler
from tacotron2.data.shares import BatchShares
from tacotron2.events import CheckpointEvent, Event, FinishedEvent, StartedEvent, StepEvent
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight
from tacotron2.models import Tacotron2
from tacotron2.training.devices import make_fabric
from tacotron2.training.gradients import backward
from tacotron2.training.meter import Meter
from tacotron2.training.ranks import Ranks
from tacotron2.training.schedule import learning_rate
from tacotron2.training.state import CheckpointFolder, Progress, refuse_other_settings, restore_rng, rng_state
from tacotron2.training.validation import validate
from tacotron2.versions import installed_versions, source_commit


class NonFiniteLossError(ArithmeticError):
    """Loss or gradient became NaN or Inf; the message names the step and the terms."""


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended: `cause` is completed, stopped, interrupted or terminated."""

    step: int
    cause: str
    best_checkpoint: Path | None
    train_seconds: float


class Trainer:
    """One training: its parts, and the step that advances them."""

    def __init__(
        self,
        hparams: HParams,
        train_set: TextMelLoader,
        validation_set: TextMelLoader,
        folder: Path,
        device: str,
        ranks: Ranks | None = None,
    ) -> None:
        self.hparams, self.train_set, self.validation_set = hparams, train_set, validation_set
        self.folder, self.ranks = folder, ranks or Ranks()
        self.ranks.require_count(hparams.train.num_processes)
        self.fabric: Fabric
        self.fabric, self.precision = make_fabric(hparams, device, self.ranks.device_index)
        torch.manual_seed(hparams.train.seed)
        self.model = Tacotron2(hparams)
        self.model.set_mel_statistics(*mel_statistics(train_set))
        self.ranks.seed_dropout(hparams.train.seed)
        optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=hparams.train.learning_rate,
            weight_decay=hparams.train.weight_decay,
        )
        self.network, self.optimizer = self.fabric.setup(self.model, optimizer)
        self.ranks.connect(self.model)
        self.criterion = Tacotron2Loss(hparams).to(self.fabric.device)
        train = hparams.train
        self.sampler = LengthBatchSampler(
            train_set.lengths, train.batch_size, hparams.data.bucket_batches, train.seed
        )
        self.checkpoints = CheckpointFolder(folder / "checkpoints", train.keep_best, train.keep_states)
        self.progress = Progress()

    def resume(self) -> int | None:
        """Takes up the newest state of the folder; the step it stands at, or None at a first start.

        Raises:
            CheckpointError: the state is damaged, or was trained on other recordings.
            HParamsError: it belongs to other hyper-parameters.
            RanksError: the processes do not find the same state, or not the same recordings.
        """
        found = self.checkpoints.newest_state()
        self.ranks.require_agreement("order of the data", self.sampler.state_dict()["order"])
        self.ranks.require_agreement("newest state", found and found[0].name)
        if self.ranks.is_first:
            self.checkpoints.tidy(found[0] if found else None)
        if found is None:
            return None
        path, content = found
        refuse_other_settings(path, content["hparams"], self.hparams)
        try:
            self.sampler.load_state_dict(content["sampler"])
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
        except (KeyError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"{path}: does not fit this training: {reason}") from None
        self.progress = Progress(content["step"], content["train_seconds"], content["sampler"])
        states = [content["rng"], *content.get("rng_of_others", ())]
        restore_rng(states[self.ranks.rank])
        return self.progress.step

    def batches(self) -> Iterator[Batch]:
        """Batches without end, from where the training stands."""
        trained_on = self.sampler.epoch * len(self.sampler) + self.sampler.position
        while True:
            self.sampler.seek(trained_on)
            collate = TextMelCollate(self.hparams.model.n_frames_per_step)
            loader = DataLoader(
                BatchShares(self.train_set, collate, self.ranks.rank, self.ranks.count),
                sampler=self.sampler,
                batch_size=None,  # an item is a whole batch
                num_workers=self.hparams.data.num_workers,
                generator=torch.Generator(),  # its own, so that the loader takes nothing from dropout's
            )
            for batch in loader:
                trained_on += 1
                # Loader processes run ahead of the training; what counts is what was trained on.
                state = self.sampler.state_dict()
                epoch, position = divmod(trained_on, len(self.sampler))
                self.progress.sampler = state | {"epoch": epoch, "position": position}
                yield batch

    def step(self, batch: Batch, meter: Meter) -> None:
        """One update: forward and backward of every micro-batch, clip by the true norm, AdamW."""
        train, step = self.hparams.train, self.progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(train, step)
        weight = guided_attention_weight(self.hparams.loss, step)
        parts = train.accumulation_steps
        backward(self.fabric, self.network, self.criterion, batch, parts, weight, self.ranks, note=meter.add)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = get_total_norm(gradients)
        clip_grads_with_norm_(self.model.parameters(), train.grad_clip_thresh, norm)
        meter.add_norm(norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.progress.step += 1
        meter.num_steps += 1
        meter.num_frames += batch.num_frames

    def record(self, meter: Meter, epoch: int) -> StepEvent:
        """The means since the last record.

        Raises:
            NonFiniteLossError: a term is NaN or Inf, and so may the weights be by now.
        """
        means = meter.means()
        bad = sorted(name for name, value in means.items() if not math.isfinite(value))
        if bad:
            raise NonFiniteLossError(
                f"{', '.join(bad)} became NaN or Inf within the {meter.num_steps} steps before step "
                f"{self.progress.step}"
            )
        seconds = meter.seconds
        done = self.progress.step - 1
        return StepEvent(
            step=self.progress.step,
            epoch=epoch,
            losses={k: v for k, v in means.items() if k not in ("reference", "grad_norm")},
            train_reference_loss=means["reference"],
            learning_rate=learning_rate(self.hparams.train, done),
            guided_attention_weight=guided_attention_weight(self.hparams.loss, done),
            grad_norm=means["grad_norm"],
            mel_frames_per_s=meter.num_frames / seconds,
            data_wait_share=meter.wait_seconds / seconds,
            step_seconds=seconds / meter.num_steps,
        )


def train(
    hparams: HParams,
    train_set: TextMelLoader,
    validation_set: TextMelLoader,
    folder: Path,
    *,
    device: str = "auto",
    emit: Callable[[Event], None] = lambda event: None,
    stop_requested: Callable[[], str | None] = lambda: None,
    ranks: Ranks | None = None,
) -> TrainingResult:
    """Trains until `max_steps`, `max_train_minutes`, or a request to stop; goes on where `folder` left off.

    Args:
        folder: the run's folder; checkpoints, attention maps and audio go to its sub-folders.
        device: auto, cpu or cuda.
        emit: is given every event; must not block.
        stop_requested: asked after every step; a cause (interrupted, terminated, stopped) ends the training
            with a full checkpoint.
        ranks: the processes that train together, from `join`; None: this one alone. The first one emits,
            decides, judges and saves.

    Raises:
        NonFiniteLossError: within `log_every` steps of a loss or gradient that is NaN or Inf.
        CheckpointError: the folder's state is damaged, or was trained on other recordings.
        HParamsError: the folder's state belongs to other hyper-parameters.
        DeviceError: the device is not there.
        RanksError, LostRankError: see `tacotron2.training.ranks`.
    """
    trainer = Trainer(hparams, train_set, validation_set, folder, device, ranks)
    emit = emit if trainer.ranks.is_first else lambda event: None
    resumed = trainer.resume()
    emit(_started(trainer, resumed))
    cause = _run(trainer, emit, stop_requested)
    progress, best = trainer.progress, trainer.checkpoints.best()
    emit(FinishedEvent(progress.step, cause, progress.train_seconds))
    return TrainingResult(progress.step, cause, best[0].path if best else None, progress.train_seconds)


def _run(trainer: Trainer, emit: Callable[[Event], None], stop_requested: Callable[[], str | None]) -> str:
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
        if validates or saves or progress.step % settings.log_every == 0:
            # Recorded first: what is not finite must be neither judged nor saved.
            emit(trainer.record(meter, progress.sampler["epoch"]))
            meter = Meter(ranks)
        if validates:
            ranks.alone(partial(_judge, trainer, emit))
            progress.train_seconds = ranks.agreed(seconds())
        if saves or complete():  # the validation may have used up the time
            _save(trainer, emit)
        if validates or saves:
            meter = Meter(ranks)  # their time is not the next steps'
    return cause or "completed"


def _judge(trainer: Trainer, emit: Callable[[Event], None]) -> None:
    """Validation on both passes, pictures, and the weights if they are among the best."""
    step = trainer.progress.step
    result = validate(trainer.model, trainer.validation_set, trainer.hparams)
    emit(result.published(trainer.folder, step))
    if result.quality is not None:
        path = trainer.checkpoints.save_best(trainer.hparams, trainer.model, step, result.quality)
        if path is not None:
            emit(CheckpointEvent(step, str(path.relative_to(trainer.folder)), "best", result.quality))


def _save(trainer: Trainer, emit: Callable[[Event], None]) -> None:
    others = trainer.ranks.gathered(rng_state())[1:]

    def save() -> None:
        path = trainer.checkpoints.save_state(
            trainer.hparams, trainer.model, trainer.optimizer, trainer.progress, others
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
