"""The page of a study."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_tuner.messages import Language
from smart_tuner.run_report import write_study_report
from tests.smart_tuner.reports.recorded_study import recorded_study


def text_of(folder: Path, language: Language = Language.EN) -> str:
    return write_study_report(recorded_study(folder), language).read_text(encoding="utf-8")


def test_a_study_tells_its_trials_and_what_mattered(tmp_path: Path) -> None:
    page = text_of(tmp_path)
    for words in (
        "best: trial 1",
        "2 trials are complete, 1 pruned, 1 failed; 1 of the complete ones",
        "What mattered most: learning_rate, weight_decay",
        "70.0%",
        "non_<wbr>finite",
        "gate_<wbr>accuracy 0.5 &lt; 0.6",
        "best.yaml",
        "cma-es",
    ):
        assert words in page
    assert page.count('<img src="data:image/webp') == 3
    first, second = page.index('<th scope="col">1</th>'), page.index('<th scope="col">0</th>')
    assert first < second  # what the gate stopped stands behind the best


def test_in_russian(tmp_path: Path) -> None:
    page = text_of(tmp_path, Language.RU)
    assert "лучшая: проба 1" in page and "не удалась" in page and "best: trial" not in page


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"trials": []}'])
def test_a_study_of_which_little_is_known(tmp_path: Path, content: str | None) -> None:
    folder = recorded_study(tmp_path)
    folder.record_file.unlink()
    folder.history_picture.write_bytes(b"not a picture")
    if content is not None:
        folder.record_file.write_text(content, encoding="utf-8")
    page = write_study_report(folder, Language.EN).read_text(encoding="utf-8")
    assert "No trial has been recorded yet" in page and "no best trial yet" in page


def test_a_name_is_no_markup(tmp_path: Path) -> None:
    folder = recorded_study(tmp_path)
    folder.record_file.write_text(
        folder.record_file.read_text().replace("weight_decay", "<script>x"), encoding="utf-8"
    )
    page = write_study_report(folder, Language.EN).read_text(encoding="utf-8")
    assert page.count("<script>") == 1 and "&lt;script&gt;x" in page
