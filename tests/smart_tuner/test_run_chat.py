"""A run as the chat asks about it: status, pictures, speech and the end, with a library that is a script."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from smart_tuner import run_chat
from smart_tuner.messages import Language, render
from smart_tuner.notice_settings import TOKEN_VARIABLE
from smart_tuner.notices import Notice
from smart_tuner.records import EventWriter
from smart_tuner.run_chat import RunChat
from smart_tuner.run_folder import RunFolder
from smart_tuner.run_status import RunStatus
from tacotron2.events import (
    Event,
    IncidentEvent,
    RestartEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    ValidationEvent,
)
from tests.smart_tuner.fake_worker import STARTED, step_event

SOURCE = Path(__file__).parents[2] / "src"
LIBRARY = """
import json, os, pathlib, sys, time
arguments = dict(each[2:].partition("=")[::2] for each in sys.argv if each.startswith("--"))
note = {"token": os.environ.get("SMART_TUNER_TELEGRAM_TOKEN"), "argv": sys.argv}
here = pathlib.Path(arguments["checkpoint"]).parent
(here / "note.json").write_text(json.dumps(note))
text = arguments["text"]
if text == "sleep":
    time.sleep(600)
if text == "crash":
    sys.exit(7)
if "ß" in text:
    print(json.dumps({"kind": "error", "message": "the text: no symbol for 'ß'"}))
    sys.exit(30)
print("a package says hello")
pathlib.Path(arguments["output"]).write_bytes(b"RIFF")
print(json.dumps({"kind": "spoken", "path": arguments["output"]}))
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv(TOKEN_VARIABLE, "123456:secret")
    (tmp_path / "library.py").write_text(LIBRARY)
    folder = tmp_path / "runs" / "a-run"
    folder.mkdir(parents=True)
    return RunFolder(folder)


def with_weights(run: RunFolder, step: int = 20) -> None:
    run.checkpoints_folder.mkdir(exist_ok=True)
    weights = run.checkpoints_folder / f"best-{step:07d}.ckpt"
    weights.write_bytes(b"tensors")
    facts = {"quality": 0.5, "step": step}
    Path(f"{weights}.json").write_text(json.dumps(facts))


def chat(run: RunFolder, status: RunStatus | None = None, language: Language = Language.EN) -> RunChat:
    script = run.path.parents[1] / "library.py"
    known = status or RunStatus(run.name)
    return RunChat(run, known, language, lambda: None, python=(sys.executable, str(script)))


def words(notice: Notice, language: Language = Language.EN) -> str:
    return render(notice.message, language)


def test_the_newest_best_weights_speak(run: RunFolder) -> None:
    with_weights(run, 10)
    with_weights(run, 20)
    spoken = chat(run).say(" Good\0 \n morning.\ud800")
    assert words(spoken) == "a-run, step 20: Good morning.?"
    assert spoken.audio is not None and spoken.audio.read_bytes() == b"RIFF"
    assert spoken.audio.parent == run.speech_folder
    note = json.loads((run.checkpoints_folder / "note.json").read_text())
    assert note["token"] is None
    assert note["argv"][1:5] == ["-m", "tacotron2.cli", "--json", "synthesize"]
    assert f"--checkpoint={run.checkpoints_folder / 'best-0000020.ckpt'}" in note["argv"]


@pytest.mark.parametrize(
    ("text", "part"),
    [("ß", "could not be spoken: the text: no symbol for 'ß'"), ("crash", "ended with status 7")],
)
def test_what_cannot_be_spoken_is_told_in_words(run: RunFolder, text: str, part: str) -> None:
    with_weights(run)
    told = chat(run).say(text)
    assert part in words(told) and told.audio is None


def test_without_weights_there_is_no_voice_yet(run: RunFolder) -> None:
    assert "has no voice yet" in words(chat(run).say("Hello."))
    assert "ещё нет голоса" in words(chat(run).say("Hello."), Language.RU)


def test_what_takes_too_long_is_ended(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with_weights(run)
    monkeypatch.setattr(run_chat, "SPEAKING_S", 0.05)
    assert "it took more than" in words(chat(run).say("sleep"))


def test_a_child_ends_with_the_run(run: RunFolder) -> None:
    with_weights(run)
    asked, told = chat(run), list[Notice]()
    thread = threading.Thread(target=lambda: told.append(asked.say("sleep")))
    thread.start()
    while not (run.checkpoints_folder / "note.json").exists():
        time.sleep(0.01)
    asked.close()
    thread.join(30)
    assert not thread.is_alive() and "status -9" in words(told[0])
    assert "status -9" in words(asked.say("Hello."))  # none begins after the end
    assert not asked.stop()


def test_stop_asks_once_while_the_run_lives(run: RunFolder) -> None:
    asked: list[int] = []
    there = RunChat(run, RunStatus(run.name), Language.EN, lambda: asked.append(1))
    assert there.stop() and asked == [1]


def test_pictures_are_drawn_from_the_records(run: RunFolder) -> None:
    status = RunStatus(run.name)
    nothing = RunChat(run, status, Language.EN).plot()
    assert [words(each) for each in nothing] == ["nothing has been recorded yet that could be drawn"]
    validation = ValidationEvent(20, {"val_loss": 0.9}, {"attention_alignment": 0.3}, 0.1, 0.3, "map.png")
    with EventWriter(run.events_file) as writer:
        for event in (STARTED, step_event(10), step_event(20), validation):
            writer.write(event)
            status.update(Stamped(0.0, event))
    drawn = RunChat(run, status, Language.RU).plot()
    assert [each.picture for each in drawn] == [run.path / "map.png", run.curves_picture]
    assert run.curves_picture.read_bytes().startswith(b"\x89PNG")
    broken = RunChat(run, status, Language.EN, python=("false",)).plot()
    assert words(broken[1]) == "the curves could not be drawn"


def told(*events: Event, language: Language = Language.EN) -> list[str]:
    status = RunStatus("a-run")
    for place, event in enumerate(events):
        status.update(Stamped(time.time() - 100 + place, event))
    return status.told(language).splitlines()


def test_the_status_of_every_phase() -> None:
    assert told() == ["a-run: starting", "restarts: 0"]
    stage = StageEvent("features", 3, 9)
    assert told(stage)[0] == "a-run: mel spectrograms: 3 of 9"
    assert told(stage, STARTED)[0] == "a-run: training, step 0 of 30 (0%)"
    assert told(STARTED, StageEvent("examination", 0, 1))[0] == "a-run: speaking the test sentences"
    restart = RestartEvent(2, "crashed", 10, None, [], 2.0)
    assert told(STARTED, restart)[0] == "a-run: starting again after an attempt that ended"


def test_the_status_of_a_training() -> None:
    events = (
        StartedEvent("cpu", "fp32", 1, 1234, 1000, 3000, 12, 2, "abc", {}),
        RestartEvent(1, "non_finite", 5, None, [], 2.0),
        step_event(1000),
        ValidationEvent(1000, {}, {"attention_alignment": 0.43}, 0.1),
        IncidentEvent(1001, "non_finite_update", {}),
        step_event(1500),
    )
    lines = told(*events)
    assert lines[0] == "a-run: training, step 1,500 of 3,000 (50%), 6 s left"
    assert lines[1:5] == [
        "reference loss 0.700 at step 1,500",
        "free-running alignment 0.43 at step 1,000",
        "restarts: 1",
        "last incident: an update was not finite and was not made, step 1,001",
    ]
    assert lines[5].startswith("last record ") and lines[5].endswith(" ago")
    assert told(*events, language=Language.RU)[1] == "ошибка 0,700 на шаге 1\u00a0500"
