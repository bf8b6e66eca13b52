"""The whole report: its forms agree, its status follows, no secret is in it, and the last one is kept."""

from __future__ import annotations

import dataclasses
import html
import io
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smart_tuner.cli import app
from smart_tuner.main import SmartTunerMain
from smart_tuner.messages import Language, render
from smart_tuner.progress import Output
from smart_tuner.readiness import report as report_module
from smart_tuner.readiness.at_start import told_at_start
from smart_tuner.readiness.library import Findings
from smart_tuner.readiness.renderers import as_html, as_json, as_markdown, as_text
from smart_tuner.readiness.report import Report, keep, kept, make_report, record_file
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick
from tests.smart_tuner.readiness.scenes import ROOMY, healthy, scene
from tests.smart_tuner.test_cli import SOURCE, call

HOSTILE = "<script>alert(1)</script> | `x` *y* [z](w) & \\"
TICKS = [
    Tick("import torch", Group.IMPORTS, "torch", Status.PASSED),
    Tick("data", Group.DATA, HOSTILE, Status.FAILED, HOSTILE, HOSTILE),
    Tick("bot", Group.NOTICES, "the bot", Status.WARNED, "no answer", "wait"),
    Tick("rate", Group.GOAL, "the rate", Status.UNCHECKED, "waits"),
]
MIXED = Report(TICKS, "2026-01-02T03:04:05+00:00", "0123456789ab", ROOMY)


@pytest.fixture
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


@pytest.mark.parametrize("language", Language)
def test_all_forms_say_the_same(language: Language) -> None:
    plain = json.loads(as_json(MIXED, language))
    page, markdown, text = (form(MIXED, language) for form in (as_html, as_markdown, as_text))
    assert [tick["status"] for tick in plain["ticks"]] == ["passed", "failed", "warned", "unchecked"]
    assert (plain["ready"], plain["failed"], plain["warned"], plain["unchecked"]) == (False, 1, 1, 1)
    verdict = text.splitlines()[0]
    assert verdict == {"en": "NOT READY (1 failed)", "ru": "НЕ ГОТОВО (не пройдено: 1)"}[language]
    assert re.sub(r"\\(.)", r"\1", markdown.splitlines()[0]) == f"# {verdict}"
    assert f"<h1>{verdict}</h1>" in page
    items = re.findall(r'<li class="(\w+)">.*?<strong>(.*?)</strong>(.*?)</li>', page)
    rows = [line for line in markdown.splitlines() if re.match(r"\| [✓!✗·] ", line)]
    lines = [line for line in text.splitlines() if re.match(r"  [✓!✗·] ", line)]
    assert len(items) == len(rows) == len(lines) == len(plain["ticks"])
    for tick, (status, title, said), row, line in zip(plain["ticks"], items, rows, lines, strict=True):
        told = [tick["title"], tick["detail"], tick["remedy"] or ""]
        assert (status, html.unescape(title)) == (tick["status"], tick["title"])
        assert all(each in html.unescape(said + title) for each in told)
        assert all(each in re.sub(r"\\(.)", r"\1", row) for each in told)
        assert tick["title"] in line and tick["detail"] in line
        assert len(re.findall(r"(?<!\\)\|", row)) == 4  # the cells of a row, and none more
    assert "<script>" not in page and "0123456789ab" in text and "2026-01-02" in markdown
    assert not re.search(r"(src|href)=|@import|url\(", page)  # it needs nothing but itself


def test_ready_without_a_failure() -> None:
    ready = dataclasses.replace(MIXED, ticks=[tick for tick in TICKS if tick.status is not Status.FAILED])
    assert as_text(ready, Language.EN).startswith("READY\n")
    assert as_text(ready, Language.RU).startswith("ГОТОВО\n")
    assert json.loads(as_json(ready, Language.EN))["ready"] is True


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report without its child processes."""
    for name in ("check_imports", "check_modules", "check_databases", "check_sources", "check_parts"):
        monkeypatch.setattr(report_module, name, lambda here: [])


def test_gathered_in_the_order_of_the_groups_with_the_commit(tmp_path: Path, quick: None) -> None:
    told = make_report(scene(tmp_path), lambda here: healthy())
    order = [list(Group).index(tick.group) for tick in told.ticks]
    assert told.is_ready and told.commit == "0123456789ab" and order == sorted(order)
    assert len({tick.name for tick in told.ticks}) == len(told.ticks)
    broken = make_report(scene(tmp_path), lambda here: Findings({}, {"commit": "killed"}, {}))
    assert broken.commit == "unknown"


def invoke(
    monkeypatch: pytest.MonkeyPatch, folder: Path, found: Findings, *arguments: str
) -> tuple[int, str]:
    """The command with a given word of the library."""
    monkeypatch.setattr(report_module, "ask_library", lambda here: found)
    settings = [
        "--set",
        "notify=off",
        "--set",
        "services.enabled=false",
        "--runs-folder",
        str(folder / "runs"),
    ]
    done = CliRunner().invoke(app, ["doctor", *settings, *arguments])
    return done.exit_code, done.output


def test_the_status_follows_the_verdict(tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_tuner.machine.inspect_machine", lambda folder: ROOMY)
    status, said = invoke(monkeypatch, tmp_path, healthy(), "--json")
    assert status == 0 and json.loads(said)["ready"] is True
    broken = healthy({"parameters": {"count": 1}})
    status, said = invoke(monkeypatch, tmp_path, broken, "--md", "--messages", "ru")
    assert status == 1 and said.startswith("# НЕ ГОТОВО")
    status, said = invoke(monkeypatch, tmp_path, healthy(), "--set", "batch_size=0")
    assert status == 1 and "batch_size='0'" in said and said.startswith("NOT READY (1 failed)")
    status, said = invoke(monkeypatch, tmp_path, healthy(), "--html", "--output", str(tmp_path / "r.html"))
    assert status == 0 and (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    status, said = invoke(monkeypatch, tmp_path, healthy(), "--html", "--md")
    assert status == 2
    assert invoke(monkeypatch, tmp_path, healthy(), "--what")[0] == 2


def test_the_last_report_is_kept_under_the_key_of_what_it_was_made_of(tmp_path: Path, quick: None) -> None:
    here = scene(tmp_path)
    assert kept(here) is None
    keep(make_report(here, lambda each: healthy()), here)
    assert kept(here) is not None
    assert kept(dataclasses.replace(here, device="cpu")) is None
    assert kept(scene(tmp_path, "train.learning_rate=1e-3")) is None
    (tmp_path / "source").mkdir()
    assert kept(dataclasses.replace(here, source=tmp_path / "source")) is None
    record_file(here.runs_folder).write_text("{")
    assert kept(here) is None


def test_what_is_told_at_the_start(tmp_path: Path, quick: None) -> None:
    def told(here: Scene) -> tuple[str, str]:
        lines, failures = told_at_start(here)
        return tuple("\n".join(render(each, Language.EN) for each in part) for part in (lines, failures))

    here = scene(tmp_path)
    assert told(here)[0].startswith("READY: ") and "makes all" in told(here)[0] and told(here)[1] == ""
    keep(make_report(here, lambda each: healthy()), here)
    assert "passed on 20" in told(here)[0]
    keep(make_report(here, lambda each: healthy({"rate": {"moved": 0.005}})), here)
    assert "not passed: rate" in told(here)[0]
    (here.runs_folder / "knowledge.db").write_bytes(b"no database, long enough to be looked at" * 30)
    assert told(here)[0].startswith("NOT READY (1 failed)")
    assert "knowledge.db" in told(here)[1] and "what to do" in told(here)[1]


def test_the_main_command_tells_it(tmp_path: Path) -> None:
    here, stream = scene(tmp_path), io.StringIO()
    job = SmartTunerMain(here.config, Output(stream), runs_folder=here.runs_folder)
    job._tell_readiness(ROOMY)
    assert stream.getvalue().startswith("READY: ")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("_package_found_by_children")
def test_a_real_report_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, with its real children: every tick that the founding report asks for is there."""
    token = "123456789:" + "s3cr3t" * 6
    monkeypatch.setenv("SMART_TUNER_TELEGRAM_TOKEN", token)
    monkeypatch.setenv("SMART_TUNER_TELEGRAM_CHAT", "4242424242")
    status, said, complaint = call(tmp_path, "doctor", "--preset", "report", "--offline", "--json")
    told = json.loads(said)
    statuses = {tick["name"]: tick["status"] for tick in told["ticks"]}
    assert status == 1 and statuses["rate"] == "failed" and complaint == ""
    assert statuses["parameters"] == statuses["gradients"] == statuses["database shared"] == "passed"
    assert sum(name.startswith("import ") for name in statuses) == 6 + 12
    everything = said + "".join(path.read_text() for path in (tmp_path / "runs").rglob("*.json"))
    assert token not in everything and "4242424242" not in everything
