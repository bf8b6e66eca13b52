"""The curves of a run as they are read from its records."""

from __future__ import annotations

from pathlib import Path

from smart_tuner.run_curves import NOTHING_RECORDED, main, read_curves, thinned
from tacotron2.events import Event, RestartEvent, StepEvent, ValidationEvent, to_json
from tests.smart_tuner.fake_worker import STARTED, step_event, validation_event


def stream(path: Path, *events: Event) -> Path:
    path.write_text("".join(to_json(event, 0.0) + "\n" for event in events))
    return path


def test_what_a_restart_took_back_is_not_drawn(tmp_path: Path) -> None:
    nan = StepEvent(30, 0, {}, float("nan"), 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5)
    restart = RestartEvent(1, "non_finite", 31, 10, [], 0.0)
    file = stream(
        tmp_path / "events.jsonl",
        *(STARTED, step_event(10), validation_event(10, 0.1), step_event(20), validation_event(20, 0.2), nan),
        *(restart, STARTED, step_event(11)),
    )
    with file.open("a") as torn:
        torn.write("no record\n{")
    curves = read_curves(file)
    assert curves.training == [(11, 0.7)]  # begun anew, as the second attempt says
    assert (curves.validation, curves.alignment, curves.restarts) == ([], [], [10])


def test_a_rollback_keeps_what_lies_before(tmp_path: Path) -> None:
    restart = RestartEvent(1, "non_finite", 31, 10, [], 0.0)
    file = stream(
        tmp_path / "events.jsonl", step_event(10), step_event(20), validation_event(20, 0.2), restart
    )
    curves = read_curves(file)
    assert curves.training == [(10, 0.7)] and curves.validation == []


def test_nothing_recorded_is_a_status(tmp_path: Path) -> None:
    assert main([str(tmp_path), str(tmp_path / "picture.png"), "en"]) == NOTHING_RECORDED
    stream(tmp_path / "events.jsonl", ValidationEvent(1, {}, {}, 0.1))
    assert main([str(tmp_path), str(tmp_path / "picture.png"), "en"]) == NOTHING_RECORDED


def test_many_points_become_means() -> None:
    points = [(step, float(step % 2)) for step in range(1, 1001)]
    assert thinned(points, 10) == [(100 * part, 0.5) for part in range(1, 11)]
    assert thinned(points[:7], 10) == points[:7] and thinned([], 10) == []
