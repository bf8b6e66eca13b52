"""The estimate before a training costs little and touches nothing."""

from __future__ import annotations

import math

import pytest
import torch

from tacotron2.data.dataset import TextMelLoader
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training import estimate
from tacotron2.training.estimate import BYTES_PER_VALIDATION


def test_time_is_steps_times_step_unless_limited(tiny: HParams, train_set: TextMelLoader) -> None:
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

    def watched(self: Tacotron2, text: torch.Tensor, *others: torch.Tensor) -> object:
        sizes.append(len(text))
        return forward(self, text, *others)

    monkeypatch.setattr(Tacotron2, "forward", watched)
    estimate(tiny.replace(accumulation_steps=2), train_set, "cpu")
    assert set(sizes) == {2}
