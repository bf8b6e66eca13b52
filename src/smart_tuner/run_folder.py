"""The run folder: the only channel between the process that trains and everything that looks at it.

```
runs/20261122-162430-demo/
    run.yaml        the resolved configuration, written first
    lock            held by the supervisor of the run
    worker.lock     held by the process that trains
    events.jsonl    what happened, one record a line, append only
    heartbeat       touched by the worker every two seconds
    run.log         what the worker said
    checkpoints/    state-*.ckpt (to resume from), best-*.ckpt (weights), a JSON description of each
    attention/ spectrograms/ audio/
    incidents/      what replays an update that was not finite; quarantine.json: utterances left out
    events.out.*    what TensorBoard reads; tracking.json: how far it and MLflow have come
    recovery.json   the restarts so far, and what each of them changed
    stop_request.json   somebody wants the training to end, at which step
    base.ckpt       what a fine-tuning begins with, and its description
    trial.json      the study and number of a trial
    tuning.json     how the main command chose the run's settings, and what was asked for
    curves.png      loss and alignment, as the chat last asked for them
    outcome.json    how the last attempt ended
    samples/        the test sentences as the best voice speaks them
    examination.json, summary.json, report.html
```

The folder of all runs also holds `data/` (demo corpora, feature cache) and `tracking/` (MLflow's store). A
trial is a run folder too, in `studies/NAME/trials/`; it shares both.
"""

from __future__ import annotations

import difflib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from smart_tuner.config import Config, ConfigError
from smart_tuner.messages import CommandPhrase, MessageError
from smart_tuner.records import Outcome, OutcomeError, write_atomically
from tacotron2.files import StorageError, not_written

GLANCE_S = 1.0
"""Longer than `is_locked` of another process holds the lock."""
TRIAL_DEPTH = 3
"""`studies/NAME/trials`: how far above its folder the root of a trial is."""
LAST_WORDS_S = 60.0
"""How long a worker that lost its supervisor may take to write its last checkpoint."""


class RunError(MessageError):
    """A run cannot be found, created or used; the message says which and what would be right."""


class RunLockedError(RunError):
    """Another process works on the run."""


class RunFolder:
    """The files of one run. Nothing is created by looking."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def root(self) -> Path:
        """The folder of all runs; that of a trial is the one its study lies in."""
        home = self.path.parents
        if len(home) > TRIAL_DEPTH and home[0].name == "trials" and home[2].name == "studies":
            return home[TRIAL_DEPTH]
        return home[0]

    @property
    def settings_file(self) -> Path:
        return self.path / "run.yaml"

    @property
    def lock_file(self) -> Path:
        return self.path / "lock"

    @property
    def worker_lock_file(self) -> Path:
        return self.path / "worker.lock"

    @property
    def events_file(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def heartbeat_file(self) -> Path:
        return self.path / "heartbeat"

    @property
    def log_file(self) -> Path:
        return self.path / "run.log"

    @property
    def recovery_file(self) -> Path:
        """The restarts so far; absent where there was none."""
        return self.path / "recovery.json"

    @property
    def experience_file(self) -> Path:
        """What earlier runs taught about cures, as it was when the run began."""
        return self.path / "experience.json"

    @property
    def faults_file(self) -> Path:
        """What `--inject` asked for; absent where nothing was."""
        return self.path / "faults.json"

    @property
    def stop_request_file(self) -> Path:
        """What asks the training to end; absent while nobody does."""
        return self.path / "stop_request.json"

    @property
    def base_file(self) -> Path:
        """The copy of what a fine-tuning begins with; absent in other runs."""
        return self.path / "base.ckpt"

    @property
    def tuning_file(self) -> Path:
        """How the main command tuned the run before its training; absent where it did not."""
        return self.path / "tuning.json"

    def asked_digest(self) -> str:
        """The digest of the configuration that was asked for: tuning may have changed that of the run.

        Raises:
            ConfigError: the configuration cannot be read.
        """
        try:
            return str(json.loads(self.tuning_file.read_text(encoding="utf-8"))["asked"])
        except (OSError, ValueError, KeyError, TypeError):
            return self.config().digest()

    @property
    def trial_file(self) -> Path:
        """Study and number of a trial; absent in other runs."""
        return self.path / "trial.json"

    @property
    def outcome_file(self) -> Path:
        return self.path / "outcome.json"

    @property
    def summary_file(self) -> Path:
        return self.path / "summary.json"

    @property
    def report_file(self) -> Path:
        """The page that tells a person of the run."""
        return self.path / "report.html"

    @property
    def examination_file(self) -> Path:
        """The figures of the final examination, each with how it was obtained, and every sentence."""
        return self.path / "examination.json"

    @property
    def bad_clips_folder(self) -> Path:
        """Recordings that stayed badly aligned: their list, a picture and a copy of each."""
        return self.path / "bad_clips"

    @property
    def checkpoints_folder(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples_folder(self) -> Path:
        return self.path / "samples"

    @property
    def speech_folder(self) -> Path:
        """What `smart-tuner synthesize` wrote."""
        return self.path / "speech"

    @property
    def curves_picture(self) -> Path:
        """Loss and alignment as they were when the chat last asked for them."""
        return self.path / "curves.png"

    def incident_folder(self, step: int) -> Path:
        """What replays the non-finite update to a step; only the newest are kept."""
        return self.path / "incidents" / f"{step:07d}"

    def config(self) -> Config:
        """The resolved configuration of the run.

        Raises:
            ConfigError: the file cannot be read, or is of another version.
        """
        return Config.from_yaml(self.settings_file)

    def outcome(self) -> Outcome | None:
        """How the last attempt ended; None while one runs, or where none came to an end."""
        return Outcome.read(self.outcome_file)

    def forget_outcome(self) -> None:
        """An attempt begins, or its end is answered.

        Raises:
            StorageError: the folder cannot be written.
        """
        try:
            self.outcome_file.unlink(missing_ok=True)
        except OSError as error:
            raise not_written(self.outcome_file, error) from error

    def open_log(self) -> BinaryIO:
        """What the worker says goes to its end.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            return self.log_file.open("ab")
        except OSError as error:
            raise not_written(self.log_file, error) from error

    def best_checkpoint(self) -> Path:
        """The weights of the highest free-running quality at the smallest r that are still there.

        Raises:
            RunError: no validation has taken place yet.
        """
        best = []
        for sidecar in self.checkpoints_folder.glob("best-*.ckpt.json"):
            path = sidecar.with_suffix("")
            try:
                facts = json.loads(sidecar.read_text(encoding="utf-8"))
                quality, step = float(facts["quality"]), int(facts["step"])
                rank = (-int(facts.get("n_frames_per_step", 0)), quality, step, path)
            except (OSError, ValueError, KeyError, TypeError):
                continue  # damaged: a file without a valid sidecar is no checkpoint
            if path.is_file():
                best.append(rank)
        if not best:
            raise RunError(CommandPhrase.NO_VOICE_YET(run=self.name))
        return max(best)[-1]

    def has_state(self) -> bool:
        """Whether training would go on from a checkpoint."""
        return any(self.checkpoints_folder.glob("state-*.ckpt.json"))

    def size_bytes(self) -> int:
        """Disk space of the whole run."""
        return sum(file.lstat().st_size for file in self.path.rglob("*") if file.is_file())

    def lock(self) -> FileLock:
        """Take the run for this process. Release it, or end.

        Raises:
            RunLockedError: another process has it.
            RunError: the folder cannot be written.
        """
        lock = FileLock(self.lock_file, thread_local=False)
        try:
            lock.acquire(timeout=GLANCE_S)
        except Timeout:
            raise RunLockedError(CommandPhrase.RUN_LOCKED(run=self.name)) from None
        except OSError as error:
            raise RunError(CommandPhrase.NOT_WRITABLE(path=self.path, detail=str(error.strerror))) from None
        try:
            with FileLock(self.worker_lock_file, timeout=LAST_WORDS_S):
                return lock
        except Timeout:
            lock.release()
            raise RunLockedError(CommandPhrase.WORKER_ALIVE(run=self.name)) from None

    def is_locked(self) -> bool:
        """Whether some process works on the run now; of a folder that may not be written nobody can tell."""
        lock = FileLock(self.lock_file, thread_local=False)
        try:
            with lock.acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False


def create(root: Path, config: Config) -> RunFolder:
    """A new run folder, its configuration already in it."""
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}-{Path(config.preset).stem}"
    for attempt in range(1, 1000):
        path = root / (stem if attempt == 1 else f"{stem}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(CommandPhrase.NO_RUN_THERE(path=root, detail=str(error.strerror))) from None
        run = RunFolder(path)
        try:
            write_atomically(run.settings_file, config.to_yaml())
        except StorageError as error:
            raise RunError(str(error)) from None
        return run
    raise RunError(CommandPhrase.SAME_SECOND(path=root))


def list_runs(root: Path) -> list[RunFolder]:
    """All runs, the oldest first."""
    if not root.is_dir():
        return []
    return [RunFolder(path.parent) for path in sorted(root.glob("*/run.yaml"))]


def find_resumable(root: Path, *digests: str) -> RunFolder | None:
    """The newest run of these configurations, unless it succeeded or a controller stopped it."""
    for run in reversed(list_runs(root)):
        try:
            if run.asked_digest() not in digests:
                continue
        except ConfigError:
            continue
        outcome = run.outcome()
        return None if outcome and outcome.cause.ends_the_run else run
    return None


@dataclass(frozen=True)
class Claim:
    """A run this process may work on; `resumed` when it had been started before."""

    run: RunFolder
    lock: FileLock
    resumed: bool


def claim(root: Path, config: Config, new: bool) -> Claim:
    """Find the run to go on with or create one, and lock it; two processes at once cannot both create.

    Raises:
        RunLockedError: the run of this configuration is being worked on.
        RunError: the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        held = FileLock(root / ".lock").acquire()
    except OSError as error:
        raise RunError(CommandPhrase.NO_RUNS_FOLDER(path=root, detail=str(error.strerror))) from None
    with held:
        found = None if new else find_resumable(root, config.digest())
        run = found or create(root, config)
        return Claim(run, run.lock(), resumed=found is not None)


def find_run(root: Path, name: str, whole_name: bool = False) -> RunFolder:
    """A run by its name, the beginning of its name (not with `whole_name`), or the path of its folder.

    Raises:
        RunError: none, or several.
    """
    if (Path(name) / "run.yaml").is_file():
        return RunFolder(Path(name))
    runs = {run.name: run for run in list_runs(root)}
    begins = "" if whole_name else name
    matches = [run for key, run in runs.items() if key == name or (begins and key.startswith(begins))]
    if name in runs or len(matches) == 1:
        return runs.get(name) or matches[0]
    if matches:
        found = ", ".join(run.name for run in matches)
        raise RunError(CommandPhrase.SEVERAL_RUNS(name=name, runs=found))
    close = difflib.get_close_matches(name, list(runs), n=1, cutoff=0.5)
    hint = CommandPhrase.DID_YOU_MEAN(name=close[0]) if close else CommandPhrase.SEE_LIST()
    raise RunError(CommandPhrase.NO_SUCH_RUN(name=name, folder=root, hint=hint))


def remove(run: RunFolder) -> int:
    """Delete a run that nobody works on; returns the bytes freed.

    Raises:
        RunLockedError: somebody does.
    """
    lock = run.lock()
    try:
        freed = run.size_bytes()
        shutil.rmtree(run.path)
    finally:
        lock.release()
    return freed


def state_of(run: RunFolder) -> str:
    """One word for a list: running, unfinished, unreadable, or the cause of the last outcome."""
    if run.is_locked():
        return "running"
    try:
        outcome = run.outcome()
    except OutcomeError:
        return "unreadable"
    return "unfinished" if outcome is None else outcome.cause.value


def data_folder(root: Path) -> Path:
    """Where demo corpora are made, each under a name of its settings; runs that agree on them share one."""
    return root / "data"


def feature_folder(root: Path) -> Path:
    """The cache of log-mels, shared by all runs; its entries are named by content."""
    return root / "data" / "features"


def knowledge_file(root: Path) -> Path:
    """What all runs taught about cures."""
    return root / "knowledge.db"


def tracking_root(root: Path) -> Path:
    """MLflow's database and artifacts of all runs."""
    return root / "tracking"
