"""Real trainings that go wrong on purpose, through the command, the supervisor and real training processes.

Several faults share a run where that proves as much. Attempts are few, because each of them starts a process
that loads everything anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from smart_tuner.records import ExitCause, read_events
from smart_tuner.run_folder import RunFolder, list_runs
from tacotron2.checkpoint import read_checkpoint
from tacotron2.events import Event, RestartEvent, StartedEvent, StepEvent
from tests.bit_for_bit import equal, timeless

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

ROOT = Path(__file__).resolve().parents[2]
NUM_STEPS = 24
SETTINGS = (
    f"train.max_steps={NUM_STEPS}",
    "train.validate_every=12",
    "train.checkpoint_every=4",
    "supervisor.backoff_s=0.1",
    "demo.demo_clips=24",
    "data.validation_clips=4",
    "data.test_clips=2",
)
HANG_S = 60
"""Longer than a process takes to load everything on a busy machine."""


@dataclass(frozen=True)
class Ended:
    """A run that the command has ended."""

    status: int
    said: str
    run: RunFolder

    @property
    def events(self) -> list[Event]:
        return [stamped.event for stamped in read_events(self.run.events_file)[0]]

    @property
    def restarts(self) -> list[RestartEvent]:
        return [event for event in self.events if isinstance(event, RestartEvent)]

    @property
    def started(self) -> list[StartedEvent]:
        return [event for event in self.events if isinstance(event, StartedEvent)]

    def last_state(self) -> dict[str, Any]:
        newest = sorted(self.run.checkpoints_folder.glob("state-*.ckpt"))[-1]
        return timeless(newest)

    def scales(self) -> dict[str, float]:
        return dict(self.last_state()["knobs"]["scales"])


def trained(runs: Path, inject: str = "", settings: Sequence[str] = ()) -> Ended:
    """`smart-tuner train` on the preset `debug`, to its end."""
    command = [sys.executable, "-m", "smart_tuner.cli", "train", "--preset=debug", "--no-services"]
    command += [f"--set={each}" for each in (*SETTINGS, *settings)]
    command += [f"--runs-folder={runs}", "--device=cpu", *([f"--inject={inject}"] if inject else [])]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=runs)
    newest = list_runs(runs)[-1]
    return Ended(done.returncode, done.stdout + done.stderr, newest)


def faults_done(run: RunFolder) -> list[str]:
    lines = (run.path / "faults-done.jsonl").read_text().splitlines()
    return ["{kind}@{step}".format(**json.loads(line)) for line in lines]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of all these tests, which so share corpus and features."""
    return tmp_path_factory.mktemp("runs")


def test_after_every_kind_of_end_the_weights_are_those_of_the_undisturbed_run(runs: Path) -> None:
    """Killed, hung, broken, ended, asked to end, and killed with the newest state damaged."""
    undisturbed = trained(runs, "", ["supervisor.progress_timeout_s=600"])
    assert undisturbed.status == 0, undisturbed.said
    inject = "exception@3,kill@6,hang@10,exit@13,corrupt-checkpoint@16,kill@18,sigterm@22"
    settings = [f"supervisor.progress_timeout_s={HANG_S}"]
    asked = trained(runs, inject, settings)
    assert asked.status == ExitCause.TERMINATED.code, asked.said
    assert faults_done(asked.run) == inject.split(",")
    ended = trained(runs, "", settings)
    assert ended.status == 0, ended.said
    assert ended.run.path == asked.run.path != undisturbed.run.path
    assert [restart.cause for restart in ended.restarts] == [
        "crashed",
        "crashed",
        "hung",
        "crashed",
        "crashed",
    ]
    assert [event.resumed_from_step for event in ended.started] == [None, None, 4, 8, 12, 12, 22]
    assert not any(restart.changes for restart in ended.restarts)
    assert equal(ended.last_state(), undisturbed.last_state())
    best = [sorted(each.run.checkpoints_folder.glob("best-*.ckpt"))[-1] for each in (ended, undisturbed)]
    assert equal(read_checkpoint(best[0]), read_checkpoint(best[1]))


def test_numbers_that_are_not_finite_halve_the_rate_and_too_little_memory_the_micro_batch(runs: Path) -> None:
    ended = trained(runs, "nan-loss@10,nan-grad@11,inf-loss@12,oom@14")
    assert ended.status == 0, ended.said
    assert [(each.cause, each.resume_step, each.changes) for each in ended.restarts] == [
        ("non_finite", 8, ["learning_rate x 0.5"]),
        ("out_of_memory", 12, ["micro_batches x 2"]),
    ]
    changed = {knob: scale for knob, scale in ended.scales().items() if scale != 1.0}
    assert changed == {"learning_rate": 0.5, "micro_batches": 2.0}
    rates = [event.learning_rate for event in ended.events if isinstance(event, StepEvent)]
    assert rates[-1] == pytest.approx(rates[0 if len(rates) < 9 else 8] * 0.5, rel=0.3)
    sidecars = [json.loads(file.read_text()) for file in ended.run.checkpoints_folder.glob("*.json")]
    assert sidecars and all(sidecar["finite"] for sidecar in sidecars)


def test_attention_that_does_not_form_gets_other_seeds_then_more_guidance_then_an_end(runs: Path) -> None:
    """Nothing that learns for six steps aligns nearly perfectly."""
    settings = ["attention.deadline_steps=2", "attention.threshold=0.99", "train.validate_every=2"]
    ended = trained(runs, "", settings)
    assert ended.status == ExitCause.ATTENTION_FAILED.code, ended.said
    assert [each.changes for each in ended.restarts] == [
        ["next seed"],
        ["next seed", "guided_attention_weight x 2"],
    ]
    assert [event.seed for event in ended.started] == [1234, 1235, 1236]
    assert {event.resumed_from_step for event in ended.started} == {None}
    first = [event for event in ended.events if isinstance(event, StepEvent) and event.step == 1]
    weights = [event.guided_attention_weight for event in first]
    assert weights == [weights[0], weights[0], 2 * weights[0]]
    assert "attention had not formed by step 2" in ended.said
