"""The sender against a Bot API server on this machine."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from smart_tuner.telegram import Telegram, TelegramError, pieces

TOKEN = "123456:a-secret-token"


class BotServer(ThreadingHTTPServer):
    """Notes what it is sent, and gives the answers it was told to, the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, Any]] = [(200, {"ok": True, "result": {}})]
        self.requests: list[tuple[str, bytes]] = []

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: BotServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, body))
        answers = self.server.answers
        status, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[BotServer]:
    with BotServer() as bot:
        threading.Thread(target=bot.serve_forever, daemon=True).start()
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
