"""One training: its parts, and the update that advances them.

No update reads anything back from the device: losses, norms and what is not finite are kept there and read
once in `log_every` steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch.nn.utils import clip_grads_with_norm_
from torch.utils.data import DataLoader

from tacotron2.checkpoint import CheckpointError
from tacotron2.data.dataset import Batch, TextMelCollate, TextMelLoader, mel_statistics
from tacotron2.data.sampler import LengthBatchSampler
from tacotron2.data.shares import BatchShares
from tacotron2.events import IncidentEvent
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight
from tacotron2.models import Tacotron2
from tacotron2.models.tacotron2 import TacotronOutput
from tacotron2.reduction import stage_at
from tacotron2.training.clip_ledger import ClipLedger
from tacotron2.training.devices import make_fabric
from tacotron2.training.freezing import Freezing
from tacotron2.training.gradients import backward
from tacotron2.training.guard import Guard, Guarded
from tacotron2.training.knobs import Knobs, Request, micro_batches
from tacotron2.training.loss_scale import LossScale
from tacotron2.training.meter import Meter
from tacotron2.training.ranks import Ranks
from tacotron2.training.readings import Made, Reading
from tacotron2.training.schedule import learning_rate, teacher_forcing
from tacotron2.training.snapshot import Snapshots
from tacotron2.training.state import (
    CheckpointFolder,
    Progress,
    refuse_other_settings,
    refuse_other_speakers,
    restore_rng,
)


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
        self.model.name_speakers(train_set.speakers)
        self.ranks.seed_dropout(hparams.train.seed)
        # Fused: it takes the truth value `found_inf` on the device and then changes nothing.
        self.adamw = torch.optim.AdamW(
            self.model.parameters(),
            lr=hparams.train.learning_rate,
            weight_decay=hparams.train.weight_decay,
            fused=True,
        )
        self.network, self.optimizer = self.fabric.setup(self.model, self.adamw)
        self.ranks.connect(self.model)
        self.freezing = Freezing(hparams.train, self.model)
        self.knobs = Knobs(hparams)
        self.clips = ClipLedger(train_set, self.r(0), self.fabric.device, self.ranks)
        self._speak_with(self.r(0))
        train = hparams.train
        self.sampler = LengthBatchSampler(
            train_set.lengths, train.batch_size, hparams.data.bucket_batches, train.seed
        )
        self.checkpoints = CheckpointFolder(folder / "checkpoints", train.keep_best, train.keep_states)
        self.progress = Progress(sampler=self.sampler.state_dict())
        resolved = hparams.replace(precision=self.precision)
        self.guard = Guard(Guarded(resolved, self.model, self.network, self.ranks, folder, len(train_set)))
        self.loss_scale = LossScale(self.fabric)
        self.snapshots = Snapshots(train.report_every)

    def resume(self) -> int | None:
        """Takes up the newest state of the folder; the step it stands at, or None at a first start.

        Raises:
            CheckpointError: the state is damaged, or was trained on other recordings.
            HParamsError: it belongs to other hyper-parameters.
            RanksError: the processes do not find the same state, or not the same recordings.
        """
        found = self.checkpoints.newest_state()
        quarantine = self.guard.quarantine
        quarantine.suspect(self.ranks.agreed(quarantine.read_suspects()))
        self.ranks.require_agreement("order of the data", self.sampler.state_dict()["order"])
        self.ranks.require_agreement("newest state", found and found[0].name)
        if self.ranks.is_first:
            self.checkpoints.tidy(found[0] if found else None)
        if found is None:
            return None
        path, content = found
        refuse_other_settings(path, content["hparams"], self.hparams)
        refuse_other_speakers(path, content, self.model)
        try:
            self.sampler.load_state_dict(content["sampler"])
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
            self.knobs.load_state_dict(content["knobs"])
            self.guard.load_state_dict(content["guard"])
            self.loss_scale.load_state_dict(content.get("loss_scale", {}))
            self._speak_with(content["n_frames_per_step"])
            self.clips.load_state_dict(content.get("clips", ()))
        except (KeyError, RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise CheckpointError(f"{path}: does not fit this training: {reason}") from None
        self._leave_out()
        self.progress = Progress(content["step"], content["train_seconds"], content["sampler"])
        states = [content["rng"], *content.get("rng_of_others", ())]
        restore_rng(states[self.ranks.rank])
        return self.progress.step

    def batches(self) -> Iterator[Batch]:
        """Batches without end, from where the training stands.

        Where r changes, model and criterion change with it, and what a loader fetched ahead is fetched anew.
        """
        trained_on = self.sampler.epoch * len(self.sampler) + self.sampler.position
        while True:
            self.sampler.seek(trained_on)
            r = self.r(self.progress.step)
            if r != self.model.r:
                self._speak_with(r)
            collate = TextMelCollate(r)
            loader = DataLoader(
                BatchShares(self.train_set, collate, self.ranks.rank, self.ranks.count),
                sampler=self.sampler,
                batch_size=None,  # an item is a whole batch
                num_workers=self.hparams.data.num_workers,
                generator=torch.Generator(),  # its own, so that the loader takes nothing from dropout's
            )
            left_out = self.sampler.left_out
            for batch in loader:
                trained_on += 1
                # Loader processes run ahead of the training; what counts is what was trained on.
                state = self.sampler.state_dict()
                epoch, position = divmod(trained_on, len(self.sampler))
                self.progress.sampler = state | {"epoch": epoch, "position": position}
                yield batch
                if self.r(self.progress.step) != r or self.sampler.left_out != left_out:
                    break  # what the loader has fetched already is not what comes next

    def adjust(self) -> list[IncidentEvent]:
        """Does what the guard's readings call for; what is to be told of it."""
        incidents = self.guard.adjust(self.progress.step, self.knobs)
        if self.hparams.train.set_aside_bad_clips:
            incidents += self.guard.set_aside(self.progress.step, self.clips.persistent())
        self._leave_out()
        return incidents

    def _leave_out(self) -> None:
        names = self.guard.quarantine.names
        self.sampler.left_out = frozenset(
            index for index, utterance in enumerate(self.train_set.utterances) if utterance.id in names
        )

    def request(self, requests: Sequence[Request]) -> None:
        """Adjusts scales for the updates that follow."""
        for request in requests:
            self.knobs.request(request)
        self._heed_scales()

    def _heed_scales(self) -> None:
        """In the parts that keep a value of their own; the others ask before each update."""
        self.criterion.scale_positive_weight(self.knobs.scale("gate_positive_weight"))
        self.model.scale_dropout(self.knobs.scale("dropout"))

    def _speak_with(self, r: int) -> None:
        """Model and criterion; batches follow."""
        self.model.decoder.set_r(r)
        self.criterion = Tacotron2Loss(self.hparams, r).to(self.fabric.device)
        if r != self.clips.r:
            self.clips.begin_anew(r)
        self._heed_scales()

    def r(self, step: int) -> int:
        """Mel frames per decoder step in the update after `step` updates."""
        return stage_at(self.hparams.reduction_stages, step).r

    def teacher_forcing(self, step: int) -> float:
        """The share of the decoder's steps that read the recording in the same update."""
        return teacher_forcing(self.hparams.train, step)

    def learning_rate(self, step: int) -> float:
        """That of the update after `step` updates."""
        return learning_rate(self.hparams.train, step) * self.knobs.scale("learning_rate")

    def guide_weight(self, step: int) -> float:
        """That of guided attention in the same update."""
        return guided_attention_weight(self.hparams.loss, step) * self.knobs.scale("guided_attention_weight")

    @property
    def micro_batches(self) -> int:
        """Parts that every batch is computed in."""
        return micro_batches(self.hparams, self.knobs)

    def step(self, batch: Batch, meter: Meter) -> None:
        """One update: forward and backward of every micro-batch, clip by the true norm, AdamW.

        An update whose loss or gradient is not finite changes nothing: neither weights, nor the state of the
        optimizer, nor the statistics of batch normalisation. It is told, unless the loss scale explains it.
        """
        step = self.progress.step
        rate = self.learning_rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.guard.begin()
        self.freezing.begin(step)
        weight = self.guide_weight(step)
        parts, forced = self.micro_batches, self.teacher_forcing(step)
        note = self.snapshots.noting(step + 1)

        def both(output: TacotronOutput, part: Batch) -> None:
            self.clips.note(output, part)
            note(output, part)

        how = (parts, weight, self.ranks, forced, both)
        terms = backward(self.fabric, self.network, self.criterion, batch, *how)
        self.loss_scale.undo(self.adamw)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norms = self.freezing.without(torch.stack(torch._foreach_norm(gradients)))
        norm = torch.linalg.vector_norm(norms)
        total = self.ranks.summed(terms["total"])
        masked = torch.isfinite(norm + total).logical_not()
        clip_grads_with_norm_(self.model.parameters(), self.hparams.train.grad_clip_thresh, norm)
        self.adamw.found_inf = masked.float()  # type: ignore[attr-defined]
        self.adamw.step()  # not Fabric's, whose scaler would decide anew
        self.optimizer.zero_grad()
        self.progress.step += 1
        meter.add(terms, norm, masked, batch.num_frames)
        overflow = masked & self.loss_scale.settle(masked, total).logical_not()
        scales = self.knobs.scale("gate_positive_weight"), self.knobs.scale("dropout")
        made = Made(batch, self.model.r, parts, rate, weight, forced, *scales)
        self.guard.note(Reading(self.progress.step, made, masked, norms, terms, overflow))
