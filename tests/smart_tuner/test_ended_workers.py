"""A worker that was ended, however and whenever, ends with the weights of one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PROGRAM = Path(__file__).with_name("ended_workers.py")
CAUSES = {"SIGINT": (130, "interrupted"), "SIGTERM": (143, "terminated"), "SIGKILL": (-signal.SIGKILL, None)}
NOTHING = None
# Phase: the step gone on from after a request, which lets the next step be made, and after a kill.
STEPS = {
    "first step": (2, NOTHING),
    "validation": (4, NOTHING),  # of step 3, whose state is written after it
    "save": (4, NOTHING),  # of step 3, between file and sidecar
    "epoch's end": (3, NOTHING),
    "second epoch": (5, 3),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path_factory.mktemp("ended"))],
        env=os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("phase", STEPS)
@pytest.mark.parametrize("name", CAUSES)
def test_ended_by_a_signal_in_a_phase(results: dict[str, dict[str, Any]], name: str, phase: str) -> None:
    result = results[f"{name} {phase}"]
    assert (result["status"], result["cause"]) == CAUSES[name]
    assert result["resumed"] == STEPS[phase][name == "SIGKILL"]
    assert result["again"] == 0 and result["same"]


def test_killed_at_a_random_moment(results: dict[str, dict[str, Any]]) -> None:
    kills = [result for title, result in results.items() if title.startswith("random")]
    assert len(kills) == 4
    for result in kills:  # a fast attempt may end before it is killed; then there is nothing to go on with
        assert result["status"] in (-signal.SIGKILL, 0)
        assert result["again"] == 0 and result["same"], result


@pytest.mark.parametrize("place", ["renamed runs", "copied"])
def test_moved_to_another_place_the_same_command_goes_on(
    results: dict[str, dict[str, Any]], place: str
) -> None:
    """With the corpora and features beside it, and without them: they are made again, the same."""
    result = results[place]
    assert result["found"] and (result["status"], result["resumed"]) == (143, 5)
    assert result["again"] == 0 and result["same"]
    assert not result["old place"]
