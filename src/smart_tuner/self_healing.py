"""A run to its end: attempt after attempt, as `smart_tuner.recovery` decides after each.

Every decision is on disk before it is carried out, so that a process killed here at any moment leaves a run
that the same command takes up where this one left it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from smart_tuner.config import Config
from smart_tuner.kept_states import kept_states, remove_later
from smart_tuner.messages import EndPhrase, Message, RecoveryPhrase
from smart_tuner.records import EventWriter, ExitCause, Outcome, OutcomeError, read_events
from smart_tuner.recovery import RETRIED, GiveUp, Limits, Restart, plan
from smart_tuner.restart_history import History, Phase
from smart_tuner.restart_words import given_up, restart_message
from smart_tuner.run_folder import RunFolder
from smart_tuner.stop_flag import CAUSE_OF_SIGNAL, noting_signals
from smart_tuner.supervisor import Supervisor
from tacotron2.events import FinishedEvent, IncidentEvent, RestartEvent, Stamped, StartedEvent, StepEvent
from tacotron2.files import StorageError

POLL_S = 0.1
TROUBLE_STEPS = 10
"""Updates that are not finite, within which the worker ends: the first of them is where the trouble began."""
NON_FINITE_UPDATE = "non_finite_update"


class SelfHealing:
    """All attempts at one run, of which the caller holds the lock.

    Args:
        run: its folder.
        config: for limits and the number of processes.
        command: what an attempt is; see `Supervisor`.
        on_event: called with every record of the run as it is written, in this thread.
        notify: called with what the person who watches should know.
        warn: called with what that person should not miss.
        retried: ends of an attempt after which there may be another.

    Raises:
        HistoryError: the restarts of earlier attempts cannot be read.
    """

    def __init__(
        self,
        run: RunFolder,
        config: Config,
        command: Sequence[str],
        on_event: Callable[[Stamped], None],
        notify: Callable[[Message], None],
        warn: Callable[[Message], None],
        retried: Sequence[ExitCause] = RETRIED,
    ) -> None:
        self._run = run
        self._config = config
        self._command = command
        self._on_event = on_event
        self._notify = notify
        self._warn = warn
        self._limits = replace(Limits.of(config), retried=retried)
        self._history = History.read(run.recovery_file)
        self._look_every = config.hparams.train.log_every
        self._signals: list[signal.Signals] = []
        self.asked_to_end: ExitCause | None = None
        """The signal that came, whatever ended the last attempt then."""

    def train(self) -> Outcome:
        """Until the run has ended or is given up; the outcome is also in the run folder.

        Raises:
            StorageError: what an earlier process left undone cannot be written.
        """
        with noting_signals(self._signals):
            outcome = self._left_behind()
            while not self._signals:
                if outcome is None:
                    outcome, self.asked_to_end = self._attempt()
                    if self.asked_to_end:
                        return outcome
                decision = self._decide(outcome)
                if isinstance(decision, GiveUp):
                    return self._give_up(outcome, decision)
                if not self._prepare(decision):
                    return outcome
                self._wait(decision.delay_s)
                outcome = None
            self.asked_to_end = CAUSE_OF_SIGNAL[self._signals[0]]
            return self._ended_waiting()

    def _attempt(self) -> tuple[Outcome, ExitCause | None]:
        """One attempt, and what it was asked to end for, if it was."""
        if self._history.phase is not Phase.ATTEMPT:
            self._run.forget_outcome()  # answered: it must not be answered again
            self._note(self._history.at(Phase.ATTEMPT))
        supervisor = Supervisor(
            self._run,
            self._config.supervisor,
            self._command,
            self._on_event,
            self._notify,
            self._config.hparams.train.num_processes,
            signals=self._signals,  # one that came since the last attempt counts too
        )
        return supervisor.supervise(), supervisor.asked_to_end

    def _left_behind(self) -> Outcome | None:
        """What the process before this one left undone: a restart to carry out, or an end to answer.

        The worker of a killed supervisor may have written an end that nobody has seen.
        """
        if self._history.phase is Phase.RESTARTING:
            self._carry_out(self._history.restarts[-1])
            return None
        if self._history.phase is Phase.GIVEN_UP:
            self._history = self._history.counted_anew()
            return None
        try:
            outcome = self._run.outcome()
        except OutcomeError:
            return None
        if outcome is None:
            return None
        decision = self._decide(outcome)
        if isinstance(decision, GiveUp):
            if decision.why is not None:
                self._history = self._history.counted_anew()
            return None
        return outcome

    def _decide(self, outcome: Outcome) -> Restart | GiveUp:
        return plan(
            self._history.restarts,
            self._history.counted_from,
            outcome,
            trouble_step(read_events(self._run.events_file)[0], outcome, self._look_every),
            kept_states(self._run.checkpoints_folder),
            self._limits,
            time.time(),
        )

    def _prepare(self, restart: Restart) -> bool:
        """Everything but the wait; False where it cannot be written, and so must not be done."""
        try:
            self._note(self._history.with_restart(restart))
            self._carry_out(restart)
        except StorageError as error:
            self._notify(EndPhrase.NOT_LEFT(detail=str(error)))
            return False
        self._warn(restart_message(restart))
        return True

    def _carry_out(self, restart: Restart) -> None:
        """Also once more, where a process was killed in the middle of it."""
        if restart.rolls_back:
            remove_later(self._run.checkpoints_folder, restart.resume_step)
        told = [stamped.event for stamped in read_events(self._run.events_file)[0]]
        if any(isinstance(event, RestartEvent) and event.attempt == restart.attempt for event in told):
            return
        event = RestartEvent(
            restart.attempt,
            restart.cause.value,
            restart.step,
            restart.resume_step,
            restart.changes,
            restart.delay_s,
        )
        with EventWriter(self._run.events_file) as writer:
            writer.write(event)
        self._on_event(Stamped(time.time(), event))

    def _wait(self, seconds: float) -> None:
        """At most so long; a signal ends it at once."""
        until = time.monotonic() + seconds
        while not self._signals and (left := until - time.monotonic()) > 0:
            time.sleep(min(POLL_S, left))

    def _give_up(self, outcome: Outcome, decision: GiveUp) -> Outcome:
        if decision.why is None:
            return outcome
        told = outcome
        if self._config.supervisor.max_restarts or self._history.counted:  # else nobody wanted any
            reason = given_up(outcome, decision.why, self._history.counted)
            told = Outcome(outcome.cause, reason, outcome.step)
        try:
            self._note(self._history.at(Phase.GIVEN_UP))
            told.write(self._run.outcome_file)
        except StorageError as error:
            self._notify(EndPhrase.NOT_LEFT(detail=str(error)))
        return told

    def _ended_waiting(self) -> Outcome:
        """A signal came between two attempts; the restart stays decided."""
        last = self._history.restarts[-1].step if self._history.restarts else None
        outcome = Outcome(CAUSE_OF_SIGNAL[self._signals[0]], RecoveryPhrase.ENDED_WAITING(), last)
        if self._history.phase is Phase.RESTARTING:  # else an end that is not answered yet may be there
            with suppress(StorageError):
                outcome.write(self._run.outcome_file)
        return outcome

    def _note(self, history: History) -> None:
        history.write(self._run.recovery_file)
        self._history = history


def trouble_step(stream: Sequence[Stamped], outcome: Outcome, look_every: int = 1) -> int:
    """The step at which what ended the last attempt began.

    Where numbers were not finite that is the first such update of the last few, or, where none was told,
    the one after the last record: up to that all was well. Else it is where the attempt ended. The worker
    looks for them every `look_every` steps, so that the last of them may be as long ago.
    """
    reached, incidents = 0, list[int]()
    for event in (stamped.event for stamped in stream):
        if isinstance(event, StartedEvent):
            reached = event.resumed_from_step or 0
            incidents = [place for place in incidents if place <= reached]  # the others' weights are gone
        elif isinstance(event, RestartEvent):
            reached = event.resume_step or 0
            incidents = [place for place in incidents if place <= reached]
        elif isinstance(event, StepEvent | FinishedEvent):
            reached = max(reached, event.step)
        elif isinstance(event, IncidentEvent) and event.incident == NON_FINITE_UPDATE:
            incidents.append(event.step)
    step = reached if outcome.step is None else outcome.step
    if outcome.cause is not ExitCause.NON_FINITE:
        return step
    last = max(incidents, default=None)
    if last is None or last <= step - max(TROUBLE_STEPS, look_every):
        return step + 1
    return min(place for place in incidents if place > last - TROUBLE_STEPS)
