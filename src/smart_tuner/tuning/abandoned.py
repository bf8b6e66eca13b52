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
    from optuna.trial import FrozenTrial


def this_machine() -> str:
    """This boot of the machine, and who sees the same process ids: two containers may share a host's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:  # not Linux
        return socket.gethostname()


def this_worker() -> str:
    """Machine, process id and time of its start: the same words never mean another process."""
    import psutil

    return f"{this_machine()} {os.getpid()} {psutil.Process().create_time():.2f}"


def is_gone(worker: str) -> bool:
    """Whether a worker of this machine lives no more; of other machines nobody can tell."""
    import psutil

    host, pid, began = worker.split()
    if host != this_machine():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != began
    except psutil.NoSuchProcess:
        return True


def try_again(study: Study, trial: FrozenTrial) -> None:
    """Queue the values of a trial once more; the new one remembers the number of the first."""
    from optuna.storages import RetryHeartbeatStaleTrialCallback

    with _without_warnings():
        RetryHeartbeatStaleTrialCallback()(study, trial)


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
        try_again(study, trial)
        found += 1
    return found


@contextmanager
def _without_warnings() -> Iterator[None]:
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield
