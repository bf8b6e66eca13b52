"""What a training run says while it runs: typed records, one JSON object a line.

Standard library only. The stream is the single source of every figure shown elsewhere; progress display,
MLflow, TensorBoard and reports read it and can be rebuilt from it. Paths in events are relative to the run's
folder, so that a run can be moved.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar


class EventError(ValueError):
    """A line of an event stream cannot be read."""


@dataclass(frozen=True)
class Event:
    """Base of all records; `kind` is the discriminator in the file."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class StartedEvent(Event):
    """An attempt begins (or goes on after `resumed_from_step`)."""

    kind: ClassVar[str] = "started"
    device: str
    precision: str
    threads: int
    seed: int
    parameters: int
    max_steps: int
    train_clips: int
    validation_clips: int
    commit: str
    versions: dict[str, str]
    resumed_from_step: int | None = None
    processes: int = 1


@dataclass(frozen=True)
class StageEvent(Event):
    """Progress of a phase; it is finished when `done == total`."""

    kind: ClassVar[str] = "stage"
    name: str
    done: int
    total: int


@dataclass(frozen=True)
class DataEvent(Event):
    """What a split (train, validation, test) holds, and what of it is not used.

    The split `recordings` is the user's whole folder; `advice` is what is odd about it, with what to do.
    `audio_seconds`: length of the clips in use, after trimming. `digest`: of the list and the recordings it
    names, see `tacotron2.data.digest`; only where the data of a study are measured.
    """

    kind: ClassVar[str] = "data"
    split: str
    clips: int
    left_out: int
    dropped_characters: dict[str, int]
    audio_seconds: float | None = None
    advice: list[str] = field(default_factory=list)
    digest: str | None = None


@dataclass(frozen=True)
class EstimateEvent(Event):
    """Cost measured on throw-away steps before training starts.

    `step_seconds` is the mean over the training; where r changes, `seconds_by_r` has that of each r.
    """

    kind: ClassVar[str] = "estimate"
    step_seconds: float
    train_seconds: float
    disk_bytes: int
    seconds_by_r: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class StepEvent(Event):
    """The mean of the losses since the last such record; r and share of teacher forcing at this step."""

    kind: ClassVar[str] = "step"
    step: int
    epoch: int
    losses: dict[str, float]
    train_reference_loss: float
    learning_rate: float
    guided_attention_weight: float
    grad_norm: float
    mel_frames_per_s: float
    data_wait_share: float
    step_seconds: float
    n_frames_per_step: int | None = None
    teacher_forcing: float | None = None


@dataclass(frozen=True)
class ValidationEvent(Event):
    """Both passes over held-out utterances; `quality` ranks checkpoints, from the free-running pass.

    `seconds`: what it took; `train_seconds`: those of the training before it, all attempts. `texts`: what
    each of `audio` says.
    """

    kind: ClassVar[str] = "validation"
    step: int
    teacher_forced: dict[str, float]
    free_running: dict[str, float]
    seconds: float
    quality: float | None = None
    attention_image: str | None = None
    spectrogram_image: str | None = None
    audio: list[str] = field(default_factory=list)
    train_seconds: float | None = None
    texts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CheckpointEvent(Event):
    """A checkpoint is on disk, complete. `role` is `state` or `best`."""

    kind: ClassVar[str] = "checkpoint"
    step: int
    path: str
    role: str
    quality: float | None = None


@dataclass(frozen=True)
class IncidentEvent(Event):
    """Something went wrong in training, and training goes on or ends by what the guard decides.

    `incident` is its type (docs/recovery.md names them all), `details` what is known of it in plain values;
    `folder` holds what replays it.
    """

    kind: ClassVar[str] = "incident"
    step: int
    incident: str
    details: dict[str, Any]
    folder: str | None = None


@dataclass(frozen=True)
class RestartEvent(Event):
    """The attempt before ended by `cause` at `step`; the next goes on from `resume_step`.

    `attempt` counts restarts from 1; `resume_step` is None where it begins anew; `changes` names what is
    different, as `name x factor`.
    """

    kind: ClassVar[str] = "restart"
    attempt: int
    cause: str
    step: int
    resume_step: int | None
    changes: list[str]
    delay_s: float


@dataclass(frozen=True)
class DecisionEvent(Event):
    """A controller has decided that the training is not to go on as it does.

    `controller`: early_stopping or attention; `verdict`, `reason` and `parameters`: docs/early_stopping.md.
    """

    kind: ClassVar[str] = "decision"
    step: int
    controller: str
    verdict: str
    reason: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class KnobEvent(Event):
    """What the schedule's value of a hyper-parameter is multiplied by has changed, for the updates after
    `step`. `by`: guard, supervisor or cure."""

    kind: ClassVar[str] = "knob"
    step: int
    knob: str
    before: float
    after: float
    by: str
    reason: str


@dataclass(frozen=True)
class DiagnosisEvent(Event):
    """Something is wrong with the training: `trouble` is its kind (docs/diagnosis.md names all), `confidence`
    0-1, `evidence` the figures it rests on."""

    kind: ClassVar[str] = "diagnosis"
    step: int
    trouble: str
    confidence: float
    evidence: dict[str, Any]


@dataclass(frozen=True)
class CureEvent(Event):
    """Something is tried against a trouble: `knob` is multiplied by `factor`.

    `state`: begun, kept, or undone, which multiplies by its inverse. `score`: the objective when it began;
    `score_after`: when it was judged.
    """

    kind: ClassVar[str] = "cure"
    step: int
    state: str
    trouble: str
    knob: str
    factor: float
    score: float
    score_after: float | None = None


@dataclass(frozen=True)
class ClipsEvent(Event):
    """How single recordings of the training set fare, teacher forced.

    `usual`: median and 1.4826 x MAD over `num_clips` of them (alignment, alignment_deviation, loss,
    loss_deviation). `bad`: the worst at most 20 (id, speaker, frames, symbols, alignment, loss, times_bad,
    why: docs/clips.md). `groups`: medians of `speaker:NAME` and of `length:1` to `length:4`, the quarters by
    length (clips, alignment, loss).
    """

    kind: ClassVar[str] = "clips"
    step: int
    num_clips: int
    usual: dict[str, float]
    bad: list[dict[str, Any]]
    groups: dict[str, dict[str, float]]


@dataclass(frozen=True)
class SnapshotEvent(Event):
    """What was measured of the one update that led to `step`, for the report of that step.

    `attention` and `stop`: figures of its batch (docs/reports.md), of the rows of the first process;
    `norms`: the true norm of the gradients of each module; `memory`: bytes. What could not be computed is
    absent. `seconds`: what measuring and drawing took.
    """

    kind: ClassVar[str] = "snapshot"
    step: int
    attention: dict[str, float]
    stop: dict[str, float]
    norms: dict[str, float]
    grad_norm: float
    memory: dict[str, float]
    seconds: float
    attention_image: str | None = None


@dataclass(frozen=True)
class ReportEvent(Event):
    """The report of a step, made again where a training goes back before it (docs/reports.md).

    `losses` are the means of the updates since the report before, of `since_step`, `losses_before` those of
    that report, none in the first; `reference` among them is `train_reference_loss`. Speed and waiting for
    data are likewise means. `learning_rate`, r and teacher forcing are those of the update that led to
    `step`; `attention`, `stop`, `norms`, `grad_norm`, `memory` and the picture those of its snapshot.
    `incidents` (by type), `decisions` (by reason), `restarts` (by cause), `diagnoses` (by trouble) and
    `cures` (by state): how many there were since the report before.
    """

    kind: ClassVar[str] = "report"
    step: int
    since_step: int
    epoch: int
    losses: dict[str, float]
    losses_before: dict[str, float]
    attention: dict[str, float]
    stop: dict[str, float]
    norms: dict[str, float]
    grad_norm: float
    learning_rate: float
    eta_s: float | None
    step_seconds: float
    mel_frames_per_s: float
    data_wait_share: float
    memory: dict[str, float]
    incidents: dict[str, int] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    diagnoses: dict[str, int] = field(default_factory=dict)
    cures: dict[str, int] = field(default_factory=dict)
    n_frames_per_step: int | None = None
    teacher_forcing: float | None = None
    attention_image: str | None = None


@dataclass(frozen=True)
class ExaminedEvent(Event):
    """The best checkpoint has spoken the test sentences."""

    kind: ClassVar[str] = "examined"
    checkpoint: str
    figures: dict[str, float]


@dataclass(frozen=True)
class FinishedEvent(Event):
    """The attempt is over; `cause` is an exit cause. A training that came to its end says how long it took.

    `train_seconds` counts all attempts.
    """

    kind: ClassVar[str] = "finished"
    step: int
    cause: str
    train_seconds: float | None = None


EVENT_TYPES: tuple[type[Event], ...] = (
    StartedEvent,
    StageEvent,
    DataEvent,
    EstimateEvent,
    StepEvent,
    ValidationEvent,
    CheckpointEvent,
    IncidentEvent,
    RestartEvent,
    DecisionEvent,
    KnobEvent,
    DiagnosisEvent,
    CureEvent,
    ClipsEvent,
    SnapshotEvent,
    ReportEvent,
    ExaminedEvent,
    FinishedEvent,
)


@dataclass(frozen=True)
class Stamped:
    """An event with the time (unix seconds) at which it was written."""

    time: float
    event: Event


def to_json(event: Event, time: float) -> str:
    """One line without its end. A number that is not finite becomes null: JSON has no other word for it."""
    content = {"kind": event.kind, "time": time} | dataclasses.asdict(event)
    return json.dumps(_finite(content), ensure_ascii=False, allow_nan=False)


def from_json(line: str) -> Stamped:
    """The record on one line. An unknown kind or field is an error: both sides are one release.

    A null where a number belongs reads as NaN: it was not finite when it was written.

    Raises:
        EventError: not JSON, or not a known record.
    """
    try:
        content: dict[str, Any] = json.loads(line)
        time, kind = float(content.pop("time")), content.pop("kind")
        types = {cls.kind: cls for cls in EVENT_TYPES}
        return Stamped(time, types[kind](**{key: _restored(key, value) for key, value in content.items()}))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise EventError(f"not an event: {line[:80]!r} ({error})") from None


OPTIONAL_FIELDS = frozenset(
    {
        "resumed_from_step",
        "resume_step",
        "folder",
        "quality",
        "attention_image",
        "spectrogram_image",
        "train_seconds",
        "audio_seconds",
        "digest",
        "score_after",
        "eta_s",
        "n_frames_per_step",
        "teacher_forcing",
    }
)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _restored(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: math.nan if item is None else item for name, item in value.items()}
    return math.nan if value is None and key not in OPTIONAL_FIELDS else value
