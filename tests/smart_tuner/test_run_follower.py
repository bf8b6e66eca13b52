"""A run followed while it grows: each byte once, in whatever pieces it comes, and nothing made up."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_tuner.config import Config
from smart_tuner.live_history import MOST_POINTS, Curve, LiveHistory
from smart_tuner.live_state import Life, decide
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.recovery import Request, Restart
from smart_tuner.restart_history import History, Phase
from smart_tuner.run_folder import RunError, RunFolder, create
from smart_tuner.run_follower import BestWeights, EventFollower, RunFollower
from tacotron2.events import (
    CheckpointEvent,
    DecisionEvent,
    Event,
    FinishedEvent,
    IncidentEvent,
    KnobEvent,
    RestartEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
    to_json,
)

CONFIG = Config("debug")


def step(number: int, loss: float = 1.0) -> StepEvent:
    return StepEvent(number, 0, {"total": loss}, loss, 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5)


def started(resumed: int | None = None) -> StartedEvent:
    return StartedEvent("cpu", "fp32", 1, 7, 1000, 90, 12, 2, "abc", {}, resumed)


def validation(number: int, alignment: float) -> ValidationEvent:
    free = {"attention_alignment": alignment}
    return ValidationEvent(number, {"val_loss": 0.9}, free, 0.1, alignment)


STORY: list[Event] = [
    StageEvent("data", 0, 14),
    started(),
    *(step(number, 8.0 / number) for number in range(1, 41)),
    validation(20, 0.1),
    CheckpointEvent(20, "checkpoints/best-0000020.ckpt", "best", 0.1),
    validation(40, 0.3),
    IncidentEvent(43, "non_finite_update", {"culprits": ["loss"]}),
    FinishedEvent(44, "non_finite"),
    RestartEvent(1, "non_finite", 43, 20, ["learning_rate x 0.5"], 0.0),
    started(20),
    KnobEvent(43, "learning_rate", 1.0, 0.5, "supervisor", "non_finite"),
    *(step(number, 4.0 / number) for number in range(21, 61)),
    validation(60, 0.5),
    DecisionEvent(60, "early_stopping", "continue", "gaining", {}),
]


def lines(events: list[Event]) -> bytes:
    return b"".join(to_json(event, 100.0 + at).encode() + b"\n" for at, event in enumerate(events))


def told(events: list[Event]) -> dict[str, Any]:
    """What a history holds after all of them, by one reading."""
    history = LiveHistory(90)
    for at, event in enumerate(events):
        history.add(Stamped(100.0 + at, event))
    return facts(history)


def facts(history: LiveHistory) -> dict[str, Any]:
    return {
        "step": history.figures.step,
        "losses": {name: curve.values for name, curve in history.losses.items()},
        "reference": history.reference.values,
        "validations": list(history.validations),
        "happened": list(history.happened),
        "scales": history.scales,
        "counts": (history.num_attempts, history.num_incidents, history.num_restarts),
        "checkpoints": history.num_checkpoints,
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, len(lines(STORY)) - 1), max_size=30))
def test_in_whatever_pieces_the_file_grows_the_history_is_the_same(tmp_path: Path, cuts: list[int]) -> None:
    content, path = lines(STORY), tmp_path / f"{time.monotonic_ns()}.jsonl"
    follower, history = EventFollower(path), LiveHistory(90)
    path.touch()
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(content)], strict=True):
        with path.open("ab") as file:
            file.write(content[start:end])
        anew, news = follower.poll()
        assert not anew
        for stamped in news:
            history.add(stamped)
    assert facts(history) == told(STORY)
    assert (follower.poll(), follower.skipped) == ((False, []), 0)


def test_only_what_is_new_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines([step(number) for number in range(1, 2001)]))
    follower = EventFollower(path)
    assert len(follower.poll()[1]) == 2000
    read: list[int] = []
    real = Path.open

    def noting(self: Path, *arguments: Any, **more: Any) -> Any:
        file = real(self, *arguments, **more)
        inner = file.read

        class Noting:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *error: object) -> None:
                file.close()

            seek = staticmethod(file.seek)

            def read(self, size: int = -1) -> bytes:
                content = inner(size)
                read.append(len(content))
                return bytes(content)

        return Noting()

    with path.open("ab") as file:
        file.write(lines([step(2001)]))
    monkeypatch.setattr(Path, "open", noting)
    assert [stamped.event for stamped in follower.poll()[1]] == [step(2001)]
    assert sum(read) < 2000


def test_a_torn_line_waits_and_may_be_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = lines([step(1)])
    path.write_bytes(whole + b'{"kind": "step", "ti')
    follower = EventFollower(path)
    assert len(follower.poll()[1]) == 1
    os.truncate(path, len(whole))  # as the next writer does
    with path.open("ab") as file:
        file.write(lines([step(2)]))
    anew, news = follower.poll()
    assert (anew, [stamped.event for stamped in news]) == (False, [step(2)])


@pytest.mark.parametrize("how", ["shorter", "other", "longer and other", "away"])
def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines([step(number) for number in range(1, 9)]))
    follower = EventFollower(path)
    follower.poll()
    count = {"shorter": 2, "other": 8, "longer and other": 30, "away": 0}[how]
    other: list[Event] = [step(number, 0.25) for number in range(1, count + 1)]
    path.unlink()
    if count:
        path.write_bytes(lines(other))
    anew, news = follower.poll()
    assert (anew, [stamped.event for stamped in news]) == (True, other)
    assert follower.poll() == (False, [])


def test_lines_that_are_no_records_are_counted_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        lines([step(1)]) + b'{"kind": "from a later version", "time": 1}\n\xff\xfe\n' + lines([step(2)])
    )
    follower = EventFollower(path)
    assert [stamped.event for stamped in follower.poll()[1]] == [step(1), step(2)]
    assert follower.skipped == 2


def test_going_back_forgets_what_came_after() -> None:
    found = told(STORY)
    assert len(found["losses"]["total"]) == 20 + 40
    assert [each.step for each in found["validations"]] == [20, 60]
    assert found["scales"] == {"learning_rate": 0.5}
    kinds = [stamped.event.kind for stamped in found["happened"]]
    assert kinds == ["incident", "restart", "decision"]  # the restart names the end before it
    assert found["counts"] == (2, 1, 1)


def test_a_long_curve_stays_small_and_true() -> None:
    curve, chance = Curve(), random.Random(3)
    values = [chance.random() for _ in range(10_000)]
    for number, value in enumerate(values):
        curve.add(number, value)
        curve.add(number, math.nan)
    assert MOST_POINTS <= len(curve.values) < 2 * MOST_POINTS
    assert math.isclose(sum(curve.values) / len(curve.values), sum(values) / len(values), abs_tol=0.05)
    curve.go_back(-1)
    assert curve.values == []


def restart(due: float) -> Restart:
    return Restart(
        1, due, ExitCause.CRASHED, 43, 20, (Request("learning_rate", 0.5),), False, 0.0, "it broke", 20
    )


def test_a_look_tells_what_lies_in_the_folder(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    follower = RunFollower(run)
    look = follower.look()
    assert decide(look.signs, look.timeout_s) is Life.STARTING
    run.events_file.write_bytes(lines(STORY))
    run.heartbeat_file.touch()
    run.checkpoints_folder.mkdir()
    for number, quality in ((20, 0.1), (60, 0.5)):
        path = run.checkpoints_folder / f"best-{number:07d}.ckpt"
        path.write_bytes(b"tensors")
        sidecar = {"role": "best", "step": number, "finite": True, "quality": quality}
        Path(f"{path}.json").write_text(json.dumps(sidecar))
    look = follower.look()
    assert decide(look.signs, look.timeout_s) is Life.RUNNING
    assert look.history.figures.step == 60 and look.best == BestWeights(60, 0.5)
    run.stop_request_file.write_text('{"by": "a person", "step": 70}')
    signs = follower.look().signs
    assert (signs.stop_asked, signs.stop_step) == (True, 70)
    History((restart(time.time() + 9),), phase=Phase.RESTARTING).write(run.recovery_file)
    look = follower.look()
    assert decide(look.signs, look.timeout_s) is Life.RESTARTING and 0 < look.signs.restart_due_s <= 9
    History((restart(time.time()),), phase=Phase.ATTEMPT).write(run.recovery_file)
    Outcome(ExitCause.COMPLETED, "done", 60).write(run.outcome_file)
    look = follower.look()
    assert decide(look.signs, look.timeout_s) is Life.ENDED
    for file in (run.outcome_file, run.recovery_file):
        file.write_text("{")  # damaged: nothing is known from it
    look = follower.look()
    assert decide(look.signs, look.timeout_s) is Life.RUNNING
    before = sorted(path.name for path in run.path.iterdir())
    follower.look()
    assert sorted(path.name for path in run.path.iterdir()) == before  # looking writes nothing


def test_a_run_that_was_moved_away_is_told(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    follower = RunFollower(run)
    follower.look()
    shutil.move(run.path, tmp_path / "elsewhere")
    with pytest.raises(RunError, match="no longer here"):
        follower.look()
    assert RunFollower(RunFolder(tmp_path / "elsewhere")).look().name == "elsewhere"
