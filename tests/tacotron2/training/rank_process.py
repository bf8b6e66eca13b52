"""One of several processes that train together on the tiny corpus; `test_ranks.py` starts them and compares.

`rank_process.py FOLDER CORPUS`, with the environment that `torchrun` would make. The results of process K go
to `FOLDER/result-K.pt`. The same functions make the results of one process.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tacotron2.data.dataset import Item, TextMelCollate, TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.shares import BatchShares
from tacotron2.data.utterances import read_list
from tacotron2.events import Event, IncidentEvent, StepEvent
from tacotron2.hparams import HParams, from_dict
from tacotron2.models.masking import MaskedBatchNorm
from tacotron2.training import NonFiniteLossError, TrainingResult, estimate, train, validation
from tacotron2.training.loop import record
from tacotron2.training.meter import Meter
from tacotron2.training.ranks import Ranks, join
from tacotron2.training.trainer import Trainer

NOTHING_DROPPED = {
    "p_prenet_dropout": 0.0,
    "p_attention_dropout": 0.0,
    "p_decoder_dropout": 0.0,
    "p_convolution_dropout": 0.0,
}
GRADUAL = "0:5,7:3"
POISONED = 4
"""The utterance of `one_clip_poisoned`."""
UPDATES: dict[str, tuple[int, list[int]]] = {
    "whole batch": (1, [3, 0, 7, 12]),
    "two micro-batches": (2, [3, 0, 7, 12]),
    "one utterance": (1, [5]),
    "three utterances in two micro-batches": (2, [9, 1, 4]),
}
"""Micro-batches and utterances of an update."""

Sets = tuple[TextMelLoader, TextMelLoader]


class PoisonedSet(TextMelLoader):
    """A copy whose mels hold one NaN: all, or that of one utterance. `served` are those asked for."""

    def __init__(self, clean: TextMelLoader, only: int | None = None) -> None:
        vars(self).update(vars(clean))
        self.only, self.served = only, list[int]()

    def __getitem__(self, index: int) -> Item:
        item = super().__getitem__(index)
        self.served.append(index)
        if self.only not in (None, index):
            return item
        mel = item.mel.clone()
        mel[3, 2] = math.nan
        return Item(item.ids, mel, item.utterance)


def update(
    hparams: HParams, sets: Sets, folder: Path, ranks: Ranks, parts: int, chosen: Sequence[int]
) -> dict[str, Any]:
    """Gradients, weights, running statistics and the record of one update without dropout."""
    changes = NOTHING_DROPPED | {"accumulation_steps": parts, "grad_clip_thresh": 1e9}
    trainer = Trainer(hparams.replace(**changes), *sets, folder, "cpu", ranks)
    meter, gradients = Meter(ranks), {}

    def look(*_: Any) -> None:
        gradients.update({name: p.grad.clone() for name, p in trainer.model.named_parameters()})

    trainer.optimizer.optimizer.register_step_pre_hook(look)
    in_order = sorted(chosen, key=sets[0].lengths.__getitem__)
    batch = BatchShares(sets[0], TextMelCollate(trainer.model.r), ranks.rank, ranks.count)[in_order]
    trainer.step(batch, meter)
    event = record(trainer, meter)
    assert event is not None
    figures = event.losses | {"reference": event.train_reference_loss, "grad_norm": event.grad_norm}
    return {
        "ids": batch.ids,
        "frames": meter.num_frames,
        "gradients": gradients,
        "weights": {name: value.clone() for name, value in trainer.model.state_dict().items()},
        "figures": figures,
    }


def normalised(ranks: Ranks) -> dict[str, Tensor]:
    """Batch normalisation in float64 over rows of unequal lengths; gradients of this process's rows."""
    generator = torch.Generator().manual_seed(1)
    values, weights = torch.randn(2, 5, 3, 7, generator=generator, dtype=torch.float64)
    mask = torch.arange(7)[None] < torch.tensor([7, 2, 5, 1, 6])[:, None]
    norm = MaskedBatchNorm(3).double()
    ranks.connect(norm)
    rows = slice(ranks.rank, None, ranks.count)
    input = values[rows].clone().requires_grad_()
    output = norm(input, mask[rows])
    (output.sin() * weights[rows] * mask[rows, None]).sum().backward()
    assert input.grad is not None and norm.weight.grad is not None
    ranks.sum_gradients(norm)
    found = {"output": output.detach(), "input": input.grad, "scale": norm.weight.grad}
    return found | {"mean": norm.running_mean, "variance": norm.running_var}  # type: ignore[dict-item]


def trained(
    hparams: HParams, sets: Sets, folder: Path, ranks: Ranks, stop_at: int = 0
) -> tuple[TrainingResult, dict[str, Any]]:
    """A training to its end, or to a step at which the first process is asked to stop."""
    events: list[Event] = []

    def stop_requested() -> str | None:
        steps = [event.step for event in events if isinstance(event, StepEvent)]
        return "stopped" if stop_at and ranks.is_first and steps and steps[-1] + 1 >= stop_at else None

    result = train(
        hparams, *sets, folder, device="cpu", emit=events.append, stop_requested=stop_requested, ranks=ranks
    )
    told = [
        (event.step, event.losses, event.train_reference_loss, event.grad_norm)
        for event in events
        if isinstance(event, StepEvent)
    ]
    return result, {"cause": result.cause, "step": result.step, "events": told}


def poisoned(hparams: HParams, sets: Sets, folder: Path, ranks: Ranks) -> str:
    """How the training ends in which the data of the last process alone are not finite."""
    train_set = sets[0] if ranks.is_first else PoisonedSet(sets[0])
    try:
        train(hparams, train_set, sets[1], folder, device="cpu", ranks=ranks)
    except NonFiniteLossError as error:
        return str(error)
    return "nothing was found"


def one_clip_poisoned(hparams: HParams, sets: Sets, folder: Path, ranks: Ranks) -> dict[str, Any]:
    """The incidents, the weights, and how often this process trained on the clip."""
    events: list[Event] = []
    poisoned = PoisonedSet(sets[0], POISONED)
    train(hparams, poisoned, sets[1], folder, device="cpu", emit=events.append, ranks=ranks)
    told = [(e.step, e.incident, e.details, e.folder) for e in events if isinstance(e, IncidentEvent)]
    return {"incidents": told, "served": poisoned.served[len(poisoned) :].count(POISONED)}


def load_sets(corpus: Path, hparams: HParams) -> Sets:
    cache = FeatureCache(corpus / "features", hparams.audio)
    train_set, validation_set = (
        TextMelLoader(read_list(corpus / f"{name}.txt", corpus), hparams, cache)
        for name in ("train", "validation")
    )
    return train_set, validation_set


def main(folder: Path, corpus: Path) -> None:
    for name in ("save_attention", "save_spectrograms"):  # drawing is most of a validation here
        setattr(validation, name, lambda path, drawn: None)
    hparams = from_dict(json.loads((folder / "hparams.json").read_text()))
    sets, ranks = load_sets(corpus, hparams), join(hparams)
    results: dict[str, Any] = {
        name: update(hparams, sets, folder / "none", ranks, parts, chosen)
        for name, (parts, chosen) in UPDATES.items()
    }
    results["normalised"] = normalised(ranks)
    results["estimate"] = estimate(hparams, sets[0], "cpu", ranks).step_seconds
    undropped = hparams.replace(**NOTHING_DROPPED)
    _, results["undropped"] = trained(undropped, sets, folder / "undropped", ranks)
    gradual = undropped.replace(reduction_schedule=GRADUAL)
    _, results["gradual"] = trained(gradual, sets, folder / "gradual", ranks)
    _, results["at once"] = trained(hparams, sets, folder / "at once", ranks)
    _, results["first part"] = trained(hparams, sets, folder / "parts", ranks, stop_at=10)
    torch.manual_seed(99)  # as if in another process, which stands elsewhere in its random numbers
    _, results["second part"] = trained(hparams, sets, folder / "parts", ranks)
    results["random"] = torch.get_rng_state()
    results["poisoned"] = poisoned(hparams, sets, folder / "poisoned", ranks)
    results["one clip"] = one_clip_poisoned(hparams, sets, folder / "one clip", ranks)
    torch.save(results, folder / f"result-{ranks.rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
