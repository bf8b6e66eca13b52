"""A study from the command to its result: wires engine, supervision and the words about them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from filelock import FileLock

from smart_tuner.config import Config, ConfigError
from smart_tuner.device_slots import Slot, device_lock
from smart_tuner.machine import num_cores
from smart_tuner.messages import CommandPhrase, EndPhrase, Message, StudyPhrase
from smart_tuner.optimization_engine import OptimizationEngine, TrialTask
from smart_tuner.progress import Output
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder, RunLockedError
from smart_tuner.stop_requests import withdraw_stop
from smart_tuner.study_notices import study_noticing
from smart_tuner.trial_process import run_trial, tidy_trial, trial_command, write_trial
from smart_tuner.tuning.storage import open_storage
from smart_tuner.tuning.storage_address import check_address
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.study_identity import require_own_folder
from smart_tuner.tuning.study_result import write_result
from smart_tuner.tuning.trial_facts import Fact, counts, winner
from tacotron2.events import DataEvent, EstimateEvent, Stamped

STORAGE_VARIABLE = "SMART_TUNER_STORAGE"
"""Where a further slot finds the storage: its URL may hold a password, which a command line would show."""
ENDED_WITH_US = (0, ExitCause.INTERRUPTED.code, ExitCause.TERMINATED.code, -signal.SIGTERM)
"""Exit statuses of a further slot that nobody need be told of; the last one comes before it has begun."""

TrialCommand = Callable[..., Sequence[str]]
"""`(run, device, *options)` to the command line of a process that follows the run-folder contract."""


class StudyJob:
    """One command's work on a study.

    Args:
        config: what the trials vary.
        folder: of the study, on this machine.
        storage_url: where the study is kept.
        slots: the devices; the first is worked on in this process, each further one in a child.
        device: auto, cpu or cuda.
        before_complete: see `OptimizationEngine`.
        command: what runs a trial.
    """

    def __init__(
        self,
        config: Config,
        folder: StudyFolder,
        storage_url: str,
        slots: Sequence[Slot],
        device: str,
        output: Output,
        *,
        before_complete: Callable[[TrialTask], None] = lambda task: None,
        command: TrialCommand = trial_command,
    ) -> None:
        self._config = config
        self._folder = folder
        self._storage_url = storage_url
        self._slots = slots
        self._device = device
        self._output = output
        self._before_complete = before_complete
        self._command = command
        self._asked: ExitCause | None = None
        self._look: Callable[[Sequence[Any]], None] = lambda trials: None

    def optimize(self) -> int:
        """Begin the study or go on with it; returns the exit status.

        Raises:
            RunLockedError: another command works on it.
            RunError: its folder cannot be used.
            ConfigError: space, shares or budget are wrong, or it tunes something else.
            StudyStorageError: the storage cannot be used.
            StorageError: its files cannot be written.
        """
        self._folder.create()
        lock = self._folder.lock()
        try:
            require_own_folder(self._folder, self._config)
            engine = self._engine(self._slots[0])
            self._folder.write(self._config)
            self._announce(engine)
            name, language, warn = self._folder.name, self._output.language, self._warn
            with study_noticing(self._config, name, engine.trials(), language, warn) as notices:
                self._look = notices.look
                outcome = self._measured(engine) or self._with_others(engine)
                self._tidy(engine)
                notices.ended(outcome)
                return self._end(engine, outcome)
        finally:
            lock.release()

    def join(self) -> int:
        """Work on a study of another command, whose configuration we were given; returns the exit status.

        Raises:
            As `optimize`, and ConfigError: the recordings here are others.
        """
        self._folder.create()
        require_own_folder(self._folder, self._config)
        self._folder.write(self._config)
        engine = self._engine(self._slots[0])
        self._output.say(
            StudyPhrase.JOINED(study=self._folder.name, storage=str(check_address(self._storage_url)))
        )
        outcome = self._measured(engine) or self._with_others(engine)
        self._tidy(engine)
        return self._told_end(outcome)

    def work(self) -> int:
        """A further slot, in a child of the command that has seen to all the rest; the exit status."""
        outcome = self._engine(self._slots[0]).run()
        if outcome.cause not in (ExitCause.COMPLETED, ExitCause.INTERRUPTED, ExitCause.TERMINATED):
            self._output.result(StudyPhrase.STUDY_ENDED(reason=outcome.reason))
        return outcome.cause.code

    def _engine(self, slot: Slot) -> OptimizationEngine:
        os.environ.update(slot.environment(num_cores()))  # this process and its children are that slot

        def run(task: TrialTask, on_event: Callable[[Stamped], None]) -> Outcome:
            self._tidy(engine)
            return self._run_trial(task, on_event)

        engine = OptimizationEngine(
            self._config,
            self._folder,
            open_storage(self._storage_url),
            run,
            self._output.say,
            slot=slot.index,
            slots=slot.count,
            before_complete=self._before_complete,
            asked_to_end=lambda: self._asked,
        )
        return engine

    def _announce(self, engine: OptimizationEngine) -> None:
        name, done = self._folder.name, engine.num_trials
        if done:
            self._output.say(StudyPhrase.STUDY_GOES_ON(study=name, trials=done))
            return
        told = StudyPhrase.NEW_STUDY(
            study=name,
            folder=self._folder.path,
            storage=str(check_address(self._storage_url)),
            sampler=engine.plan.why,
        )
        self._output.say(told)

    def _measured(self, engine: OptimizationEngine) -> Outcome | None:
        """See that all learn from the same recordings, and tell what the study will cost; an outcome where
        already that failed."""
        task = engine.measuring()
        if task.run.settings_file.exists() and task.run.config().data_folder != task.config.data_folder:
            shutil.rmtree(task.run.path)  # other recordings may lie at the other place
        known = _records(task.run)
        if not any(isinstance(event, EstimateEvent) for event in known):
            self._output.say(StudyPhrase.MEASURING())
            outcome = self._run_trial(task, lambda stamped: None, "--estimate-only")
            if outcome.cause is not ExitCause.COMPLETED:
                return outcome
            known = _records(task.run)
        # One that was broken off was told too: of each list the last word counts.
        digests = {event.split: event.digest for event in known if isinstance(event, DataEvent)}
        try:
            engine.require_data([digest for digest in digests.values() if digest is not None])
        except ConfigError:
            task.run.events_file.unlink()  # the right recordings, once they are here, are measured anew
            raise
        seconds = [event.train_seconds for event in known if isinstance(event, EstimateEvent)][-1]
        slots, budget = self._slots[0].count, engine.budget
        told = StudyPhrase.ESTIMATE(
            trials=budget.trials,
            steps=task.config.hparams.train.max_steps,
            seconds=seconds,
            slots=slots,
            total=budget.estimate_s(seconds, slots),
        )
        self._output.result(told)
        return None

    def _run_trial(self, task: TrialTask, on_event: Callable[[Stamped], None], *options: str) -> Outcome:
        run, slot = task.run, self._slots[0]
        write_trial(run, task.config, self._folder.name, task.number)
        lock = self._locked(run)
        try:
            withdraw_stop(run)
            with device_lock(self._folder.root, slot, lambda: self._output.say(_taken(slot))):
                command = self._command(run, self._device, *options)
                told = run_trial(run, task.config, command, on_event, self._output.say)
                outcome, self._asked = told
                return outcome
        finally:
            lock.release()

    def _locked(self, run: RunFolder) -> FileLock:
        """The lock of a trial's folder. Another process here still has it where its heartbeats did not come
        through, so that the trial became ours while it was training."""
        told = False
        while True:
            try:
                return run.lock()
            except RunLockedError:
                if not told:
                    self._output.say(StudyPhrase.FOLDER_TAKEN(folder=run.path))
                told = True

    def _with_others(self, engine: OptimizationEngine) -> Outcome:
        """Our slot, while each other device has a child of its own; none of them stays when we end early."""
        children = [self._further_slot(slot) for slot in self._slots[1:]]
        try:
            outcome = engine.run()
            if outcome.cause is ExitCause.COMPLETED:  # the others are at the last trials of the same budget
                for child in children:
                    child.wait()
            return outcome
        except KeyboardInterrupt:  # while we wait for them
            return Outcome(ExitCause.INTERRUPTED, EndPhrase.ON_REQUEST())
        finally:
            for child in children:
                if child.poll() is None:
                    child.send_signal(signal.SIGTERM)
            for slot, child in zip(self._slots[1:], children, strict=True):
                status = child.wait()
                if status not in ENDED_WITH_US:
                    told = StudyPhrase.SLOT_ENDED(device=slot.device, status=status)
                    self._output.result(CommandPhrase.WARNING(message=told))

    def _further_slot(self, slot: Slot) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "smart_tuner.study_slot", str(self._folder.path), self._device),
                *(slot.device, str(slot.index), str(slot.count), str(os.getpid())),
                *(self._output.verbosity.name, self._output.language.value),
            ],
            env={**os.environ, STORAGE_VARIABLE: self._storage_url},
            start_new_session=True,
        )

    def _tidy(self, engine: OptimizationEngine) -> None:
        """Of the trials that have ended only the best one keeps its weights: the disk does not fill up."""
        trials = engine.trials()
        self._look(trials)
        best = winner(trials)
        kept = best.user_attrs.get(Fact.FOLDER) if best else None
        # What one trial has begun may go on under another number.
        ended, needed = set[str](), set[str]()
        for trial in trials:
            folder = trial.user_attrs.get(Fact.FOLDER)
            if folder and not trial.state.is_finished():
                needed.add(folder)
            elif folder and counts(trial):  # else it was cut off, and may not be queued again yet
                ended.add(folder)
        for folder in ended - needed:
            run = RunFolder(self._folder.root / folder)
            if run.checkpoints_folder.exists():  # else it was done before
                tidy_trial(run, keep_best=folder == kept)

    def _warn(self, message: Message) -> None:
        self._output.result(CommandPhrase.WARNING(message=message))

    def _end(self, engine: OptimizationEngine, outcome: Outcome) -> int:
        """Write what came out, and say it; the exit status."""
        result = write_result(engine.study, self._folder, self._config, engine.space, engine.plan)
        if outcome.cause is not ExitCause.COMPLETED:
            return self._told_end(outcome)
        self._output.result(*result.lines, result.verdict(self._folder))
        return 0 if result.best else ExitCause.NO_VOICE.code

    def _told_end(self, outcome: Outcome) -> int:
        if outcome.cause is not ExitCause.COMPLETED:
            self._output.result(StudyPhrase.STUDY_ENDED(reason=outcome.reason), StudyPhrase.SAME_COMMAND())
        return outcome.cause.code


def _records(run: RunFolder) -> list[object]:
    return [stamped.event for stamped in read_events(run.events_file)[0]]


def _taken(slot: Slot) -> Message:
    return StudyPhrase.DEVICE_TAKEN(device=slot.device)
