"""The event stream: what is written is what is read."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from tacotron2.events import (
    EVENT_TYPES,
    CheckpointEvent,
    ClipsEvent,
    CureEvent,
    DataEvent,
    DecisionEvent,
    DiagnosisEvent,
    EstimateEvent,
    Event,
    EventError,
    ExaminedEvent,
    FinishedEvent,
    IncidentEvent,
    KnobEvent,
    ReportEvent,
    RestartEvent,
    SnapshotEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
    from_json,
    to_json,
)

STEP = StepEvent(
    step=10,
    epoch=1,
    losses={"total": 3.25, "gate": 0.125},
    train_reference_loss=3.0,
    learning_rate=1e-3,
    guided_attention_weight=20.0,
    grad_norm=0.5,
    mel_frames_per_s=8000.0,
    data_wait_share=0.01,
    step_seconds=0.5,
)
SNAPSHOT = SnapshotEvent(
    step=250,
    attention={"attention_alignment": 0.5},
    stop={"gate_accuracy": 0.75},
    norms={"encoder": 0.25, "decoder.attention": 0.5},
    grad_norm=0.75,
    memory={"host_bytes": 1e9},
    seconds=0.25,
)
REPORT = ReportEvent(
    step=250,
    since_step=0,
    epoch=2,
    losses={"total": 3.25, "reference": 1.5},
    losses_before={},
    attention=SNAPSHOT.attention,
    stop=SNAPSHOT.stop,
    norms=SNAPSHOT.norms,
    grad_norm=0.75,
    learning_rate=1e-3,
    eta_s=None,
    step_seconds=0.5,
    mel_frames_per_s=8000.0,
    data_wait_share=0.01,
    memory=SNAPSHOT.memory,
)
EVENTS: list[Event] = [
    StartedEvent("cpu", "fp32", 2, 7, 1000, 100, 32, 8, "abc+changes", {"torch": "2.13.0"}),
    StartedEvent("cpu", "fp32", 2, 7, 1000, 100, 32, 8, "unknown", {}, resumed_from_step=50),
    StageEvent("features", 3, 12),
    DataEvent("train", 1500, 2, {"時": 3}),
    EstimateEvent(0.5, 50.0, 1_000_000),
    EstimateEvent(0.5, 50.0, 1_000_000, {"7": 0.25, "2": 0.75}),
    STEP,
    dataclasses.replace(STEP, n_frames_per_step=7, teacher_forcing=0.5),
    ValidationEvent(50, {"val_loss": 2.5}, {"attention_alignment": 0.5}, 1.5),
    ValidationEvent(50, {}, {}, 1.5, 0.4, "attention/ä\u2028.png", "spectrograms/s.png", ["audio/a b.wav"]),
    CheckpointEvent(50, "checkpoints/state-0000050.ckpt", "state"),
    CheckpointEvent(50, "checkpoints/best-0000050.ckpt", "best", 0.4),
    IncidentEvent(37, "non_finite_update", {"terms": ["gate"], "norms": [0.5, 0.25]}, "incidents/0000037"),
    IncidentEvent(40, "exploding_norm", {"norm": 50.0, "median": 0.5}),
    RestartEvent(1, "non_finite", 45, 40, ["learning_rate x 0.5"], 2.0),
    RestartEvent(2, "attention_failed", 1000, None, [], 0.0),
    DecisionEvent(900, "early_stopping", "stop", "converged", {"waited": 4, "phase": "learning"}),
    KnobEvent(40, "learning_rate", 1.0, 0.5, "guard", "exploding_norm"),
    DiagnosisEvent(200, "never_stops", 0.9, {"never_stopped_rate": 0.8, "kinds": ["a"]}),
    CureEvent(200, "begun", "never_stops", "gate_positive_weight", 16.0, 0.3),
    CureEvent(400, "kept", "never_stops", "gate_positive_weight", 16.0, 0.3, 0.45),
    ClipsEvent(200, 80, {"alignment": 0.6}, [{"id": "a", "times_bad": 2}], {"length:1": {"clips": 20.0}}),
    ValidationEvent(50, {}, {}, 1.5, train_seconds=12.5),
    SNAPSHOT,
    dataclasses.replace(SNAPSHOT, attention_image="reports/step-0000250.png"),
    REPORT,
    dataclasses.replace(
        REPORT,
        eta_s=600.0,
        incidents={"loss_spike": 2},
        restarts={"non_finite": 1},
        n_frames_per_step=7,
        teacher_forcing=0.5,
        attention_image="reports/step-0000250.png",
    ),
    ExaminedEvent("checkpoints/best-0000050.ckpt", {"quality": 0.4}),
    FinishedEvent(100, "completed", 60.0),
    FinishedEvent(100, "crashed"),
]


def test_every_kind_has_an_example_and_a_name_of_its_own() -> None:
    assert {type(event) for event in EVENTS} == set(EVENT_TYPES)
    assert len({kind.kind for kind in EVENT_TYPES}) == len(EVENT_TYPES)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_written_and_read(event: Event) -> None:
    line = to_json(event, 1_700_000_000.25)
    assert "\n" not in line
    assert from_json(line) == Stamped(1_700_000_000.25, event)
    assert json.loads(line)["kind"] == event.kind


def test_numbers_that_are_not_finite_are_null_in_the_file_and_nan_when_read() -> None:
    event = StepEvent(
        **vars(STEP)
        | {"losses": {"total": math.nan, "gate": math.inf, "mel_after": 1.0}, "grad_norm": -math.inf}
    )
    content = json.loads(to_json(event, 1.0))
    assert content["losses"] == {"total": None, "gate": None, "mel_after": 1.0}
    assert content["grad_norm"] is None
    read = from_json(to_json(event, 1.0)).event
    assert isinstance(read, StepEvent)
    incident = IncidentEvent(1, "loss_spike", {"before": [1.0, math.nan]})
    assert json.loads(to_json(incident, 1.0))["details"] == {"before": [1.0, None]}
    assert math.isnan(read.losses["total"]) and math.isnan(read.losses["gate"]) and math.isnan(read.grad_norm)
    assert read.losses["mel_after"] == 1.0 and read.step == 10


def test_an_absent_quality_stays_absent() -> None:
    """It is the one number that may be missing, so null means missing there."""
    read = from_json(to_json(ValidationEvent(1, {}, {}, 1.0, quality=math.nan), 1.0)).event
    assert isinstance(read, ValidationEvent) and read.quality is None


WHOLE = to_json(STEP, 1.0)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "   ",
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-1],
        WHOLE + WHOLE,
        "[]",
        "12",
        "null",
        '{"kind": "step"}',
        '{"time": 1.0}',
        '{"time": "soon", "kind": "finished", "step": 1, "cause": "completed", "train_seconds": 1.0}',
        '{"time": null, "kind": "finished", "step": 1, "cause": "completed", "train_seconds": 1.0}',
        '{"time": 1.0, "kind": "unheard-of", "step": 1}',
        '{"time": 1.0, "kind": ["step"]}',
        '{"time": 1.0, "kind": "finished", "cause": "completed", "train_seconds": 1.0}',
        '{"time": 1.0, "kind": "finished", "step": 1, "cause": "x", "train_seconds": 1.0, "more": 1}',
    ],
)
def test_what_is_no_event_is_an_error_that_shows_the_line(line: str) -> None:
    with pytest.raises(EventError) as error:
        from_json(line)
    assert repr(line[:80]) in str(error.value)
