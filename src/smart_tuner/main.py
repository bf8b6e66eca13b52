"""The main job: from a configuration to a voice. Wires the parts, which do not know each other."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smart_tuner.config import Config
from smart_tuner.machine import Machine, findings, gib, inspect_machine, table
from smart_tuner.progress import Output, make_progress
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import Claim, RunFolder, claim, tracking_root
from smart_tuner.service_process import ServiceAddress
from smart_tuner.services import Services
from smart_tuner.summary import write_summary
from smart_tuner.supervisor import Supervisor, worker_command
from smart_tuner.tracking import Tracker
from smart_tuner.wording import duration
from tacotron2.events import EstimateEvent, Stamped

WAIT_S = 0.5
DISK_RESERVE_BYTES = 200 * 2**20
"""Kept free beside what a run was estimated to need."""

SHORT_CLIP_PRESET = "demo"


class MachineError(ValueError):
    """The machine is too small for the work; the message says in what and what would help."""


class SmartTunerMain:
    """One command: checks the machine, trains in a child process, shows it live, leaves a voice.

    Args:
        config: the resolved configuration.
        runs_folder: where runs, the demo corpus and MLflow's store are kept.
        device: auto, cpu or cuda.
        new: start a new run even where one of this configuration could be gone on with.
        output: where progress is told.
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
        command: Callable[[RunFolder, str], Sequence[str]] = worker_command,
    ) -> None:
        self._config = config
        self._output = output
        self._root = runs_folder.absolute()
        self._device = device
        self._new = new
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
        claimed = claim(self._root, self._config, self._new)
        self._announce(claimed)
        with serving(self._config, self._root, self._output) as services:
            try:
                outcome = self._train(claimed.run)
                stay = outcome.cause is ExitCause.COMPLETED and self._watched()
                if not stay:
                    services.stop()  # before the end is told: no address after it
                self._end(claimed.run, outcome, machine)
                catch_up(claimed.run)
            finally:
                claimed.lock.release()
            if stay:
                self._output.say("The interfaces stay up until Ctrl-C.")
                wait_for_interrupt()
        return outcome.cause.code

    def _check_machine(self) -> Machine:
        machine = inspect_machine(self._root)
        self._output.say("This machine:\n" + "\n".join(table(machine)))
        found = findings(machine, self._config.services.enabled)
        fatal = [finding.message for finding in found if finding.fatal]
        if fatal:
            raise MachineError("this machine cannot do it: " + "; ".join(fatal))
        for finding in found:
            self._output.result(f"warning: {finding.message}")
        return machine

    def _announce(self, claimed: Claim) -> None:
        run = claimed.run
        if claimed.resumed:
            self._output.say(f"Going on with the run {run.name} (--new would start another)")
        else:
            data = self._config.data_folder or "none named: a demo corpus is made"
            self._output.say(f"New run {run.name}\n  folder     {run.path}\n  recordings {data}")
        if self._config.data_folder is not None and self._config.preset == SHORT_CLIP_PRESET:
            self._output.result(
                f"warning: the preset {SHORT_CLIP_PRESET} was made for the short clips of the demo corpus; "
                "recordings of your own may need a larger model and more steps, set in a file for --preset"
            )

    def _train(self, run: RunFolder) -> Outcome:
        progress = make_progress(self._output, self._config.hparams.train.max_train_minutes * 60)

        def on_event(stamped: Stamped) -> None:
            progress.show(stamped)
            if isinstance(stamped.event, EstimateEvent):
                self._warn_about_disk(stamped.event)

        command = self._command(run, self._device)
        try:
            return Supervisor(run, self._config.supervisor, command, on_event, self._output.say).supervise()
        finally:
            progress.close()

    def _warn_about_disk(self, estimate: EstimateEvent) -> None:
        free = shutil.disk_usage(self._root).free
        if free < estimate.disk_bytes + DISK_RESERVE_BYTES:
            self._output.result(
                f"warning: the run needs about {gib(estimate.disk_bytes)} of disk and {gib(free)} are free; "
                "`smart-tuner runs remove` makes room"
            )

    def _end(self, run: RunFolder, outcome: Outcome, machine: Machine) -> None:
        if outcome.cause is ExitCause.COMPLETED:
            self._tell_success(run, write_summary(run, machine, outcome))
            return
        again = "Start the same command again to go on from the last checkpoint"
        hint = "" if outcome.cause.ends_the_run else f"\n{again}, or add --new for a new run."
        self._output.result(
            f"The run ended: {outcome.cause.value}. {outcome.message}\n  log {run.log_file}{hint}"
        )
        write_summary(run, machine, outcome)  # after the words, which also a full disk must not take

    def _tell_success(self, run: RunFolder, summary: dict[str, Any]) -> None:
        samples = sorted(run.samples_folder.glob("*.wav"))
        self._output.result("\n".join(["Done.", *main_figures(summary)]))
        if samples:
            words = "sentences it never saw, as wav files"
            self._output.result(f"  {len(samples)} {words}: {run.samples_folder}")
        self._output.result(
            f"  every figure and how it was obtained: {run.summary_file}\n"
            f'  let it speak: smart-tuner synthesize --run {run.path} "Good morning."'
        )

    def _watched(self) -> bool:
        return self._config.services.enabled and self._output.interactive


def main_figures(summary: dict[str, Any]) -> list[str]:
    """The few lines of a summary that a person wants first."""
    examination, training = summary["examination"], summary["training"]
    wanted = (
        ("attention_alignment", "alignment of held-out sentences", ".2f"),
        ("nearest_own_rate", "nearest to their own recording", ".0%"),
        ("skipped_or_repeated_rate", "symbols skipped or repeated", ".1%"),
        ("never_stopped", "sentences that never stopped", ".0f"),
    )
    lines = [
        f"  {words}: {examination[name]['value']:{form}}"
        for name, words, form in wanted
        if name in examination and examination[name]["value"] is not None
    ]
    if "steps" in training:
        aligned = training["aligned_at_step"]["value"]
        words = f", attention formed at step {aligned}" if aligned is not None else ", attention never formed"
        seconds = summary["phase_seconds"]["value"].get("training", 0.0)
        lines.append(f"  {training['steps']['value']} steps in {duration(seconds)}{words}")
    return lines


def catch_up(run: RunFolder) -> None:
    """Show what the worker could not: the summary, and the end of one that was killed."""
    tracker = Tracker(run.path, tracking_root(run.root))
    tracker.start()
    tracker.close()


@contextmanager
def serving(config: Config, root: Path, output: Output) -> Iterator[Services]:
    """MLflow and TensorBoard while the block runs; each address is told when it answers, nobody waits.

    Where the configuration switches them off, there are none.
    """

    def tell(address: ServiceAddress) -> None:
        if address.ready:
            output.result(f"{address.name} answers on {address.page}")
        else:
            output.result(f"warning: the run goes on without {address.name}: {address.message}")

    with Services(config.services, tracking_root(root), root) as services:
        threading.Thread(target=services.start, args=(tell,), name="services", daemon=True).start()
        yield services


def monitor(config: Config, run: RunFolder, output: Output) -> None:
    """Bring the interfaces of a run up again, until Ctrl-C."""
    output.say(f"Run {run.name} in {run.path}")
    with serving(config, run.root, output):
        output.say("Ctrl-C ends the interfaces; the run is not touched.")
        wait_for_interrupt()


def wait_for_interrupt() -> None:
    """Until Ctrl-C."""
    try:
        while True:
            time.sleep(WAIT_S)
    except KeyboardInterrupt:
        return
