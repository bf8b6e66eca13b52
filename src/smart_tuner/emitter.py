"""Where the worker's records come together before they go to the event stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smart_tuner.heartbeat import Work
from smart_tuner.records import EventWriter, ExitCause
from tacotron2.events import Event, FinishedEvent, StageEvent, StepEvent

STAGE_RECORD_S = 1.0


class Emitter:
    """Writes events and remembers how far the training had come.

    The record that the attempt is over is held back until it is: the examination comes after the training.
    Each record, and each progress of a stage, moves `work` on.
    """

    def __init__(self, writer: EventWriter) -> None:
        self._writer = writer
        self.work = Work()
        self._stage_said_at = 0.0
        self._finished: FinishedEvent | None = None
        self.step: int | None = None

    def __call__(self, event: Event) -> None:
        self.work.moved()
        if isinstance(event, StepEvent | FinishedEvent):
            self.step = event.step
        if isinstance(event, FinishedEvent):
            self._finished = event
        else:
            self._writer.write(event)

    def stage(self, name: str) -> Callable[[int, int], None]:
        """A progress callback `(done, total)` that writes about one record a second."""

        def progress(done: int, total: int) -> None:
            self.work.moved()
            now = time.monotonic()
            if done in (0, total) or now - self._stage_said_at >= STAGE_RECORD_S:
                self._stage_said_at = now
                self(StageEvent(name, done, total))

        return progress

    @contextmanager
    def whole_stage(self, name: str) -> Iterator[None]:
        """A phase without progress of its own."""
        self(StageEvent(name, 0, 1))
        yield
        self(StageEvent(name, 1, 1))

    def end(self, cause: ExitCause) -> None:
        """The last record; `cause` counts where the training did not end, or something failed after it."""
        told = self._finished
        fits = told is not None and told.cause == cause.value
        self._writer.write(told if told and fits else FinishedEvent(self.step or 0, cause.value))
