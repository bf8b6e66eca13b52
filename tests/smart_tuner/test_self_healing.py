"""Runs that are started again: real child processes, a fake worker with an ending for every attempt."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smart_tuner import self_healing, supervisor
from smart_tuner.config import AttentionSettings, Config, SupervisorSettings, load_config
from smart_tuner.kept_states import KeptState, kept_states
from smart_tuner.messages import Language, Message, render
from smart_tuner.records import EventWriter, ExitCause, Outcome, read_events
from smart_tuner.recovery import Request, Restart
from smart_tuner.restart_history import History, Phase
from smart_tuner.run_folder import RunFolder, create
from smart_tuner.self_healing import SelfHealing, trouble_step
from tacotron2.events import (
    Event,
    FinishedEvent,
    IncidentEvent,
    RestartEvent,
    Stamped,
    StartedEvent,
    StepEvent,
)
from tacotron2.files import StorageError
from tests.smart_tuner.fake_worker import STARTED, save_state, state_steps, step_event

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
ROOT = Path(__file__).parents[2]
CONFIG = replace(load_config("debug"), supervisor=SupervisorSettings(backoff_s=0.001, max_restarts=3))


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path, CONFIG)


class Healed:
    """A run brought to its end; `asked`: the signal this process gets with the first warning."""

    def __init__(self, run: RunFolder, scenarios: str, config: Config = CONFIG, asked: int = 0) -> None:
        self.warned: list[Message] = []
        self.told: list[Message] = []
        self.seen: list[Event] = []
        self._asked = asked
        command = [sys.executable, str(FAKE_WORKER), str(run.path), scenarios]
        healing = SelfHealing(
            run, config, command, lambda s: self.seen.append(s.event), self.told.append, self._warn
        )
        self.outcome = healing.train()
        self.history = History.read(run.recovery_file)
        self.events = [stamped.event for stamped in read_events(run.events_file)[0]]

    def _warn(self, message: Message) -> None:
        self.warned.append(message)
        if self._asked:
            os.kill(os.getpid(), self._asked)

    @property
    def restarts(self) -> list[RestartEvent]:
        return [event for event in self.events if isinstance(event, RestartEvent)]

    @property
    def resumed(self) -> list[int | None]:
        return [event.resumed_from_step for event in self.events if isinstance(event, StartedEvent)]

    @property
    def causes(self) -> list[str]:
        return [event.cause for event in self.events if isinstance(event, FinishedEvent)]


def attempts_of(run: RunFolder) -> int:
    return len((run.path / "attempts").read_text())


def test_a_killed_worker_goes_on_from_its_newest_state(run: RunFolder) -> None:
    healed = Healed(run, "killed@45/20/40,complete")
    assert healed.outcome == Outcome(ExitCause.COMPLETED, "trained for 30 steps", 30) == run.outcome()
    assert healed.restarts == [RestartEvent(1, "crashed", 45, 40, [], 0.001)]
    assert [event for event in healed.seen if isinstance(event, RestartEvent)] == healed.restarts
    assert healed.causes == ["crashed", "completed"]
    assert healed.history.phase is Phase.ATTEMPT
    (message,) = healed.warned
    assert "crashed at step 45" in render(message, Language.EN)
    assert "going on from step 40" in render(message, Language.EN)
    assert state_steps(run.path) == [20, 40]


def test_numbers_that_are_not_finite_go_back_before_the_first_of_them(run: RunFolder) -> None:
    """The worker masked three bad updates and ended; a state between them is finite, and too late."""
    healed = Healed(run, "non_finite@45/20/40/44!43!44!45,complete")
    assert healed.restarts == [RestartEvent(1, "non_finite", 43, 40, ["learning_rate x 0.5"], 0.001)]
    assert state_steps(run.path) == [20, 40]
    assert [path.name for path in sorted(run.checkpoints_folder.glob("best-*.ckpt"))][-1] == (
        "best-0000044.ckpt"
    )
    (restart,) = healed.history.restarts
    assert restart.requests == (Request("learning_rate", 0.5),)
    assert healed.outcome.cause is ExitCause.COMPLETED


def test_memory_that_was_not_enough_is_asked_for_in_smaller_pieces_until_there_are_none(
    run: RunFolder,
) -> None:
    """8 utterances in 2 micro-batches: they can be halved twice."""
    healed = Healed(run, "21@15/10,21@25/20,21@35/30")
    assert healed.outcome.cause is ExitCause.OUT_OF_MEMORY and healed.outcome.cause.code == 21
    assert [restart.changes for restart in healed.restarts] == [["micro_batches x 2"]] * 2
    assert "one utterance already" in healed.outcome.message
    assert healed.outcome == run.outcome()
    assert healed.history.phase is Phase.GIVEN_UP


def test_attention_that_does_not_form_begins_anew_with_other_seeds(run: RunFolder) -> None:
    healed = Healed(run, "attention_failed@300/200/300")
    assert (healed.outcome.cause, healed.outcome.cause.code) == (ExitCause.ATTENTION_FAILED, 22)
    assert healed.resumed == [None, None, None]
    assert [restart.changes for restart in healed.restarts] == [
        ["next seed"],
        ["next seed", "guided_attention_weight x 2"],
    ]
    assert [restart.resume_step for restart in healed.restarts] == [None, None]
    assert sum(restart.new_seed for restart in healed.history.restarts) == 2
    assert "attention.max_new_seeds (2)" in healed.outcome.message
    assert state_steps(run.path) == [200, 300]  # of the last attempt: nobody knows what a person wants next


def test_what_brings_nothing_new_is_given_up_with_the_whole_story(run: RunFolder) -> None:
    healed = Healed(run, "killed@45/40,77@45,killed@42")
    assert healed.outcome.cause is ExitCause.CRASHED and healed.outcome.cause.code != 0
    assert attempts_of(run) == 4
    assert healed.outcome.message.endswith("crashed at step 45; crashed at step 45; crashed at step 42")
    assert "given up after 3 restarts" in healed.outcome.message
    assert [restart.delay_s for restart in healed.restarts] == [0.001, 0.002, 0.004]


def test_a_run_that_gets_further_is_not_given_up(run: RunFolder) -> None:
    scenarios = [f"killed@{step + 5}/{step}" for step in range(10, 80, 10)]
    healed = Healed(run, ",".join([*scenarios, "complete"]))
    assert healed.outcome.cause is ExitCause.COMPLETED
    assert healed.resumed[:7] == [None, 10, 20, 30, 40, 50, 60]
    assert {restart.delay_s for restart in healed.restarts} == {0.001}


@pytest.mark.parametrize(
    "cause", ["data_error", "configuration_error", "32", "terminated", "stopped", "no_voice"]
)
def test_an_end_that_no_restart_mends_is_final(run: RunFolder, cause: str) -> None:
    healed = Healed(run, cause)
    assert attempts_of(run) == 1 and healed.restarts == []
    assert not run.recovery_file.exists()
    assert healed.outcome == run.outcome()


def test_without_restarts_an_end_is_told_as_it_was(run: RunFolder) -> None:
    config = replace(CONFIG, supervisor=SupervisorSettings(max_restarts=0))
    healed = Healed(run, "killed", config)
    assert attempts_of(run) == 1
    assert healed.outcome.message.startswith("the worker was killed from outside")
    assert healed.outcome == run.outcome()
    again = Healed(run, "complete")  # what is over is not taken for an end that nobody saw
    assert again.restarts == []


def test_a_person_who_starts_it_again_begins_a_new_count(run: RunFolder) -> None:
    Healed(run, "killed@45/40")
    assert attempts_of(run) == 4
    again = Healed(run, "killed")
    assert attempts_of(run) == 8
    assert [restart.attempt for restart in again.restarts] == [1, 2, 3, 4, 5, 6]
    assert "given up after 3 restarts" in again.outcome.message


# Signals


@pytest.mark.parametrize(
    ("number", "cause"), [(signal.SIGINT, ExitCause.INTERRUPTED), (signal.SIGTERM, ExitCause.TERMINATED)]
)
def test_a_signal_ends_the_wait_and_the_restart_is_made_later(
    run: RunFolder, number: int, cause: ExitCause
) -> None:
    before = signal.getsignal(number)
    patient = replace(CONFIG, supervisor=SupervisorSettings(backoff_s=300.0))
    healed = Healed(run, "non_finite@45/20/44!43,complete", patient, asked=number)
    assert healed.outcome.cause is cause and healed.outcome == run.outcome()
    assert (attempts_of(run), healed.history.phase) == (1, Phase.RESTARTING)
    assert signal.getsignal(number) is before
    later = Healed(run, "non_finite@45/20/44!43,complete", patient)
    assert later.outcome.cause is ExitCause.COMPLETED
    assert len(later.restarts) == 1 and state_steps(run.path) == [20]


def test_a_worker_that_breaks_while_it_ends_on_request_is_not_started_again(run: RunFolder) -> None:
    def ask(stamped: Stamped) -> None:
        if isinstance(stamped.event, StartedEvent):
            os.kill(os.getpid(), signal.SIGTERM)

    command = [sys.executable, str(FAKE_WORKER), str(run.path), "crash_when_asked"]
    outcome = SelfHealing(run, CONFIG, command, ask, lambda m: None, lambda m: None).train()
    assert outcome.cause is ExitCause.CRASHED
    assert attempts_of(run) == 1 and not run.recovery_file.exists()


def test_a_signal_between_two_attempts_ends_the_second_one(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes before the attempt listens, and is passed on to it."""

    class Asked(supervisor.Supervisor):
        def supervise(self) -> Outcome:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().supervise()

    monkeypatch.setattr(self_healing, "Supervisor", Asked)
    impatient = replace(CONFIG, supervisor=SupervisorSettings(progress_timeout_s=5, max_restarts=0))
    assert Healed(run, "patient", impatient).outcome.cause is ExitCause.TERMINATED


def test_a_signal_before_the_first_attempt_leaves_an_end_that_nobody_saw(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Outcome(ExitCause.NON_FINITE, "three in ten steps", 45)
    end.write(run.outcome_file)

    def asked(folder: Path) -> list[KeptState]:
        os.kill(os.getpid(), signal.SIGTERM)
        return kept_states(folder)

    with monkeypatch.context() as patch:
        patch.setattr(self_healing, "kept_states", asked)
        assert Healed(run, "complete").outcome.cause is ExitCause.TERMINATED
    assert run.outcome() == end and not (run.path / "attempts").exists()
    assert [restart.cause for restart in Healed(run, "complete").restarts] == ["non_finite"]


# The supervisor's own death

DRIVER = """
import sys
from pathlib import Path
from smart_tuner.config import SupervisorSettings, load_config
from smart_tuner.run_folder import RunFolder
from smart_tuner.self_healing import SelfHealing
from dataclasses import replace
run = RunFolder(Path(sys.argv[1]))
config = replace(load_config("debug"), supervisor=SupervisorSettings(backoff_s=float(sys.argv[4])))
def nothing(told): pass
command = [sys.executable, sys.argv[2], str(run.path), sys.argv[3]]
SelfHealing(run, config, command, nothing, nothing, nothing).train()
"""


def killed_when(run: RunFolder, scenarios: str, backoff_s: float, so_far: Callable[[], bool]) -> None:
    """A supervisor of its own; it and its worker are killed as soon as the run is so far."""
    arguments = [str(run.path), str(FAKE_WORKER), scenarios, str(backoff_s)]
    with subprocess.Popen([sys.executable, "-c", DRIVER, *arguments]) as parent:
        deadline = time.monotonic() + 120
        while not so_far() and parent.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        parent.kill()
        parent.wait()
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((run.path / "worker.pid").read_text()), signal.SIGKILL)


def num_steps(run: RunFolder) -> int:
    return sum(isinstance(stamped.event, StepEvent) for stamped in read_events(run.events_file)[0])


def num_restarts(run: RunFolder) -> int:
    return sum(isinstance(stamped.event, RestartEvent) for stamped in read_events(run.events_file)[0])


def test_killed_while_it_waits_the_next_one_makes_the_restart_once(run: RunFolder) -> None:
    killed_when(run, "killed@45/20/40,complete", 300.0, lambda: num_restarts(run) == 1)
    assert attempts_of(run) == 1
    healed = Healed(run, "killed@45/20/40,complete")
    assert healed.outcome.cause is ExitCause.COMPLETED
    assert (attempts_of(run), len(healed.restarts), len(healed.history.restarts)) == (2, 1, 1)


def test_killed_during_an_attempt_the_count_goes_on(run: RunFolder) -> None:
    killed_when(run, "killed@45/40,killed@45,stand@45", 0.001, lambda: num_steps(run) == 3)
    assert (attempts_of(run), num_restarts(run)) == (3, 2)
    healed = Healed(run, "killed@45")
    assert (attempts_of(run), len(healed.restarts), len(healed.history.restarts)) == (5, 3, 3)
    assert "given up after 3 restarts" in healed.outcome.message


def restart_at(cause: ExitCause, resume_step: int | None) -> Restart:
    return Restart(1, 0.0, cause, 45, resume_step, (), resume_step is None, 300.0, "it broke", 44)


@pytest.mark.parametrize(
    ("cause", "resume_step", "left"),
    [
        (ExitCause.NON_FINITE, 20, [20]),
        (ExitCause.ATTENTION_FAILED, None, []),
        (ExitCause.CRASHED, 44, [20, 44]),
    ],
)
@pytest.mark.parametrize("told", [False, True])
def test_killed_between_decision_and_deed_the_next_one_does_it(
    run: RunFolder, cause: ExitCause, resume_step: int | None, left: list[int], told: bool
) -> None:
    for step in (20, 44):
        save_state(run.path, step)
    restart = restart_at(cause, resume_step)
    History().with_restart(restart).write(run.recovery_file)
    Outcome(cause, "it broke", 45).write(run.outcome_file)
    if told:
        with EventWriter(run.events_file) as writer:
            writer.write(RestartEvent(1, cause.value, 45, resume_step, restart.changes, 300.0))
    healed = Healed(run, "complete")
    assert healed.outcome.cause is ExitCause.COMPLETED
    assert state_steps(run.path) == left
    assert len(healed.restarts) == len(healed.history.restarts) == 1


def test_an_end_that_nobody_saw_is_answered(run: RunFolder) -> None:
    """The worker outlived its supervisor long enough to say that its numbers were not finite."""
    for step in (20, 44):
        save_state(run.path, step)
    with EventWriter(run.events_file) as writer:
        for event in (STARTED, IncidentEvent(43, "non_finite_update", {}), step_event(45)):
            writer.write(event)
    Outcome(ExitCause.NON_FINITE, "three in ten steps", 45).write(run.outcome_file)
    healed = Healed(run, "complete@50")
    assert healed.outcome.cause is ExitCause.COMPLETED
    assert [(restart.step, restart.resume_step) for restart in healed.restarts] == [(43, 20)]
    assert attempts_of(run) == 1 and state_steps(run.path) == [20]


def test_a_person_who_starts_a_run_gets_an_attempt_whatever_was_before(run: RunFolder) -> None:
    """Its supervisor was killed, and by the count there would be no restart."""
    Outcome(ExitCause.CRASHED, "it broke", 45).write(run.outcome_file)
    none = replace(CONFIG, supervisor=SupervisorSettings(max_restarts=0))
    assert Healed(run, "complete", none).outcome.cause is ExitCause.COMPLETED


# Disks


def test_a_restart_that_cannot_be_recorded_is_not_made(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: History, path: Path) -> None:
        raise StorageError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(History, "write", full)
    healed = Healed(run, "killed@45/40")
    assert attempts_of(run) == 1 and healed.warned == []
    assert healed.outcome.cause is ExitCause.CRASHED
    assert "recovery.json: cannot be written" in render(healed.told[0], Language.EN)


def read_only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file that can be read, and neither written nor removed; such a disk stops the administrator too."""
    opened, removed = Path.open, Path.unlink

    def opening(path: Path, mode: str = "r", *others: Any, **named: Any) -> Any:
        if path.name == name and "a" in mode:
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, mode, *others, **named)

    def removing(path: Path, missing_ok: bool = False) -> None:
        if path.name == name:
            raise OSError(errno.EROFS, "Read-only file system")
        removed(path, missing_ok)

    monkeypatch.setattr(Path, "open", opening)
    monkeypatch.setattr(Path, "unlink", removing)


@pytest.mark.parametrize("name", ["run.log", "outcome.json"])
def test_where_no_attempt_can_be_made_it_is_told_in_words(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read_only(monkeypatch, name)
    with pytest.raises(StorageError, match=rf"{name}: cannot be written .Read-only"):
        Healed(run, "complete")
    assert not (run.path / "attempts").exists()


def test_a_disk_that_is_read_only_after_an_attempt_is_told_in_words(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only(monkeypatch, "events.jsonl")
    healed = Healed(run, "killed@45/40")
    assert healed.outcome.cause is ExitCause.CRASHED and attempts_of(run) == 1
    assert all("events.jsonl: cannot be written" in render(told, Language.EN) for told in healed.told)
    assert len(healed.told) == 2  # neither its end nor the restart could be recorded


# Several processes


def test_one_failing_process_of_several_makes_one_restart(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LOST_RANK_S", 0.1)
    hparams = CONFIG.hparams.replace(num_processes=3)
    healed = Healed(run, "stubborn@45/40+77,complete@50+0", replace(CONFIG, hparams=hparams))
    assert healed.outcome.cause is ExitCause.COMPLETED
    assert [(restart.cause, restart.resume_step) for restart in healed.restarts] == [("crashed", 40)]
    assert len(healed.warned) == 1 and "of 3" in render(healed.warned[0], Language.EN)
    assert 40 in healed.resumed


# Where the trouble began


@pytest.mark.parametrize(
    ("events", "cause", "told", "step"),
    [
        ([STARTED, step_event(30)], "crashed", None, 30),
        ([STARTED, step_event(30)], "crashed", 33, 33),
        ([STARTED, step_event(30), replace(STARTED, resumed_from_step=20)], "crashed", None, 20),
        ([STARTED, step_event(30), RestartEvent(1, "hung", 30, 20, [], 1.0)], "crashed", None, 20),
        ([], "hung", None, 0),
        ([STARTED, "!31", "!38", "!40", step_event(40)], "non_finite", 40, 31),
        ([STARTED, "!21", "!38", "!40", step_event(40)], "non_finite", 40, 38),  # long before: another one
        ([STARTED, step_event(40), "!43", "!47"], "non_finite", 40, 43),  # after the last record
        ([STARTED, step_event(40)], "non_finite", 40, 41),
        ([STARTED, step_event(5)], "non_finite", 5, 6),
        ([STARTED, "!38", replace(STARTED, resumed_from_step=20)], "non_finite", 40, 41),
        ([STARTED, "!38", step_event(40)], "crashed", 40, 40),
        # masked before it was interrupted, in the weights that were gone on with: guard and rollback agree
        ([STARTED, "!43", replace(STARTED, resumed_from_step=44), "!45", "!46"], "non_finite", 46, 43),
    ],
)
def test_where_the_trouble_began(events: list[Event | str], cause: str, told: int | None, step: int) -> None:
    stream = [
        Stamped(
            0.0, IncidentEvent(int(event[1:]), "non_finite_update", {}) if isinstance(event, str) else event
        )
        for event in events
    ]
    assert trouble_step(stream, Outcome(ExitCause(cause), "", told)) == step


def test_updates_that_are_looked_at_seldom_are_gone_back_before_all_the_same() -> None:
    """A state of step 44 lies between them; the look that found them told a record of step 60."""
    events = [STARTED, *(IncidentEvent(at, "non_finite_update", {}) for at in (43, 45, 46)), step_event(60)]
    stream = [Stamped(0.0, event) for event in events]
    assert trouble_step(stream, Outcome(ExitCause.NON_FINITE, "", 60), look_every=20) == 43


def test_seeds_are_bounded_by_their_own_setting(run: RunFolder) -> None:
    config = replace(CONFIG, attention=AttentionSettings(max_new_seeds=1))
    healed = Healed(run, "attention_failed@300/300", config)
    assert attempts_of(run) == 2 and healed.outcome.cause is ExitCause.ATTENTION_FAILED


def test_the_file_is_what_a_worker_reads(run: RunFolder) -> None:
    """Requests and seeds in the order they were made, under the names of the knobs."""
    Healed(run, "attention_failed@300,attention_failed@300,21@5,complete")
    content = json.loads(run.recovery_file.read_text())
    assert content["schema"] == 1
    assert [restart["attempt"] for restart in content["restarts"]] == [1, 2, 3]
    assert [restart["new_seed"] for restart in content["restarts"]] == [True, True, False]
    assert [restart["requests"] for restart in content["restarts"]] == [
        [],
        [{"knob": "guided_attention_weight", "factor": 2.0}],
        [{"knob": "micro_batches", "factor": 2.0}],
    ]
