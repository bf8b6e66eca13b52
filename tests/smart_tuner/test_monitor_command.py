"""`smart-tuner monitor` as a person meets it: in a terminal beside a run that advances, and without one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner, Result

from smart_tuner.cli import app
from smart_tuner.config import Config, load_config
from smart_tuner.records import EventWriter, ExitCause, Outcome
from smart_tuner.run_folder import RunError, RunFolder, create
from smart_tuner.tuning.storage import open_storage, sqlite_url
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.watch_target import find_target
from tests.smart_tuner.fake_worker import STARTED, step_event, validation_event
from tests.smart_tuner.tuning.judged_study import judged_study

SOURCES = Path(__file__).parents[2] / "src"
PATIENCE_S = 90.0
CONFIG = Config("debug")
ROWS, COLUMNS = 40, 80

ADVANCING = """
import sys, time
from pathlib import Path
from smart_tuner.heartbeat import beat
from smart_tuner.records import EventWriter
from tests.smart_tuner.fake_worker import step_event
run = Path(sys.argv[1])
with EventWriter(run / "events.jsonl") as writer:
    for number in range(2, 1000):
        beat(run / "heartbeat", number)
        writer.write(step_event(number))
        time.sleep(0.1)
"""


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{SOURCES}:{SOURCES.parent}")
    monkeypatch.delenv("SMART_TUNER_STORAGE", raising=False)
    monkeypatch.delenv("SMART_TUNER_MESSAGES", raising=False)


@dataclass
class Terminal:
    """The command in a terminal of its own; `text` is all that it has drawn."""

    pid: int
    master: int
    text: str = ""

    def read_until(self, wanted: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not wanted(self.text):
            assert time.monotonic() < deadline, self.text[-2000:]
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.master, 65536).decode("utf-8", errors="replace")
                except OSError:  # the other side has closed it
                    assert wanted(self.text), self.text[-2000:]

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def status(self) -> int:
        """The exit status; what is still drawn is read meanwhile, so that nobody waits for us."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.05)[0]:
                with suppress(OSError):  # the other side has closed it
                    self.text += os.read(self.master, 65536).decode("utf-8", errors="replace")
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
        raise AssertionError(self.text[-2000:])


def in_terminal(folder: Path, *arguments: str) -> Terminal:
    environment = os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
    environment.pop("COLUMNS", None)
    command = [sys.executable, "-m", "smart_tuner.cli", "monitor", *arguments]
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(command[0], command, environment)
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return Terminal(pid, master)


def call(*arguments: str) -> Result:
    """In this process, whose output is no terminal."""
    return CliRunner().invoke(app, ["monitor", *arguments])


def begun(root: Path, config: Config = CONFIG) -> RunFolder:
    run = create(root, config)
    with EventWriter(run.events_file) as writer:
        for event in (STARTED, step_event(1), validation_event(1, 0.25)):
            writer.write(event)
    return run


def counts(text: str) -> set[int]:
    return {int(found) for found in re.findall(r"(\d+) of 30\b", text)}


@pytest.mark.parametrize("leave", [b"\x03", b"q"], ids=["Ctrl-C", "q"])
def test_a_run_that_another_process_advances_is_seen_and_left_alone(tmp_path: Path, leave: bytes) -> None:
    run = begun(tmp_path / "runs")
    seen = in_terminal(tmp_path, run.name, "--no-services")
    before = termios.tcgetattr(seen.master)
    writer = subprocess.Popen([sys.executable, "-c", ADVANCING, str(run.path)])
    try:
        seen.read_until(lambda text: len(counts(text)) >= 3 and "running" in text)
        assert termios.tcgetattr(seen.master) != before  # keys are read one by one, unseen
        seen.press(leave)
        assert seen.status() == 0
        assert termios.tcgetattr(seen.master) == before
        assert writer.poll() is None  # the run goes on
    finally:
        writer.kill()
        writer.wait()
        os.close(seen.master)
    drawn = seen.text
    assert "\x1b[?1049h" in drawn and drawn.index("\x1b[?1049l") > drawn.index("\x1b[?1049h")
    last = drawn[drawn.index("\x1b[?1049l") :]  # stays on the screen
    assert run.name in last and "q or Ctrl-C" not in last and "Traceback" not in drawn
    assert {path.name for path in run.path.iterdir()} == {"run.yaml", "events.jsonl", "heartbeat"}


def test_a_run_that_is_moved_away_meanwhile_is_told(tmp_path: Path) -> None:
    run = begun(tmp_path / "runs")
    seen = in_terminal(tmp_path, run.name, "--no-services")
    try:
        seen.read_until(lambda text: bool(counts(text)))
        shutil.move(run.path, tmp_path / "elsewhere")
        assert seen.status() == 2
        assert "is no longer here" in " ".join(seen.text.split()) and "Traceback" not in seen.text
    finally:
        os.close(seen.master)


def test_the_pages_come_up_with_it_and_go_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only that they are started and ended: what they show is tested where they are made."""
    run = begun(tmp_path / "runs")
    seen = in_terminal(tmp_path, run.name)
    try:
        seen.read_until(lambda text: "Pages" in text)
        command = psutil.Process(seen.pid)
        deadline = time.monotonic() + PATIENCE_S
        while len(family := command.children(recursive=True)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.kill(seen.pid, signal.SIGINT)
        assert seen.status() == 0
        psutil.wait_procs(family, timeout=PATIENCE_S)
        assert not any(member.is_running() for member in family)
    finally:
        os.close(seen.master)


def test_without_a_terminal_it_is_printed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    older, newest = begun(tmp_path / "runs"), begun(tmp_path / "runs")
    Outcome(ExitCause.COMPLETED, "done", 1).write(newest.outcome_file)
    answer = call()
    assert (answer.exit_code, answer.stderr) == (0, "")
    said = answer.stdout
    assert newest.name in said and "ended: completed" in said and "\x1b" not in said
    older.heartbeat_file.touch()  # a running one goes first
    said = call("--once", "--messages", "ru").stdout
    assert older.name in said and "идёт" in said and "1 из 30" in said


def test_a_study_is_shown_with_the_best_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config("probe")
    folder = StudyFolder(tmp_path / "runs" / "studies" / "night")
    folder.create()
    folder.write(config)
    storage = open_storage(sqlite_url(folder.database_file))
    judged_study(config, 2, storage=storage, study_name="night").ask()
    for words in (("night",), (str(folder.path),)):
        answer = call(*words)
        assert (answer.exit_code, answer.stderr) == (0, "")
        assert "night" in answer.stdout and "Best so far" in answer.stdout and "2 of 40" in answer.stdout
    folder.database_file.unlink()
    answer = call("night")
    assert answer.exit_code == 2 and "--storage" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [((), "neither a run nor a study"), (("x",), "no run 'x'"), (("x", "--messages", "ru"), "нет запуска")],
)
def test_where_there_is_nothing_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = call(*arguments)
    assert (answer.exit_code, answer.stdout) == (2, "") and words in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_newest_is_taken_and_what_works_goes_first(tmp_path: Path) -> None:
    first, second = begun(tmp_path), begun(tmp_path)
    study = StudyFolder(tmp_path / "studies" / "night")
    study.create()
    study.write(CONFIG)
    now = time.time()

    def at(path: Path, ago_s: float) -> None:
        os.utime(path, (now - ago_s, now - ago_s))

    for run, ago in ((first, 500.0), (second, 400.0)):
        at(run.settings_file, ago)
        at(run.events_file, ago)
    at(study.settings_file, 600.0)
    assert find_target(tmp_path, None, now).path == second.path
    at(study.settings_file, 300.0)
    assert find_target(tmp_path, None, now).path == study.path
    first.heartbeat_file.touch()
    assert find_target(tmp_path, None, now).path == first.path
    trial = study.trial(3)
    trial.path.mkdir(parents=True)
    trial.settings_file.write_text(CONFIG.to_yaml())
    trial.heartbeat_file.touch()
    assert find_target(tmp_path, None, now).path == study.path  # a running trial is a running study
    assert find_target(tmp_path, "night", now).path == study.path
    assert find_target(tmp_path, str(trial.path), now).path == trial.path
    with pytest.raises(RunError, match="no run 'day'"):
        find_target(tmp_path, "day", now)
