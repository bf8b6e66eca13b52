"""Notices on their way: a thread that sends, merges and waits, so that a training never does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from smart_tuner.messages import Language, render
from smart_tuner.notices import Notice
from smart_tuner.telegram import CAPTION_LIMIT, TEXT_LIMIT, Telegram, TelegramError
from smart_tuner.text_pieces import pieces, units

CAPACITY = 64
LONGEST_WAIT_S = 300.0
CLOSE_S = 10.0
_logger = logging.getLogger(__name__)


class NoticeQueue:
    """A `Notifier` that writes to a chat.

    Args:
        telegram: the sender; closed at the end.
        language: of whoever reads.
        capacity: notices that may wait; beyond it the oldest of the least important goes.
        burst_s: how long a notice waits for others that can share its message.
        first_wait_s: the pause after a failure, doubled by each further one.
    """

    def __init__(
        self,
        telegram: Telegram,
        language: Language,
        capacity: int = CAPACITY,
        burst_s: float = 1.0,
        first_wait_s: float = 1.0,
    ) -> None:
        self._telegram = telegram
        self._language = language
        self._capacity = capacity
        self._burst_s = burst_s
        self._first_wait_s = first_wait_s
        self._waiting: list[Notice] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._failures = 0
        self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
        self._thread.start()

    def tell(self, notice: Notice) -> None:
        """As `Notifier`."""
        with self._changed:
            if self._closing.is_set():
                return
            self._waiting.append(notice)
            self._make_room()
            self._changed.notify()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Send what is left, for at most `timeout_s` seconds."""
        with self._changed:
            self._deadline = time.monotonic() + timeout_s
            self._closing.set()
            self._changed.notify()
        self._thread.join(timeout_s)

    def _make_room(self) -> None:
        while len(self._waiting) > self._capacity:
            least = min(range(len(self._waiting)), key=lambda index: self._waiting[index].importance)
            del self._waiting[least]

    def _work(self) -> None:
        with self._telegram:
            while self._wait_for_one():
                self._closing.wait(self._burst_s)
                batch = self._take()
                try:
                    self._send(batch)
                    self._failures = 0
                except TelegramError as error:
                    self._answer(error, batch)

    def _wait_for_one(self) -> bool:
        """Until there is something to send; False when there will be nothing more, or no time for it."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            return bool(self._waiting) and time.monotonic() < self._deadline

    def _take(self) -> list[Notice]:
        """The first notice, and those after it that fit into the same message."""
        with self._changed:
            count, length = 1, self._length(self._waiting[0])
            if _is_text(self._waiting[0]):
                for notice in self._waiting[1:]:
                    length += self._length(notice) + 1
                    if not _is_text(notice) or length > TEXT_LIMIT:
                        break
                    count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def _length(self, notice: Notice) -> int:
        return units(self._text([notice]))

    def _text(self, batch: Sequence[Notice]) -> str:
        text = "\n".join(render(notice.message, self._language) for notice in batch)
        return text.encode("utf-8", "replace").decode("utf-8")

    def _send(self, batch: Sequence[Notice]) -> None:
        text, first = self._text(batch), batch[0]
        if _is_text(first):
            for piece in pieces(text, TEXT_LIMIT):
                self._telegram.send_text(piece)
            return
        caption, *more = pieces(text, CAPTION_LIMIT)
        try:
            if first.picture is not None:
                self._telegram.send_picture(first.picture, caption)
            elif first.audio is not None:
                self._telegram.send_audio(first.audio, caption)
        except TelegramError as error:
            if not error.lasting:
                raise
            self._telegram.send_text(caption)  # a file that is gone or refused must not take its words along
        for piece in more:
            self._telegram.send_text(piece)

    def _answer(self, error: TelegramError, batch: list[Notice]) -> None:
        """Drop what can never arrive; wait with everything else."""
        if error.lasting:
            _logger.info("a notice was refused: %s", error)
            return
        grown = min(LONGEST_WAIT_S, self._first_wait_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        with self._changed:
            self._waiting = [*batch, *self._waiting]
            self._make_room()
        if error.retry_after is not None:
            self._pause(error.retry_after)
        elif self._closing.wait(grown):  # the end is no time for long waits: a last attempt, or few
            self._failures = 0
            self._pause(self._first_wait_s)

    def _pause(self, seconds: float) -> None:
        """The wait; at the end until the deadline at most."""
        until = time.monotonic() + seconds
        if not self._closing.wait(seconds):
            return
        time.sleep(max(0.0, min(until, self._deadline) - time.monotonic()))


def _is_text(notice: Notice) -> bool:
    return notice.picture is None and notice.audio is None
