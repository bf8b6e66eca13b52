"""Records of a run in words, for the person in front of the screen."""

from __future__ import annotations

import math

from tacotron2.events import (
    DataEvent,
    EstimateEvent,
    ExaminedEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

STAGE_WORDS = {
    "data": "recordings",
    "features": "mel spectrograms",
    "estimate": "measuring the speed of this machine",
    "examination": "speaking the test sentences",
}


def sentence(stamped: Stamped) -> str:
    """The sentence for a record that deserves one, otherwise an empty string."""
    event = stamped.event
    if isinstance(event, StartedEvent):
        resumed = event.resumed_from_step
        processes = f" in each of {event.processes} processes" if event.processes > 1 else ""
        begin = "training" if resumed is None else f"going on at step {resumed}"
        return (
            f"{begin}: {event.parameters:,} parameters, {event.train_clips:,} utterances, "
            f"at most {event.max_steps:,} steps on {event.device} ({event.precision}, "
            f"{event.threads} threads{processes}), seed {event.seed}"
        )
    if isinstance(event, EstimateEvent):
        return (
            f"estimated: {duration(event.train_seconds)} of training ({event.step_seconds:.2f} s a step; "
            f"validations come on top), {math.ceil(event.disk_bytes / 2**20):,} MiB of disk"
        )
    if isinstance(event, DataEvent):
        return _not_used(event)
    if isinstance(event, ValidationEvent):
        shown = {
            "loss": event.teacher_forced.get("val_loss"),
            "gate accuracy": event.teacher_forced.get("gate_accuracy"),
            "free-running alignment": event.free_running.get("attention_alignment"),
            "quality": event.quality,
        }
        words = ", ".join(f"{name} {value:.2f}" for name, value in shown.items() if value is not None)
        return f"validation at step {event.step}: {words}"
    if isinstance(event, ExaminedEvent):
        return f"examined {event.checkpoint}"
    return ""


def _not_used(event: DataEvent) -> str:
    """What of a split is missing from the training; nothing to say where nothing is."""
    parts = []
    if event.left_out:
        whole = event.clips + event.left_out
        parts.append(f"{event.left_out:,} of {whole:,} clips left out")
    if event.dropped_characters:
        often = sorted(event.dropped_characters.items(), key=lambda item: -item[1])[:5]
        shown = ", ".join(f"{character!r} {times(count)}" for character, count in often)
        parts.append(f"{sum(event.dropped_characters.values()):,} characters dropped ({shown})")
    return f"{event.split}: {'; '.join(parts)}; the log names them" if parts else ""


def times(count: int) -> str:
    """`once`, `3 times`."""
    return "once" if count == 1 else f"{count:,} times"


def losses(event: StepEvent) -> str:
    losses = ", ".join(f"{name} {value:.4f}" for name, value in event.losses.items())
    return (
        f"step {event.step}: {losses}, gradient norm {event.grad_norm:.3f}, "
        f"learning rate {event.learning_rate:.2e}, waiting for data {event.data_wait_share:.0%}"
    )


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
