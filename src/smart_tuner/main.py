"""The main job: from a configuration to a voice. Wires the parts, which do not know each other."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from smart_tuner.config import Config
from smart_tuner.device_slots import make_slots
from smart_tuner.early_stop_controller import Plan, futility
from smart_tuner.faults import Fault, write_faults
from smart_tuner.finetuning import WrittenBase, keep_base, told_base
from smart_tuner.knowledge import remember_run
from smart_tuner.leave_report import leave_report
from smart_tuner.machine import Machine, findings, inspect_machine, table
from smart_tuner.messages import (
    CommandPhrase,
    ControlPhrase,
    DiagnosisPhrase,
    EndPhrase,
    MachinePhrase,
    Message,
    MessageError,
    Phrase,
    RecordingsPhrase,
    ServicePhrase,
)
from smart_tuner.progress import Output, make_progress
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.registry.registration import register_voice
from smart_tuner.run_folder import Claim, RunFolder, claim, knowledge_file, tracking_root
from smart_tuner.run_notices import RunNotices, noticing
from smart_tuner.second_vocoder import told_of_vocoder, vocoder_option
from smart_tuner.self_healing import SelfHealing
from smart_tuner.service_process import ServiceAddress
from smart_tuner.services import Services
from smart_tuner.summary import write_summary
from smart_tuner.supervisor import worker_command
from smart_tuner.tracking import Tracker
from smart_tuner.wording import CAUSES
from tacotron2.events import DataEvent, EstimateEvent, Stamped

WAIT_S = 0.5
DISK_RESERVE_BYTES = 200 * 2**20
"""Kept free beside what a run was estimated to need."""

SHORT_CLIP_PRESET = "demo"


class MachineError(MessageError):
    """The machine is too small for the work; the message says in what and what would help."""


class SmartTunerMain:
    """One command: checks the machine, trains in a child process, shows it live, leaves a voice.

    Args:
        config: the resolved configuration.
        runs_folder: where runs, the demo corpus and MLflow's store are kept.
        device: auto, cpu or cuda.
        new: start a new run even where one of this configuration could be gone on with.
        output: where progress is told.
        faults: what is to go wrong in a new run; with any, the run is a new one.
        tunes: let a new run choose its settings first, where `tuning.auto_minutes` (on the demo corpus) or
            `tuning.auto_share` (on own recordings) allow it.
        base: what the training begins with, in its written form; None: random weights.
        command: what trains a run on a device; it must follow the run-folder contract.
    """

    def __init__(
        self,
        config: Config,
        output: Output,
        *,
        runs_folder: Path = Path("runs"),
        device: str = "auto",
        new: bool = False,
        faults: Sequence[Fault] = (),
        tunes: bool = False,
        base: WrittenBase | None = None,
        command: Callable[[RunFolder, str], Sequence[str]] = worker_command,
    ) -> None:
        self._config = config
        self._output = output
        self._root = runs_folder.absolute()
        self._device = device
        self._new = new or bool(faults)
        self._faults = faults
        self._tunes = tunes and not faults
        self._base = base
        self._command = command

    def run(self) -> int:
        """Do the whole job; returns the exit status.

        Raises:
            MachineError: memory or disk cannot be enough.
            RunLockedError: another process works on the run of this configuration.
            RunError: the runs folder cannot be used.
            StorageError: the summary cannot be written.
        """
        machine = self._check_machine()
        self._tell_readiness(machine)
        claimed = claim(self._root, self._config, self._new)
        if self._base is not None:
            keep_base(claimed.run, self._base)
        if self._faults:
            write_faults(claimed.run.faults_file, self._faults)
        self._announce(claimed)
        with serving(self._config, self._root, self._output) as services:
            try:
                outcome = self._train(claimed.run)
                stay = left_a_voice(claimed.run, outcome) and self._watched()
                if not stay:
                    services.stop()  # before the end is told: no address after it
                self._end(claimed.run, outcome, machine)
                self._output.result(leave_report(claimed.run, self._output.language))
                if not catch_up(claimed.run):
                    self._output.result(CommandPhrase.WARNING(message=EndPhrase.NOT_ALL_SHOWN()))
            finally:
                claimed.lock.release()
            if stay:
                self._output.say(ServicePhrase.STAY_UP())
                wait_for_interrupt()
        return command_status(outcome)

    def optimize(
        self,
        study: str | None = None,
        storage: str | None = None,
        devices: str | None = None,
        tracking_uri: str | None = None,
    ) -> int:
        """Tune the configuration by trials; returns the exit status.

        Args:
            study: its name; None: made of preset and settings, so that the same command goes on with it.
            storage: the URL of its database; None: a file in its folder.
            devices: as in `0,1`, each with a trial of its own at a time; None: one trial at a time.
            tracking_uri: the MLflow server that is given every trial's best weights; None: they stay here.

        Raises:
            MachineError: memory or disk cannot be enough.
            DevicesError: the devices are not named rightly.
            StudyTrackingError: that server does not answer.
            As `StudyJob.optimize`.
        """
        from smart_tuner.optimization_engine import study_digest
        from smart_tuner.study_job import StudyJob
        from smart_tuner.tuning.search_space import SearchSpace
        from smart_tuner.tuning.storage_address import sqlite_url
        from smart_tuner.tuning.study_folder import study_folder
        from smart_tuner.tuning.study_tracking import uploading

        slots = make_slots(devices)
        digest = study_digest(self._config, SearchSpace.of(self._config))
        folder = study_folder(self._root, study or f"{self._config.preset}-{digest[:8]}")
        self._check_machine()
        upload = uploading(tracking_uri, folder.name)
        url = storage or sqlite_url(folder.database_file)
        folder.create()  # the dashboard opens the database as the study does
        with serving(self._config, self._root, self._output, storage_url=url):
            status = StudyJob(
                self._config, folder, url, slots, self._device, self._output, before_complete=upload
            ).optimize()
        self._output.result(leave_report(folder, self._output.language))
        return status

    def _check_machine(self) -> Machine:
        machine = inspect_machine(self._root)
        self._output.say(MachinePhrase.TITLE(), *table(machine, self._output.language))
        found = findings(machine, self._config.services.enabled)
        fatal = tuple(finding.message for finding in found if finding.fatal)
        if fatal:
            raise MachineError(MachinePhrase.TOO_SMALL(findings=fatal))
        for finding in found:
            self._output.result(CommandPhrase.WARNING(message=finding.message))
        return machine

    def _tell_readiness(self, machine: Machine) -> None:
        """The verdict of quick checks, and of the last whole report of the same program and settings."""
        from smart_tuner.readiness.at_start import told_at_start
        from smart_tuner.readiness.scene import Scene

        scene = Scene(self._config, machine, self._root, device=self._device)
        lines, failures = told_at_start(scene)
        for line in lines:
            self._output.say(line)
        for failure in failures:
            self._warn(failure)

    def _announce(self, claimed: Claim) -> None:
        run = claimed.run
        if claimed.resumed:
            self._output.say(CommandPhrase.GOING_ON(run=run.name))
        else:
            data = self._config.data_folder or CommandPhrase.NO_RECORDINGS()
            self._output.say(CommandPhrase.NEW_RUN(run=run.name, folder=run.path, recordings=data))
        if self._base is not None:
            self._output.say(told_base(self._config, self._base))
        if self._faults:
            named = ", ".join(f"{fault.kind}@{fault.step}" for fault in self._faults)
            self._output.result(CommandPhrase.WARNING(message=CommandPhrase.INJECTED(faults=named)))
        futile = futility(self._config.early_stop, Plan.of(self._config.hparams))
        if futile is not None:
            self._output.result(CommandPhrase.WARNING(message=futile))
        if self._config.data_folder is not None and self._config.preset == SHORT_CLIP_PRESET:
            told = CommandPhrase.SHORT_CLIP_PRESET(preset=SHORT_CLIP_PRESET)
            self._output.result(CommandPhrase.WARNING(message=told))

    def _tuned(self, run: RunFolder, notices: RunNotices) -> Outcome | None:
        """The run with its settings chosen, where it is to choose them; an outcome where that was ended."""
        from smart_tuner.auto_tuning import AutoTuning, is_tuned, is_wanted

        if not (self._tunes and is_wanted(self._config)) or is_tuned(run):
            return None
        return AutoTuning(run, self._config, self._device, self._output, tell=notices.tuned).tune()

    def _train(self, run: RunFolder) -> Outcome:
        limit_s = self._config.hparams.train.max_train_minutes * 60
        with noticing(run, self._config.notices, self._output.language, self._warn, limit_s) as notices:
            outcome = self._tuned(run, notices) or self._followed(run, notices)
            notices.ended(outcome)
        return outcome

    def _followed(self, run: RunFolder, notices: RunNotices) -> Outcome:
        # The run's own hyper-parameters, which tuning may have chosen; the rest as it was asked for now.
        config = replace(self._config, hparams=run.config().hparams)
        progress = make_progress(self._output, config.hparams.train.max_train_minutes * 60)
        notices.catch_up()

        def on_event(stamped: Stamped) -> None:
            progress.show(stamped)
            notices.show(stamped)
            if isinstance(stamped.event, EstimateEvent):
                self._warn_about_disk(stamped.event)
            if isinstance(stamped.event, DataEvent):
                for advice in stamped.event.advice:
                    told = RecordingsPhrase.ADVICE(detail=advice)
                    self._output.result(CommandPhrase.WARNING(message=told))

        command = [*self._command(run, self._device), *vocoder_option(self._config.vocoder)]
        try:
            return SelfHealing(run, config, command, on_event, self._output.say, self._warn).train()
        finally:
            progress.close()

    def _warn(self, message: Message) -> None:
        self._output.result(CommandPhrase.WARNING(message=message))

    def _warn_about_disk(self, estimate: EstimateEvent) -> None:
        free = shutil.disk_usage(self._root).free
        if free < estimate.disk_bytes + DISK_RESERVE_BYTES:
            told = MachinePhrase.DISK_FOR_RUN(needed=estimate.disk_bytes, free=free)
            self._output.result(CommandPhrase.WARNING(message=told))

    def _end(self, run: RunFolder, outcome: Outcome, machine: Machine) -> None:
        self._remember(run)
        reason = outcome.reason
        why = reason if isinstance(reason, Message) else EndPhrase.DETAIL(detail=reason)
        if left_a_voice(run, outcome):
            if outcome.cause is ExitCause.STOPPED:
                self._output.result(EndPhrase.ENDED_BY_CONTROLLER(reason=why))
            self._tell_success(run, write_summary(run, machine, outcome))
            register_voice(run, self._config.registry, self._output)
            return
        told = EndPhrase.ENDED(cause=CAUSES[outcome.cause](), reason=why, log=run.log_file)
        hint = [] if outcome.cause.ends_the_run else [EndPhrase.TRY_AGAIN()]
        self._output.result(told, *hint)
        write_summary(run, machine, outcome)  # after the words, which also a full disk must not take

    def _remember(self, run: RunFolder) -> None:
        """What this run taught about cures, for those that come."""
        try:
            stream, _ = read_events(run.events_file)
            remember_run(knowledge_file(run.root), run.name, run.config().hparams, stream)
        except sqlite3.Error as error:
            self._warn(DiagnosisPhrase.NOT_REMEMBERED(file=knowledge_file(run.root), detail=str(error)))

    def _tell_success(self, run: RunFolder, summary: dict[str, Any]) -> None:
        samples = sorted(run.samples_folder.glob("*.wav"))
        self._output.result(EndPhrase.DONE(), *main_figures(summary))
        if samples:
            self._output.result(EndPhrase.SAMPLES(count=len(samples), folder=run.samples_folder))
        spoke, failed = told_of_vocoder(run)
        if spoke:
            self._output.result(spoke)
        if failed:
            self._warn(failed)
        self._output.result(EndPhrase.ALL_FIGURES(file=run.summary_file), EndPhrase.SPEAK(run=run.path))

    def _watched(self) -> bool:
        return self._config.services.enabled and self._output.interactive


def command_status(outcome: Outcome) -> int:
    """The exit status of the main command: 0 also where a controller found that the training had converged.

    Such an attempt ends with the status of its cause; for a person the job is done.
    """
    reason = outcome.reason
    converged = isinstance(reason, Message) and reason.phrase is ControlPhrase.CONVERGED
    return 0 if outcome.cause is ExitCause.STOPPED and converged else outcome.cause.code


def left_a_voice(run: RunFolder, outcome: Outcome) -> bool:
    """Whether the training came to an end of its own, by its plan or by a controller, and was examined."""
    stopped = outcome.cause is ExitCause.STOPPED and run.examination_file.exists()
    return stopped or outcome.cause is ExitCause.COMPLETED


def main_figures(summary: dict[str, Any]) -> list[Message]:
    """The few lines of a summary that a person wants first."""
    examination, training = summary["examination"], summary["training"]
    wanted: tuple[tuple[str, Phrase], ...] = (
        ("attention_alignment", EndPhrase.FIGURE_ALIGNMENT),
        ("nearest_own_rate", EndPhrase.FIGURE_NEAREST),
        ("skipped_or_repeated_rate", EndPhrase.FIGURE_SKIPPED),
        ("never_stopped", EndPhrase.FIGURE_NEVER_STOPPED),
    )
    lines = [
        phrase(value=examination[name]["value"])
        for name, phrase in wanted
        if name in examination and examination[name]["value"] is not None
    ]
    if "steps" in training:
        aligned = training["aligned_at_step"]["value"]
        formed = EndPhrase.ATTENTION_NEVER() if aligned is None else EndPhrase.ATTENTION_FORMED(step=aligned)
        seconds = summary["phase_seconds"]["value"].get("training", 0.0)
        steps = training["steps"]["value"]
        lines.append(EndPhrase.FIGURE_STEPS(steps=steps, seconds=seconds, attention=formed))
    return lines


def catch_up(run: RunFolder) -> bool:
    """Show what the worker could not: the summary, the end of one that was killed; False: not all of it."""
    tracker = Tracker(run.path, tracking_root(run.root))
    tracker.start()
    return tracker.close()


@contextmanager
def serving(
    config: Config,
    root: Path,
    output: Output,
    storage_url: str | None = None,
    dashboard_alone: bool = False,
) -> Iterator[Services]:
    """The interfaces while the block runs; each address is told when it answers, nobody waits.

    Where the configuration switches them off, there are none. For the rest see `Services`.
    """

    def tell(address: ServiceAddress) -> None:
        if address.ready:
            output.result(ServicePhrase.ANSWERS(name=address.name, page=address.page))
        else:
            told = ServicePhrase.WITHOUT(name=address.name, reason=address.reason or "")
            output.result(CommandPhrase.WARNING(message=told))

    with Services(
        config.services,
        tracking_root(root),
        root,
        storage_url=storage_url,
        dashboard_alone=dashboard_alone,
    ) as services:
        threading.Thread(target=services.start, args=(tell,), name="services", daemon=True).start()
        yield services


def wait_for_interrupt() -> None:
    """Until Ctrl-C."""
    try:
        while True:
            time.sleep(WAIT_S)
    except KeyboardInterrupt:
        return
