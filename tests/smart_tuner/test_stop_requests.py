"""The file that asks a training to end, as its worker sees it, and the run folder of a trial."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner.config import load_config
from smart_tuner.records import EventWriter
from smart_tuner.run_folder import RunFolder, create, find_run, list_runs
from smart_tuner.stop_requests import StopRequests, request_stop, withdraw_stop
from smart_tuner.trial_process import tidy_trial, write_trial
from tacotron2.events import ValidationEvent
from tests.smart_tuner.fake_worker import STARTED, save_state

CONFIG = load_config("debug")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path, CONFIG)


def answers(run: RunFolder, updates: int, resumed: int | None = None) -> list[str | None]:
    """What the worker's training would hear after each of its updates."""
    looking = StopRequests(run.stop_request_file)
    looking.note(replace(STARTED, resumed_from_step=resumed))
    return [looking.requested() for _ in range(updates)]


@pytest.mark.parametrize(
    ("step", "resumed", "heard"),
    [
        (None, None, ["stopped", "stopped", "stopped"]),
        (2, None, [None, "stopped", "stopped"]),
        (7, 5, [None, "stopped", "stopped"]),
        (3, 5, ["stopped", "stopped", "stopped"]),  # it is later already
        (9, 5, [None, None, None]),
    ],
)
def test_it_counts_from_the_step_gone_on_from(
    run: RunFolder, step: int | None, resumed: int | None, heard: list[str | None]
) -> None:
    request_stop(run, "pruning", step)
    assert answers(run, 3, resumed) == heard
    withdraw_stop(run)
    assert answers(run, 3, resumed) == [None] * 3


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"step": "soon"}', '{"by": "nobody"}', '{"step": Infinity}', "[" * 100_000],
    ids=lambda content: content[:20] or "empty",
)
def test_a_stray_file_ends_no_training(
    run: RunFolder, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    run.stop_request_file.write_text(content)
    with caplog.at_level(logging.WARNING):
        assert answers(run, 3) == [None] * 3
    assert [record.message for record in caplog.records if "not a request to stop" in record.message][
        1:
    ] == []
    assert "stop_request.json" in caplog.text


def test_what_cannot_even_be_looked_at_ends_no_training(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "stop_request.json").mkdir(parents=True)
    for place in ("file", "folder"):
        assert StopRequests(tmp_path / place / "stop_request.json").requested() is None


def test_a_damaged_request_that_is_written_anew_is_obeyed(run: RunFolder) -> None:
    looking = StopRequests(run.stop_request_file)
    run.stop_request_file.write_text("{")
    assert looking.requested() is None
    request_stop(run, "pruning")
    assert looking.requested() == "stopped"


def test_a_trial_shares_what_all_runs_share(tmp_path: Path) -> None:
    trial = RunFolder(tmp_path / "studies" / "one" / "trials" / "trial-0003")
    write_trial(trial, CONFIG, "one", 3)
    assert trial.root == tmp_path
    assert trial.config() == CONFIG
    assert list_runs(tmp_path) == []  # a trial is no run of its own
    found = find_run(tmp_path / "elsewhere", str(trial.path))
    assert (found.path, found.root) == (trial.path, tmp_path)
    assert create(tmp_path, CONFIG).root == tmp_path


def test_an_ended_trial_keeps_its_weights_only_where_they_are_the_best(tmp_path: Path) -> None:
    for keep, left in ((True, ["best-0000004.ckpt", "best-0000004.ckpt.json"]), (False, [])):
        trial = RunFolder(tmp_path / "studies" / "one" / "trials" / f"trial-{keep:d}")
        write_trial(trial, CONFIG, "one", 1)
        save_state(trial.path, 4)
        for name in ("best-0000004.ckpt", "best-0000004.ckpt.json"):
            (trial.checkpoints_folder / name).write_bytes(b"weights")
        shown = ["attention/step-4.png", "audio/step-4-0.wav", "incidents/0000003/replay.ckpt"]
        for name in ("attention/step-2.png", *shown):
            (trial.path / name).parent.mkdir(parents=True, exist_ok=True)
            (trial.path / name).touch()
        with EventWriter(trial.events_file) as writer:
            writer.write(ValidationEvent(4, {}, {}, 0.1, 0.5, shown[0], None, [shown[1]]))
        tidy_trial(trial, keep_best=keep)
        assert sorted(path.name for path in trial.path.glob("checkpoints/*")) == left
        assert trial.events_file.exists() and trial.settings_file.exists()
        assert [(trial.path / name).exists() for name in shown] == [True, True, keep]
        assert (trial.path / "attention" / "step-2.png").exists() is keep
