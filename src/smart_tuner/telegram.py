"""A sender for the Bot API of Telegram: texts, pictures, audio.

The address of every request holds the token. So nothing here logs it, and an error carries neither the
address nor the error that did. Texts are HTML, of which three characters must be escaped.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

API = "https://api.telegram.org"
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
TIMEOUT_S = 20.0


class TelegramError(Exception):
    """A request failed; the text names neither token nor address.

    Attributes:
        retry_after: seconds the server wants us to wait; None: it did not say.
        lasting: the same request would fail again.
    """

    def __init__(self, reason: str, retry_after: float | None = None, lasting: bool = False) -> None:
        super().__init__(reason)
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
        self._client = httpx2.Client(timeout=timeout_s)

    def __enter__(self) -> Telegram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "Telegram()"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send_text(self, text: str) -> None:
        """Plain text of at most `TEXT_LIMIT` characters, as `pieces` cuts it.

        Raises:
            TelegramError: it was not taken.
        """
        self._call("sendMessage", {"text": html.escape(text, quote=False), "parse_mode": "HTML"})

    def send_picture(self, picture: Path, caption: str = "") -> None:
        """A picture with a plain caption of at most `CAPTION_LIMIT` characters.

        Raises:
            TelegramError: it cannot be read, or was not taken.
        """
        self._send_file("sendPhoto", "photo", picture, caption)

    def send_audio(self, audio: Path, caption: str = "") -> None:
        """A recording, as `send_picture`."""
        self._send_file("sendAudio", "audio", audio, caption)

    def _send_file(self, method: str, field: str, path: Path, caption: str) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise TelegramError(f"{path.name}: {error.strerror}", lasting=True) from None
        fields = {"caption": html.escape(caption, quote=False), "parse_mode": "HTML"}
        self._call(method, fields, {field: (path.name, content)})

    def _call(self, method: str, fields: dict[str, str], files: dict[str, Any] | None = None) -> Any:
        try:
            response = self._client.post(
                f"{self._base}/{method}", data={"chat_id": self._chat, **fields}, files=files
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise TelegramError(f"no answer ({type(error).__name__})") from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise TelegramError(f"status {response.status_code}") from None
        if answer.get("ok") is True:
            return answer.get("result")
        raise self._refusal(response.status_code, answer)

    def _refusal(self, status: int, answer: dict[str, Any]) -> TelegramError:
        reason = str(answer.get("description") or "").replace(self._token, "***")
        parameters = answer.get("parameters")
        wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
        after = float(wait) if isinstance(wait, int | float) and wait >= 0 else None
        lasting = 400 <= status < 500 and status not in (408, 429)
        return TelegramError(f"status {status}: {reason}", after, lasting)


def pieces(text: str, limit: int) -> Iterator[str]:
    """A text in parts of at most `limit` UTF-16 units, as the server counts, cut at line ends."""
    while _units(text) > limit:
        cut = limit
        while _units(text[:cut]) > limit:
            cut -= 1
        line_end = text.rfind("\n", 1, cut + 1)
        yield text[: line_end if line_end > 0 else cut]
        text = text[line_end + 1 if line_end > 0 else cut :]
    yield text


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
