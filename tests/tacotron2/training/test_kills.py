"""kill -9 before every single operation on a checkpoint's files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tacotron2.data.dataset import TextMelLoader
from tacotron2.hparams import HParams

SOURCE = Path(__file__).parents[3] / "src"
PROGRAM = Path(__file__).with_name("killed_trainings.py")
CHANGES = {"batch_size": 9, "max_steps": 3, "validate_every": 2, "checkpoint_every": 2}
"""Two updates an epoch: the state that most attempts go on from stands at an epoch's end."""


@pytest.fixture(scope="module")
def kills(
    tiny: HParams, tiny_corpus: Path, train_set: TextMelLoader, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What came of the kill at every place, in their order."""
    settings = json.dumps(tiny.replace(**CHANGES).to_dict())
    done = subprocess.run(
        [sys.executable, str(PROGRAM), settings, str(tiny_corpus), str(tmp_path_factory.mktemp("kills"))],
        env=os.environ | {"PYTHONPATH": f"{SOURCE}{os.pathsep}{SOURCE.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert results[-1] == {"status": 0}  # one operation more than there are: nothing was killed
    return results[:-1]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_killed_at_any_place_it_goes_on_and_ends_as_if_it_had_not_been(kills: list[dict[str, Any]]) -> None:
    for kill in kills:
        assert kill["status"] == -signal.SIGKILL, kill
        assert kill["loadable"] == kill["resumed"] >= kill["saved"], kill  # no complete state is lost
        assert kill["again"] == 0 and kill["same"], (
            kill
        )  # weights, optimizer, generators, place; no file more


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_kind_of_place_was_among_them(kills: list[dict[str, Any]]) -> None:
    """For file and sidecar of a state that replaces another one, and of best weights that do."""
    places = [kill["place"] for kill in kills]
    operations = ("the first half", "the second half", "fsync", "chmod")
    for name in ("best-0000003.ckpt", "state-0000003.ckpt"):
        for file in (name, f"{name}.json"):
            for operation in operations:
                assert any(place.startswith(f"before {operation} of .{file}-") for place in places), file
    replaced = ("best-0000002.ckpt", "state-0000002.ckpt")
    for name in replaced:
        assert f"before unlink of {name}.json" in places and f"before unlink of {name}" in places
    assert places.count("before fsync of checkpoints") == 8
    assert {kill["resumed"] for kill in kills} == {0, 2, 3}
