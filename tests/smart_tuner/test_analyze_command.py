"""`smart-tuner data analyze`: a real child process on a folder with known faults."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smart_tuner.cli import app
from smart_tuner.messages import Language
from smart_tuner.reports.analysis_page import analysis_page
from smart_tuner.reports.html import page_html
from tests.tacotron2.data.recordings import tone

WORDS = ("Der Zug kommt.", "Es regnet schon.", "Wir gehen jetzt.", "Sie lacht oft.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty good clips; a quiet one, one said twice, one of silence, and a name that would be markup."""
    folder = tmp_path_factory.mktemp("mine") / "<b>mine"
    for number in range(30):
        tone(folder / "wavs" / f"c{number:02}.wav", 1.2 + number / 100, pitch=200.0 + number)
    tone(folder / "wavs" / "quiet.wav", 1.3, level=0.002, pitch=150.0)
    tone(folder / "wavs" / "silent.wav", 1.3, level=0.0)
    shutil.copy(folder / "wavs" / "c03.wav", folder / "wavs" / "again.wav")
    lines = [f"c{number:02}|{WORDS[number % 4]}" for number in range(30)]
    lines += ["quiet|<script>Ruhe.", "silent|Nichts.", "again|Und noch einmal."]
    (folder / "metadata.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def analyse(folder: Path, place: Path, *more: str) -> tuple[int, str]:
    files = [
        f"--html={place / 'page.html'}",
        f"--json={place / 'figures.json'}",
        f"--runs-folder={place / 'runs'}",
    ]
    german = ["--set=text.language=de", "--set=text.unreadable=drop"]
    result = CliRunner().invoke(app, ["data", "analyze", str(folder), *files, *german, *more])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, str]:
    place = tmp_path_factory.mktemp("place")
    status, said = analyse(folder, place)
    assert status == 0, said
    first = (place / "figures.json").read_bytes()
    assert analyse(folder, place)[0] == 0
    assert (place / "figures.json").read_bytes() == first
    return json.loads(first), said, (place / "page.html").read_text("utf-8")


def test_faults_are_found_and_told(found: tuple[dict[str, Any], str, str]) -> None:
    figures, said, _ = found
    assert len(figures["clips"]) == 32
    reasons = {each["id"]: each["reason"].partition(":")[0] for each in figures["rejected"]}
    assert reasons == {"silent": "silent"}
    assert figures["same_audio"] == [["c03", "again"]]
    assert {tuple(ids)[:2] for ids in figures["same_text"]} >= {("c00", "c04")}
    odd = {figures["clips"][each["clip"]]["id"]: each["oddity"] for each in figures["odd"]}
    assert odd["quiet"] == "quiet"
    assert figures["symbols"]["ü"] == 0 and figures["symbols"]["e"] > 20
    assert figures["endings"]["."] == 32
    assert "32 clips of 33 can be used" in said and "1 clip is odd" in said


def test_the_page_escapes_what_it_shows(found: tuple[dict[str, Any], str, str], folder: Path) -> None:
    _, _, page = found
    assert "<b>mine" not in page and "&lt;b&gt;mine" in page
    assert "<script>Ruhe" not in page and "&lt;script&gt;Ruhe" in page
    assert page.count("<script>") == 1 and len(re.findall("data:audio/mpeg", page)) == 1
    assert "silent.wav" not in page


def test_the_page_in_russian_has_no_english_sentence(
    found: tuple[dict[str, Any], str, str], folder: Path
) -> None:
    page = page_html(analysis_page(found[0], folder, Language.RU))
    text = re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert "годных записей" in text and "usable" not in text and "usually" not in text


@pytest.mark.parametrize(("name", "status", "words"), [("nowhere", 30, "nowhere"), ("empty", 30, "empty")])
def test_a_folder_that_cannot_be_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, status: int, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    got, said = analyse(tmp_path / name, tmp_path)
    assert got == status and words in said + capfd.readouterr().err
    assert not (tmp_path / "page.html").exists()
