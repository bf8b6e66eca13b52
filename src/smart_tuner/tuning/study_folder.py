"""The folder of one study: `runs/studies/NAME/`.

```
study.yaml      the resolved configuration that the trials vary
study.db        what Optuna keeps, where no other storage was named
lock            held by the command that works on the study
trials/         a run folder for each trial: trial-0007
best.yaml       the winner, as a preset that trains as it is
study.json      everything that is known of the study
*.png           history, importance, parallel coordinates
report.html     all of it as one page
```
"""

from __future__ import annotations

import re
from pathlib import Path

from filelock import FileLock, Timeout

from smart_tuner.config import Config
from smart_tuner.messages import CommandPhrase, StudyPhrase
from smart_tuner.records import write_atomically
from smart_tuner.run_folder import RunError, RunFolder, RunLockedError

GLANCE_S = 1.0
NAME = re.compile(r"[\w][\w.-]{0,99}")


class StudyFolder:
    """The files of one study. Nothing is created by looking."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def root(self) -> Path:
        """The folder of all runs."""
        return self.path.parents[1]

    @property
    def settings_file(self) -> Path:
        return self.path / "study.yaml"

    @property
    def database_file(self) -> Path:
        return self.path / "study.db"

    @property
    def record_file(self) -> Path:
        return self.path / "study.json"

    @property
    def best_file(self) -> Path:
        return self.path / "best.yaml"

    @property
    def history_picture(self) -> Path:
        return self.path / "history.png"

    @property
    def importance_picture(self) -> Path:
        return self.path / "importance.png"

    @property
    def parallel_picture(self) -> Path:
        return self.path / "parallel.png"

    @property
    def report_file(self) -> Path:
        return self.path / "report.html"

    @property
    def measuring(self) -> RunFolder:
        """The run in which data and cost are measured before the first trial."""
        return RunFolder(self.path / "trials" / "measuring")

    def trial(self, number: int) -> RunFolder:
        """The run folder of a trial; one that is tried again goes on in that of the first time."""
        return RunFolder(self.path / "trials" / f"trial-{number:04d}")

    def config(self) -> Config:
        """What the trials vary.

        Raises:
            ConfigError: the file cannot be read, or is of another version.
        """
        return Config.from_yaml(self.settings_file)

    def create(self) -> None:
        """Make it, where it is not there.

        Raises:
            RunError: it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            detail = str(error.strerror)
            raise RunError(CommandPhrase.NO_RUN_THERE(path=self.path, detail=detail)) from None

    def write(self, config: Config) -> None:
        """The configuration as it is now: a later command may give a study more budget.

        Raises:
            StorageError: it cannot be written.
        """
        write_atomically(self.settings_file, config.to_yaml())

    def lock(self) -> FileLock:
        """Take the study for this command. Release it, or end.

        Raises:
            RunLockedError: another command has it.
            RunError: the folder cannot be written.
        """
        lock = FileLock(self.path / "lock", thread_local=False)
        try:
            lock.acquire(timeout=GLANCE_S)
        except Timeout:
            raise RunLockedError(StudyPhrase.STUDY_LOCKED(study=self.name)) from None
        except OSError as error:
            raise RunError(CommandPhrase.NOT_WRITABLE(path=self.path, detail=str(error.strerror))) from None
        return lock


def study_folder(root: Path, name: str) -> StudyFolder:
    """The folder of a study of this name, there or not.

    Raises:
        RunError: no name for a folder.
    """
    if not NAME.fullmatch(name):
        raise RunError(StudyPhrase.BAD_STUDY_NAME(name=name))
    return StudyFolder(root.absolute() / "studies" / name)


def list_studies(root: Path) -> list[StudyFolder]:
    """All studies of a folder of runs, by name."""
    return [StudyFolder(path.parent) for path in sorted((root / "studies").glob("*/study.yaml"))]
