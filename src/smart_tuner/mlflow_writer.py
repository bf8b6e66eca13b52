"""Events as an MLflow run, written straight into the SQLite store: no server is needed, none can hang us."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_tuner.mlflow_store import open_store, store_errors, study_run
from smart_tuner.run_folder import RunFolder
from smart_tuner.tracking_store import TrackingStoreError, event_files, event_scalars
from smart_tuner.trial_record import TrialRecord, TrialRecordError
from tacotron2.events import FinishedEvent, RestartEvent, Stamped, StartedEvent

if TYPE_CHECKING:
    from mlflow.entities import Metric

_STATUS_BY_CAUSE = {
    "completed": "FINISHED",
    "stopped": "FINISHED",
    "interrupted": "KILLED",
    "terminated": "KILLED",
}
"""Every other exit cause is a failure."""

_MAX_METRICS_PER_CALL = 1000
_MAX_PARAMETERS_PER_CALL = 100
_MAX_VALUE_LENGTH = 6000


class MlflowWriter:
    """Writes one training run into one MLflow run; `target` is its id.

    A trial's is a child of its study's, which is made with the first of them and ends with the last.
    Writing the same events again changes nothing: MLflow keeps a metric once per step, time and value.

    Raises:
        TrackingStoreError: the store is locked, broken or cannot be reached.
        ImportError: mlflow is not installed.
    """

    name = "MLflow"

    def __init__(self, run_folder: Path, tracking_root: Path, remembered_target: str | None) -> None:
        self._run_folder = run_folder
        self._described = False
        with _store_errors():
            self._client, experiment_id = open_store(tracking_root)
            trial = TrialRecord.read(RunFolder(run_folder).trial_file)
            self._study_run = (
                study_run(self._client, experiment_id, tracking_root, trial.study) if trial else None
            )
            known = self._known_run(remembered_target)
            self.target: str = known or self._new_run(experiment_id, self._trial_tags(trial))

    def write(self, events: Sequence[Stamped]) -> None:
        """Write `events`; they are in the store at return."""
        with _store_errors():
            if not self._described:
                self._describe()
                self._described = True
            metrics = [metric for stamped in events for metric in _metrics(stamped)]
            for start in range(0, len(metrics), _MAX_METRICS_PER_CALL):
                self._client.log_batch(self.target, metrics[start : start + _MAX_METRICS_PER_CALL])
            for stamped in events:
                for relative_path in event_files(stamped.event).values():
                    self._log_file(relative_path)
                self._follow_status(stamped)

    def close(self) -> None:
        """Add the summary, which the end of a run leaves beside the events."""
        with _store_errors():
            self._log_file("summary.json")

    def _known_run(self, run_id: str | None) -> str | None:
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode

        if run_id is None:
            return None
        try:
            return str(self._client.get_run(run_id).info.run_id)
        except MlflowException as error:
            if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                return None  # the store was made anew; everything is still in the event stream
            raise

    def _trial_tags(self, trial: TrialRecord | None) -> dict[str, str]:
        if trial is None or self._study_run is None:
            return {}
        return {
            "mlflow.parentRunId": self._study_run,
            "study": trial.study,
            "trial": str(trial.number),
        }

    def _new_run(self, experiment_id: str, tags: dict[str, str]) -> str:
        settings = self._run_folder / "run.yaml"
        began = settings.stat().st_mtime if settings.is_file() else time.time()
        name, milliseconds = self._run_folder.name, round(began * 1000)
        return str(self._client.create_run(experiment_id, milliseconds, tags, run_name=name).info.run_id)

    def _describe(self) -> None:
        """The configuration as parameters (those still missing: MLflow's never change) and as a file."""
        from mlflow.entities import Param

        known = self._client.get_run(self.target).data.params
        parameters = [
            Param(key, value[:_MAX_VALUE_LENGTH])
            for key, value in _configuration(self._run_folder / "run.yaml").items()
            if key not in known
        ]
        for start in range(0, len(parameters), _MAX_PARAMETERS_PER_CALL):
            self._client.log_batch(self.target, params=parameters[start : start + _MAX_PARAMETERS_PER_CALL])
        self._log_file("run.yaml")

    def _log_file(self, relative_path: str) -> None:
        path = self._run_folder / relative_path
        if path.is_file():
            folder = Path(relative_path).parent.as_posix()
            self._client.log_artifact(self.target, str(path), None if folder == "." else folder)

    def _runs(self) -> list[str]:
        """The run, and of a trial its study's: that goes on and ends with its trials."""
        return [self.target, *([self._study_run] if self._study_run else [])]

    def _follow_status(self, stamped: Stamped) -> None:
        if isinstance(stamped.event, StartedEvent):
            for each in self._runs():
                self._client.update_run(each, status="RUNNING")
            for key, value in _tags(stamped.event).items():
                self._client.set_tag(self.target, key, value)
        elif isinstance(stamped.event, RestartEvent):
            self._client.set_tag(self.target, *_restart_tag(stamped.event))
        elif isinstance(stamped.event, FinishedEvent):
            status = _STATUS_BY_CAUSE.get(stamped.event.cause, "FAILED")
            self._client.set_tag(self.target, "cause", stamped.event.cause)
            for each, how in zip(self._runs(), (status, "FINISHED"), strict=False):
                self._client.set_terminated(each, how, end_time=round(stamped.time * 1000))


@contextmanager
def _store_errors() -> Iterator[None]:
    """What is wrong with the store, or with the record of a trial, as one error."""
    try:
        with store_errors():
            yield
    except TrialRecordError as error:
        raise TrackingStoreError(str(error)) from error


def _metrics(stamped: Stamped) -> list[Metric]:
    from mlflow.entities import Metric

    step, scalars = event_scalars(stamped.event)
    milliseconds = round(stamped.time * 1000)
    return [Metric(name, value, milliseconds, step) for name, value in scalars.items()]


def _tags(event: StartedEvent) -> dict[str, str]:
    facts: dict[str, Any] = {
        "device": event.device,
        "precision": event.precision,
        "threads": event.threads,
        "seed": event.seed,
        "parameters": event.parameters,
        "commit": event.commit,
    }
    facts |= {f"version.{package}": version for package, version in event.versions.items()}
    return {key: str(value) for key, value in facts.items()}


def _restart_tag(event: RestartEvent) -> tuple[str, str]:
    place = "the beginning" if event.resume_step is None else f"step {event.resume_step}"
    told = [f"{event.cause} at step {event.step}, on from {place}", *event.changes]
    return f"restart.{event.attempt}", "; ".join(told)


def _configuration(path: Path) -> dict[str, str]:
    """The leaves of a YAML file under dotted names; nothing where there is no such file."""
    import yaml

    if not path.is_file():
        return {}
    return dict(_leaves(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix, str(node)
