"""What the person in front of the screen sees: a bar on a terminal, plain lines without one."""

from __future__ import annotations

import math
import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, TextIO

from smart_tuner.messages import Language, Message, TrainingPhrase, render
from smart_tuner.report_words import report_told
from smart_tuner.wording import STAGES, losses, named, sentence
from tacotron2.events import (
    ReportEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PLAIN_INTERVAL_S = 30.0


class Verbosity(IntEnum):
    """How much is said."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


def verbosity(verbose: bool, quiet: bool) -> Verbosity:
    """What two options ask for together; they exclude each other."""
    return Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else Verbosity.NORMAL


class Output:
    """Lines for a person, from any thread; above the bar while one is shown.

    A reader that went away (`| head`) must not end a training: then nothing is said.

    Args:
        stream: where lines go.
        verbosity: QUIET keeps warnings and results only.
        language: of the person who reads.
    """

    def __init__(
        self, stream: TextIO, verbosity: Verbosity = Verbosity.NORMAL, language: Language = Language.EN
    ) -> None:
        self.stream = stream
        self.verbosity = verbosity
        self.language = language
        self._closed = False
        self._lock = threading.RLock()
        self._write: Callable[[str], None] = self._write_plainly

    @property
    def interactive(self) -> bool:
        """Somebody may be sitting there."""
        return not self._closed and self.stream.isatty()

    def say(self, *lines: Message | str) -> None:
        """Something that helps to follow the work; several lines stay together.

        A string is a name, or a line in the reader's language already.
        """
        if self.verbosity >= Verbosity.NORMAL:
            self.result(*lines)

    def result(self, *lines: Message | str) -> None:
        """Something that is always wanted."""
        text = "\n".join(render(line, self.language) for line in lines)
        with self._lock:
            if self._closed:
                return
            try:
                self._write(text)
            except UnicodeEncodeError:
                self._write(text.encode("ascii", "backslashreplace").decode("ascii"))
            except OSError:  # nobody listens any more, or a full disk: no reason to end a training
                self._closed = True
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())

    def write_by(self, write: Callable[[str], None] | None) -> None:
        """Give lines to whoever holds the last line of the terminal; None: write them plainly again."""
        with self._lock:
            self._write = write or self._write_plainly

    def _write_plainly(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()


class RunFigures:
    """The state of a run as far as its events have told it.

    Args:
        max_train_s: the training's time limit in seconds; 0: none.
    """

    def __init__(self, max_train_s: float = 0.0) -> None:
        self._max_train_s = max_train_s
        self._started: Stamped | None = None
        self._first_step = 0
        self._last: StepEvent | None = None
        self._last_time = 0.0
        self.max_steps = 0
        self.alignment = math.nan

    @property
    def step(self) -> int:
        """Updates done."""
        return self._last.step if self._last else self._first_step

    def update(self, stamped: Stamped) -> None:
        """Take one more record into account."""
        event = stamped.event
        if isinstance(event, StartedEvent):
            self._started, self._last = stamped, None
            self._first_step = event.resumed_from_step or 0
            self.max_steps = event.max_steps
        elif isinstance(event, StepEvent):
            self._last, self._last_time = event, stamped.time
        elif isinstance(event, ValidationEvent):
            self.alignment = event.free_running.get("attention_alignment", math.nan)

    def eta_s(self) -> float:
        """Seconds of training left, validations included; NaN before the first steps."""
        if self._started is None or self._last is None or self._last.step <= self._first_step:
            return math.nan
        elapsed = self._last_time - self._started.time
        each = elapsed / (self._last.step - self._first_step)
        left = each * (self.max_steps - self._last.step)
        if not self._max_train_s:
            return left
        # The limit counts all attempts; earlier ones are taken to have been as fast as this one.
        return min(left, max(0.0, self._max_train_s - elapsed - each * self._first_step))

    def rates(self, language: Language) -> str:
        """`2.10 steps/s, 5,400 mel frames/s, alignment 0.43, 8 min left`."""
        if self._last is None:
            return ""
        last, parts = self._last, []
        if last.step_seconds > 0:
            parts.append(TrainingPhrase.STEP_RATE(rate=1 / last.step_seconds))
        if math.isfinite(last.mel_frames_per_s):
            parts.append(TrainingPhrase.FRAME_RATE(rate=round(last.mel_frames_per_s)))
        if not math.isnan(self.alignment):
            parts.append(TrainingPhrase.ALIGNMENT(value=self.alignment))
        if not math.isnan(self.eta_s()):
            parts.append(TrainingPhrase.TIME_LEFT(seconds=self.eta_s()))
        return ", ".join(render(part, language) for part in parts)


class ProgressView(ABC):
    """Follows a run. The subclasses differ in how a moving figure is shown."""

    def __init__(self, output: Output, max_train_s: float = 0.0) -> None:
        self._output = output
        self._language = output.language
        self._figures = RunFigures(max_train_s)

    def show(self, stamped: Stamped) -> None:
        """Take one record and show what it changes."""
        self._figures.update(stamped)
        event = stamped.event
        told = report_told(event, self._language) if isinstance(event, ReportEvent) else ""
        line = told or sentence(stamped, self._language)
        if line:
            self.line(line)
        if isinstance(event, StepEvent) and self._output.verbosity >= Verbosity.VERBOSE:
            self.line(losses(event, self._language))
        self.move(stamped)

    def line(self, text: Message | str) -> None:
        """A sentence that stays."""
        self._output.say(text)

    @abstractmethod
    def move(self, stamped: Stamped) -> None:
        """Show a figure that moves."""

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was."""


class PlainProgress(ProgressView):
    """For logs and pipes: a line at least every `PLAIN_INTERVAL_S` in which something happens."""

    def __init__(self, output: Output, max_train_s: float = 0.0) -> None:
        super().__init__(output, max_train_s)
        self._said_at = -math.inf
        self._stage = ""

    def move(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, StageEvent) and event.name != "training":
            finished = event.total > 1 and event.done == event.total
            if event.name != self._stage or finished or self._due(stamped.time):
                self._stage, self._said_at = event.name, stamped.time
                stage = named(event.name, STAGES, self._language)
                counted = TrainingPhrase.STAGE_PROGRESS(stage=stage, done=event.done, total=event.total)
                self.line(counted if event.total > 1 else stage)
        elif isinstance(event, StepEvent) and self._due(stamped.time):
            self._said_at = stamped.time
            total, rates = self._figures.max_steps, self._figures.rates(self._language)
            self.line(TrainingPhrase.STEP(step=event.step, total=total, rates=rates))

    def close(self) -> None:
        pass  # lines are complete as they stand

    def _due(self, time: float) -> bool:
        return time - self._said_at >= PLAIN_INTERVAL_S


class BarProgress(ProgressView):
    """For a terminal: one bar, a phase at a time, the sentences above it."""

    def __init__(self, output: Output, max_train_s: float = 0.0) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        super().__init__(output, max_train_s)
        self._bar: RichProgress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            console=Console(file=output.stream, highlight=False, markup=False),
            refresh_per_second=2,
            transient=True,
        )
        self._task = self._bar.add_task(
            render(TrainingPhrase.STAGE_STARTING(), output.language), total=None, figures=""
        )
        self._bar.start()
        output.write_by(self._print_above)

    def _print_above(self, text: str) -> None:
        self._bar.console.print(text, soft_wrap=True)

    def move(self, stamped: Stamped) -> None:
        event, figures = stamped.event, self._figures
        if isinstance(event, StageEvent) and event.name != "training":
            self._show(event.name, event.done, event.total)
        elif isinstance(event, StartedEvent | StepEvent | ValidationEvent):
            self._show("training", figures.step, figures.max_steps, figures.rates(self._language))

    def _show(self, stage: str, done: int, total: int, rates: str = "") -> None:
        count = render(TrainingPhrase.COUNT(done=done, total=total), self._language) if total > 1 else ""
        self._bar.update(
            self._task,
            description=named(stage, STAGES, self._language),
            total=total,
            completed=done,
            figures=", ".join(filter(None, (count, rates))),
        )

    def close(self) -> None:
        self._output.write_by(None)
        self._bar.stop()


def make_progress(output: Output, max_train_s: float = 0.0) -> ProgressView:
    """A bar for a terminal, lines for everything else."""
    bar = output.interactive and output.verbosity >= Verbosity.NORMAL
    return BarProgress(output, max_train_s) if bar else PlainProgress(output, max_train_s)
