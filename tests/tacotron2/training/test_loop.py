"""One update: gradients, clipping, and what it must not read."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from tacotron2.data.dataset import Batch, Item, TextMelCollate, TextMelLoader
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight
from tacotron2.training import NonFiniteLossError
from tacotron2.training.loop import record
from tacotron2.training.meter import Meter
from tacotron2.training.micro_batches import split
from tacotron2.training.trainer import Trainer

Sets = tuple[TextMelLoader, TextMelLoader]


def clipped_gradients(trainer: Trainer) -> list[Tensor]:
    """Filled with the gradients that the optimizer is given at the next update."""
    seen: list[Tensor] = []

    def look(*_: Any) -> None:
        seen.extend(p.grad.clone() for p in trainer.model.parameters() if p.grad is not None)

    trainer.optimizer.optimizer.register_step_pre_hook(look)
    return seen


def norm(gradients: list[Tensor]) -> float:
    return math.sqrt(sum(float(g.double().square().sum()) for g in gradients))


def test_the_norm_recorded_is_the_one_before_clipping(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    hparams = tiny.replace(grad_clip_thresh=0.01)
    trainer, meter = Trainer(hparams, *sets, tmp_path, "cpu"), Meter()
    batch, given = next(trainer.batches()), clipped_gradients(trainer)
    oracle, drawn = copy.deepcopy(trainer.model), torch.get_rng_state()
    output = oracle(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
    losses = Tacotron2Loss(hparams)(output, batch, guided_attention_weight(hparams.loss, 0))
    losses.total.backward()
    torch.set_rng_state(drawn)
    trainer.step(batch, meter)
    event = record(trainer, meter)
    assert event is not None
    true_norm = norm([p.grad for p in oracle.parameters() if p.grad is not None])
    assert true_norm > 0.1
    assert event.grad_norm == pytest.approx(true_norm, rel=1e-5)
    assert norm(given) == pytest.approx(0.01, rel=1e-3)
    assert event.losses["total"] == pytest.approx(losses.total.item(), rel=1e-6)
    assert event.train_reference_loss == pytest.approx(losses.reference.item(), rel=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        # Mel errors are means over frames, and frames are what the parts are weighted by: exact for any r.
        {"gate_loss_weight": 0.0, "guided_attention_weight": 0.0},
        # At r = 1 a decoder step is a frame, so that the stop token's mean over steps is exact too.
        {"guided_attention_weight": 0.0, "n_frames_per_step": 1, "max_decoder_seconds": 0.2},
    ],
    ids=["mel terms at r = 3", "mel terms and stop token at r = 1"],
)
@pytest.mark.parametrize("parts", [2, 4])
def test_micro_batches_give_the_gradients_of_the_whole_batch(
    tiny: HParams, sets: Sets, tmp_path: Path, changes: dict[str, float], parts: int
) -> None:
    """Where nothing looks at the batch as a whole: batch norm with its running statistics, no dropout.

    The guided attention loss is left out: it is a mean over cells, text times speech, of each part.
    """
    results = []
    for accumulation_steps in (1, parts):
        hparams = tiny.replace(
            **changes,
            accumulation_steps=accumulation_steps,
            grad_clip_thresh=1e9,
            prenet_dropout_at_synthesis=False,
        )
        trainer, meter = Trainer(hparams, *sets, tmp_path, "cpu"), Meter()
        trainer.model.eval()
        given = clipped_gradients(trainer)
        batch = next(trainer.batches())
        assert len(set(batch.mel_lengths.tolist())) == 4
        trainer.step(batch, meter)
        results.append((given, record(trainer, meter)))
    (whole, event), (summed, other) = results
    assert event is not None and other is not None
    assert norm(whole) > 0.1
    torch.testing.assert_close(summed, whole, rtol=1e-4, atol=1e-6 * norm(whole))
    assert other.losses["mel_after"] == pytest.approx(event.losses["mel_after"], rel=1e-5)
    assert other.mel_frames_per_s > 0


@pytest.mark.parametrize(("parts", "sizes"), [(1, [5]), (2, [3, 2]), (5, [1] * 5), (8, [1] * 5)])
def test_parts_hold_every_row_once_and_no_more_padding_than_they_need(
    items: list[Item], parts: int, sizes: list[int]
) -> None:
    batch = TextMelCollate(3)(items)
    pieces = split(batch, parts, 3)
    assert [len(piece.ids) for piece in pieces] == sizes
    assert sum((piece.ids for piece in pieces), ()) == batch.ids
    for piece in pieces:
        rows = [batch.ids.index(name) for name in piece.ids]
        whole = TextMelCollate(3)([items[row] for row in rows])
        for name in ("text", "text_lengths", "mel", "mel_lengths", "gate"):
            expected = getattr(batch if parts == 1 else whole, name)
            assert torch.equal(getattr(piece, name), expected), name


class HostReads(TorchDispatchMode):
    """Notes every value that Python takes out of a tensor of truth values or numbers with a fraction."""

    def __init__(self, allowed: set[int]) -> None:
        super().__init__()
        self.allowed, self.found = allowed, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            tensor = args[0]
            counts = tensor.is_floating_point() or tensor.dtype is torch.bool
            self.found += counts and tensor.data_ptr() not in self.allowed
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_step_reads_nothing_back_from_the_device(
    tiny: HParams, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """On a CPU everything is host memory, so what counts is what is read: lengths (whole numbers, which stay
    on the host by design) and AdamW's step counts (kept there by torch), but no loss, gradient or output."""
    hparams = tiny.replace(accumulation_steps=2, precision=precision)
    trainer = Trainer(hparams, *sets, tmp_path, "cpu")
    batches, meter = trainer.batches(), Meter()
    trainer.step(next(batches), meter)
    counts = {state["step"].data_ptr() for state in trainer.optimizer.optimizer.state.values()}
    batch = next(batches)
    bulk_reads = []
    for name in ("tolist", "numpy", "cpu", "__array__"):
        original = getattr(Tensor, name)

        def watched(self: Tensor, *args: Any, original: Any = original, name: str = name) -> Any:
            if self.is_floating_point() or self.dtype is torch.bool:
                bulk_reads.append(name)
            return original(self, *args)

        monkeypatch.setattr(Tensor, name, watched)
    with HostReads(counts) as reads:
        trainer.step(batch, meter)
        assert reads.found == 0 and not bulk_reads
        # So does what the guard keeps of it, and what it does between two looks.
        (_, reading) = trainer.guard._readings
        trainer.guard.begin()
        trainer.guard.note(reading)
        assert reads.found == 0 and not bulk_reads
        # The watch works: the record reads once, all terms together.
        record(trainer, meter)
        assert bulk_reads == ["tolist"]
        float(next(iter(meter.sums.values())))
        bool(reading.masked)
        assert reads.found == 2
        bulk_reads.clear()
        trainer.guard.look()
        assert (reads.found, bulk_reads) == (2, ["tolist"])


def test_an_update_that_is_not_finite_changes_nothing(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    trainer, meter = Trainer(tiny, *sets, tmp_path, "cpu"), Meter()
    batches = trainer.batches()
    trainer.step(next(batches), meter)
    weights = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    optimizer = copy.deepcopy(trainer.adamw.state_dict()["state"])
    sums = {name: value.clone() for name, value in meter.sums.items()}
    layer = trainer.model.decoder.gate_layer.bias
    handle = layer.register_hook(lambda gradient: gradient * math.inf)
    poisoned = next(batches)
    trainer.step(poisoned, meter)
    handle.remove()
    torch.testing.assert_close(trainer.model.state_dict(), weights, rtol=0, atol=0)
    torch.testing.assert_close(trainer.adamw.state_dict()["state"], optimizer, rtol=0, atol=0)
    assert all(torch.equal(meter.sums[name], value) for name, value in sums.items())
    (incident,) = trainer.guard.look()
    assert incident.step == 2 and incident.incident == "non_finite_update"
    assert incident.details["terms"] == [] and incident.details["layers"] == ["decoder.gate_layer.bias"]
    assert incident.details["utterances"] == list(poisoned.ids)
    trainer.guard.require_sound()
    trainer.step(next(batches), meter)
    assert trainer.guard.look() == []
    assert any(not torch.equal(value, weights[name]) for name, value in trainer.model.named_parameters())


def test_three_such_updates_within_ten_end_the_attempt(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    trainer, meter = Trainer(tiny, *sets, tmp_path, "cpu"), Meter()
    batches, layer = trainer.batches(), trainer.model.decoder.gate_layer.bias
    for step in range(1, 12):
        bad = step in (1, 6, 10)
        handle = layer.register_hook(lambda gradient: gradient * math.nan) if bad else None
        trainer.step(next(batches), meter)
        if handle:
            handle.remove()
        trainer.guard.look()
        if step < 10:
            trainer.guard.require_sound()
    with pytest.raises(NonFiniteLossError, match="steps 1, 6, 10"):
        trainer.guard.require_sound()


def test_weights_that_are_not_finite_end_the_attempt(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    trainer = Trainer(tiny, *sets, tmp_path, "cpu")
    with torch.no_grad():
        trainer.model.embedding.weight[3, 2] = math.inf
    with pytest.raises(NonFiniteLossError, match="weights became NaN or Inf: embedding.weight$"):
        trainer.guard.require_sound()


def test_batches_know_the_epoch_they_belong_to(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    trainer = Trainer(tiny, *sets, tmp_path, "cpu")
    batches, seen = trainer.batches(), []
    for _ in range(10):
        batch: Batch = next(batches)
        seen.append(batch.ids)
    assert trainer.progress.sampler["epoch"] == 2 and trainer.progress.sampler["position"] == 0
    first, second = seen[:5], seen[5:]
    names = {utterance.id for utterance in sets[0].utterances}
    assert set(sum(first, ())) == set(sum(second, ())) == names
    assert first != second
