"""Commands from the chat against a Bot API server on this machine: who is heard, what is answered."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smart_tuner import chat_listener
from smart_tuner.chat_commands import CONFIRM_S, TEXT_LIMIT, ChatCommands, answer
from smart_tuner.chat_listener import ChatListener
from smart_tuner.messages import ChatPhrase, Language, Message, render
from smart_tuner.notice_queue import NoticeQueue
from smart_tuner.notices import Importance, Notice, NoticeKind
from smart_tuner.telegram import Telegram
from tests.smart_tuner.bot_server import Answer, BotServer
from tests.smart_tuner.test_telegram import TOKEN


class Subject:
    """A run of which everything is known."""

    name = "the run"

    def __init__(self, picture: Path | None = None) -> None:
        self.picture = picture
        self.said: list[str] = []
        self.stops = 0
        self.over = False
        self.may_speak = threading.Event()
        self.may_speak.set()

    def status(self) -> str:
        return "step 3 of 9"

    def plot(self) -> list[Notice]:
        return [Notice(NoticeKind.ANSWER, Importance.RESULT, "a picture", self.picture)]

    def say(self, text: str) -> Notice:
        self.may_speak.wait()
        self.said.append(text)
        return answer(f"said {text}")

    def stop(self) -> bool:
        self.stops += not self.over
        return not self.over

    def close(self) -> None:
        self.may_speak.set()


class Collected:
    """A notifier that keeps the words it is told."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def tell(self, notice: Notice) -> None:
        self.texts.append(render(notice.message, Language.EN))

    def close(self) -> None:
        pass

    def wait_for(self, number: int) -> list[str]:
        until = time.monotonic() + 30
        while len(self.texts) < number and time.monotonic() < until:
            time.sleep(0.005)
        return self.texts


class Heard:
    """What a listener has heard, and what it warned of."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.warnings: list[Message] = []


@pytest.fixture
def server() -> Iterator[BotServer]:
    with BotServer() as bot:
        threading.Thread(target=bot.serve_forever, args=(0.01,), daemon=True).start()
        yield bot
        bot.shutdown()


@pytest.fixture
def listen(server: BotServer) -> Iterator[Callable[..., Heard]]:
    """Makes listeners that have asked for the first time."""
    listeners: list[ChatListener] = []

    def make(chat: str = "42", heard: Callable[[str], None] | None = None) -> Heard:
        found, before = Heard(), len(server.polls)
        telegram = Telegram(TOKEN, chat, server.api)
        take = heard or found.texts.append
        listeners.append(
            ChatListener(telegram, chat, take, found.warnings.append, poll_s=20, first_wait_s=0.01)
        )
        wait_until(lambda: len(server.polls) > before + 1)
        return found

    yield make
    for listener in listeners:
        listener.close()


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_what_was_written_before_the_start_is_dropped(
    server: BotServer, listen: Callable[..., Heard]
) -> None:
    for text in ("/stop", "/stop 1234"):
        server.write(text)
    heard = listen()
    server.write("/status")
    wait_until(lambda: bool(heard.texts))
    assert heard.texts == ["/status"]
    assert server.polls[0]["offset"] == "-1" and server.polls[0]["timeout"] == "0"
    assert [poll["allowed_updates"] for poll in server.polls] == ['["message"]'] * len(server.polls)


def test_a_foreign_chat_is_told_once_and_never_answered(
    server: BotServer, listen: Callable[..., Heard]
) -> None:
    heard = listen()
    for _ in range(3):
        server.write("/stop", chat=666)
    server.write("/status")
    wait_until(lambda: bool(heard.texts))
    assert heard.texts == ["/status"] and server.requests == []
    assert [each.phrase for each in heard.warnings] == [ChatPhrase.FOREIGN_CHAT]


@pytest.mark.parametrize(
    ("chat", "obeyed"), [("@Crew", True), ("-100", True), ("100", False), ("@none", False), ("None", False)]
)
def test_the_chat_is_known_by_number_or_name(
    server: BotServer, listen: Callable[..., Heard], chat: str, obeyed: bool
) -> None:
    heard = listen(chat)
    group = {"chat": {"id": -100, "username": "crew"}}
    server.write("/status", message=group)
    wait_until(lambda: bool(heard.texts or heard.warnings))
    assert bool(heard.texts) == obeyed


REFUSED = {"ok": False, "description": f"Conflict of {TOKEN}"}


@pytest.mark.parametrize(
    ("troubles", "warnings"),
    [
        ([(502, b"<html>"), (500, {"ok": False}), (200, b"no JSON")], 0),
        ([(429, {"ok": False, "parameters": {"retry_after": 0.02}})], 0),
        ([(409, REFUSED), (409, REFUSED)], 1),
        ([(401, REFUSED), (409, REFUSED)], 2),
        ([(200, {"ok": True, "result": [{"update_id": "x"}, {"message": 3}, {}]})], 0),
    ],
)
def test_troubles_of_the_network_are_outlived(
    server: BotServer,
    listen: Callable[..., Heard],
    monkeypatch: pytest.MonkeyPatch,
    troubles: list[Answer],
    warnings: int,
) -> None:
    monkeypatch.setattr(chat_listener, "LONGEST_WAIT_S", 0.02)
    heard = listen()
    server.poll_troubles = list(troubles)
    server.write("first")  # answers the question that is held back; the next ones have trouble
    wait_until(lambda: not server.poll_troubles)
    server.write("second")
    wait_until(lambda: len(heard.texts) >= 2)
    assert heard.texts == ["first", "second"]
    assert len(heard.warnings) == warnings
    assert TOKEN not in " ".join(render(each, Language.EN) for each in heard.warnings)


def test_the_wait_that_the_server_names_is_kept(
    server: BotServer, listen: Callable[..., Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = listen()
    server.poll_troubles = [(429, {"ok": False, "parameters": {"retry_after": 3600}})]
    server.write("first")
    wait_until(lambda: not server.poll_troubles)
    polls = len(server.polls)
    server.write("second")
    time.sleep(0.1)  # no more than a chance to fail: an hour is to be waited
    assert heard.texts == ["first"] and len(server.polls) == polls


def test_what_is_no_message_is_passed_over(server: BotServer, listen: Callable[..., Heard]) -> None:
    heard = listen()
    odd: list[dict[str, Any]] = [{"chat": None}, {"chat": []}, {"text": None}, {"text": 3}]
    for each in odd:
        server.write("odd", message=each)
    server.write("/status")
    wait_until(lambda: bool(heard.texts))
    assert heard.texts == ["/status"]


def test_the_end_does_not_wait_for_a_question_that_is_held_back(server: BotServer) -> None:
    heard: list[str] = []
    telegram = Telegram(TOKEN, "42", server.api)
    listener = ChatListener(telegram, "42", heard.append, lambda message: None, poll_s=600)
    wait_until(lambda: len(server.polls) > 1)
    listener.close()  # the server would answer in ten minutes
    server.write("/stop")
    listener._thread.join(30)
    assert heard == [] and not listener._thread.is_alive()


def test_every_command_is_answered(server: BotServer, listen: Callable[..., Heard], tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    picture.write_bytes(b"the picture")
    subject = Subject(picture)
    notices = NoticeQueue(Telegram(TOKEN, "42", server.api), Language.EN, burst_s=0.0)
    listen(heard=ChatCommands(subject, notices).heard)
    for command, part in (
        ("/help", "/stop - end it"),
        ("/start", "/stop - end it"),
        ("/status@some_bot", "step 3 of 9"),
        ("/plot", "a picture"),
        ("/say Good   morning.", "said Good   morning."),
        ("/nonsense <b>", "/nonsense: no such command"),
        ("/stop", "Stop the run? Everything is saved"),
    ):
        before = len(server.requests)
        server.write(command)
        wait_until(lambda before=before: len(server.requests) > before)
        server.wait_for(part)
    code = re.findall(r"/stop (\d+)", server.texts()[-1])[0]
    server.write(f"/stop {code}")
    server.wait_for("stopping the run")
    notices.close()
    assert subject.stops == 1
    assert "sendPhoto" in server.methods()
    assert {server.fields(place)["chat_id"] for place in range(len(server.requests))} == {"42"}


def test_talk_is_not_answered() -> None:
    told = Collected()
    for text in ("hello", "", "   ", "what does /status say?"):
        ChatCommands(Subject(), told).heard(text)
    assert told.texts == []


def test_stop_is_confirmed_by_a_code_that_is_good_once_and_for_a_while() -> None:
    now, subject, told = [0.0], Subject(), Collected()
    commands = ChatCommands(subject, told, clock=lambda: now[0])

    def code() -> str:
        commands.heard("/stop")
        return re.findall(r"/stop (\d+)", told.texts[-1])[0]

    commands.heard("/stop 0000")  # nobody asked
    asked = code()
    commands.heard(f"/stop {(int(asked) + 1) % 10_000:04}")
    commands.heard(f"/stop {asked}")  # a wrong one has spoilt it
    asked = code()
    now[0] += CONFIRM_S + 1
    commands.heard(f"/stop {asked}")
    asked = code()
    commands.heard("/stop ещё")
    assert subject.stops == 0
    assert [text.partition(":")[2].partition(";")[0] for text in told.texts if "is not stopped" in text] == [
        " that is not the code asked for",
        " that is not the code asked for",
        " that is not the code asked for",
        " the code has expired",
        " that is not the code asked for",
    ]
    asked = code()
    commands.heard(f"/stop {asked}")
    commands.heard(f"/stop {asked}")
    assert subject.stops == 1 and told.texts[-1] == "the run is being stopped already"


def test_stop_of_what_has_ended_says_so() -> None:
    subject, told = Subject(), Collected()
    subject.over = True
    commands = ChatCommands(subject, told)
    commands.heard("/stop")
    commands.heard(re.findall(r"/stop \d+", told.texts[-1])[0])
    assert told.texts[-1] == "the run has ended already"


def test_one_sentence_at_a_time_and_stop_is_heard_meanwhile() -> None:
    subject, told = Subject(), Collected()
    commands = ChatCommands(subject, told)
    subject.may_speak.clear()
    commands.heard("/say one")
    commands.heard("/say two")
    commands.heard("/plot")
    commands.heard("/status")
    assert told.texts == [render(ChatPhrase.BUSY(), Language.EN)] * 2 + ["step 3 of 9"]
    subject.may_speak.set()
    assert told.wait_for(4)[-1] == "said one"
    assert commands._errand is not None
    commands._errand.join()
    commands.heard("/say three")
    assert told.wait_for(5)[-1] == "said three" and subject.said == ["one", "three"]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("/say", "write the text after"),
        (f"/say {'x' * (TEXT_LIMIT + 1)}", "at most 300"),
        ("/say\nHi.", "said Hi."),
    ],
)
def test_what_is_to_be_said_has_bounds(text: str, part: str) -> None:
    told = Collected()
    ChatCommands(Subject(), told).heard(text)
    assert part in told.wait_for(1)[0]
