"""In how many parts a batch must be computed to fit into memory: measured on the longest utterances.

On CUDA a throw-away model makes an update of the longest batch, in twice as many parts each time that memory
runs out. On a CPU the system would end the process instead; there another process measures updates of a few
of the longest utterances, and what the whole micro-batch needs is predicted from them.
"""

from __future__ import annotations

import gc
import json
import logging
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tacotron2.data.dataset import Batch
from tacotron2.events import IncidentEvent
from tacotron2.hparams import HParams, from_dict
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2
from tacotron2.training.devices import make_fabric, resolve_device
from tacotron2.training.gradients import backward
from tacotron2.training.knobs import Knobs, Request, micro_batches
from tacotron2.training.ranks import Ranks

MICRO_BATCH = "micro_batch"
"""The type of the incident."""
PROBES = (2, 4)
"""Utterances of the two updates that a prediction is made from."""
FREE_SHARE = 0.8
"""Of the memory that is free: the rest is for validation, for the trackers and for others."""
PROBE_TIMEOUT_S = 600.0
_STATUS = Path("/proc/self/status")
_LOGGER = logging.getLogger(__name__)

Length = tuple[int, int]
"""Symbols and frames of an utterance."""


@dataclass(frozen=True)
class MemoryFit:
    """`parts`: micro-batches that a batch is to be computed in. What the largest one needs, with weights and
    optimizer, and what there was for it, in bytes; None where it was not measured."""

    parts: int
    needed_bytes: int | None
    available_bytes: int | None

    def incident(self, parts: int) -> IncidentEvent:
        """That so many parts were too few."""
        details = {"micro_batches": self.parts, "too_few": parts}
        sizes = {"needed_bytes": self.needed_bytes, "available_bytes": self.available_bytes}
        return IncidentEvent(0, MICRO_BATCH, details | sizes)

    def request(self, parts: int) -> Request:
        """What makes the number of parts that was intended the one that fits."""
        return Request("micro_batches", self.parts / parts, 0, "memory", "measured before training", "memory")


def requested_parts(hparams: HParams, requests: Sequence[Request]) -> int:
    """Those of the settings, by what is requested."""
    knobs = Knobs(hparams)
    for request in requests:
        knobs.request(request)
    return micro_batches(hparams, knobs)


def fit_memory(
    hparams: HParams,
    lengths: Sequence[Length],
    device: str,
    available_bytes: int,
    parts: int,
    ranks: Ranks | None = None,
) -> MemoryFit:
    """The fewest parts, from `parts` on by doubling, that fit; the random generators are left as they were.

    Args:
        lengths: of all utterances of the training.
        available_bytes: free memory for each process, where the device is a CPU.
        ranks: processes that have the batch's rows among them; all take part.

    Raises:
        torch.OutOfMemoryError: on CUDA not even a single utterance fits.
        DeviceError: the device is not there.
    """
    ranks, batch_size = ranks or Ranks(), min(hparams.train.batch_size, len(lengths))
    longest = sorted(lengths, key=lambda length: (length[1], length[0]), reverse=True)[:batch_size]
    if resolve_device(device) == "cuda":
        fit = _fit_cuda(hparams, longest, parts, ranks)
    else:
        usable = int(available_bytes * FREE_SHARE)
        found = _fit_cpu(hparams, longest, parts, ranks.count, usable) if ranks.is_first else None
        fit = ranks.agreed(found or MemoryFit(parts, None, None))
    return max(ranks.gathered(fit), key=lambda each: each.parts)


def rows_of(batch_size: int, parts: int, processes: int) -> int:
    """Utterances of the largest micro-batch in one process."""
    return math.ceil(math.ceil(batch_size / parts) / processes)


def _fit_cuda(hparams: HParams, longest: Sequence[Length], parts: int, ranks: Ranks) -> MemoryFit:
    while True:
        rows = rows_of(len(longest), parts, ranks.count)
        torch.cuda.reset_peak_memory_stats()
        try:
            Probe(hparams, "cuda", ranks.device_index).update(longest[:rows])
            peak, whole = torch.cuda.max_memory_reserved(), torch.cuda.mem_get_info()[1]
            return MemoryFit(parts, peak, whole)
        except torch.OutOfMemoryError:
            if rows == 1:
                raise
        finally:
            gc.collect()
            torch.cuda.empty_cache()
        parts = min(2 * parts, hparams.train.batch_size)


def _fit_cpu(
    hparams: HParams, longest: Sequence[Length], parts: int, processes: int, available: int
) -> MemoryFit:
    measured = peaks_of_updates(hparams, [longest[:count] for count in PROBES])
    if measured is None:
        return MemoryFit(parts, None, available)
    small, large = measured
    few, more = (min(count, len(longest)) for count in PROBES)
    growth = max(0, large - small) / max(1, more - few)
    while True:
        rows = rows_of(len(longest), parts, processes)
        needed = round(large + (rows - more) * growth)
        if needed <= available or rows == 1:
            return MemoryFit(parts, needed, available)
        parts = min(2 * parts, hparams.train.batch_size)


def peaks_of_updates(hparams: HParams, batches: Sequence[Sequence[Length]]) -> list[int] | None:
    """Most bytes that a process had more than before, after an update of each; None where it cannot tell.

    It is a process of its own, whose memory nobody else uses.
    """
    if not _STATUS.exists():
        return None
    asked = json.dumps({"hparams": hparams.to_dict(), "batches": batches, "threads": torch.get_num_threads()})
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=True
        )
        return [int(value) for value in json.loads(done.stdout)]
    except (subprocess.SubprocessError, ValueError) as error:
        _LOGGER.warning("memory was not measured: %s", error)
        return None


class Probe:
    """A throw-away model and its updates."""

    def __init__(self, hparams: HParams, device: str, index: int = 0) -> None:
        with torch.random.fork_rng():
            self._fabric, _ = make_fabric(hparams, device, index)
            self._model = Tacotron2(hparams)
        optimizer = torch.optim.AdamW(self._model.parameters(), lr=1e-6, fused=True)
        self._network, self._optimizer = self._fabric.setup(self._model, optimizer)
        self._criterion = Tacotron2Loss(hparams).to(self._fabric.device)
        self._forced = hparams.train.teacher_forcing_final

    @property
    def r(self) -> int:
        """Frames for each decoder step, the last of the training."""
        return self._model.r

    def update(self, lengths: Sequence[Length]) -> None:
        """Twice: the second time with the optimizer's state in place. At the last r and the last share of
        teacher forcing, which take most."""
        for _ in range(2):
            self.find_gradients(lengths)
            self._optimizer.step()
            self._optimizer.zero_grad()

    def find_gradients(self, lengths: Sequence[Length]) -> None:
        """Forward and backward of one micro-batch; the gradients are added to those there are."""
        batch = batch_of(lengths, self._model.r, self._model.hparams.audio.n_mel_channels)
        with torch.random.fork_rng():
            backward(self._fabric, self._network, self._criterion, batch, 1, 1.0, Ranks(), self._forced)


def batch_of(lengths: Sequence[Length], r: int, num_mels: int) -> Batch:
    """A batch of these lengths; what is in it makes no difference to the memory it needs."""
    symbols, frames = (torch.tensor(column) for column in zip(*lengths, strict=True))
    steps = -(-int(frames.max()) // r)
    text = torch.ones(len(lengths), int(symbols.max()), dtype=torch.long)
    mel, gate = torch.zeros(len(lengths), steps * r, num_mels), torch.zeros(len(lengths), steps)
    speakers = torch.zeros(len(lengths), dtype=torch.long)
    return Batch(text, symbols, mel, frames, gate, ("",) * len(lengths), speakers=speakers)


def process_memory() -> dict[str, int]:
    """Bytes by the system's names: among them VmRSS, what this process has, and VmHWM, the most it ever had
    (that of `getrusage` begins with its parent's). Empty where the system does not tell them."""
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    sizes = [line.split() for line in lines if line.endswith(" kB")]
    return {name.rstrip(":"): int(kilobytes) * 1024 for name, kilobytes, _ in sizes}


def main() -> None:
    """The process that measures: a question on its input, bytes on its output."""
    asked: dict[str, Any] = json.load(sys.stdin)
    torch.set_num_threads(asked["threads"])
    hparams = from_dict(asked["hparams"])
    before, peaks = process_memory()["VmRSS"], []
    probe = Probe(hparams, "cpu")
    for lengths in asked["batches"]:
        probe.update(lengths)
        peaks.append(process_memory()["VmHWM"] - before)
    json.dump(peaks, sys.stdout)
