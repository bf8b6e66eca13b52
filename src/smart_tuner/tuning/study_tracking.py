"""Trials on an MLflow server: the best weights and the record of each are there before it counts as complete.

`python -m smart_tuner.tuning.study_tracking RUN_FOLDER STUDY NUMBER`, with the server in
`MLFLOW_TRACKING_URI`, is one upload. It is a process of its own because nothing else ends a client of MLflow
that hangs, and because a study of many days should not carry MLflow's memory. Done twice it changes nothing.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smart_tuner.messages import MessageError, StudyTrackingPhrase
from smart_tuner.mlflow_store import EXPERIMENT_NAME, EXPERIMENT_TAGS
from smart_tuner.records import ExitCause, read_events
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.tracking_store import event_scalars
from smart_tuner.tuning.storage_retries import Retries

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    from smart_tuner.tuning.trial_task import TrialTask

CAUSE = "tracking_unreachable"
"""Cause of a trial whose weights could not be brought to the server."""
TRACKING_VARIABLE = "SMART_TUNER_TRACKING_URI"
"""Where a further slot finds the server; its address may hold a password, as that of the storage."""
UPLOADED_TAG = "uploaded"
CHECK_TIMEOUT_S = 10.0
MOST_METRICS = 1000
"""In one call of MLflow."""
FASTEST_S, SLOWEST_BYTES_PER_S = 120.0, 250_000
"""One attempt may take two minutes, and longer the more there is to send."""
RETRIES = Retries(attempts=6, first_wait_s=1.0, longest_wait_s=60.0)
_CLIENT_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


class StudyTrackingError(MessageError):
    """The MLflow server cannot be used; says which one, without a password, and why."""


class StudyTracking:
    """The server that a study's trials are brought to.

    Args:
        uri: `http://HOST:PORT`; a user name and a password belong into `MLFLOW_TRACKING_USERNAME` and
            `MLFLOW_TRACKING_PASSWORD`, but are not told where they stand in it.

    Raises:
        StudyTrackingError: not the address of a server.
    """

    def __init__(
        self,
        uri: str,
        study: str,
        retries: Retries = RETRIES,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(uri)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise StudyTrackingError(StudyTrackingPhrase.NOT_A_SERVER())
        self._uri = uri.rstrip("/")
        self._study = study
        self._retries = retries
        self._sleep = sleep
        self._secret = parts.password
        self.spoken = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        """The address as it may be told."""

    def check(self) -> None:
        """See that the server answers, before any trial is run for it.

        Raises:
            StudyTrackingError: it does not.
        """
        try:
            with urllib.request.urlopen(f"{self.spoken}/health", timeout=CHECK_TIMEOUT_S):
                return
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return  # a server that asks who we are answers
            detail = f"HTTP {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            detail = self._told(str(error))
        raise StudyTrackingError(StudyTrackingPhrase.NO_TRACKING_SERVER(uri=self.spoken, detail=detail))

    def upload(self, run: RunFolder, number: int) -> None:
        """Bring the best weights and the record of a trial to the server; they are there at return.

        Raises:
            StudyTrackingError: every attempt failed.
            RunError: the trial has no weights.
        """
        sent = sum(path.stat().st_size for path in files_of(run).values())
        timeout_s = FASTEST_S + sent / SLOWEST_BYTES_PER_S
        waits = self._retries.waits(random.Random())
        while True:
            detail = self._attempt(run, number, timeout_s)
            if detail is None:
                return
            wait = next(waits, None)
            if wait is None:
                attempts = self._retries.attempts
                phrase = StudyTrackingPhrase.NOT_UPLOADED
                raise StudyTrackingError(phrase(uri=self.spoken, attempts=attempts, detail=detail))
            self._sleep(wait)

    def _attempt(self, run: RunFolder, number: int, timeout_s: float) -> str | None:
        """What was in the way; None where nothing was."""
        command = [
            sys.executable,
            "-m",
            "smart_tuner.tuning.study_tracking",
            str(run.path),
            self._study,
            str(number),
        ]
        environment = {**os.environ, **_CLIENT_SETTINGS, "MLFLOW_TRACKING_URI": self._uri}
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no end after {timeout_s:.0f} s"
        if done.returncode == 0:
            return None
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        return self._told(said[-1])

    def _told(self, words: str) -> str:
        return words.replace(self._secret, "***") if self._secret else words


def uploading(uri: str | None, study: str) -> Callable[[TrialTask], None]:
    """What is done before a trial counts as complete; nothing without a server.

    Raises:
        StudyTrackingError: it does not answer.
    """
    if uri is None:
        return lambda task: None
    tracking = StudyTracking(uri, study)
    tracking.check()
    os.environ[TRACKING_VARIABLE] = uri  # for further slots

    def upload(task: TrialTask) -> None:
        from smart_tuner.tuning.trial_task import TrialFailedError

        try:
            tracking.upload(task.run, task.number)
        except StudyTrackingError as error:
            raise TrialFailedError(CAUSE, str(error)) from None
        except RunError as error:
            raise TrialFailedError(ExitCause.NO_VOICE.value, str(error)) from None

    return upload


def files_of(run: RunFolder) -> dict[str, Path]:
    """What is brought to the server: its place there, and the file.

    Raises:
        RunError: there are no weights.
    """
    best = run.best_checkpoint()
    record = [run.settings_file, run.events_file, run.trial_file, run.outcome_file, run.recovery_file]
    weights = {f"checkpoints/{path.name}": path for path in (best, best.with_name(best.name + ".json"))}
    return {**{path.name: path for path in record if path.is_file()}, **weights}


def _upload(run: RunFolder, study: str, number: int) -> None:
    """Raises MlflowException, OSError; RuntimeError where the server keeps less than it was sent."""
    from mlflow import MlflowClient

    client = MlflowClient()
    target = _run_of(client, study, number, run.name)
    files = files_of(run)
    curves = list(_curves(run))
    for start in range(0, len(curves), MOST_METRICS):
        client.log_batch(target, curves[start : start + MOST_METRICS])
    for place, file in files.items():
        client.log_artifact(target, str(file), str(Path(place).parent) if "/" in place else None)
    kept = dict(_kept(client, target, None)) | dict(_kept(client, target, "checkpoints"))
    for place, file in files.items():
        if kept.get(place) != file.stat().st_size:
            raise RuntimeError(
                f"the server has {kept.get(place)} bytes of {place}, not {file.stat().st_size}"
            )
    client.set_tag(target, UPLOADED_TAG, "true")
    client.set_terminated(target)


def _curves(run: RunFolder) -> Iterator[Metric]:
    """What the trial's records say in numbers; MLflow keeps each once, however often it is sent."""
    from mlflow.entities import Metric

    for stamped in read_events(run.events_file)[0]:
        step, scalars = event_scalars(stamped.event)
        for name, value in scalars.items():
            yield Metric(name, value, round(stamped.time * 1000), step)


def _kept(client: MlflowClient, target: str, folder: str | None) -> Iterator[tuple[str, int | None]]:
    for each in client.list_artifacts(target, folder):
        yield each.path, each.file_size


def _run_of(client: MlflowClient, study: str, number: int, name: str) -> str:
    """The trial's run on the server, made where it is missing."""
    tags = {"study": study, "trial": str(number)}
    experiment = _experiment_of(client)
    wanted = " and ".join(f"tags.{key} = '{value}'" for key, value in tags.items())
    found = client.search_runs([experiment], wanted, max_results=1)
    made = found[0] if found else client.create_run(experiment, tags=tags, run_name=name)
    return str(made.info.run_id)


def _experiment_of(client: MlflowClient) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(EXPERIMENT_NAME)
    if experiment is None:
        try:
            return str(client.create_experiment(EXPERIMENT_NAME, tags=EXPERIMENT_TAGS))
        except MlflowException:  # another machine was faster
            experiment = client.get_experiment_by_name(EXPERIMENT_NAME)
            if experiment is None:
                raise
    return str(experiment.experiment_id)


def _main(folder: str, study: str, number: str) -> int:
    from mlflow.exceptions import MlflowException

    try:
        _upload(RunFolder(Path(folder)), study, int(number))
    except (MlflowException, OSError, RuntimeError) as error:
        sys.stderr.write((str(error).strip().splitlines() or [type(error).__name__])[0] + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
