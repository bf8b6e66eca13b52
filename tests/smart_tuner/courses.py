"""Courses of trainings in a few figures, for the tests of diagnosis and cures."""

from __future__ import annotations

from collections.abc import Mapping

from tacotron2.events import ClipsEvent, Event, IncidentEvent, StartedEvent, StepEvent, ValidationEvent

FIRST_LOSS = 6.0
GOOD_FORCED = {
    "val_loss": 2.2,
    "gate_accuracy": 0.9,
    "attention_alignment": 0.6,
    "attention_focus": 0.7,
    "attention_coverage": 0.9,
    "skip_rate": 0.02,
    "repeat_rate": 0.0,
}
GOOD_FREE = {
    "attention_alignment": 0.55,
    "mel_quality_score": 0.2,
    "stop_score": 0.85,
    "skip_rate": 0.02,
    "repeat_rate": 0.0,
    "never_stopped_rate": 0.0,
    "premature_rate": 0.5,
    "length_ratio": 0.95,
}


def started(resumed: int | None = None) -> StartedEvent:
    return StartedEvent("cpu", "fp32", 1, 1, 1, 9, 1, 1, "", {}, resumed)


def step(number: int, loss: float = 2.0, norm: float = 2.0, guide: float = 20.0, r: int = 2) -> StepEvent:
    return StepEvent(number, 0, {}, loss, 1e-3, guide, norm, 1.0, 0.0, 0.5, r, 1.0)


def validation(
    number: int, forced: Mapping[str, float] | None = None, free: Mapping[str, float] | None = None
) -> ValidationEvent:
    heard = GOOD_FREE | dict(free or {})
    return ValidationEvent(number, GOOD_FORCED | dict(forced or {}), heard, 1.0, 0.5)


def incident(number: int, kind: str = "exploding_norm") -> IncidentEvent:
    return IncidentEvent(number, kind, {})


def clips(number: int, groups: Mapping[str, float] | None = None, bad: int = 0, times: int = 2) -> ClipsEvent:
    """Groups by name with their alignment, usually 0.6; `bad` recordings that were bad so many times."""
    usual = {"alignment": 0.6, "alignment_deviation": 0.05, "loss": 1.0, "loss_deviation": 0.1}
    listed = [{"id": f"clip-{n}", "times_bad": times} for n in range(bad)]
    each = {name: {"clips": 20.0, "alignment": value, "loss": 1.0} for name, value in (groups or {}).items()}
    return ClipsEvent(number, 100, usual, listed, each)


def course(
    forced: Mapping[str, float] | None = None,
    free: Mapping[str, float] | None = None,
    loss: float = 2.0,
    norm: float = 2.0,
    last: int = 3,
) -> list[Event]:
    """Three (or `last`) validations with the same figures, which differ from a good training's as named."""
    events: list[Event] = [started(), step(10, FIRST_LOSS)]
    for number in range(100, 100 * last + 1, 100):
        size = norm if number == 100 * last else 2.0
        events += [step(number - 20, loss, size), step(number - 10, loss, size), step(number, loss, size)]
        events.append(validation(number, forced, free))
    return events
