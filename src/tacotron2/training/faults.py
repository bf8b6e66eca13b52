"""Faults on purpose, to see a training heal: a trainer that suffers those of `faults.json`, each once.

A run without that file is trained by `Trainer` itself, which knows nothing of this module.
"""

from __future__ import annotations

import json
import math
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tacotron2.data.dataset import Batch, TextMelLoader
from tacotron2.files import not_written
from tacotron2.hparams import HParams
from tacotron2.losses import Losses
from tacotron2.training.meter import Meter
from tacotron2.training.ranks import Ranks
from tacotron2.training.state import CheckpointFolder
from tacotron2.training.trainer import Trainer

FAULTS_FILE, DONE_FILE = "faults.json", "faults-done.jsonl"
"""In the run's folder: the faults in the order given, and those that have happened."""
EXIT_STATUS = 7
UNSEEN = ("nan-loss", "inf-loss", "nan-grad", "nan-parameter")
"""What makes an update NaN or Inf, and no batch shows."""
POISONS = (*UNSEEN, "nan-batch", "poisoned-clip")
"""All that does; for `poisoned-clip` also every later update with the same recording."""


class FaultError(ValueError):
    """The list of faults cannot be used; the message names the file and says what would be right."""


class InjectedError(RuntimeError):
    """The error of the fault `exception`."""


@dataclass(frozen=True)
class Fault:
    """`kind` is one of `KINDS`; it happens in the update that leads to `step`, or, where it damages a
    checkpoint, to the first full state that is written from then on."""

    kind: str
    step: int


def read_faults(folder: Path) -> tuple[Fault, ...]:
    """Those of a run's folder; none where there is no file.

    Raises:
        FaultError: the file holds something else.
    """
    path = folder / FAULTS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        faults = tuple(Fault(str(each["kind"]), int(each["step"])) for each in content)
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise FaultError(f"{path}: not a list of faults ({error}); remove it") from None
    unknown = [fault.kind for fault in faults if fault.kind not in KINDS]
    if unknown:
        raise FaultError(f"{path}: no such fault: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    return faults


class FaultLog:
    """Which faults have happened in the run's life; a fault is on disk before it happens."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / DONE_FILE
        self.records: list[dict[str, Any]] = []
        if self._file.exists():
            complete = self._file.read_bytes().rpartition(b"\n")[0]
            self.records = [json.loads(line) for line in complete.splitlines()]
            os.truncate(self._file, len(complete) + 1 if complete else 0)

    def pending(self, faults: Sequence[Fault]) -> list[Fault]:
        """Those that have not happened yet, in their order; one that is listed twice happens twice."""
        done = Counter((record["kind"], record["step"]) for record in self.records)
        left = []
        for fault in faults:
            key = (fault.kind, fault.step)
            if done[key]:
                done[key] -= 1
            else:
                left.append(fault)
        return left

    def note(self, fault: Fault, utterance: str) -> None:
        """One more, and the recording it strikes.

        Raises:
            StorageError: it cannot be written, and so the fault must not happen.
        """
        record = {"kind": fault.kind, "step": fault.step, "utterance": utterance}
        try:
            with self._file.open("ab") as file:
                file.write(json.dumps(record).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise not_written(self._file, error) from error
        self.records.append(record)


class FaultyTrainer(Trainer):
    """A trainer that suffers `faults`."""

    def __init__(self, faults: Sequence[Fault], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._log = FaultLog(self.folder)
        self._pending = self._log.pending(faults)
        self._poisoned = {r["utterance"] for r in self._log.records if r["kind"] == "poisoned-clip"}
        keeps = self.checkpoints.keep_best, self.checkpoints.keep_states
        self.checkpoints = DamagedFolder(self.checkpoints.folder, *keeps, self._damage)

    def step(self, batch: Batch, meter: Meter) -> None:
        """The update, with what is due at the step it leads to."""
        to, rows = self.progress.step + 1, list[int]()
        with ExitStack() as only_now:
            for fault in [fault for fault in self._pending if fault.step == to and fault.kind not in DAMAGES]:
                self._happens(fault, batch.ids[0])
                if fault.kind in ENDS:
                    ENDS[fault.kind]()
                elif fault.kind == "nan-batch":
                    rows.append(0)
                elif fault.kind == "poisoned-clip":
                    self._poisoned.add(batch.ids[0])
                else:
                    only_now.enter_context(suffering(fault.kind, self.model, self.criterion))
            rows += [row for row, name in enumerate(batch.ids) if name in self._poisoned]
            super().step(_with_nan(batch, rows), meter)

    def _damage(self, path: Path) -> None:
        """A state has been written there."""
        due = [f for f in self._pending if f.kind in DAMAGES and f.step <= self.progress.step]
        for fault in due:
            self._happens(fault)
            DAMAGES[fault.kind](path)

    def _happens(self, fault: Fault, utterance: str = "") -> None:
        self._log.note(fault, utterance)
        self._pending.remove(fault)


class DamagedFolder(CheckpointFolder):
    """Checkpoints of which `damage` is told as soon as a full state is written."""

    def __init__(
        self, folder: Path, keep_best: int, keep_states: int, damage: Callable[[Path], None]
    ) -> None:
        super().__init__(folder, keep_best, keep_states)
        self._damage = damage

    def save_state(self, *content: Any) -> Path:
        path = super().save_state(*content)
        self._damage(path)
        return path


def make_trainer(
    hparams: HParams,
    train_set: TextMelLoader,
    validation_set: TextMelLoader,
    folder: Path,
    device: str,
    ranks: Ranks,
) -> Trainer:
    """The trainer of a run: a plain one where its folder names no fault. Of several processes the first
    suffers them.

    Raises:
        FaultError: the folder's list of faults cannot be read.
    """
    faults = read_faults(folder) if ranks.is_first else ()
    parts = (hparams, train_set, validation_set, folder, device, ranks)
    return FaultyTrainer(faults, *parts) if faults else Trainer(*parts)


@contextmanager
def suffering(kind: str, model: nn.Module, criterion: nn.Module) -> Iterator[None]:
    """A poison that neither the batch nor, but for `nan-parameter`, the weights hold afterwards, while the
    block lasts: what a replay needs too."""
    if kind == "nan-parameter":
        _last(model).data.view(-1)[0] = math.nan
        yield
        return
    hook = (
        _last(model).register_hook(lambda gradient: gradient * math.nan)
        if kind == "nan-grad"
        else criterion.register_forward_hook(_scaled(math.nan if kind == "nan-loss" else math.inf))
    )
    try:
        yield
    finally:
        hook.remove()


def _last(model: nn.Module) -> nn.Parameter:
    *_, parameter = model.parameters()
    return parameter


def _scaled(factor: float) -> Callable[[nn.Module, object, Losses], Losses]:
    """A hook of the criterion: its first term and the total times the factor."""

    def scaled(module: nn.Module, inputs: object, losses: Losses) -> Losses:
        return replace(losses, total=losses.total * factor, mel_before=losses.mel_before * factor)

    return scaled


def _with_nan(batch: Batch, rows: Sequence[int]) -> Batch:
    """The batch with one value that is not a number in each of these rows."""
    if not rows:
        return batch
    mel: Tensor = batch.mel.clone()
    mel[rows, 0, 0] = math.nan
    return replace(batch, mel=mel)


def _out_of_memory() -> None:
    raise torch.OutOfMemoryError("injected fault: memory ran out")


def _error() -> None:
    raise InjectedError("injected fault: an error of the program")


ENDS: dict[str, Callable[[], object]] = {
    "oom": _out_of_memory,
    "exception": _error,
    "exit": lambda: os._exit(EXIT_STATUS),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "hang": lambda: threading.Event().wait(),
    "sigterm": lambda: os.kill(os.getpid(), signal.SIGTERM),
}
"""What ends an attempt, before the update is begun."""


def _turn_a_bit(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "corrupt-checkpoint": _turn_a_bit,
    "truncated-checkpoint": lambda path: os.truncate(path, path.stat().st_size // 2),
    "missing-checkpoint": lambda path: path.unlink(),
}
KINDS = (*POISONS, *ENDS, *DAMAGES)
