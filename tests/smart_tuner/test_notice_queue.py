"""The queue of notices against a Bot API server on this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from smart_tuner.messages import Language
from smart_tuner.notice_queue import NoticeQueue
from smart_tuner.notices import Importance, Notice, NoticeKind
from smart_tuner.telegram import Telegram
from tests.smart_tuner.bot_server import OK, BotServer
from tests.smart_tuner.test_telegram import TOKEN


@pytest.fixture
def server() -> Iterator[BotServer]:
    with BotServer() as bot:
        threading.Thread(target=bot.serve_forever, args=(0.01,), daemon=True).start()
        yield bot
        bot.shutdown()


def queue(api: str, capacity: int = 64, burst_s: float = 60.0) -> NoticeQueue:
    """One that waits for the end before it sends, unless asked otherwise."""
    return NoticeQueue(Telegram(TOKEN, "42", api), Language.EN, capacity, burst_s, first_wait_s=0.01)


def notice(text: str, importance: Importance = Importance.PROGRESS, picture: Path | None = None) -> Notice:
    return Notice(NoticeKind.VALIDATION, importance, text, picture)


def texts(server: BotServer) -> list[str]:
    return [parse_qs(body.decode())["text"][0] for path, body in server.requests if "sendMessage" in path]


def test_a_burst_is_one_message(server: BotServer) -> None:
    notices = queue(server.api)
    for text in ("one", "two", "three"):
        notices.tell(notice(text))
    notices.close()
    assert texts(server) == ["one\ntwo\nthree"]


def test_a_burst_too_long_for_one_message_is_two_with_nothing_lost(server: BotServer) -> None:
    notices = queue(server.api)
    for letter in "abc":
        notices.tell(notice(letter * 2000))
    notices.close()
    assert texts(server) == ["a" * 2000 + "\n" + "b" * 2000, "c" * 2000]


@pytest.mark.parametrize(
    "trouble",
    [
        [(502, b"<html>"), (500, {"ok": False, "description": "broken"})],
        [(429, {"ok": False, "description": "slow down", "parameters": {"retry_after": 0.05}})],
    ],
)
def test_a_notice_outlives_an_outage(server: BotServer, trouble: list[tuple[int, object]]) -> None:
    server.answers = [*trouble, OK]
    notices = queue(server.api, burst_s=0.0)
    notices.tell(notice("still here"))
    notices.close()
    assert texts(server) == ["still here"] * (len(trouble) + 1)


def test_the_wait_the_server_names_is_kept(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = [(429, {"ok": False, "parameters": {"retry_after": 7}}), (502, b""), OK]
    waits: list[float] = []
    monkeypatch.setattr(NoticeQueue, "_pause", lambda self, seconds: waits.append(seconds))
    notices = queue(server.api)
    notices.tell(notice("x"))
    notices.close()
    assert waits == [7.0, 0.01]  # at the end no more than the first pause


def test_what_is_refused_for_good_holds_nothing_up(server: BotServer) -> None:
    refused = (400, {"ok": False, "description": "bad"})
    server.answers = [refused, refused, OK]
    notices = queue(server.api)
    notices.tell(notice("x" * 4000))
    notices.tell(notice("y" * 4000))
    notices.close()
    assert texts(server) == ["x" * 4000, "x" * 4000, "y" * 4000]  # once more without formatting


def test_the_words_of_a_lost_picture_arrive(server: BotServer, tmp_path: Path) -> None:
    notices = queue(server.api)
    notices.tell(notice("step 5", picture=tmp_path / "gone.png"))
    notices.close()
    assert texts(server) == ["step 5"]


def test_words_too_long_for_a_caption_follow_their_picture(server: BotServer, tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    picture.write_bytes(b"the picture")
    notices = queue(server.api)
    notices.tell(notice("a" * 1000 + "\n" + "b" * 1000, picture=picture))
    notices.close()
    assert server.methods() == ["sendPhoto", "sendMessage"]
    assert server.texts() == ["a" * 1000, "b" * 1000]


def test_a_full_queue_drops_the_oldest_of_the_least_important(server: BotServer) -> None:
    notices = queue(server.api, capacity=3)
    for text, importance in (
        ("trouble", Importance.TROUBLE),
        ("old", Importance.PROGRESS),
        ("new", Importance.PROGRESS),
        ("goal", Importance.RESULT),
        ("end", Importance.END),
    ):
        notices.tell(notice(text, importance))
    notices.close()
    assert texts(server) == ["trouble\ngoal\nend"]


def test_a_hanging_server_bounds_the_end(server: BotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(server, "answers", _Hanging(released))
    notices = queue(server.api, burst_s=0.0)
    notices.tell(notice("x"))
    notices.close(timeout_s=0.2)  # returns although the server has not answered
    assert not released.is_set()
    notices.tell(notice("too late"))
    released.set()
    notices._thread.join()
    assert texts(server) == ["x"]


def test_the_end_is_told_although_the_network_was_away_for_long(server: BotServer) -> None:
    server.answers = [(502, b""), (502, b""), OK]
    notices = NoticeQueue(Telegram(TOKEN, "42", server.api), Language.EN, burst_s=0.0, first_wait_s=0.01)
    notices._failures = 16  # the next pause would be of five minutes
    notices.tell(notice("still here"))
    while not server.requests:
        time.sleep(0.001)
    notices.tell(notice("the end", Importance.END))
    notices.close()
    assert texts(server)[-1] == "still here\nthe end"


def test_a_server_that_is_gone_bounds_the_end() -> None:
    with BotServer() as gone:
        api = gone.api
    notices = queue(api)
    notices.tell(notice("x"))
    notices.close(timeout_s=0.2)
    notices._thread.join()
    assert [each.message for each in notices._waiting] == ["x"]


class _Hanging(list[object]):
    """Answers that come when they are released."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__([OK])
        self._released = released

    def __len__(self) -> int:
        self._released.wait()
        return 1
