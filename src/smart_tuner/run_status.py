"""What a run does now, in a few lines for somebody who asks from afar."""

from __future__ import annotations

import math
import threading
import time

from smart_tuner.messages import ChatPhrase, Language, Message, TrainingPhrase, render
from smart_tuner.progress import RunFigures
from smart_tuner.wording import INCIDENTS, STAGES, named
from tacotron2.events import (
    IncidentEvent,
    ReportEvent,
    RestartEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)


class RunStatus:
    """Follows a run in one thread and is asked in others.

    Args:
        name: of the run.
        max_train_s: the training's time limit in seconds; 0: none.
    """

    def __init__(self, name: str, max_train_s: float = 0.0) -> None:
        self._name = name
        self._figures = RunFigures(max_train_s)
        self._lock = threading.Lock()
        self._stage: StageEvent | None = None
        self._doing = "starting"
        self._step: StepEvent | None = None
        self._validation: ValidationEvent | None = None
        self._image: str | None = None
        self._incident: IncidentEvent | None = None
        self._restarts = 0
        self._time: float | None = None

    def update(self, stamped: Stamped) -> None:
        """Take one more record into account."""
        event = stamped.event
        with self._lock:
            self._figures.update(stamped)
            self._time = stamped.time
            if isinstance(event, StageEvent):
                self._stage, self._doing = event, event.name
            elif isinstance(event, StartedEvent):
                self._doing = "training"
            elif isinstance(event, StepEvent):
                self._step, self._doing = event, "training"
            elif isinstance(event, ValidationEvent):
                self._validation = event
                self._image = event.attention_image or self._image
            elif isinstance(event, ReportEvent):
                self._image = event.attention_image or self._image
            elif isinstance(event, IncidentEvent):
                self._incident = event
            elif isinstance(event, RestartEvent):
                self._restarts, self._doing = event.attempt, "restarting"

    @property
    def begun(self) -> bool:
        """Whether anything has been recorded yet."""
        with self._lock:
            return self._time is not None

    @property
    def attention_image(self) -> str | None:
        """The newest picture of the attention, relative to the run's folder."""
        with self._lock:
            return self._image

    def told(self, language: Language) -> str:
        """The lines."""
        with self._lock:
            lines = [
                ChatPhrase.RUN_STATUS(name=self._name, doing=self._now(language)),
                *self._parts(language),
            ]
        return "\n".join(render(line, language) for line in lines)

    def _now(self, language: Language) -> Message | str:
        if self._doing == "restarting":
            return ChatPhrase.STATUS_RESTARTING()
        if self._doing == "training":
            figures = self._figures
            if not figures.max_steps:
                return TrainingPhrase.STAGE_TRAINING()
            share = figures.step / figures.max_steps
            place = ChatPhrase.STATUS_STEP(step=figures.step, steps=figures.max_steps, share=share)
            left = figures.eta_s()
            if math.isnan(left):
                return place
            return ChatPhrase.STATUS_WITH_TIME(place=place, left=TrainingPhrase.TIME_LEFT(seconds=left))
        if self._stage is None:
            return TrainingPhrase.STAGE_STARTING()
        stage = named(self._stage.name, STAGES, language)
        if self._stage.total <= 1:
            return stage
        done, total = self._stage.done, self._stage.total
        return TrainingPhrase.STAGE_PROGRESS(stage=stage, done=done, total=total)

    def _parts(self, language: Language) -> list[Message]:
        parts: list[Message] = []
        if self._step is not None and math.isfinite(self._step.train_reference_loss):
            loss = self._step.train_reference_loss
            parts.append(ChatPhrase.STATUS_LOSS(value=loss, step=self._step.step))
        if not math.isnan(self._figures.alignment) and self._validation is not None:
            value = self._figures.alignment
            parts.append(ChatPhrase.STATUS_ALIGNMENT(value=value, step=self._validation.step))
        parts.append(ChatPhrase.STATUS_RESTARTS(count=self._restarts))
        if self._incident is not None:
            what = named(self._incident.incident, INCIDENTS, language)
            parts.append(ChatPhrase.STATUS_INCIDENT(step=self._incident.step, what=what))
        if self._time is not None:
            parts.append(ChatPhrase.STATUS_AGE(seconds=max(0.0, time.time() - self._time)))
        return parts
