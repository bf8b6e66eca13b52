"""The page of a run: what it says, what it leaves out, and that nothing in a run becomes markup."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import html as standard_html
import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from smart_tuner.messages import Language
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import RunFolder
from smart_tuner.run_report import write_run_report
from tacotron2.events import ClipsEvent, DecisionEvent, IncidentEvent, ValidationEvent
from tests.smart_tuner.reports.recorded_run import (
    GOOD,
    STARTED,
    TEXT,
    draw,
    examine,
    new_run,
    step,
    validation,
    whole_run,
    write,
)

VOID = {"meta", "link", "img", "input", "br", "wbr"}


class Page(HTMLParser):
    """The tags, attributes and text of a page; every tag is closed in its place."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self._open = "", list[str]()
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style", "pre"):
            self.text += data

    def of(self, tag: str, kind: str = "") -> list[dict[str, str]]:
        return [each for name, each in self.tags if name == tag and kind in each.get("class", "").split(" ")]


def page_of(run: RunFolder, language: Language = Language.EN) -> Page:
    return Page(write_run_report(run, language))


def test_a_whole_run_tells_what_matters(tmp_path: Path) -> None:
    page = page_of(whole_run(tmp_path))
    for words in (
        "completed",
        "12 recordings",
        "31 s of speech",
        "in 2 attempts",
        "1 incident, 1 restart, 1 record of cures",
        "good enough by all 8 figures",
        "the loss leaps (mel_after)",
        "non_finite: going on from step 10; learning_rate x 0.5",
        "guided_attention_weight x 2",
        "train.seed",
        "abc123",
        TEXT,
    ):
        assert words in page.text
    assert len(page.of("audio")) == 1 + 4
    assert [each["alt"] for each in page.of("img")][-1].startswith("Attention map at step 40; free-running")


def test_every_part_can_be_reached_and_has_a_name(tmp_path: Path) -> None:
    page = page_of(whole_run(tmp_path))
    anchors = {each["id"] for each in page.of("section")}
    assert {"short", "listen", "gate", "curves", "attention", "voice", "events", "attempts"} <= anchors
    assert {each["href"].removeprefix("#") for each in page.of("a")} == anchors
    identities = [each["id"] for _, each in page.tags if "id" in each]
    assert len(identities) == len(set(identities))
    assert len(page.of("caption")) == len(page.of("table"))
    assert all(each["aria-label"] for each in page.of("audio"))
    assert all("alt" in each for each in page.of("img"))
    labelled = {each["for"] for each in page.of("label")}
    assert labelled == {each["id"] for each in page.of("input")}
    assert [each["lang"] for each in page.of("html")] == ["en"]


def test_the_policy_lets_through_the_page_and_nothing_else(tmp_path: Path) -> None:
    page = page_of(whole_run(tmp_path))
    (policy,) = (each["content"] for each in page.of("meta") if "http-equiv" in each)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == rules["media-src"] == "data:"
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{digest}'"
    assert not [each for _, each in page.tags if "style" in each or any(key[:2] == "on" for key in each)]
    addresses = [each[key] for _, each in page.tags for key in ("src", "href") if key in each]
    assert addresses and all(each.startswith(("data:", "#")) for each in addresses)
    assert "http" not in re.sub(r"http-equiv", "", page.source)


def test_nothing_that_a_run_holds_becomes_markup(tmp_path: Path) -> None:
    nasty = "<script>alert('x')</script>\"><img src=x onerror=y>"
    plain = page_of(whole_run(tmp_path / "plain"))
    run = RunFolder(whole_run(tmp_path).path.rename(tmp_path / "<script>alert('x')<"))
    write(
        run,
        [
            IncidentEvent(41, nasty, {"culprits": [nasty]}),
            DecisionEvent(41, nasty, nasty, nasty, {}),
            ValidationEvent(41, {nasty: 1.0}, {}, 0.1, audio=["audio/step-0000040-1.wav"], texts=[nasty]),
        ],
    )
    Outcome(ExitCause.CRASHED, f"{nasty} `{nasty}", 41).write(run.outcome_file)
    page = page_of(run)
    assert len(page.of("script")) == len(plain.of("script")) == 1
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    assert page.text.count(nasty) >= 4
    assert standard_html.escape(nasty) not in page.text


def test_a_run_that_has_not_begun(tmp_path: Path) -> None:
    page = page_of(new_run(tmp_path))
    for words in ("unfinished", "No recordings have been read yet", "No step has been recorded yet"):
        assert words in page.text
    assert not page.of("audio") and not page.of("svg")


def test_an_empty_folder_makes_a_page(tmp_path: Path) -> None:
    assert "The settings cannot be read" in page_of(RunFolder(tmp_path)).text


def test_a_run_without_a_validation(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write(run, [STARTED, step(1), step(2)])
    page = page_of(run)
    assert "attention has not formed" in page.text
    assert "There is no figure to judge yet" in page.text
    assert "Reference loss" in page.text and "Speaking without help" not in page.text


def test_a_killed_run_with_half_written_files(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write(run, [STARTED, step(1), validation(run, 10), validation(run, 20)])
    with run.events_file.open("ab") as file:
        file.write(b'{"kind": "step", "ti')
    picture, sound = run.path / "attention/step-0000010.png", run.path / "audio/step-0000010-1.wav"
    picture.write_bytes(picture.read_bytes()[:60])
    sound.write_bytes(b"RIFF")
    run.examination_file.write_text("{", encoding="utf-8")
    run.outcome_file.write_text("[]", encoding="utf-8")
    page = page_of(run)
    assert len(page.of("figure", "frame")) == 1
    assert len(page.of("audio")) == 1
    assert "start the same command again" in page.text


def test_figures_that_are_not_finite_part_the_curve(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write(run, [STARTED, *(step(number, math.nan if number == 3 else 1.0) for number in range(1, 7))])
    page = page_of(run)
    assert "nan" not in page.text.lower()
    paths = [each["d"] for each in page.of("path", "line") if each["d"].startswith("M") and "L" in each["d"]]
    assert [path.count("L") for path in paths[:2]] == [1, 2]  # steps 1-2 and 4-6


def test_what_a_restart_gave_up_is_told_apart(tmp_path: Path) -> None:
    page = page_of(whole_run(tmp_path))
    assert page.of("path", "gone") or page.of("circle", "gone")
    assert "steps that a restart has given up" in page.text


def test_many_pictures_and_sounds_are_thinned_out(tmp_path: Path) -> None:
    run = whole_run(tmp_path, validations=range(10, 810, 10))
    page = page_of(run)
    assert len(page.of("figure", "frame")) == 30
    assert "30 of 80 are shown" in page.text and "8 of 80 are shown" in page.text
    labels = [each["alt"].split(";")[0] for each in page.of("img")]
    assert labels[0].endswith("step 10") and labels[-1].endswith("step 800")


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    run = whole_run(tmp_path, validations=[10])
    Image.linear_gradient("L").resize((2400, 1200)).save(run.path / "attention/step-0000010.png")
    (image,) = page_of(run).of("img")
    assert (image["width"], image["height"]) == ("1120", "560")
    assert run.report_file.stat().st_size < 1_000_000


def test_a_voice_that_is_not_good_enough_gets_advice(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    examine(run, GOOD | {"attention_alignment": 0.2, "mcd_dtw_db": 40.0})
    page = page_of(run)
    assert "not good enough yet by the quality gate: attention_alignment, mcd_dtw_db" in page.text
    assert "✗ FAILED" in page.text and "✓ passed" in page.text
    assert "attention is what is missing" in page.text


def test_russian(tmp_path: Path) -> None:
    page = page_of(whole_run(tmp_path), Language.RU)
    assert [each["lang"] for each in page.of("html")] == ["ru"]
    for words in ("завершён", "1 происшествие, 1 перезапуск", "потери подскочили", "Ход обучения", "0,800"):
        assert words in page.text
    foreign = {"Contents", "In short", "step", "Settings", "attempt", "incident"}
    assert not foreign & set(re.findall(r"[A-Za-z ]+", page.text))


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"candidates": [{}]}', '{"candidates": 3}', '{"figures": 1}']
)
def test_foreign_content_of_a_file_ends_nothing(tmp_path: Path, content: str) -> None:
    run = whole_run(tmp_path)
    for file in (run.tuning_file, run.examination_file, run.summary_file, run.outcome_file):
        file.write_text(content, encoding="utf-8")
    assert "12 recordings" in page_of(run).text


def test_bad_recordings_are_seen_and_heard(tmp_path: Path) -> None:
    run = whole_run(tmp_path, validations=[10])
    bad = {"id": "clip-7", "speaker": "", "alignment": 0.11, "loss": 2.5, "times_bad": 3}
    write(run, [ClipsEvent(40, 12, {"alignment": 0.8}, [bad], {})])
    assert "1 of 12 recordings were badly aligned at step 40" in page_of(run).text
    files = {"attention": "attention/step-0000010.png", "audio": "audio/step-0000010-1.wav"}
    (run.path / "bad_clips").mkdir()
    record = run.path / "bad_clips/bad_clips.json"
    record.write_text(json.dumps({"clips": [bad | files | {"text": "Words of the clip."}]}), encoding="utf-8")
    page = page_of(run)
    assert "Words of the clip." in page.text and "0.11" in page.text
    assert "clip-7" in [each["alt"] for each in page.of("img")]


def test_a_file_outside_the_folder_is_not_shown(tmp_path: Path) -> None:
    run = whole_run(tmp_path, validations=[])
    draw(tmp_path / "private.png", (1, 2, 3))
    figures = ValidationEvent(40, {}, {}, 0.1, attention_image="../private.png")
    write(
        run, [figures, dataclasses.replace(figures, step=41, attention_image=str(tmp_path / "private.png"))]
    )
    assert page_of(run).of("img") == []


def test_the_candidates_of_a_tuned_run(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    candidates = [
        {"params": {"learning_rate": 1e-3}, "seconds": 61.0, "scores": [0.2, 0.4]},
        {"scores": [0.1]},
    ]
    run.tuning_file.write_text(json.dumps({"candidates": candidates, "survivor": 0}), encoding="utf-8")
    page = page_of(run)
    assert "0 ✓" in page.text and "0.200, 0.400" in page.text
