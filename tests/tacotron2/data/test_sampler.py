"""The training order: complete, deterministic, resumable at any batch, and worth having."""

from __future__ import annotations

import itertools
import json
import random

import pytest

from tacotron2.data.sampler import LengthBatchSampler

LENGTHS = [random.Random(index).randint(20, 300) for index in range(203)]


def make(seed: int = 3, lengths: list[int] = LENGTHS, batch_size: int = 8) -> LengthBatchSampler:
    return LengthBatchSampler(lengths, batch_size, bucket_batches=4, seed=seed)


def stream(sampler: LengthBatchSampler, num_batches: int) -> list[list[int]]:
    """That many batches, over as many epochs as it takes."""
    batches: list[list[int]] = []
    while len(batches) < num_batches:
        for batch in sampler:
            batches.append(batch)
            if len(batches) == num_batches:
                break
    return batches


@pytest.mark.parametrize("num_utterances", [1, 7, 8, 31, 32, 33, 203])
def test_an_epoch_holds_every_utterance_once(num_utterances) -> None:
    sampler = make(lengths=LENGTHS[:num_utterances])
    for epoch in range(3):
        assert (sampler.epoch, sampler.position) == (epoch, 0)
        batches = list(sampler)
        assert len(batches) == len(sampler)
        assert sorted(index for batch in batches for index in batch) == list(range(num_utterances))
        assert sum(len(batch) != 8 for batch in batches) == (num_utterances % 8 != 0)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    first, second = make(), make()
    epochs = [list(first) for _ in range(3)]
    assert epochs == [list(second) for _ in range(3)]
    assert epochs[0] != epochs[1]
    assert list(make(seed=4)) != epochs[0]


@pytest.mark.parametrize("consumed", [0, 1, 25, 26, 27, 52, 70])
def test_a_resumed_order_is_the_uninterrupted_one(consumed) -> None:
    """One epoch has 26 batches, so that ends of epochs are among the cases."""
    uninterrupted = stream(make(), 90)
    interrupted = make()
    assert stream(interrupted, consumed) == uninterrupted[:consumed]
    state = json.loads(json.dumps(interrupted.state_dict()))
    resumed = make()
    resumed.load_state_dict(state)
    assert resumed.state_dict() == state
    assert stream(resumed, 90 - consumed) == uninterrupted[consumed:]
    sought = make()
    sought.seek(consumed)
    assert sought.state_dict() == state


@pytest.mark.parametrize(
    "other", [make(seed=4), make(batch_size=4), make(lengths=LENGTHS[:-1]), make(lengths=LENGTHS[::-1])]
)
def test_a_state_of_other_data_is_refused(other) -> None:
    with pytest.raises(ValueError, match="other recordings"):
        make().load_state_dict(other.state_dict())


def padding_share(batches: list[list[int]]) -> float:
    padded = sum(len(batch) * max(LENGTHS[index] for index in batch) for batch in batches)
    return 1.0 - sum(LENGTHS) / padded


def test_similar_lengths_need_much_less_padding_than_random_batches() -> None:
    order = random.Random(0).sample(range(len(LENGTHS)), len(LENGTHS))
    shuffled = [order[start : start + 8] for start in range(0, len(order), 8)]
    assert padding_share(list(make())) < 0.5 * padding_share(shuffled)


def test_batches_are_not_visited_by_length() -> None:
    longest = [max(LENGTHS[index] for index in batch) for batch in make()]
    rising = sum(a < b for a, b in itertools.pairwise(longest))
    assert 0.25 < rising / (len(longest) - 1) < 0.75


def test_no_utterance_is_an_error() -> None:
    with pytest.raises(ValueError, match="no utterance"):
        make(lengths=[])


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_who_is_left_out_is_missing_and_the_others_stay_where_they_are(batch_size: int) -> None:
    whole, sifted = (make(batch_size=batch_size, lengths=LENGTHS[:31]) for _ in range(2))
    sifted.left_out = frozenset({0, 7, 30})
    before, after = stream(whole, 3 * len(whole)), stream(sifted, 3 * len(whole))
    assert len(sifted) == len(whole) and sifted.state_dict() == whole.state_dict()
    for epoch in range(3):
        places = range(epoch * len(whole), (epoch + 1) * len(whole))
        for place in places:
            kept = [index for index in before[place] if index not in sifted.left_out]
            following = after[place + 1] if place + 1 in places else None
            first = next(batch for batch in after[places[0] : places[-1] + 1])
            assert after[place] == kept or (not kept and after[place] in (following, first))
            assert after[place]
    assert not {0, 7, 30} & {index for batch in after for index in batch}


def test_leaving_out_everybody_is_refused() -> None:
    sampler = make(lengths=LENGTHS[:9])
    sampler.left_out = frozenset(range(9))
    with pytest.raises(ValueError, match="every utterance is left out"):
        next(iter(sampler))
