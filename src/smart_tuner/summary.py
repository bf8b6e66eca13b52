"""`summary.json`: every figure of a run and how it was obtained, made from its events and its examination."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from smart_tuner.bad_clips import last_clips
from smart_tuner.machine import Machine
from smart_tuner.records import Outcome, read_events, write_atomically
from smart_tuner.run_folder import RunFolder
from tacotron2.events import (
    CureEvent,
    DataEvent,
    DecisionEvent,
    DiagnosisEvent,
    EstimateEvent,
    Event,
    FinishedEvent,
    IncidentEvent,
    RestartEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

ALIGNED = 0.4
"""Free-running `attention_alignment` above which attention counts as formed."""


def figure(value: float | None, how: str) -> dict[str, Any]:
    """A number and where it comes from; a number that is not finite is no number."""
    finite = not isinstance(value, float) or math.isfinite(value)
    return {"value": value if finite else None, "how": how}


def examined_figures(figures: Mapping[str, float], how: Mapping[str, str]) -> dict[str, Any]:
    """Those of the examination; `how` says where some of them come from."""
    return {name: figure(value, how.get(name) or _examined_how(name)) for name, value in figures.items()}


def _examined_how(name: str) -> str:
    teacher_forced = name.startswith("teacher_forced_")
    way = "teacher forced" if teacher_forced else "free running"
    definition = name.removeprefix("teacher_forced_")
    return f"{definition} as docs/metrics.md defines it, over the test sentences, {way}, best checkpoint"


def write_summary(run: RunFolder, machine: Machine, outcome: Outcome) -> dict[str, Any]:
    """Write the file and return its content."""
    stream, _ = read_events(run.events_file)
    content = summarise(run, stream, machine, outcome)
    write_atomically(
        run.summary_file, json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    )
    return content


def summarise(
    run: RunFolder, stream: Sequence[Stamped], machine: Machine, outcome: Outcome
) -> dict[str, Any]:
    """The content of the file, in plain values."""
    examined = {}
    if run.examination_file.exists():
        examined = json.loads(run.examination_file.read_text(encoding="utf-8"))
    return {
        "run": run.name,
        "outcome": {"cause": outcome.cause.value, "message": outcome.message},
        "examination": examined.get("figures", {}),
        "vocoder": examined.get("vocoder", {}),
        "training": _training(stream) | _recommended(run),
        "data": _data(stream),
        "phase_seconds": {
            "value": phase_seconds(stream),
            "how": "first to last record of each phase in events.jsonl, summed over attempts",
        },
        "attempts": _attempts(stream),
        "restarts": _records(stream, RestartEvent),
        "incidents": _records(stream, IncidentEvent),
        "decisions": _records(stream, DecisionEvent),
        "diagnoses": _records(stream, DiagnosisEvent),
        "cures": _records(stream, CureEvent),
        "machine": machine.to_dict(),
    }


def _training(stream: Sequence[Stamped]) -> dict[str, Any]:
    steps = [stamped.event for stamped in stream if isinstance(stamped.event, StepEvent)]
    validations = [stamped.event for stamped in stream if isinstance(stamped.event, ValidationEvent)]
    figures: dict[str, Any] = {}
    for estimate in (stamped.event for stamped in stream if isinstance(stamped.event, EstimateEvent)):
        how = "measured on throw-away steps before training, without validations"
        figures["estimated_train_seconds"] = figure(round(estimate.train_seconds, 1), how)
        figures["estimated_disk_bytes"] = figure(estimate.disk_bytes, "weights, states, validations to come")
    if steps:
        figures["steps"] = figure(max(event.step for event in steps), "the last step recorded")
        figures["train_reference_loss"] = figure(
            steps[-1].train_reference_loss, f"training batches before step {steps[-1].step}"
        )
    if validations:
        last = validations[-1]
        place = f"validation at step {last.step}, {{}}"
        figures |= {
            f"validation_{name}": figure(value, place.format("teacher forced"))
            for name, value in last.teacher_forced.items()
        }
        figures |= {
            f"validation_free_running_{name}": figure(value, place.format("free running"))
            for name, value in last.free_running.items()
        }
    return figures | _aligned(stream)


def _recommended(run: RunFolder) -> dict[str, Any]:
    """The length that the recordings called for; nothing where the preset or the user set it."""
    config = run.config() if run.settings_file.is_file() else None
    if config is None or not config.advised_length:
        return {}
    how = "updates, recommended from the recordings before training; docs/clips.md"
    return {"recommended_steps": figure(config.hparams.train.max_steps, how)}


def _data(stream: Sequence[Stamped]) -> dict[str, Any]:
    """What the last attempt used of each split."""
    figures: dict[str, Any] = {}
    for event in (stamped.event for stamped in stream):
        if isinstance(event, DataEvent):
            place = f"of the {event.split} list"
            figures |= {
                f"{event.split}_clips": figure(event.clips, f"clips {place} in use"),
                f"{event.split}_left_out": figure(event.left_out, f"clips {place} that are not used"),
                f"{event.split}_dropped_characters": {
                    "value": event.dropped_characters,
                    "how": f"characters {place} without a symbol, by character (text.unreadable)",
                },
            }
            if event.audio_seconds is not None:
                how = f"length of the clips {place} in use, after trimming"
                figures[f"{event.split}_audio_seconds"] = figure(event.audio_seconds, how)
    told = last_clips(stream)
    if told is not None:
        how = f"recordings listed at step {told.step}, at most 20; smart-tuner clips shows them"
        figures["train_bad_clips"] = figure(len(told.bad), how)
    return figures


def _aligned(stream: Sequence[Stamped]) -> dict[str, Any]:
    """When free-running attention first passed `ALIGNED`."""
    how = f"first validation with free-running attention_alignment above {ALIGNED}"
    started: float | None = None
    earlier_s = last = 0.0
    for stamped in stream:
        event = stamped.event
        if isinstance(event, StartedEvent):
            earlier_s += max(0.0, last - started) if started is not None else 0.0
            started = stamped.time
        if isinstance(event, StepEvent | ValidationEvent):
            last = stamped.time
        if isinstance(event, ValidationEvent) and _alignment(event) > ALIGNED:
            seconds = earlier_s + stamped.time - (started if started is not None else stamped.time)
            return {
                "aligned_at_step": figure(event.step, how),
                "aligned_after_seconds": figure(round(seconds, 1), how + ", seconds of training until then"),
            }
    return {"aligned_at_step": figure(None, how + "; there was none")}


def _alignment(event: ValidationEvent) -> float:
    return event.free_running.get("attention_alignment", 0.0)


def phase_seconds(stream: Sequence[Stamped]) -> dict[str, float]:
    """Seconds per phase; one that was cut off counts to its attempt's last record."""
    seconds: dict[str, float] = {}
    open_phase: tuple[str, float] | None = None
    last = 0.0
    for stamped in stream:
        event = stamped.event
        if isinstance(event, StageEvent) and (open_phase is None or open_phase[0] != event.name):
            if open_phase is not None:
                seconds[open_phase[0]] = seconds.get(open_phase[0], 0.0) + last - open_phase[1]
            open_phase = (event.name, stamped.time)
        last = stamped.time
        if isinstance(event, StageEvent) and event.done >= event.total and open_phase is not None:
            seconds[event.name] = seconds.get(event.name, 0.0) + stamped.time - open_phase[1]
            open_phase = None
    if open_phase is not None:
        seconds[open_phase[0]] = seconds.get(open_phase[0], 0.0) + last - open_phase[1]
    return {name: round(value, 2) for name, value in seconds.items()}


def _attempts(stream: Sequence[Stamped]) -> list[dict[str, Any]]:
    """What every attempt ran with (device, precision, threads, seed, commit, versions), and how it ended.

    One that ended before its training began has an end alone, one that nobody saw end a beginning alone.
    """
    attempts: list[dict[str, Any]] = []
    open_attempt = False
    for stamped in stream:
        event = stamped.event
        if isinstance(event, StartedEvent):
            attempts.append({"time": stamped.time} | asdict(event))
            open_attempt = True
        elif isinstance(event, FinishedEvent):
            if not open_attempt:
                attempts.append({"time": stamped.time})
            attempts[-1]["ended"] = {"time": stamped.time, "cause": event.cause, "step": event.step}
            open_attempt = False
    return attempts


def _records(stream: Sequence[Stamped], kind: type[Event]) -> list[dict[str, Any]]:
    """All of one kind, as they were written."""
    return [
        {"time": stamped.time} | asdict(stamped.event) for stamped in stream if type(stamped.event) is kind
    ]
