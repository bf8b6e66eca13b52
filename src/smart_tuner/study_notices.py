"""What somebody who is away is told of a study, and may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from smart_tuner.chat_commands import answer
from smart_tuner.config import Config
from smart_tuner.messages import ChatPhrase, EndPhrase, Language, Message, MessageError, NoticePhrase, render
from smart_tuner.notices import Importance, Notice, NoticeKind, Notifier
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_chat import stop_this_process
from smart_tuner.run_notices import listening, messenger
from smart_tuner.tuning.trial_facts import Fact, counts, winner
from smart_tuner.wording import CAUSES

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

NO_CAUSE = "-"


class StudyNotices:
    """Tells what has ended since the last look, whichever device or machine worked on it. A `ChatSubject`.

    Args:
        notifier: takes what is to be told.
        name: of the study.
        limit: how many trials it is to have.
        language: of whoever reads.
        trials: those of the study now; they were told by whoever was there.
    """

    def __init__(
        self, notifier: Notifier, name: str, limit: int, language: Language, trials: Sequence[FrozenTrial]
    ) -> None:
        self._notifier = notifier
        self._name = name
        self._limit = limit
        self._language = language
        self._stopped = False
        self._trials = trials
        self._told = {trial.number for trial in trials if _has_ended(trial)}

    @property
    def name(self) -> str:
        return self._name

    def look(self, trials: Sequence[FrozenTrial]) -> None:
        """Tell each trial that has ended, with the best so far, and which one became that."""
        before, self._trials = winner(self._trials), trials
        best = winner(trials)
        for trial in trials:
            if _has_ended(trial) and trial.number not in self._told:
                self._told.add(trial.number)
                message = NoticePhrase.TRIAL_ENDED(trial=_result(trial), best=_best(best))
                self._tell(NoticeKind.TRIAL, Importance.PROGRESS, message)
        if best is not None and (before is None or best.number != before.number):
            found = NoticePhrase.NEW_BEST_TRIAL(trial=best.number, score=best.value or 0.0)
            self._tell(NoticeKind.BEST_MODEL, Importance.RESULT, found)

    def ended(self, outcome: Outcome) -> None:
        """Tell how the study ended, and its winner."""
        best = _best(winner(self._trials))
        reason = outcome.reason
        why = reason if isinstance(reason, Message) else EndPhrase.DETAIL(detail=reason)
        if outcome.cause is ExitCause.COMPLETED:
            ended = NoticePhrase.STUDY_FINISHED(reason=why, best=best)
            self._tell(NoticeKind.FINISHED, Importance.END, ended)
        else:
            cause = CAUSES[outcome.cause]()
            stopped = NoticePhrase.STUDY_STOPPED(cause=cause, reason=why, best=best)
            self._tell(NoticeKind.STOPPED, Importance.END, stopped)

    def broke_off(self, error: BaseException) -> None:
        """Tell that the command ends before the study does."""
        why = error.message if isinstance(error, MessageError) else type(error).__name__
        self._tell(NoticeKind.STOPPED, Importance.END, NoticePhrase.RUN_BROKE_OFF(reason=why))

    def status(self) -> str:
        trials = self._trials
        ended = sum(map(_has_ended, trials))
        lines = [
            ChatPhrase.STATUS_STUDY(name=self._name, ended=ended, limit=self._limit),
            _best(winner(trials)),
        ]
        return "\n".join(render(line, self._language) for line in lines)

    def plot(self) -> list[Notice]:
        return [answer(ChatPhrase.STUDY_HAS_NO_PICTURES())]

    def say(self, text: str) -> Notice:
        return answer(ChatPhrase.NO_VOICE_HERE())

    def stop(self) -> bool:
        if not self._stopped:
            stop_this_process()
        return not self._stopped

    def close(self) -> None:
        self._stopped = True

    def _tell(self, kind: NoticeKind, importance: Importance, told: Message) -> None:
        self._notifier.tell(Notice(kind, importance, NoticePhrase.RUN_TOLD(run=self._name, told=told)))


@contextmanager
def study_noticing(
    config: Config,
    name: str,
    trials: Sequence[FrozenTrial],
    language: Language,
    warn: Callable[[Message], None],
) -> Iterator[StudyNotices]:
    """The notices of a study while the block runs, and the commands that are obeyed meanwhile."""
    settings = config.notices
    with messenger(settings, language, warn) as (notifier, secrets):
        notices = StudyNotices(notifier, name, config.tuning.trials, language, trials)
        with listening(notices, notifier, secrets, settings, warn):
            try:
                yield notices
            except BaseException as error:
                notices.broke_off(error)
                raise


def _has_ended(trial: FrozenTrial) -> bool:
    return trial.state.is_finished() and counts(trial)


def _result(trial: FrozenTrial) -> Message:
    number, score = trial.number, trial.value
    if trial.state.name == "FAIL" or score is None:
        cause = str(trial.user_attrs.get(Fact.CAUSE, NO_CAUSE))
        return NoticePhrase.TRIAL_WITHOUT_SCORE(trial=number, cause=cause)
    if trial.state.name == "PRUNED":
        return NoticePhrase.NOTICE_TRIAL_PRUNED(trial=number, score=score)
    return NoticePhrase.TRIAL_SCORED(trial=number, score=score)


def _best(trial: FrozenTrial | None) -> Message:
    if trial is None:
        return ChatPhrase.STATUS_NO_BEST()
    return ChatPhrase.STATUS_BEST(trial=trial.number, score=trial.value or 0.0)
