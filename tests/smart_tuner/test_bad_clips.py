"""`smart-tuner clips`: from records and files to a table, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smart_tuner.bad_clips import WHY, clips_record, last_clips
from smart_tuner.cli import app
from smart_tuner.config import load_config
from smart_tuner.records import EventWriter, read_events
from smart_tuner.run_folder import RunFolder, create
from tacotron2.events import ClipsEvent
from tacotron2.training.clip_rule import Why

USUAL = {"alignment": 0.7, "alignment_deviation": 0.05, "loss": 1.1, "loss_deviation": 0.1}


def listed(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "speaker": "",
        "frames": 200,
        "symbols": 40,
        "alignment": 0.31,
        "loss": 1.9,
        "times_bad": 3,
        "why": ["misaligned"],
    } | more


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "runs", load_config("debug"))


def tell(run: RunFolder, *events: ClipsEvent) -> None:
    with EventWriter(run.events_file) as writer:
        for event in events:
            writer.write(event)


def call(run: RunFolder, *options: str) -> tuple[int, str]:
    answer = CliRunner().invoke(app, ["clips", run.name, f"--runs-folder={run.root}", *options])
    return answer.exit_code, answer.output


def test_there_is_a_word_for_every_reason() -> None:
    assert WHY.keys() == set(Why)


def test_before_the_first_validation_nothing_can_be_told(run: RunFolder) -> None:
    tell(run)
    status, said = call(run)
    assert status == 2 and "no validation has told" in said


def test_none_is_bad(run: RunFolder) -> None:
    tell(run, ClipsEvent(50, 400, USUAL, [listed("early")], {}), ClipsEvent(100, 400, USUAL, [], {}))
    assert call(run) == (0, f"{run.name}, step 100: none of 400 recordings stays badly aligned.\n")


def test_the_table_names_each_with_its_figures_and_why(run: RunFolder) -> None:
    bad = [listed("worst", loss=3.25, why=["misaligned", "unpredicted"]), listed("second")]
    tell(run, ClipsEvent(100, 400, USUAL, bad, {}))
    status, said = call(run)
    lines = said.splitlines()
    assert status == 0 and "of 400 recordings 2 stay behind" in lines[0]
    assert "alignment 0.70 and loss 1.10" in lines[1] and "speaker" not in lines[2]
    assert lines[3].split()[:4] == ["worst", "0.31", "3.25", "3"]
    assert "do not fit, unlike the other" in lines[3]
    assert lines[4].startswith("second") and "Nothing is deleted" in lines[-1]
    status, said = call(run, "--messages=ru")
    assert status == 0 and "из 400 записей хуже остальных 2" in said and "не подходят" in said


def test_what_was_examined_is_shown_with_its_files(run: RunFolder) -> None:
    bad = listed("worst", speaker="ann")
    tell(run, ClipsEvent(100, 400, USUAL, [bad], {}))
    clip = bad | {"text": "a text", "set_aside": True, "attention": "bad_clips/worst.png"}
    record = {"step": 100, "checkpoint": "best.ckpt", "recordings": 400, "usual": USUAL, "clips": [clip]}
    run.bad_clips_folder.mkdir()
    (run.bad_clips_folder / "bad_clips.json").write_text(json.dumps(record), encoding="utf-8")
    status, said = call(run)
    assert status == 0 and "ann" in said and "set aside" in said and str(run.bad_clips_folder) in said
    assert json.loads(call(run, "--json")[1]) == record
    tell(run, ClipsEvent(150, 400, USUAL, [], {}))
    assert "step 150: none" in call(run)[1], "an older examination is not shown for a newer validation"


def test_the_record_of_a_run_without_clips(run: RunFolder) -> None:
    tell(run)
    stream = read_events(run.events_file)[0]
    assert last_clips(stream) is None and clips_record(run, stream) is None
