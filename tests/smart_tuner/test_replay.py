"""A recorded run against other settings: who would have decided what, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from smart_tuner.cli import app
from smart_tuner.config import Config, load_config
from smart_tuner.controllers import Controllers
from smart_tuner.records import EventWriter
from smart_tuner.replay import Replay, replay
from smart_tuner.run_folder import RunFolder, create
from tacotron2.events import (
    DecisionEvent,
    Event,
    FinishedEvent,
    RestartEvent,
    Stamped,
    StartedEvent,
    ValidationEvent,
)

SETTINGS = (
    "max_steps=1000",
    "n_frames_per_step=1",
    "validate_every=100",
    "early_stopping=true",
    "curing=false",
    "alignment_patience_validations=3",
    "learning_patience_validations=3",
    "fine_tuning_patience_validations=2",
    "deadline_steps=300",
)
CONFIG = load_config("debug", SETTINGS)


def validation(step: int, quality: float, alignment: float = 0.8, gate: float = 0.9) -> ValidationEvent:
    forced = {"val_loss": 1.0, "gate_accuracy": gate}
    return ValidationEvent(step, forced, {"attention_alignment": alignment}, 1.0, quality)


def started(resumed: int | None = None) -> StartedEvent:
    return StartedEvent("cpu", "fp32", 1, 1, 1, 9, 1, 1, "", {}, resumed)


QUALITIES = (0.2, 0.4, 0.6, 0.7, 0.75, 0.75, 0.75, 0.75, 0.76, 0.78)
GOOD: list[Event] = [
    started(),
    *[validation(100 * n, quality) for n, quality in enumerate(QUALITIES, start=1)],
    FinishedEvent(1000, "completed", 60.0),
]


def replayed(events: Sequence[Event], config: Config = CONFIG) -> Replay:
    return replay([Stamped(float(n), event) for n, event in enumerate(events)], config)


def rows(result: Replay) -> list[tuple[int, str, str]]:
    return [(row.step, row.controller, row.verdict) for row in result.rows]


def test_phases_verdicts_and_what_was_recorded_are_told_in_their_order() -> None:
    result = replayed(GOOD)
    assert rows(result) == [
        (100, "early_stopping", "continue"),
        (300, "early_stopping", "continue"),
        (700, "diagnosis", "found"),
        (700, "early_stopping", "diagnose"),  # 0.80 is below the 0.85 of fine-tuning
        (900, "early_stopping", "continue"),
        (1000, "recorded", "end"),
    ]
    assert result.end == result.rows[3]
    assert result.share == pytest.approx(0.75 / 0.78)


def test_other_settings_decide_otherwise() -> None:
    config = load_config("debug", [*SETTINGS, "fine_tuning_patience_validations=3"])
    assert rows(replayed(GOOD, config))[2] == (700, "early_stopping", "continue")
    config = load_config("debug", [*SETTINGS, "fine_tuning_attention_threshold=0.8"])
    assert rows(replayed(GOOD, config))[2] == (700, "early_stopping", "stop")
    off = load_config("debug", [*SETTINGS, "early_stopping=false"])
    assert replayed(GOOD, off).end is None


def test_attention_the_guard_and_restarts_are_replayed_too() -> None:
    bad = [
        started(),
        *[validation(100 * n, 0.2 * n, 0.1) for n in (1, 2, 3)],
        FinishedEvent(301, "attention_failed"),
        RestartEvent(1, "attention_failed", 301, None, ["next seed"], 2.0),
        started(),
        *[validation(100 * n, 0.2 * n, 0.8) for n in (1, 2)],
        validation(300, 0.7, 0.1, 0.5),
        validation(400, 0.8, 0.1, 0.5),
    ]
    told = rows(replayed(bad))
    assert (300, "attention", "stop") in told
    assert told.count((300, "attention", "stop")) == 1  # the second seed had aligned
    assert told[told.index((0, "recorded", "restart")) + 1] == (100, "early_stopping", "continue")
    guarded = [row for row in told if row[1] == "guard"]
    assert guarded == [(300, "guard", "gate_collapse"), (400, "guard", "attention_collapse")]
    assert replayed(bad).end == next(row for row in replayed(bad).rows if row.controller == "attention")


def test_a_replay_decides_as_the_training_did() -> None:
    """The decisions that the controllers of a worker put on record, against a replay of the same stream."""
    live, decided = Controllers(CONFIG), list[tuple[int, str, str]]()
    for event in GOOD:
        told = [each for each in live.note(event) if isinstance(each, DecisionEvent)]
        decided += [(each.step, each.controller, each.verdict) for each in told]
    first = decided[0]
    again = [row for row in rows(replayed(GOOD)) if row[2] in ("stop", "diagnose")]
    assert again == [first]
    for length in range(len(GOOD)):  # what came later changes nothing
        part = rows(replayed(GOOD[:length]))
        assert part == rows(replayed(GOOD))[: len(part)]


def recorded(root: Path, events: Sequence[Event]) -> RunFolder:
    run = create(root, replace(CONFIG, preset="demo"))
    with EventWriter(run.events_file) as writer:
        for event in events:
            writer.write(event)
    return run


def asked(run: RunFolder, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["replay", run.name, "--runs-folder", str(run.root), *arguments])


def test_the_command_shows_it_in_both_languages_and_takes_settings(tmp_path: Path) -> None:
    run = recorded(tmp_path, GOOD)
    before = run.settings_file.read_bytes(), run.events_file.read_bytes()
    done = asked(run)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == (
        "With these settings the training ends at step 700 of 1000 (early stopping), "
        "with 96.2% of the best quality on record."
    )
    assert len(asked(run, "--every").output.splitlines()) == 13
    later = asked(run, "early_stop.fine_tuning_patience_validations=3", "--messages", "ru")
    assert "на шаге 800 из 1000 (ранняя остановка)" in later.output
    assert before == (run.settings_file.read_bytes(), run.events_file.read_bytes())


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [(["no_such_key=1"], 31, "unknown key"), (["early_stopping=maybe"], 31, "must be true or false")],
)
def test_a_bad_setting_is_told(tmp_path: Path, arguments: list[str], status: int, words: str) -> None:
    done = asked(recorded(tmp_path, GOOD), *arguments)
    assert done.exit_code == status and words in done.output


def test_a_run_without_a_validation_has_nothing_to_replay(tmp_path: Path) -> None:
    done = asked(recorded(tmp_path, []))
    assert done.exit_code == 2 and "nothing" not in done.stdout
    assert "no validation is recorded" in done.output
