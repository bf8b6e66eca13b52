"""The sender against a Bot API server on this machine."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from smart_tuner.telegram import Telegram, TelegramError
from smart_tuner.text_pieces import pieces
from tests.smart_tuner.bot_server import OK, BotServer

TOKEN = "123456:a-secret-token"


@pytest.fixture
def server() -> Iterator[BotServer]:
    with BotServer() as bot:
        threading.Thread(target=bot.serve_forever, args=(0.01,), daemon=True).start()
        yield bot
        bot.shutdown()


def test_a_text_arrives_escaped(server: BotServer) -> None:
    with Telegram(TOKEN, "42", server.api) as telegram:
        telegram.send_text("loss < 1 & <b>")
    path, body = server.requests[0]
    assert path == f"/bot{TOKEN}/sendMessage"
    fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert fields == {"chat_id": "42", "parse_mode": "HTML", "text": "loss &lt; 1 &amp; &lt;b&gt;"}


def test_a_picture_arrives_with_its_caption(server: BotServer, tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    picture.write_bytes(b"the picture")
    with Telegram(TOKEN, "42", server.api) as telegram:
        telegram.send_picture(picture, "a < b")
    path, body = server.requests[0]
    assert path.endswith("/sendPhoto")
    assert b"the picture" in body and b"a &lt; b" in body


@pytest.mark.parametrize(
    ("status", "content", "retry_after", "lasting"),
    [
        (429, {"ok": False, "description": "slow", "parameters": {"retry_after": 7}}, 7.0, False),
        (400, {"ok": False, "description": f"bad {TOKEN}"}, None, True),
        (502, b"<html>", None, False),
    ],
)
def test_a_refusal_says_what_to_do(
    server: BotServer, status: int, content: Any, retry_after: float | None, lasting: bool
) -> None:
    server.answers = [(status, content)]
    with Telegram(TOKEN, "42", server.api) as telegram, pytest.raises(TelegramError) as caught:
        telegram.send_text("hello")
    assert (caught.value.retry_after, caught.value.lasting) == (retry_after, lasting)
    assert TOKEN not in str(caught.value)


def test_no_error_and_no_log_line_holds_the_token(
    server: BotServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Telegram(TOKEN, "42", server.api) as telegram:
        telegram.send_text("hello")
    with BotServer() as gone:
        api = gone.api
    with Telegram(TOKEN, "42", api) as telegram, pytest.raises(TelegramError) as caught:
        telegram.send_text("hello")
    assert TOKEN not in "".join(traceback.format_exception(caught.value)) + caplog.text + repr(telegram)


def test_a_text_whose_formatting_is_refused_comes_plainly(server: BotServer) -> None:
    server.answers = [(400, {"ok": False, "description": "can't parse entities"}), OK]
    with Telegram(TOKEN, "42", server.api) as telegram:
        telegram.send_text("a < b")
    assert server.fields(1) == {"chat_id": "42", "text": "a < b"}


def test_a_picture_that_is_no_photo_comes_as_a_file(server: BotServer, tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    picture.write_bytes(b"the picture")
    server.answers = [(400, {"ok": False, "description": "PHOTO_INVALID_DIMENSIONS"}), OK]
    with Telegram(TOKEN, "42", server.api) as telegram:
        telegram.send_picture(picture, "a < b")
    assert server.methods() == ["sendPhoto", "sendDocument"]
    assert server.fields(1) == {"chat_id": "42", "caption": "a < b", "document": "map.png"}


def test_a_slow_server_is_given_up(server: BotServer) -> None:
    server.write("hello")
    with Telegram(TOKEN, "42", server.api, timeout_s=0.05) as telegram:
        assert [each["message"]["text"] for each in telegram.updates(0, 1)] == ["hello"]
        with pytest.raises(TelegramError, match="ReadTimeout") as caught:
            telegram._call("getUpdates", {"offset": "1000", "timeout": "5"})  # longer than is waited here
    assert not caught.value.lasting and caught.value.status == 0


@pytest.mark.parametrize("result", [None, {}, "x", [1, None]])
def test_updates_that_are_none_are_none(server: BotServer, result: Any) -> None:
    server.poll_troubles = [(200, {"ok": True, "result": result})]
    with Telegram(TOKEN, "42", server.api) as telegram:
        assert telegram.updates(0, 0) == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("short", ["short"]),
        ("one\ntwo\nthree", ["one\ntwo", "three"]),
        ("abcdefghijkl", ["abcdefgh", "ijkl"]),
        ("😀😀😀😀😀", ["😀😀😀😀", "😀"]),
    ],
)
def test_a_long_text_is_cut(text: str, parts: list[str]) -> None:
    assert list(pieces(text, 8)) == parts
