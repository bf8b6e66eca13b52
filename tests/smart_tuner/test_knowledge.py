"""What is learned of cures: kept once, weighed by likeness, and never in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smart_tuner.knowledge import (
    Context,
    KnowledgeBase,
    expected,
    keep_experience,
    learned,
    read_experience,
    remember_run,
)
from tacotron2.events import CureEvent, DataEvent, Stamped
from tacotron2.hparams import HParams

HERE = Context("de", 2.0, 1, 2)
KEY = ("never_stops", "gate_positive_weight", 16.0)


def cure(step: int, state: str, before: float, after: float | None) -> CureEvent:
    return CureEvent(step, state, *KEY, score=before, score_after=after)


def test_judged_cures_are_remembered_once_and_others_not_at_all(tmp_path: Path) -> None:
    base = KnowledgeBase(tmp_path / "deep" / "knowledge.db")
    assert base.lessons() == [] and not base._path.exists()
    cures = [cure(100, "begun", 0.3, None), cure(300, "kept", 0.3, 0.5), cure(500, "void", 0.3, 0.3)]
    for _ in range(2):
        base.remember("run-1", HERE, cures)
    base.remember("run-2", HERE, [cure(300, "undone", 0.4, 0.3)])
    assert [lesson.reward for lesson in base.lessons()] == pytest.approx([0.2, -0.1])
    assert expected(base.lessons(), HERE) == {KEY: pytest.approx(0.1 / 3)}


def test_the_records_of_a_run_teach_what_they_hold(tmp_path: Path) -> None:
    path, hparams = tmp_path / "knowledge.db", HParams()
    data = DataEvent("train", 10, 0, {}, 7200.0)
    stream = [
        Stamped(0.0, event) for event in (data, cure(100, "begun", 0.3, None), cure(300, "kept", 0.3, 0.5))
    ]
    remember_run(path, "run-1", hparams, stream[1:])  # nothing is known of its data
    assert KnowledgeBase(path).lessons() == []
    remember_run(path, "run-1", hparams, stream)
    (lesson,) = KnowledgeBase(path).lessons()
    assert lesson.context == Context.of(hparams, 7200.0) and lesson.context.hours == 2.0


@pytest.mark.parametrize(
    ("other", "weight"),
    [
        (HERE, 1.0),
        (Context("de", 7.0, 1, 2), 1.0),
        (Context("de", 9.0, 1, 2), 0.5),
        (Context("ru", 2.0, 1, 2), 0.5),
        (Context("ru", 2.0, 3, 1), 0.125),
    ],
)
def test_the_less_alike_the_data_the_less_a_cure_counts(other: Context, weight: float) -> None:
    assert HERE.weight(other) == other.weight(HERE) == weight


def test_what_a_run_knew_is_kept_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "experience.json"
    assert read_experience(path) is None
    keep_experience(path, {KEY: 0.25})
    assert read_experience(path) == {KEY: 0.25}
    path.write_text("[[1]]", encoding="utf-8")
    assert read_experience(path) is None


def test_a_damaged_database_teaches_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "knowledge.db"
    path.write_bytes(b"no database at all" * 100)
    assert learned(path, HERE) == {}
    assert str(path) in caplog.text


WRITER = """
import sys
from pathlib import Path
from smart_tuner.knowledge import Context, KnowledgeBase
from tacotron2.events import CureEvent
base, name = KnowledgeBase(Path(sys.argv[1])), sys.argv[2]
for step in range(20):
    cure = CureEvent(step, "kept", "never_stops", "gate_positive_weight", 16.0, 0.3, 0.4)
    base.remember(name, Context("de", 2.0, 1, 2), [cure])
"""


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, f"run-{n}"]) for n in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert len(KnowledgeBase(path).lessons()) == 60
