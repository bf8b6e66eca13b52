"""A bot of Telegram: sends texts, pictures and audio, and asks what was written to it.

The address of every request holds the token. So nothing here logs it, and an error carries neither the
address nor the error that did. Texts are HTML, of which three characters must be escaped.
"""

from __future__ import annotations

import html
import logging
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

API = "https://api.telegram.org"
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
TIMEOUT_S = 20.0
BAD_REQUEST = 400


class TelegramError(Exception):
    """A request failed; the text names neither token nor address.

    Attributes:
        status: of the answer; 0: there was none.
        retry_after: seconds the server wants us to wait; None: it did not say.
        lasting: the same request would fail again.
    """

    def __init__(
        self, reason: str, status: int = 0, retry_after: float | None = None, lasting: bool = False
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after
        self.lasting = lasting


class Telegram:
    """One bot that writes to one chat.

    Args:
        token: of the bot; a secret.
        chat: number or @name of the chat.
        api: where the Bot API is.
        timeout_s: what connecting, and each wait for bytes, may take.
    """

    def __init__(self, token: str, chat: str, api: str = API, timeout_s: float = TIMEOUT_S) -> None:
        logging.getLogger("httpx2").setLevel(logging.ERROR)  # it tells the whole address of every request
        logging.getLogger("httpcore2").setLevel(logging.ERROR)
        self._token = token
        self._chat = chat
        self._base = f"{api.rstrip('/')}/bot{token}"
        self._timeout_s = timeout_s
        self._client = httpx2.Client(timeout=timeout_s)

    def __enter__(self) -> Telegram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def send_text(self, text: str) -> None:
        """Plain text of at most `TEXT_LIMIT` characters, as `pieces` cuts it.

        Raises:
            TelegramError: it was not taken.
        """
        try:
            self._send("sendMessage", {"text": html.escape(text, quote=False), "parse_mode": "HTML"})
        except TelegramError as error:
            if error.status != BAD_REQUEST:
                raise
            self._send("sendMessage", {"text": text})  # whatever was wrong with the formatting

    def send_picture(self, picture: Path, caption: str = "") -> None:
        """A picture with a plain caption of at most `CAPTION_LIMIT` characters; a file where it is no photo.

        Raises:
            TelegramError: it cannot be read, or was not taken.
        """
        self._send_file("sendPhoto", "photo", picture, caption)

    def send_audio(self, audio: Path, caption: str = "") -> None:
        """A recording, as `send_picture`."""
        self._send_file("sendAudio", "audio", audio, caption)

    def bot_name(self) -> str:
        """The bot's own name. TelegramError: the token is wrong, or there was no answer."""
        return str(dict(self._call("getMe", {}) or {}).get("username", ""))

    def updates(self, offset: int, wait_s: int) -> list[dict[str, Any]]:
        """What was written to the bot, from a number on; the server waits up to `wait_s` for something.

        A negative offset counts from the end, and what lies before it is forgotten.

        Raises:
            TelegramError: there was no list.
        """
        asked = {"offset": str(offset), "timeout": str(wait_s), "allowed_updates": '["message"]'}
        found = self._call("getUpdates", asked, wait_s=wait_s)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _send_file(self, method: str, field: str, path: Path, caption: str) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TelegramError(f"{path.name}: {error.strerror}", lasting=True) from None
        fields = {"caption": html.escape(caption, quote=False), "parse_mode": "HTML"}
        try:
            self._send(method, fields, {field: (path.name, content)})
        except TelegramError as error:
            if error.status != BAD_REQUEST:
                raise
            self._send("sendDocument", {"caption": caption}, {"document": (path.name, content)})

    def _send(self, method: str, fields: dict[str, str], files: dict[str, Any] | None = None) -> None:
        self._call(method, {"chat_id": self._chat, **fields}, files)

    def _call(
        self, method: str, fields: dict[str, str], files: dict[str, Any] | None = None, wait_s: float = 0.0
    ) -> Any:
        timeout = httpx2.Timeout(self._timeout_s, read=self._timeout_s + wait_s)
        try:
            response = self._client.post(f"{self._base}/{method}", data=fields, files=files, timeout=timeout)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise TelegramError(f"no answer ({type(error).__name__})") from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TelegramError(f"status {response.status_code}", response.status_code) from None
        if answer.get("ok") is True:
            return answer.get("result")
        raise self._refusal(response.status_code, answer)

    def _refusal(self, status: int, answer: dict[str, Any]) -> TelegramError:
        reason = str(answer.get("description") or "").replace(self._token, "***")
        parameters = answer.get("parameters")
        wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
        after = float(wait) if isinstance(wait, int | float) and wait >= 0 else None
        lasting = 400 <= status < 500 and status not in (408, 429)
        return TelegramError(f"status {status}: {reason}", status, after, lasting)
