"""What of a run is told, and a whole run with a bot: every notice arrives and the token stays nowhere."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from typer.testing import CliRunner

from smart_tuner import main as job
from smart_tuner.cli import app
from smart_tuner.config import Config, ConfigError, ServiceSettings, default_config, load_config
from smart_tuner.main import SmartTunerMain
from smart_tuner.messages import Language, NoticePhrase, render
from smart_tuner.notice_settings import NoticeSettings, Secrets, SecretsError, careless, read_secrets
from smart_tuner.notices import Notice, NoticeKind
from smart_tuner.progress import Output, Verbosity
from smart_tuner.records import EventWriter
from smart_tuner.run_folder import RunFolder, list_runs
from smart_tuner.run_goals import Goals
from smart_tuner.run_notices import RunNotices
from tacotron2.events import (
    CheckpointEvent,
    Event,
    IncidentEvent,
    ReportEvent,
    RestartEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)
from tests.smart_tuner.bot_server import BotServer

TOKEN = "1234567890:AAHk_a-secret-token-of-a-bot-0123456"
SOURCE = Path(__file__).parents[2] / "src"
FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
STARTED = StartedEvent("cpu", "fp32", 1, 1234, 1000, 30, 12, 2, "abc", {"python": "3.11"})


class Collected:
    """A notifier that keeps what it is told."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)

    def close(self) -> None:
        pass

    def kinds(self) -> list[NoticeKind]:
        return [notice.kind for notice in self.notices]


def validation(step: int, alignment: float = 0.0, loss: float = 99.0, gate: float = 0.0) -> ValidationEvent:
    forced = {"val_loss": loss, "gate_accuracy": gate}
    return ValidationEvent(step, forced, {"attention_alignment": alignment}, 0.1, alignment, "map.png")


def step(number: int, loss: float) -> StepEvent:
    return StepEvent(number, 0, {}, loss, 1e-3, 0.0, 0.1, 5000.0, 0.02, 0.5)


@pytest.mark.parametrize(
    ("events", "reached"),
    [
        ([validation(500, 0.41), validation(1000, 0.41)], {"attention_alignment"}),
        ([validation(1000, 0.41), validation(1100, 0.41)], {"attention_alignment"}),
        ([validation(1001, 0.9), validation(1002, 0.9)], {"attention_alignment"}),
        ([validation(10, 0.4), validation(20, 0.4)], set()),
        ([validation(10, 0.5), validation(20, 0.3), validation(30, 0.5)], set()),
        ([validation(10, 0.5), STARTED, validation(20, 0.5)], set()),
        ([step(10, 0.8), step(20, 0.5)], {"reference_loss"}),
        ([step(10, 0.4), step(20, 0.4)], {"reference_loss"}),
        ([step(10, 0.81), step(20, 0.7)], set()),
        ([step(10, float("nan")), step(20, float("nan"))], set()),
        ([validation(10, loss=29.9), validation(20, loss=29.9)], {"val_loss"}),
        ([validation(10, loss=30.0), validation(20, loss=30.0)], set()),
        ([validation(10, gate=0.61), validation(20, gate=0.61)], {"gate_accuracy"}),
        ([validation(10, gate=0.6), validation(20, gate=0.6)], set()),
    ],
)
def test_a_goal_is_reached_by_two_readings_in_a_row(events: list[Event], reached: set[str]) -> None:
    goals = Goals()
    told = [message for event in events for message in goals.update(event)]
    assert goals.reached == reached and len(told) == len(reached)
    assert all(render(message, language) for message in told for language in Language)


def test_a_goal_is_told_once_also_after_a_resume(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    with EventWriter(run.events_file) as writer:
        for event in (step(10, 0.7), step(20, 0.7)):
            writer.write(event)
    told = Collected()
    notices = RunNotices(told, run, NoticeSettings(), Language.EN)
    for number in (30, 40):
        notices.show(Stamped(0.0, step(number, 0.7)))
    assert told.notices == []


def test_no_goal_is_told_twice_by_a_rollback_and_another_process(tmp_path: Path) -> None:
    run, told = RunFolder(tmp_path), Collected()
    good = {"alignment": 0.5, "loss": 20.0, "gate": 0.9}
    story: list[Event] = [STARTED]
    for number in (250, 500, 750):
        story += [step(number, 0.7), validation(number, **good)]
    story += [RestartEvent(1, "non_finite", 760, 250, [], 0.0), replace(STARTED, resumed_from_step=250)]
    for number in (500, 750, 1000, 1250):
        story += [step(number, 0.7), validation(number, **good)]
    notices = RunNotices(told, run, NoticeSettings(), Language.EN)
    with EventWriter(run.events_file) as writer:
        for place, event in enumerate(story):
            if place % 5 == 4:  # the command is started again in the middle
                notices = RunNotices(told, run, NoticeSettings(), Language.EN)
            writer.write(event)
            notices.show(Stamped(0.0, event))
    goals = [render(each.message, Language.EN) for each in told.notices if each.kind is NoticeKind.GOAL]
    assert sorted(goal.partition(": ")[2].partition(": ")[2].partition(" 0")[0] for goal in goals) == [
        "attention alignment",
        "gate accuracy",
        "training loss",
        "validation loss 20.00, below 30",
    ]


def test_goals_reached_while_settings_were_chosen_are_told_once(tmp_path: Path) -> None:
    run, told = RunFolder(tmp_path), Collected()
    notices = RunNotices(told, run, NoticeSettings(), Language.EN)
    with EventWriter(run.events_file) as writer:  # those of the survivor come into the run
        for event in (STARTED, validation(50, gate=0.9), validation(100, gate=0.9)):
            writer.write(event)
    notices.catch_up()
    assert told.kinds() == [NoticeKind.GOAL]
    notices.catch_up()
    notices.show(Stamped(0.0, validation(150, gate=0.9)))
    RunNotices(told, run, NoticeSettings(), Language.EN).catch_up()
    assert told.kinds().count(NoticeKind.GOAL) == 1


def test_attention_that_forms_late_is_told_as_late() -> None:
    goals = Goals()
    (told,) = [goal for number in (1001, 1250) for goal in goals.update(validation(number, alignment=0.5))]
    assert render(told, Language.EN).startswith("attention has formed, later than step 1000: ")
    assert "позже шага 1000" in render(told, Language.RU)


def test_a_command_that_breaks_off_says_why(tmp_path: Path) -> None:
    told = Collected()
    notices = RunNotices(told, RunFolder(tmp_path), NoticeSettings(), Language.EN)
    notices.broke_off(SecretsError("the file is gone"))
    notices.broke_off(OSError(f"https://host/bot{TOKEN}/x"))
    words = [render(each.message, Language.EN) for each in told.notices]
    assert words[0].endswith("the file is gone") and words[1].endswith(": OSError")


def test_every_kind_of_record_has_its_notice(tmp_path: Path) -> None:
    told = Collected()
    notices = RunNotices(told, RunFolder(tmp_path), NoticeSettings(), Language.RU)
    for event in (
        STARTED,
        STARTED,
        IncidentEvent(5, "non_finite_update", {}),
        RestartEvent(1, "non_finite", 5, None, ["learning_rate x 0.5"], 2.0),
        validation(100),
        validation(349),
        validation(350),
        CheckpointEvent(100, "a", "best"),
        CheckpointEvent(349, "b", "best"),
        CheckpointEvent(350, "c", "state"),
    ):
        notices.show(Stamped(0.0, event))
    kind = NoticeKind
    wanted = [kind.STARTED, kind.INCIDENT, kind.RESTART, kind.VALIDATION, kind.VALIDATION, kind.BEST_MODEL]
    assert told.kinds() == wanted
    assert told.notices[3].picture == tmp_path / "map.png"
    restart = render(told.notices[2].message, Language.RU)
    assert "перезапуск 1" in restart and "с самого начала; learning_rate x 0.5" in restart


def report(step: int) -> ReportEvent:
    empty: dict[str, float] = {}
    figures = (empty, empty, empty, empty, empty, 0.1, 1e-3, 60.0, 0.5, 5000.0, 0.02, empty)
    return ReportEvent(step, step - 250, 0, *figures, attention_image=f"attention/{step}.png")


def test_reports_with_their_maps_take_the_place_of_validations(tmp_path: Path) -> None:
    run, told = RunFolder(tmp_path), Collected()
    story = [validation(100), report(250), validation(400), report(500), validation(500), report(750)]
    notices = RunNotices(told, run, NoticeSettings(), Language.EN)
    with EventWriter(run.events_file) as writer:
        for event in story:
            writer.write(event)
            notices.show(Stamped(0.0, event))
    kind = NoticeKind
    assert told.kinds() == [kind.VALIDATION, kind.REPORT, kind.REPORT, kind.REPORT]
    assert told.notices[2].picture == tmp_path / "attention/500.png"
    assert "500" in render(told.notices[2].message, Language.RU)
    again = RunNotices(told, run, NoticeSettings(), Language.EN)
    again.show(Stamped(0.0, validation(1100)))
    assert len(told.notices) == 4


def test_secrets_of_the_environment_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text(f"# a bot\nTOKEN={TOKEN}\nCHAT=42\n")
    settings = NoticeSettings(secrets_file=str(file))
    assert read_secrets(settings, {}) == Secrets(TOKEN, "42")
    assert read_secrets(settings, {"SMART_TUNER_TELEGRAM_CHAT": "7"}) == Secrets(TOKEN, "7")
    assert read_secrets(NoticeSettings(), {}) is None
    with pytest.raises(SecretsError, match="CHAT is missing") as caught:
        read_secrets(NoticeSettings(), {"SMART_TUNER_TELEGRAM_TOKEN": TOKEN})
    assert TOKEN not in str(caught.value)
    with pytest.raises(SecretsError, match="cannot be read"):
        read_secrets(NoticeSettings(secrets_file=str(tmp_path / "none")), {})


def test_a_secrets_file_for_all_to_read_and_in_git_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text(f"TOKEN={TOKEN}\nCHAT=42\n")
    settings = NoticeSettings(secrets_file=str(file))
    file.chmod(0o600)
    assert careless(settings) == careless(NoticeSettings()) == []
    assert careless(NoticeSettings(secrets_file=str(tmp_path / "none"))) == []
    file.chmod(0o640)
    assert [each.phrase for each in careless(settings)] == [NoticePhrase.SECRETS_READABLE]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert len(careless(settings)) == 1  # there, and not tracked
    subprocess.run(["git", "-C", str(tmp_path), "add", "secrets.env"], check=True)
    found = careless(settings)
    assert [each.phrase for each in found] == [NoticePhrase.SECRETS_READABLE, NoticePhrase.SECRETS_TRACKED]
    told = " ".join(render(each, language) for each in found for language in Language)
    assert TOKEN not in told and "chmod 600" in told and "git rm --cached" in told


@pytest.mark.parametrize(
    "text", [f"notices:\n  token: {TOKEN}\n", f"run:\n  name: '{TOKEN}'\n", f"{TOKEN}: ["]
)
def test_a_token_in_a_settings_file_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert TOKEN not in str(caught.value)


def test_a_token_in_an_override_is_refused_with_the_place_where_it_belongs() -> None:
    with pytest.raises(ConfigError, match="SMART_TUNER_TELEGRAM_TOKEN") as caught:
        default_config([f"notices.secrets_file={TOKEN}"])
    assert TOKEN not in str(caught.value)


def test_notices_do_not_make_another_run() -> None:
    assert default_config(["notify=off", "every_steps=7"]).digest() == default_config().digest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BotServer]:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setattr(job, "catch_up", lambda run: True)
    real, plenty = job.inspect_machine, 2**40
    monkeypatch.setattr(
        job,
        "inspect_machine",
        lambda root: replace(real(root), memory_free_bytes=plenty, disk_free_bytes=plenty),
    )
    with BotServer() as bot:
        threading.Thread(target=bot.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("SMART_TUNER_TELEGRAM_TOKEN", TOKEN)
        monkeypatch.setenv("SMART_TUNER_TELEGRAM_CHAT", "42")
        monkeypatch.setenv("SMART_TUNER_TELEGRAM_API", bot.api)
        yield bot
        bot.shutdown()


def run_main(root: Path, scenario: str, notices: NoticeSettings | None = None) -> tuple[int, str]:
    stream = io.StringIO()
    config = Config("debug", services=ServiceSettings(enabled=False), notices=notices or NoticeSettings())
    config = replace(config, supervisor=replace(config.supervisor, backoff_s=0.0))
    main = SmartTunerMain(
        config,
        Output(stream, Verbosity.VERBOSE),
        runs_folder=root,
        command=lambda run, device: [sys.executable, str(FAKE_WORKER), str(run.path), scenario],
    )
    return main.run(), stream.getvalue()


def test_a_whole_run_is_told_and_leaves_no_token(tmp_path: Path, server: BotServer) -> None:
    status, said = run_main(tmp_path, "killed@25/20!23,complete")
    assert status == 0
    sent = [unquote_plus(body.decode(errors="replace")) for _, body in server.requests]
    everything = "\n".join(sent)
    for part in (
        "training: 1,000 parameters",
        "step 23",
        "restart 1",
        "goal reached",
        "finished at step 30",
    ):
        assert part in everything
    assert any(path.endswith("/sendAudio") for path, _ in server.requests)
    (run,) = list_runs(tmp_path)
    left = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert run.log_file in left
    secret = TOKEN.partition(":")[2].encode()
    assert [file for file in left if secret in file.read_bytes()] == []
    assert secret.decode() not in said


def test_a_run_is_asked_and_stopped_from_the_chat(tmp_path: Path, server: BotServer) -> None:
    """A real SIGTERM to this process, as the command gets it: the worker saves and ends, in words."""

    def somebody_away() -> None:
        server.wait_for("training: 1,000 parameters")
        server.write("/stop", chat=666)
        server.write("/say Hello.")
        server.wait_for("has no voice yet")
        server.write("/status")
        server.wait_for("training, step 0 of 30")
        server.write("/stop")
        asked = server.wait_for("Everything is saved")
        server.write(re.findall(r"/stop \d+", asked)[0])

    person = threading.Thread(target=somebody_away)
    person.start()
    status, said = run_main(tmp_path, "patient")
    person.join()
    assert status == 143
    (run,) = list_runs(tmp_path)
    assert (run.path / "saved").exists()
    ended = server.wait_for("ended at step 7 (terminated): ")
    assert "The same command goes on with it" in ended and "stopping" in " ".join(server.texts())
    assert "another chat (666)" in said
    assert {server.fields(place)["chat_id"] for place in range(len(server.requests))} == {"42"}


def test_commands_can_be_switched_off(tmp_path: Path, server: BotServer) -> None:
    status, _ = run_main(tmp_path, "complete", NoticeSettings(chat_commands=False))
    assert (status, server.polls) == (0, []) and server.requests


def test_a_server_that_refuses_everything_fails_no_training(tmp_path: Path, server: BotServer) -> None:
    server.answers = [(401, {"ok": False, "description": f"Unauthorized {TOKEN}"})]
    status, said = run_main(tmp_path, "complete")
    assert (status, TOKEN in said) == (0, False)
    assert server.requests


def test_half_the_secrets_are_a_warning(
    tmp_path: Path, server: BotServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SMART_TUNER_TELEGRAM_CHAT")
    status, said = run_main(tmp_path, "complete")
    assert status == 0 and "no notices are sent: CHAT is missing" in said and server.requests == []


@pytest.mark.parametrize(("answer", "status"), [((200, {"ok": True}), 0), ((403, {"ok": False}), 1)])
def test_the_test_notice(server: BotServer, answer: tuple[int, object], status: int) -> None:
    server.answers = [answer]
    done = CliRunner().invoke(app, ["notify", "test"])
    assert done.exit_code == status and TOKEN not in done.output
    assert len(server.requests) == 1


def test_the_test_notice_warns_of_a_careless_file(tmp_path: Path, server: BotServer) -> None:
    file = tmp_path / "secrets.env"
    file.write_text(f"TOKEN={TOKEN}\nCHAT=42\n")
    file.chmod(0o644)
    done = CliRunner().invoke(app, ["notify", "test", "--set", f"notices.secrets_file={file}"])
    assert done.exit_code == 0 and "others can read it" in done.output and TOKEN not in done.output


def test_nobody_to_test_with_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SMART_TUNER_TELEGRAM_TOKEN", raising=False)
    monkeypatch.delenv("SMART_TUNER_TELEGRAM_CHAT", raising=False)
    done = CliRunner().invoke(app, ["notify", "test"])
    assert done.exit_code == 2 and "SMART_TUNER_TELEGRAM_TOKEN" in done.output
