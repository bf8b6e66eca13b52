"""The page of a run, made of its records."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

from smart_tuner.messages import ChartPhrase, Language, ReportPhrase, render
from smart_tuner.messages.language import duration, number
from smart_tuner.reports import (
    bad_clips,
    curves,
    environment,
    happenings,
    in_short,
    seen_and_heard,
    settings_diff,
)
from smart_tuner.reports.blocks import Block, Page, Section, Span, Table, Text, Tone
from smart_tuner.reports.happenings import Happening, cause_word
from smart_tuner.reports.media import Budget
from smart_tuner.reports.records import RunRecords
from smart_tuner.run_folder import RunFolder
from smart_tuner.wording import STATES, named
from tacotron2.events import FinishedEvent, StartedEvent

MEDIA_BYTES = 8_000_000
"""Of pictures and sounds in one page."""
Maker: TypeAlias = Callable[[], Sequence[Block]]
GOOD_STATES, RUNNING_STATES = {"completed", "stopped"}, {"running", "unfinished", "interrupted", "terminated"}


def run_page(run: RunFolder, spans: Sequence[Span], language: Language) -> Page:
    """Everything that there is of a run; sections of which there is nothing are left out.

    Args:
        spans: phases of the training along its steps, from whoever judges them.
    """
    records = RunRecords.read(run)
    happened = happenings.happenings(records, language)
    judged, checks = in_short.gate_of(run, records)
    budget = Budget(MEDIA_BYTES)
    makers: list[tuple[str, ReportPhrase, Maker]] = [
        ("short", ReportPhrase.SHORT, lambda: in_short.blocks(records, checks, happened, language)),
        ("listen", ReportPhrase.LISTEN, lambda: seen_and_heard.sentences(records, budget, language)),
        ("gate", ReportPhrase.GATE, lambda: in_short.gate_blocks(judged, checks, language)),
        ("curves", ReportPhrase.REPORT_CURVES, lambda: _curves(records, happened, spans, language)),
        (
            "attention",
            ReportPhrase.REPORT_ATTENTION,
            lambda: seen_and_heard.attention(records, budget, language),
        ),
        ("voice", ReportPhrase.VOICE, lambda: seen_and_heard.voice_over_time(records, budget, language)),
        ("events", ReportPhrase.REPORT_HAPPENED, lambda: happenings.blocks(happened, language)),
        ("clips", ReportPhrase.CLIPS, lambda: bad_clips.blocks(records, budget, language)),
        ("attempts", ReportPhrase.ATTEMPTS, lambda: _attempts(records, language)),
        ("tuning", ReportPhrase.TUNING, lambda: environment.tuning(records, language)),
        ("settings", ReportPhrase.SETTINGS, lambda: settings_diff.blocks(records, language)),
        ("machine", ReportPhrase.ENVIRONMENT, lambda: environment.machine(records, language)),
    ]
    made = [Section(anchor, render(title(), language), maker()) for anchor, title, maker in makers]
    return Page(
        language=language.value,
        title=records.name,
        subtitle=render(ReportPhrase.REPORT_OF_RUN(), language),
        badge=named(records.state, STATES, language),
        tone=_tone(records.state, all(each.passed for each in checks)),
        contents_name=render(ReportPhrase.CONTENTS(), language),
        sections=[section for section in made if section.blocks],
        footer=[render(ReportPhrase.WRITTEN_AT(time=timestamp(time.time())), language)],
    )


def timestamp(seconds: float) -> str:
    """A moment as every language reads it, in the time of this machine."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _tone(state: str, gate_open: bool) -> Tone:
    if state in RUNNING_STATES:
        return Tone.WARN
    if state not in GOOD_STATES:
        return Tone.BAD
    return Tone.GOOD if gate_open else Tone.WARN


def _curves(
    records: RunRecords, happened: Sequence[Happening], spans: Sequence[Span], language: Language
) -> list[Block]:
    beside = curves.Beside(happenings.marks(happened), spans)
    drawn = curves.charts(records, beside, language)
    if not drawn:
        return [Text([render(ChartPhrase.NO_CURVES_YET(), language)])]
    notes = []
    if symbols := happenings.legend(happened, language):
        notes.append(render(ChartPhrase.SYMBOLS(symbols=", ".join(symbols)), language))
    if spans:
        names = ", ".join(dict.fromkeys(span.name for span in spans))
        notes.append(render(ChartPhrase.PHASES(names=names), language))
    if any(each.gone for chart in drawn for each in chart.series):
        notes.append(render(ChartPhrase.GIVEN_UP_CURVES(), language))
    return [*([Text(notes, muted=True)] if notes else []), *drawn]


def _attempts(records: RunRecords, language: Language) -> list[Block]:
    """Every attempt: when, from where, to what end."""
    rows: list[list[str]] = []
    begun: float | None = None
    for stamped in records.stream:
        event = stamped.event
        if isinstance(event, StartedEvent):
            resumed = number(event.resumed_from_step or 0, ",", language)
            rows.append(
                [str(len(rows) + 1), timestamp(stamped.time), resumed, str(event.seed), "–", "–", "–"]
            )
            begun = stamped.time
        elif isinstance(event, FinishedEvent):
            if begun is None:  # it ended before its training began
                rows.append([str(len(rows) + 1), timestamp(stamped.time), "–", "–", "–", "–", "–"])
            took = duration(stamped.time - begun, language) if begun is not None else "–"
            rows[-1][4:] = [number(event.step, ",", language), took, cause_word(event.cause, language)]
            begun = None
    if not rows:
        return []
    phrases = (
        ReportPhrase.HEAD_ATTEMPT,
        ReportPhrase.HEAD_BEGAN,
        ReportPhrase.HEAD_FROM,
        ReportPhrase.HEAD_SEED,
        ReportPhrase.HEAD_TO,
        ReportPhrase.HEAD_TOOK,
        ReportPhrase.HEAD_END,
    )
    heads = [render(head(), language) for head in phrases]
    return [Table(render(ReportPhrase.TABLE_ATTEMPTS(), language), heads, rows, words=(1, 6))]
