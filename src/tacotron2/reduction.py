"""The reduction factor r as a table of training steps: large at first, so that attention is learned sooner.

Source: the gradual training that implementations of Tacotron have. As the pre-net reads the last frame alone,
every r has the same weights but for the number of outputs. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

LARGEST_R = 10
_STAGE = re.compile(r"(\d{1,9}):(\d{1,9})")


class Stage(NamedTuple):
    """From the update after `step` updates on, r frames a decoder step."""

    step: int
    r: int


def parse_schedule(text: str, final_r: int) -> tuple[Stage, ...]:
    """`0:7,4000:5,8000:3,16000:2` to its stages, with commas or blanks; empty: one stage of `final_r`.

    Raises:
        ValueError: no such table, or one that does not fall to `final_r`; it says what would be right.
    """
    if not text.strip():
        return (Stage(0, final_r),)
    stages = []
    for part in re.split(r"[,\s]+", text.strip()):
        match = _STAGE.fullmatch(part)
        if match is None:
            raise ValueError(f"must be stages step:r, as in 0:7,4000:5,8000:2 ({part!r} is none)")
        stages.append(Stage(int(match[1]), int(match[2])))
    if stages[0].step != 0:
        raise ValueError(f"must begin at step 0, not at {stages[0].step}")
    for before, after in pairwise(stages):
        if after.step <= before.step:
            raise ValueError(f"must have rising steps ({after.step} after {before.step})")
        if after.r >= before.r:
            raise ValueError(f"must have falling r ({after.r} after {before.r})")
    if stages[0].r > LARGEST_R:
        raise ValueError(f"must have r <= {LARGEST_R} (it begins with {stages[0].r})")
    if stages[-1].r != final_r:
        raise ValueError(f"must end with r = model.n_frames_per_step ({final_r}, not {stages[-1].r})")
    return tuple(stages)


def schedule_problem(text: str, final_r: int) -> str:
    """What `parse_schedule` has against it; empty where nothing."""
    try:
        parse_schedule(text, final_r)
    except ValueError as error:
        return str(error)
    return ""


def stage_at(stages: Sequence[Stage], step: int) -> Stage:
    """The one of the update after `step` updates."""
    return next(stage for stage in reversed(stages) if stage.step <= step)
