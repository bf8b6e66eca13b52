"""A Bot API server on this machine: real HTTP, with the troubles it was told to make."""

from __future__ import annotations

import json
import threading
import time
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

OK = (200, {"ok": True, "result": {}})
CHAT = "42"
Answer = tuple[int, Any]


class BotServer(ThreadingHTTPServer):
    """Notes what it is sent, and gives the answers it was told to, the last one again and again.

    What was written to the bot is asked for apart, and held back as the real server does.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = [OK]
        self.requests: list[tuple[str, bytes]] = []
        self.types: list[str] = []
        self.poll_troubles: list[Answer] = []
        """Answers to the next questions for updates, before the true ones."""
        self.polls: list[dict[str, str]] = []
        self._updates: list[dict[str, Any]] = []
        self._written = threading.Condition()
        self._number = 100

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def write(self, text: str, chat: int = int(CHAT), message: dict[str, Any] | None = None) -> None:
        """Somebody writes to the bot."""
        with self._written:
            self._number += 1
            content = {"chat": {"id": chat}, "text": text} | (message or {})
            self._updates.append({"update_id": self._number, "message": content})
            self._written.notify_all()

    def updates(self, offset: int, wait_s: float) -> list[dict[str, Any]]:
        """As `getUpdates`: what is older than the offset is confirmed and forgotten."""
        with self._written:
            if offset < 0:
                self._updates = self._updates[offset:]
            else:
                self._updates = [each for each in self._updates if each["update_id"] >= offset]
            self._written.wait_for(lambda: self._updates, wait_s)
            return list(self._updates)

    def texts(self) -> list[str]:
        """The messages and captions that came, in their order."""
        fields = [self.fields(place) for place in range(len(self.requests))]
        return [each.get("text", each.get("caption", "")) for each in fields]

    def methods(self) -> list[str]:
        """The methods that were called to send something."""
        return [path.rpartition("/")[2] for path, _ in self.requests]

    def fields(self, place: int) -> dict[str, str]:
        """The fields of one request; files by name and size."""
        return _fields(self.types[place], self.requests[place][1])

    def wait_for(self, part: str, limit_s: float = 30.0) -> str:
        """The first message with these words, as soon as it is here."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            for text in self.texts():
                if part in text:
                    return text
            time.sleep(0.01)
        raise AssertionError(f"{part!r} did not come: {self.texts()}")


def _fields(kind: str, body: bytes) -> dict[str, str]:
    if not kind.startswith("multipart/"):
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    fields = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            fields[str(name)] = part.get_filename() or content.decode()
    return fields


class _Handler(BaseHTTPRequestHandler):
    server: BotServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        status, content = self._asked(body) if self.path.endswith("/getUpdates") else self._sent(kind, body)
        try:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        except OSError:
            pass  # whoever asked is gone

    def _sent(self, kind: str, body: bytes) -> Answer:
        self.server.types.append(kind)
        self.server.requests.append((self.path, body))
        answers = self.server.answers
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _asked(self, body: bytes) -> Answer:
        fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.server.polls.append(fields)
        if self.server.poll_troubles:
            return self.server.poll_troubles.pop(0)
        found = self.server.updates(int(fields["offset"]), float(fields["timeout"]))
        return 200, {"ok": True, "result": found}

    def log_message(self, format: str, *args: Any) -> None:
        pass
