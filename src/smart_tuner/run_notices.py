"""From the records of a run to what somebody who is away is told of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from smart_tuner.messages import EndPhrase, Language, Message, NoticePhrase, Phrase, RecoveryPhrase
from smart_tuner.notice_queue import NoticeQueue
from smart_tuner.notice_settings import NoticeSettings, SecretsError, read_secrets
from smart_tuner.notices import Importance, NoNotices, Notice, NoticeKind, Notifier
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder
from smart_tuner.telegram import API, Telegram
from smart_tuner.wording import CAUSES, sentence
from tacotron2.events import (
    CheckpointEvent,
    Event,
    IncidentEvent,
    RestartEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

API_VARIABLE = "SMART_TUNER_TELEGRAM_API"
ALIGNMENT_DEADLINE = 1000
CONFIRMED_BY = 2
"""Readings in a row that make a goal reached, so that one lucky reading does not."""


@dataclass(frozen=True)
class Goal:
    """A bar that a figure of the run is to pass; above it or below it."""

    phrase: Phrase
    bar: float
    above: bool
    inclusive: bool = False
    deadline: int | None = None

    def met(self, value: float) -> bool:
        """Whether one reading passes; NaN never does."""
        if self.inclusive and value == self.bar:
            return True
        return value > self.bar if self.above else value < self.bar


GOALS: dict[str, Goal] = {
    "attention_alignment": Goal(NoticePhrase.GOAL_ALIGNMENT, 0.4, above=True, deadline=ALIGNMENT_DEADLINE),
    "reference_loss": Goal(NoticePhrase.GOAL_REFERENCE_LOSS, 0.8, above=False, inclusive=True),
    "val_loss": Goal(NoticePhrase.GOAL_VALIDATION_LOSS, 30.0, above=False),
    "gate_accuracy": Goal(NoticePhrase.GOAL_GATE_ACCURACY, 0.6, above=True),
}


class Goals:
    """Which goals a run has reached; fed with all of its records, it knows the same after a resume."""

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self._streaks: dict[str, int] = {}
        self._first_step: dict[str, int] = {}

    def update(self, event: Event) -> list[Message]:
        """Take one record in; the goals it reaches, each once for the run."""
        if isinstance(event, StartedEvent):
            self._streaks.clear()
        told = []
        for name, (step, value) in _readings(event).items():
            goal = GOALS[name]
            if name in self.reached:
                continue
            if not goal.met(value):
                self._streaks[name] = 0
                continue
            self._streaks[name] = self._streaks.get(name, 0) + 1
            if self._streaks[name] == 1:
                self._first_step[name] = step
            late = goal.deadline is not None and self._first_step[name] > goal.deadline
            if self._streaks[name] >= CONFIRMED_BY and not late:
                self.reached.add(name)
                extra: dict[str, int] = {} if goal.deadline is None else {"deadline": goal.deadline}
                parameters = {"step": self._first_step[name], "value": value, "bar": goal.bar, **extra}
                told.append(Message(goal.phrase, parameters))
        return told


def _readings(event: Event) -> dict[str, tuple[int, float]]:
    if isinstance(event, StepEvent):
        return {"reference_loss": (event.step, event.train_reference_loss)}
    if isinstance(event, ValidationEvent):
        return {
            "attention_alignment": (event.step, event.free_running.get("attention_alignment", math.nan)),
            "val_loss": (event.step, event.teacher_forced.get("val_loss", math.nan)),
            "gate_accuracy": (event.step, event.teacher_forced.get("gate_accuracy", math.nan)),
        }
    return {}


class RunNotices:
    """Follows one run; what earlier attempts have told already comes from its `events.jsonl`.

    Args:
        notifier: takes what is to be told.
        run: the run.
        settings: how often progress is told.
        language: of whoever reads.
    """

    def __init__(
        self, notifier: Notifier, run: RunFolder, settings: NoticeSettings, language: Language
    ) -> None:
        self._notifier = notifier
        self._run = run
        self._every = settings.every_steps
        self._language = language
        self._goals = Goals()
        self._started = False
        self._last_told: dict[NoticeKind, int] = {}
        for stamped in read_events(run.events_file)[0]:
            self._goals.update(stamped.event)
            if isinstance(stamped.event, ValidationEvent):
                self._is_due(NoticeKind.VALIDATION, stamped.event.step)

    def show(self, stamped: Stamped) -> None:
        """Tell what one more record deserves."""
        event = stamped.event
        if isinstance(event, StartedEvent) and not self._started:
            self._started = True
            self._tell(NoticeKind.STARTED, Importance.RESULT, sentence(stamped, self._language))
        elif isinstance(event, IncidentEvent):
            self._tell(NoticeKind.INCIDENT, Importance.TROUBLE, sentence(stamped, self._language))
        elif isinstance(event, RestartEvent):
            self._tell(NoticeKind.RESTART, Importance.TROUBLE, _restart(event))
        elif isinstance(event, CheckpointEvent) and event.role == "best":
            if self._is_due(NoticeKind.BEST_MODEL, event.step):
                best = NoticePhrase.BEST_MODEL(step=event.step)
                self._tell(NoticeKind.BEST_MODEL, Importance.PROGRESS, best)
        elif isinstance(event, ValidationEvent) and self._is_due(NoticeKind.VALIDATION, event.step):
            self._tell_validation(stamped, event)
        for goal in self._goals.update(event):
            self._tell(NoticeKind.GOAL, Importance.RESULT, goal)

    def ended(self, outcome: Outcome) -> None:
        """Tell how it ended and why, and let the voice be heard where there is one."""
        reason = outcome.reason
        why = reason if isinstance(reason, Message) else EndPhrase.DETAIL(detail=reason)
        if outcome.cause is ExitCause.COMPLETED:
            told = NoticePhrase.RUN_FINISHED(step=outcome.step or 0, reason=why)
            self._tell(NoticeKind.FINISHED, Importance.END, told)
        else:
            cause = CAUSES[outcome.cause]()
            told = NoticePhrase.RUN_STOPPED(cause=cause, step=outcome.step or 0, reason=why)
            self._tell(NoticeKind.STOPPED, Importance.END, told)
        samples = sorted(self._run.samples_folder.glob("*.wav"))
        if samples and outcome.cause in (ExitCause.COMPLETED, ExitCause.STOPPED):
            message = NoticePhrase.RUN_TOLD(run=self._run.name, told=NoticePhrase.FINAL_AUDIO())
            self._notifier.tell(Notice(NoticeKind.AUDIO, Importance.END, message, audio=samples[0]))

    def _tell_validation(self, stamped: Stamped, event: ValidationEvent) -> None:
        told = NoticePhrase.RUN_TOLD(run=self._run.name, told=sentence(stamped, self._language))
        picture = self._run.path / event.attention_image if event.attention_image else None
        self._notifier.tell(Notice(NoticeKind.VALIDATION, Importance.PROGRESS, told, picture))

    def _tell(self, kind: NoticeKind, importance: Importance, told: Message | str) -> None:
        self._notifier.tell(Notice(kind, importance, NoticePhrase.RUN_TOLD(run=self._run.name, told=told)))

    def _is_due(self, kind: NoticeKind, step: int) -> bool:
        """Whether enough steps went by since the last of its kind; a rolled back step begins anew."""
        last = self._last_told.get(kind)
        if last is not None and last <= step < last + self._every:
            return False
        self._last_told[kind] = step
        return True


def _restart(event: RestartEvent) -> Message:
    resume = event.resume_step
    place = RecoveryPhrase.ANEW() if resume is None else RecoveryPhrase.FROM_STEP(step=resume)
    changes = tuple(NoticePhrase.PLAN_CHANGE(change=change) for change in event.changes)
    return NoticePhrase.RESTARTED(
        attempt=event.attempt,
        delay=event.delay_s,
        cause=CAUSES[ExitCause(event.cause)](),
        step=event.step,
        plan=(place, *changes),
    )


def make_telegram(settings: NoticeSettings, environ: Mapping[str, str]) -> Telegram | None:
    """The sender that settings and environment allow; None: notices are off, or there are no secrets.

    Raises:
        SecretsError: as `read_secrets`.
    """
    if settings.notify == "off":
        return None
    secrets = read_secrets(settings, environ)
    if secrets is None:
        return None
    return Telegram(secrets.token, secrets.chat, environ.get(API_VARIABLE) or API)


@contextmanager
def noticing(
    run: RunFolder, settings: NoticeSettings, language: Language, warn: Callable[[Message], None]
) -> Iterator[RunNotices]:
    """The notices of a run while the block runs; where they cannot be sent, that is told, and none are."""
    notifier: Notifier = NoNotices()
    try:
        telegram = make_telegram(settings, os.environ)
        if telegram is not None:
            notifier = NoticeQueue(telegram, language)
    except SecretsError as error:
        warn(NoticePhrase.NO_NOTICES(reason=error.message))
    try:
        yield RunNotices(notifier, run, settings, language)
    finally:
        notifier.close()
