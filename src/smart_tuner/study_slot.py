"""A further device of a study: a child of the command that began it, and gone with it.

`python -m smart_tuner.study_slot STUDY_FOLDER DEVICE_KIND DEVICE INDEX COUNT PARENT VERBOSITY LANGUAGE`; the
address of the storage comes in the environment, because a command line would show its password.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import typer

from smart_tuner.device_slots import Slot
from smart_tuner.messages import Language
from smart_tuner.mistakes import plain_errors
from smart_tuner.progress import Output, Verbosity
from smart_tuner.study_job import STORAGE_VARIABLE, StudyJob
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.study_tracking import TRACKING_VARIABLE, uploading

LOOK_S = 1.0


def end_with(parent: int) -> None:
    """Ask this process to end when its parent has; its trial goes on with the next command."""
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Work on the study until its budget is used up; returns the exit status."""
    path, kind, device, index, count, parent, verbosity, words = arguments
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # By the number we are told: a parent that has ended already has another one now.
    threading.Thread(target=end_with, args=(int(parent),), name="parent", daemon=True).start()
    language = Language(words)
    try:
        with plain_errors(language):
            folder = StudyFolder(Path(path))
            job = StudyJob(
                folder.config(),
                folder,
                os.environ[STORAGE_VARIABLE],
                [Slot(device, int(index), int(count), named=True)],
                kind,
                Output(sys.stdout, Verbosity[verbosity], language),
                before_complete=uploading(os.environ.get(TRACKING_VARIABLE), folder.name),
            )
            return job.work()
    except typer.Exit as ended:
        return ended.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
