"""Warnings that parts of the program log, for the person who runs a command."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from smart_tuner.messages.command import CommandPhrase
from smart_tuner.messages.language import Language
from smart_tuner.messages.phrase import render


class _Teller(logging.Handler):
    """The headline is in the person's language; the record itself is the log's and English."""

    def __init__(self, language: Language) -> None:
        super().__init__(logging.WARNING)
        self._language = language

    def emit(self, record: logging.LogRecord) -> None:
        told = render(CommandPhrase.WARNING(message=record.getMessage()), self._language)
        sys.stderr.write(told + "\n")
        sys.stderr.flush()


@contextmanager
def warnings_told(language: Language) -> Iterator[None]:
    """Logged warnings of this package go to standard error while the block runs."""
    logger, teller = logging.getLogger("smart_tuner"), _Teller(language)
    logger.addHandler(teller)
    try:
        yield
    finally:
        logger.removeHandler(teller)
