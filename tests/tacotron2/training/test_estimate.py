"""The estimate before a training costs little and touches nothing."""

from __future__ import annotations

import math

import pytest
import torch

from tacotron2.data.dataset import TextMelLoader
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training import estimate
from tacotron2.training.estimate import BYTES_PER_VALIDATION, Stopwatch, Stretch, stretches


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_time_is_steps_times_step_unless_limited(
    tiny: HParams, train_set: TextMelLoader, precision: str
) -> None:
    tiny = tiny.replace(precision=precision)
    found = estimate(tiny, train_set, "cpu")
    assert found.step_seconds > 0
    assert found.train_seconds == pytest.approx(tiny.max_steps * found.step_seconds)
    limited = estimate(tiny.replace(max_train_minutes=1e-6), train_set, "cpu")
    assert limited.train_seconds == pytest.approx(6e-5)


def test_disk_holds_the_weights_and_states_kept_and_one_more_of_each(
    tiny: HParams, train_set: TextMelLoader, make_model: object
) -> None:
    found = estimate(tiny.replace(keep_best=2, keep_states=3), train_set, "cpu")
    weights = 4 * Tacotron2(tiny).num_parameters()
    validations = math.ceil(tiny.max_steps / tiny.validate_every)
    # One of each more than is kept while it is replaced; a state is weights and Adam's two moments.
    assert found.disk_bytes == 3 * weights + 4 * 3 * weights + validations * BYTES_PER_VALIDATION


def test_the_random_generators_are_left_alone(tiny: HParams, train_set: TextMelLoader) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    estimate(tiny, train_set, "cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_it_takes_the_micro_batches_of_the_training(
    tiny: HParams, train_set: TextMelLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that only fits into memory in parts must not be tried whole."""
    sizes = []
    forward = Tacotron2.forward

    def watched(self: Tacotron2, text: torch.Tensor, *others: torch.Tensor, **named: float) -> object:
        sizes.append(len(text))
        return forward(self, text, *others, **named)

    monkeypatch.setattr(Tacotron2, "forward", watched)
    estimate(tiny.replace(accumulation_steps=2), train_set, "cpu")
    assert set(sizes) == {2}


def test_every_stage_is_timed_by_its_own_r_and_its_own_path(
    tiny: HParams, train_set: TextMelLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    hparams = tiny.replace(
        n_frames_per_step=2,
        reduction_schedule="0:5,8:2",
        teacher_forcing_final=0.5,
        teacher_forcing_decay_start=11,
        teacher_forcing_decay_steps=4,
        max_steps=20,
    )
    assert stretches(hparams) == [Stretch(8, 5, 1.0), Stretch(4, 2, 1.0), Stretch(8, 2, 0.875)]
    monkeypatch.setattr(Stopwatch, "measure", lambda self, r, forced: 1.0 / r + (forced < 1.0))
    found = estimate(hparams, train_set, "cpu")
    assert found.seconds_by_r == pytest.approx({"5": 0.2, "2": (4 * 0.5 + 8 * 1.5) / 12})
    assert found.train_seconds == pytest.approx(8 * 0.2 + 4 * 0.5 + 8 * 1.5)
    assert found.step_seconds == pytest.approx(found.train_seconds / 20)
    assert stretches(hparams.replace(max_steps=5)) == [Stretch(5, 5, 1.0)]


def test_a_schedule_is_really_run_at_each_r(
    tiny: HParams, train_set: TextMelLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    forward = Tacotron2.forward

    def watched(self: Tacotron2, *given: torch.Tensor, **named: float) -> object:
        output = forward(self, *given, **named)
        seen.add((self.r, output.mel_after.size(1) // output.gate_logits.size(1), named["teacher_forcing"]))
        return output

    monkeypatch.setattr(Tacotron2, "forward", watched)
    found = estimate(tiny.replace(n_frames_per_step=1, reduction_schedule="0:4,9:1"), train_set, "cpu")
    assert seen == {(4, 4, 1.0), (1, 1, 1.0)}
    assert all(seconds > 0 for seconds in found.seconds_by_r.values())
    assert list(found.seconds_by_r) == ["4", "1"]
