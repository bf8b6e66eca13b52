"""What somebody who is away may ask for from the chat, and how each wish is answered."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Protocol

from smart_tuner.messages import ChatPhrase, Message
from smart_tuner.notices import Importance, Notice, NoticeKind, Notifier

CODE_DIGITS = 4
CONFIRM_S = 120.0
"""How long a question whether to stop waits for its answer."""
TEXT_LIMIT = 300
"""Characters of one `/say`."""


class ChatSubject(Protocol):
    """What is asked about. `plot` and `say` may take their time; they are called in a thread of their own."""

    @property
    def name(self) -> str:
        """What it is called."""

    def status(self) -> str:
        """What it does now, in the reader's language."""

    def plot(self) -> list[Notice]:
        """Its pictures, or words why there are none."""

    def say(self, text: str) -> Notice:
        """The text as the newest voice speaks it, or words why it is not spoken."""

    def stop(self) -> bool:
        """Ask it to end with everything saved; False: it has ended already."""

    def close(self) -> None:
        """End what `plot` and `say` have begun."""


def answer(message: Message | str) -> Notice:
    """Words that answer a command."""
    return Notice(NoticeKind.ANSWER, Importance.RESULT, message)


class ChatCommands:
    """Answers what was heard, through a notifier.

    Args:
        subject: the run or the study.
        notifier: takes the answers; it writes to the allowed chat alone.
        clock: seconds.
    """

    def __init__(
        self, subject: ChatSubject, notifier: Notifier, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._subject = subject
        self._notifier = notifier
        self._clock = clock
        self._code: tuple[str, float] | None = None
        self._errand: threading.Thread | None = None
        self._stopping = False

    def heard(self, text: str) -> None:
        """Obey one text; what is no command is talk."""
        name, _, rest = text.strip().partition(" ")
        name, *lines = name.split("\n", 1)
        rest = " ".join([*lines, rest]).strip()
        if not name.startswith("/"):
            return
        command = name.partition("@")[0].casefold()  # in a group a bot is called by its name
        if command == "/status":
            self._tell(self._subject.status())
        elif command == "/plot":
            self._begin(self._subject.plot)
        elif command == "/say":
            self._say(rest)
        elif command == "/stop":
            self._stop(rest)
        elif command in ("/help", "/start"):
            self._tell(ChatPhrase.HELP(name=self._subject.name))
        else:
            self._tell(ChatPhrase.NO_SUCH_COMMAND(command=name[:TEXT_LIMIT]))

    def _tell(self, message: Message | str) -> None:
        self._notifier.tell(answer(message))

    def _say(self, text: str) -> None:
        if not text:
            self._tell(ChatPhrase.SAY_WHAT())
        elif len(text) > TEXT_LIMIT:
            self._tell(ChatPhrase.TOO_LONG(length=len(text), limit=TEXT_LIMIT))
        else:
            self._begin(lambda: [self._subject.say(text)])

    def _begin(self, work: Callable[[], list[Notice]]) -> None:
        """In a thread, one at a time, so that `/stop` is heard meanwhile."""
        if self._errand is not None and self._errand.is_alive():
            self._tell(ChatPhrase.BUSY())
            return

        def run() -> None:
            for notice in work():
                self._notifier.tell(notice)

        self._errand = threading.Thread(target=run, name="errand", daemon=True)
        self._errand.start()

    def _stop(self, code: str) -> None:
        """Ask back; a code is good once and for a while, and a wrong one spoils it."""
        asked, self._code = self._code, None
        if self._stopping:
            self._tell(ChatPhrase.STOPPING_ALREADY(name=self._subject.name))
        elif not code:
            fresh = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
            self._code = fresh, self._clock() + CONFIRM_S
            asks = ChatPhrase.ASK_STOP(name=self._subject.name, code=fresh, seconds=CONFIRM_S)
            self._tell(asks)
        elif asked is None or not secrets.compare_digest(asked[0].encode(), code.encode()):
            self._tell(ChatPhrase.WRONG_CODE(name=self._subject.name))
        elif self._clock() > asked[1]:
            self._tell(ChatPhrase.CODE_EXPIRED(name=self._subject.name))
        else:
            self._stopping = self._subject.stop()
            stopped = ChatPhrase.STOP_BEGUN if self._stopping else ChatPhrase.ENDED_ALREADY
            self._tell(stopped(name=self._subject.name))
