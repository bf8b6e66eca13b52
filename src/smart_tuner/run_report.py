"""`report.html` of a run and of a study: wires the page to those whose records it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from smart_tuner.config import Config
from smart_tuner.decisions import PHASES
from smart_tuner.early_stop_controller import EarlyStopController, Plan
from smart_tuner.messages import Language, render
from smart_tuner.records import read_events, write_atomically
from smart_tuner.reports.blocks import Span
from smart_tuner.reports.html import page_html
from smart_tuner.reports.run_page import run_page
from smart_tuner.reports.study_page import StudyFiles, study_page
from smart_tuner.run_folder import RunFolder
from smart_tuner.tuning.study_folder import StudyFolder
from tacotron2.events import Stamped, ValidationEvent
from tacotron2.hparams import HParamsError


def write_run_report(run: RunFolder, language: Language) -> Path:
    """The page of a run as it is now, also while it goes on; returns its place.

    Raises:
        StorageError: it cannot be written.
    """
    spans: list[Span] = []
    with suppress(HParamsError, OSError):  # settings of another version: the page comes without phases
        spans = list(phase_spans(read_events(run.events_file)[0], run.config(), language))
    write_atomically(run.report_file, page_html(run_page(run, spans, language)))
    return run.report_file


def write_study_report(folder: StudyFolder, language: Language) -> Path:
    """The page of a study, of its record and pictures as they are; returns its place.

    Raises:
        StorageError: it cannot be written.
    """
    files = StudyFiles(
        name=folder.name,
        settings=folder.settings_file,
        record=folder.record_file,
        history=folder.history_picture,
        parallel=folder.parallel_picture,
        importance=folder.importance_picture,
    )
    write_atomically(folder.report_file, page_html(study_page(files, language)))
    return folder.report_file


def phase_spans(stream: Sequence[Stamped], config: Config, language: Language) -> Iterator[Span]:
    """The phases that early stopping saw a training in, along its steps; none where it is switched off."""
    if not config.early_stop.early_stopping:
        return
    controller = EarlyStopController(config.early_stop, Plan.of(config.hparams))
    phases: dict[int, str] = {}
    for stamped in stream:
        controller.note(stamped.event)
        if isinstance(stamped.event, ValidationEvent):
            phases[stamped.event.step] = controller.phase.value
    start, before = 0, 0
    name: str | None = None
    for step, phase in sorted(phases.items()):
        if name is not None and phase != name:
            yield Span(start, before, render(PHASES[name](), language))
            start = before
        name, before = phase, step
    if name is not None:
        yield Span(start, before, render(PHASES[name](), language))
