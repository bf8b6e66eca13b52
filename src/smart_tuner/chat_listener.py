"""What the allowed chat writes to the bot, heard in a thread that disturbs nobody.

Everything that was written before the start is dropped: a wish of yesterday must not stop the run of today.
Whatever the network does costs commands at most.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from smart_tuner.messages import ChatPhrase, Message
from smart_tuner.telegram import Telegram, TelegramError

POLL_S = 25
"""How long the server may hold its answer back; it answers at once when something is written."""
LONGEST_WAIT_S = 60.0


class ChatListener:
    """Hears one chat until it is closed.

    Args:
        telegram: asks the server; closed at the end.
        chat: number or @name of the chat that is obeyed; others are not answered.
        heard: is given every text of that chat, in the thread.
        warn: is given what whoever watches the command should know; each thing once.
        first_wait_s: the pause after a failure, doubled by each further one.
    """

    def __init__(
        self,
        telegram: Telegram,
        chat: str,
        heard: Callable[[str], None],
        warn: Callable[[Message], None],
        poll_s: int = POLL_S,
        first_wait_s: float = 1.0,
    ) -> None:
        self._telegram = telegram
        self._chat = chat.casefold()
        self._heard = heard
        self._warn = warn
        self._poll_s = poll_s
        self._first_wait_s = first_wait_s
        self._failures = 0
        self._warned: set[str] = set()
        self._offset: int | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="chat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hear nothing more, at once: a question the server still holds back ends with the process."""
        self._closing.set()

    def _work(self) -> None:
        with self._telegram:
            while not self._closing.is_set():
                began = time.monotonic()
                try:
                    updates = self._next()
                except TelegramError as error:
                    self._rest(error)
                    continue
                self._failures = 0
                for update in updates:
                    if not self._closing.is_set():
                        self._hear(update)
                if not updates and time.monotonic() - began < self._first_wait_s:
                    self._closing.wait(
                        self._first_wait_s
                    )  # a server that never waits is not asked in a circle

    def _next(self) -> list[dict[str, Any]]:
        """What is new. The first question only finds out from where on that is."""
        known = self._offset
        found = (
            self._telegram.updates(-1, 0) if known is None else self._telegram.updates(known, self._poll_s)
        )
        numbers = [number for each in found if isinstance(number := each.get("update_id"), int)]
        self._offset = max([number + 1 for number in numbers], default=known or 0)
        return [] if known is None else found

    def _hear(self, update: dict[str, Any]) -> None:
        message = update.get("message")
        chat = message.get("chat") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(chat, dict):
            return
        number, name = chat.get("id"), chat.get("username")
        is_named = isinstance(name, str) and f"@{name.casefold()}" == self._chat
        if not (is_named or (isinstance(number, int) and str(number) == self._chat)):
            self._warn_once("foreign", ChatPhrase.FOREIGN_CHAT(chat=str(number)))
        elif isinstance(text := message.get("text"), str):
            self._heard(text)

    def _rest(self, error: TelegramError) -> None:
        if error.lasting:
            self._warn_once(str(error.status), ChatPhrase.NOT_LISTENING(reason=str(error)))
        grown = min(LONGEST_WAIT_S, self._first_wait_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        wait = LONGEST_WAIT_S if error.lasting else grown
        self._closing.wait(wait if error.retry_after is None else error.retry_after)

    def _warn_once(self, about: str, message: Message) -> None:
        if about not in self._warned:
            self._warned.add(about)
            self._warn(message)
