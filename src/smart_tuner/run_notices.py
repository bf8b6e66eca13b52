"""From the records of a run to what somebody who is away is told of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from smart_tuner.chat_commands import ChatCommands, ChatSubject
from smart_tuner.chat_listener import ChatListener
from smart_tuner.messages import EndPhrase, Language, Message, MessageError, NoticePhrase, RecoveryPhrase
from smart_tuner.notice_queue import NoticeQueue
from smart_tuner.notice_settings import NoticeSettings, Secrets, SecretsError, careless, read_secrets
from smart_tuner.notices import Importance, NoNotices, Notice, NoticeKind, Notifier
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.report_words import report_told
from smart_tuner.run_chat import RunChat
from smart_tuner.run_folder import RunFolder
from smart_tuner.run_goals import Goals
from smart_tuner.run_status import RunStatus
from smart_tuner.telegram import API, Telegram
from smart_tuner.wording import CAUSES, sentence
from tacotron2.events import (
    CheckpointEvent,
    CureEvent,
    DiagnosisEvent,
    IncidentEvent,
    ReportEvent,
    RestartEvent,
    Stamped,
    StartedEvent,
    ValidationEvent,
)

API_VARIABLE = "SMART_TUNER_TELEGRAM_API"


class RunNotices:
    """Follows one run; what earlier attempts have told already comes from its `events.jsonl`.

    Args:
        notifier: takes what is to be told.
        run: the run.
        settings: how often progress is told.
        language: of whoever reads.
    """

    def __init__(
        self,
        notifier: Notifier,
        run: RunFolder,
        settings: NoticeSettings,
        language: Language,
        status: RunStatus | None = None,
    ) -> None:
        self._notifier = notifier
        self._run = run
        self._every = settings.every_steps
        self._language = language
        self._status = status or RunStatus(run.name)
        self._goals = Goals()
        self._started = False
        self._last_told: dict[NoticeKind, int] = {}
        self._offset = 0
        for _ in self._unseen():
            pass  # told by whoever was there

    def tuned(self, message: Message) -> None:
        """Tell which settings tuning has chosen for the run."""
        self._tell(NoticeKind.TRIAL, Importance.RESULT, message)

    def catch_up(self) -> None:
        """Tell the goals reached without us: by the settings that tuning has let begin the run."""
        for goal in self._unseen():
            self._tell(NoticeKind.GOAL, Importance.RESULT, goal)

    def show(self, stamped: Stamped) -> None:
        """Tell what one more record deserves."""
        event = stamped.event
        self._status.update(stamped)
        if isinstance(event, StartedEvent) and not self._started:
            self._started = True
            self._tell(NoticeKind.STARTED, Importance.RESULT, sentence(stamped, self._language))
        elif isinstance(event, IncidentEvent):
            self._tell(NoticeKind.INCIDENT, Importance.TROUBLE, sentence(stamped, self._language))
        elif isinstance(event, DiagnosisEvent | CureEvent):
            self._tell(NoticeKind.CURE, Importance.RESULT, sentence(stamped, self._language))
        elif isinstance(event, RestartEvent):
            self._tell(NoticeKind.RESTART, Importance.TROUBLE, _restart(event))
        elif isinstance(event, CheckpointEvent) and event.role == "best":
            if self._is_due(NoticeKind.BEST_MODEL, event.step):
                best = NoticePhrase.BEST_MODEL(step=event.step)
                self._tell(NoticeKind.BEST_MODEL, Importance.PROGRESS, best)
        elif isinstance(event, ReportEvent | ValidationEvent) and self._is_progress(event):
            self._tell_progress(stamped, event)
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
            go_on = "" if outcome.cause.ends_the_run else NoticePhrase.GO_ON()
            told = NoticePhrase.RUN_STOPPED(cause=cause, step=outcome.step or 0, reason=why, go_on=go_on)
            self._tell(NoticeKind.STOPPED, Importance.END, told)
        samples = sorted(self._run.samples_folder.glob("*.wav"))
        if samples and outcome.cause in (ExitCause.COMPLETED, ExitCause.STOPPED):
            message = NoticePhrase.RUN_TOLD(run=self._run.name, told=NoticePhrase.FINAL_AUDIO())
            self._notifier.tell(Notice(NoticeKind.AUDIO, Importance.END, message, audio=samples[0]))

    def broke_off(self, error: BaseException) -> None:
        """Tell that the command ends without an outcome; of an error that is no message, its kind alone."""
        why = error.message if isinstance(error, MessageError) else type(error).__name__
        self._tell(NoticeKind.STOPPED, Importance.END, NoticePhrase.RUN_BROKE_OFF(reason=why))

    def _unseen(self) -> Iterator[Message]:
        """Take in what was recorded since the last look; the goals it reached."""
        events, self._offset = read_events(self._run.events_file, self._offset)
        for stamped in events:
            self._status.update(stamped)
            if isinstance(stamped.event, ReportEvent | ValidationEvent):
                self._is_progress(stamped.event)
            yield from self._goals.update(stamped.event)

    def _tell_progress(self, stamped: Stamped, event: ReportEvent | ValidationEvent) -> None:
        kind, words = NoticeKind.VALIDATION, sentence(stamped, self._language)
        if isinstance(event, ReportEvent):
            kind, words = NoticeKind.REPORT, report_told(event, self._language)
        told = NoticePhrase.RUN_TOLD(run=self._run.name, told=words)
        picture = self._run.path / event.attention_image if event.attention_image else None
        self._notifier.tell(Notice(kind, Importance.PROGRESS, told, picture))

    def _tell(self, kind: NoticeKind, importance: Importance, told: Message | str) -> None:
        self._notifier.tell(Notice(kind, importance, NoticePhrase.RUN_TOLD(run=self._run.name, told=told)))

    def _is_progress(self, event: ReportEvent | ValidationEvent) -> bool:
        """Whether it is told: reports, and validations until there are reports."""
        if isinstance(event, ReportEvent):
            return self._is_due(NoticeKind.REPORT, event.step)
        return NoticeKind.REPORT not in self._last_told and self._is_due(NoticeKind.VALIDATION, event.step)

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
    secrets = None if settings.notify == "off" else read_secrets(settings, environ)
    return None if secrets is None else _telegram(secrets, environ)


def _telegram(secrets: Secrets, environ: Mapping[str, str]) -> Telegram:
    return Telegram(secrets.token, secrets.chat, environ.get(API_VARIABLE) or API)


@contextmanager
def messenger(
    settings: NoticeSettings, language: Language, warn: Callable[[Message], None]
) -> Iterator[tuple[Notifier, Secrets | None]]:
    """Who tells, while the block runs, and the chat that may ask; where nothing can be sent, that is told."""
    notifier: Notifier = NoNotices()
    secrets: Secrets | None = None
    try:
        secrets = None if settings.notify == "off" else read_secrets(settings, os.environ)
    except SecretsError as error:
        warn(NoticePhrase.NO_NOTICES(reason=error.message))
    if secrets is not None:
        for carelessness in careless(settings):
            warn(carelessness)
        notifier = NoticeQueue(_telegram(secrets, os.environ), language)
    try:
        yield notifier, secrets
    finally:
        notifier.close()


@contextmanager
def listening(
    subject: ChatSubject,
    notifier: Notifier,
    secrets: Secrets | None,
    settings: NoticeSettings,
    warn: Callable[[Message], None],
) -> Iterator[None]:
    """Commands from the chat are obeyed while the block runs, where there is a chat and it may command."""
    if secrets is None or not settings.chat_commands:
        yield
        return
    commands = ChatCommands(subject, notifier)
    listener = ChatListener(_telegram(secrets, os.environ), secrets.chat, commands.heard, warn)
    try:
        yield
    finally:
        listener.close()
        subject.close()


@contextmanager
def noticing(
    run: RunFolder,
    settings: NoticeSettings,
    language: Language,
    warn: Callable[[Message], None],
    max_train_s: float = 0.0,
) -> Iterator[RunNotices]:
    """The notices of a run while the block runs, and the commands that are obeyed meanwhile."""
    status = RunStatus(run.name, max_train_s)
    with messenger(settings, language, warn) as (notifier, secrets):
        notices = RunNotices(notifier, run, settings, language, status)
        with listening(RunChat(run, status, language), notifier, secrets, settings, warn):
            try:
                yield notices
            except BaseException as error:
                notices.broke_off(error)
                raise
