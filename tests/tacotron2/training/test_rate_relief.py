"""The learning rate falls where gradients explode, and rises again to what the others left."""

from __future__ import annotations

import json

import pytest

from tacotron2.hparams import HParams
from tacotron2.training.knobs import LOWEST_RATE_SCALE, Knobs, Request
from tacotron2.training.rate_relief import RateRelief

CALM = 10


def scales(relief: RateRelief, knobs: Knobs, steps: range, incidents: tuple[int, ...] = ()) -> list[float]:
    found = []
    for step in steps:
        if step in incidents:
            relief.saw(step, True)
        relief.adjust(step, knobs)
        found.append(knobs.scale("learning_rate"))
    return found


def test_it_falls_and_recovers(tiny: HParams) -> None:
    relief, knobs = RateRelief(CALM), Knobs(tiny)
    found = scales(relief, knobs, range(50), (5,))
    assert found[:5] == [1.0] * 5 and found[5:15] == [0.5] * 10
    assert found[15:25] == pytest.approx([0.63] * 10) and found[25:35] == pytest.approx([0.7938] * 10)
    assert found[35:] == pytest.approx([1.0] * 15)
    assert [request.by for request in knobs.history] == ["guard"] * 4


def test_what_explodes_untold_keeps_it_down(tiny: HParams) -> None:
    relief, knobs = RateRelief(CALM), Knobs(tiny)
    scales(relief, knobs, range(6), (5,))
    relief.saw(14, False)
    assert scales(relief, knobs, range(15, 25)) == pytest.approx([0.5] * 9 + [0.63])


def test_it_is_bounded_and_gives_back_what_it_took_and_no_more(tiny: HParams) -> None:
    relief, knobs = RateRelief(CALM), Knobs(tiny)
    assert knobs.request(Request("learning_rate", 0.25, 0, "supervisor", "non_finite", "restart-1"))
    assert scales(relief, knobs, range(20), tuple(range(20)))[-1] == LOWEST_RATE_SCALE
    assert relief.taken == pytest.approx(4 * LOWEST_RATE_SCALE)
    assert scales(relief, knobs, range(20, 400))[-1] == pytest.approx(0.25)
    assert relief.taken == pytest.approx(1.0)


def test_it_goes_on_from_a_saved_state(tiny: HParams) -> None:
    whole = scales(RateRelief(CALM), Knobs(tiny), range(60), (5, 8, 30))
    for cut in (5, 6, 14, 31, 40):
        relief, knobs = RateRelief(CALM), Knobs(tiny)
        begun = scales(relief, knobs, range(cut), (5, 8, 30))
        other, others = RateRelief(CALM), Knobs(tiny)
        other.load_state_dict(json.loads(json.dumps(relief.state_dict())))
        others.load_state_dict(knobs.state_dict())
        assert begun + scales(other, others, range(cut, 60), (5, 8, 30)) == whole
