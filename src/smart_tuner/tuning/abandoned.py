"""Trials whose process is gone: they go on, under another number, from their last checkpoint.

Optuna's heartbeats find them too, after minutes, and on other machines. Here they are found at once where the
dead process was one of this machine.
"""

from __future__ import annotations

import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from smart_tuner.tuning.trial_facts import Fact

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial


MOST_REPETITIONS = 3
"""A trial whose process dies each time is not repeated for ever: it may be what kills the process."""
FIRST, HISTORY = "failed_trial", "retry_history"
"""System attributes of a repetition, under the names that Optuna gives them: the first trial of these values,
and all of them."""

OF_ONE_ATTEMPT = (Fact.WORKER, Fact.CAUSE, Fact.REASON)
"""Not for the repetition: with a dead worker's name it would look abandoned until its own has written one."""


def this_machine() -> str:
    """This boot of the machine, and who sees the same process ids: two containers may share a host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return socket.gethostname()


def this_worker() -> str:
    """Machine, process id and time of its start: the same words never mean another process."""
    return f"{this_machine()} {os.getpid()} {_begun(os.getpid())}"


def is_gone(worker: str) -> bool:
    """Whether a worker of this machine lives no more; of other machines nobody can tell."""
    host, pid, began = worker.split()
    return host == this_machine() and _begun(int(pid)) != began


def _begun(pid: int) -> str | None:
    """When a process began; None: it has ended, also where its parent has not asked after it yet.

    In ticks since the machine's start (proc(5), stat), which setting the clock does not change.
    """
    if not Path("/proc/self/stat").exists():  # not Linux
        import psutil

        return f"{psutil.Process(pid).create_time():.2f}" if psutil.pid_exists(pid) else None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = fields.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]


def try_again(study: Study, trial: FrozenTrial, at_most: int | None = None) -> bool:
    """Queue the values of a trial once more, under another number; the new one remembers the first.

    Returns False, and nothing is queued, where that was done before or already `at_most` times.
    """
    import optuna

    history = list(trial.system_attrs.get(HISTORY, ()))
    if at_most is not None and len(history) >= at_most:
        return False
    trials = study.get_trials(deepcopy=False)
    if any(trial.number in other.system_attrs.get(HISTORY, ()) for other in trials):
        return False
    study.add_trial(
        optuna.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs={name: fact for name, fact in trial.user_attrs.items() if name not in OF_ONE_ATTEMPT},
            system_attrs={
                FIRST: trial.number,
                **trial.system_attrs,
                HISTORY: [*history, trial.number],
            },
        )
    )
    return True


def retry_silent(study: Study, trial: FrozenTrial) -> None:
    """What becomes of a trial whose heartbeats have stopped: it is not repeated for ever."""
    try_again(study, trial, MOST_REPETITIONS)


def ask(study: Study) -> Trial:
    """The next trial: one that waits, else a new one. Those that have gone silent are queued again before."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.storages import fail_stale_trials

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "Heartbeat of storage")  # `beating` sees to that
        fail_stale_trials(study)
        return study.ask()


@contextmanager
def beating(study: Study, trial: Trial) -> Iterator[None]:
    """Tell the storage all the while that the process of this trial lives."""
    from optuna.storages._heartbeat import get_heartbeat_thread

    with get_heartbeat_thread(trial._trial_id, study._storage):
        yield


def retry_abandoned(study: Study) -> int:
    """Let every trial of a dead process of this machine go on; how many there were."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    found = 0
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        worker = trial.user_attrs.get(Fact.WORKER)
        if worker is None or not is_gone(worker):
            continue
        try:
            study.tell(trial.number, state=TrialState.FAIL)
        except (UpdateFinishedTrialError, ValueError):
            continue  # another process was quicker
        found += try_again(study, trial)
    return found
