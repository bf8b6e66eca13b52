"""A report every `train.report_every` steps: how the training stands, and what happened since the last."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from smart_tuner.progress import RunFigures
from smart_tuner.records import write_atomically
from tacotron2.events import (
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    IncidentEvent,
    ReportEvent,
    RestartEvent,
    SnapshotEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    to_json,
)

REFERENCE = "reference"
"""The name of the reference loss among the others."""
HAPPENINGS: dict[type[Event], tuple[str, str]] = {
    IncidentEvent: ("incidents", "incident"),
    DecisionEvent: ("decisions", "reason"),
    RestartEvent: ("restarts", "cause"),
    DiagnosisEvent: ("diagnoses", "trouble"),
    CureEvent: ("cures", "state"),
}
"""Where a report counts a record, and the field that it is counted by."""
_MEASURED = ("attention", "stop", "norms", "grad_norm", "memory", "attention_image")


class DebugReporter:
    """Follows the records of one attempt and makes a report of each snapshot among them.

    It keeps the step records since the last report and counts of what happened, so its memory does not grow.
    Whatever went before this attempt is taken from the recorded history, as far as it still stands: where
    the training goes on from a step before a report, that report is made again, in the place of the first.
    What happened since the last report that stands counts all the same: it is why the training went back.

    Args:
        run_folder: reports go to its folder `reports`; None: nothing is written.
        max_train_s: the training's time limit in seconds; 0: none.
        history: the records of the run before this attempt.
        clock: the time of the records to come.
    """

    def __init__(
        self,
        run_folder: Path | None = None,
        max_train_s: float = 0.0,
        history: Iterable[Stamped] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = run_folder / "reports" if run_folder else None
        self._history: list[Event] = [stamped.event for stamped in history]
        self._clock = clock
        self._figures = RunFigures(max_train_s)
        self._last: ReportEvent | None = None
        self._steps: list[StepEvent] = []
        self._happened: dict[str, Counter[str]] = {}
        self._forget()

    def note(self, event: Event) -> ReportEvent | None:
        """Takes the next record; the report, where it is a snapshot.

        Raises:
            StorageError: the report cannot be written.
        """
        self._figures.update(Stamped(self._clock(), event))
        if isinstance(event, StartedEvent):
            for earlier in _standing(self._history, event.resumed_from_step or 0):
                self._take(earlier)
            self._history = []
        if not isinstance(event, SnapshotEvent):
            self._take(event)
            return None
        if not self._steps:
            return None  # no update was made since the last report: there is nothing to tell
        report = self._report(event)
        if self._folder:
            write_report(self._folder, report, self._clock())
        self._take(report)
        return report

    def _take(self, event: Event) -> None:
        if isinstance(event, StepEvent):
            self._steps.append(event)
        elif isinstance(event, ReportEvent):
            self._last = event
            self._forget()
        elif type(event) in HAPPENINGS:
            group, kind = HAPPENINGS[type(event)]
            self._happened[group][getattr(event, kind)] += 1

    def _forget(self) -> None:
        self._steps = []
        self._happened = {group: Counter() for group, _ in HAPPENINGS.values()}

    def _report(self, snapshot: SnapshotEvent) -> ReportEvent:
        steps, last = self._steps, self._steps[-1]
        since = self._last.step if self._last else 0
        counts = _updates(steps, since)
        seconds = [count * each.step_seconds for count, each in zip(counts, steps, strict=True)]
        eta = self._figures.eta_s()
        measured = {name: getattr(snapshot, name) for name in _MEASURED}
        happened: dict[str, Any] = {group: dict(counter) for group, counter in self._happened.items()}
        return ReportEvent(
            step=snapshot.step,
            since_step=since,
            epoch=last.epoch,
            losses=_mean_losses(steps, counts),
            losses_before=dict(self._last.losses) if self._last else {},
            learning_rate=last.learning_rate,
            eta_s=eta if eta == eta else None,
            step_seconds=sum(seconds) / sum(counts),
            mel_frames_per_s=_mean((each.mel_frames_per_s for each in steps), seconds),
            data_wait_share=_mean((each.data_wait_share for each in steps), seconds),
            n_frames_per_step=last.n_frames_per_step,
            teacher_forcing=last.teacher_forcing,
            **measured,
            **happened,
        )


def write_report(folder: Path, report: ReportEvent, when: float) -> Path:
    """The report as a file of its own, whole or not at all; one of the same step is replaced.

    Raises:
        StorageError: it cannot be written.
    """
    path = folder / f"step-{report.step:07d}.json"
    content = json.loads(to_json(report, when))
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return path


def _standing(history: Iterable[Event], resumed: int) -> list[Event]:
    """The records before a start from step `resumed`, without the steps and reports that are given up."""
    standing: list[Event] = []
    for event in history:
        if isinstance(event, StartedEvent):
            standing = _until(standing, event.resumed_from_step or 0)
        standing.append(event)
    return _until(standing, resumed)


def _until(events: Iterable[Event], step: int) -> list[Event]:
    return [each for each in events if not isinstance(each, StepEvent | ReportEvent) or each.step <= step]


def _updates(steps: Iterable[StepEvent], since: int) -> list[int]:
    """Of how many updates each record is the mean."""
    counts = []
    for event in steps:
        counts.append(max(1, event.step - since))
        since = event.step
    return counts


def _mean_losses(steps: list[StepEvent], counts: list[int]) -> dict[str, float]:
    """The mean of each term over the updates that had it."""
    named = [each.losses | {REFERENCE: each.train_reference_loss} for each in steps]
    names = dict.fromkeys(name for losses in named for name in losses)
    means = {}
    for name in names:
        having = [(losses[name], n) for losses, n in zip(named, counts, strict=True) if name in losses]
        means[name] = _mean((value for value, _ in having), [n for _, n in having])
    return means


def _mean(values: Iterable[float], weights: list[int] | list[float]) -> float:
    whole = sum(weights)
    if not whole:
        return 0.0
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / whole
