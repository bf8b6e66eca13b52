"""What happened in a training beside the training itself: incidents, restarts, decisions, cures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from smart_tuner.messages import ChartPhrase, Language, RecoveryPhrase, ReportPhrase, render
from smart_tuner.messages.language import number as written
from smart_tuner.records import ExitCause
from smart_tuner.reports.blocks import Block, Mark, Table, Text
from smart_tuner.reports.media import thinned
from smart_tuner.reports.records import RunRecords
from smart_tuner.wording import CAUSES, INCIDENTS, named, sentence, subject
from tacotron2.events import (
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    IncidentEvent,
    KnobEvent,
    RestartEvent,
    Stamped,
)

MOST_MARKS, MOST_ROWS = 40, 60
STEP_BEFORE = re.compile(r"^(?:step|шаг) [\d\s,\u00a0]+: ")
CAUSE_WORDS = {cause.value: phrase for cause, phrase in CAUSES.items()}
KINDS = {
    "incident": ("!", ReportPhrase.KIND_INCIDENT),
    "restart": ("↻", ReportPhrase.KIND_RESTART),
    "decision": ("◆", ReportPhrase.KIND_DECISION),
    "diagnosis": ("?", ReportPhrase.KIND_DIAGNOSIS),
    "cure": ("+", ReportPhrase.KIND_CURE),
    "knob": ("±", ReportPhrase.KIND_KNOB),
}
"""Kind of a record to the symbol that stands for it in every chart, and its name."""


@dataclass(frozen=True)
class Happening:
    """One of them, in the reader's words."""

    step: int
    kind: str
    words: str

    @property
    def symbol(self) -> str:
        return KINDS[self.kind][0]


def happenings(records: RunRecords, language: Language) -> list[Happening]:
    """All of a run, in their order."""
    found = ((stamped, _words(stamped, language)) for stamped in records.stream)
    return [_happening(stamped.event, words) for stamped, words in found if words]


def marks(happened: Sequence[Happening]) -> list[Mark]:
    """What the charts show of them; what is merely set otherwise stands in the table."""
    shown = thinned([each for each in happened if each.kind != "knob"], MOST_MARKS)
    return [Mark(each.step, each.symbol, f"{each.step}: {each.words}") for each in shown]


def blocks(happened: Sequence[Happening], language: Language) -> list[Block]:
    """The table of them, and how many there were where it does not hold all."""
    if not happened:
        return [Text([render(ReportPhrase.NOTHING_HAPPENED(), language)])]
    shown = thinned(happened, MOST_ROWS)
    rows = [
        [
            written(each.step, ",", language),
            f"{each.symbol} {render(KINDS[each.kind][1](), language)}",
            each.words,
        ]
        for each in shown
    ]
    heads = (ChartPhrase.CHART_STEP, ReportPhrase.HEAD_KIND, ReportPhrase.HEAD_WHAT)
    caption = render(ReportPhrase.TABLE_HAPPENED(), language)
    found: list[Block] = [Table(caption, [render(head(), language) for head in heads], rows, words=(1, 2))]
    if len(shown) < len(happened):
        told = ReportPhrase.ROWS_OF(shown=len(shown), count=len(happened))
        found.append(Text([render(told, language)], muted=True))
    return found


def legend(happened: Sequence[Happening], language: Language) -> list[str]:
    """The symbols that occur, each with its name."""
    kinds = {each.kind for each in happened} - {"knob"}
    return [f"{KINDS[kind][0]} {render(KINDS[kind][1](), language)}" for kind in KINDS if kind in kinds]


def _happening(event: Event, words: str) -> Happening:
    return Happening(int(getattr(event, "step", 0)), event.kind, words)


def _words(stamped: Stamped, language: Language) -> str:
    """One sentence for a record of these kinds; nothing for another."""
    event = stamped.event
    if isinstance(event, IncidentEvent):
        what, about = named(event.incident, INCIDENTS, language), subject(event)
        return f"{what} ({about})" if about else what
    if isinstance(event, RestartEvent):
        return _restart(event, language)
    if isinstance(event, DecisionEvent | DiagnosisEvent | CureEvent | KnobEvent):
        try:
            return _without_step(sentence(stamped, language))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _plain(event)  # another version of the program wrote it
    return ""


def _without_step(words: str) -> str:
    """The step stands in a column, and above the curves."""
    return STEP_BEFORE.sub("", words)


def _restart(event: RestartEvent, language: Language) -> str:
    place = RecoveryPhrase.ANEW()
    if event.resume_step is not None:
        place = RecoveryPhrase.FROM_STEP(step=event.resume_step)
    seed = render(RecoveryPhrase.NEXT_SEED(), language)
    changes = [seed if change == "next seed" else change for change in event.changes]
    cause = cause_word(event.cause, language)
    return "; ".join([f"{cause}: {render(place, language)}", *changes])


def cause_word(cause: str, language: Language) -> str:
    """An exit cause in the reader's language."""
    known = cause in {each.value for each in ExitCause}
    return render(CAUSE_WORDS[cause](), language) if known else cause


def _plain(event: DecisionEvent | DiagnosisEvent | CureEvent | KnobEvent) -> str:
    """The names in a record as they stand there."""
    if isinstance(event, DecisionEvent):
        return f"{event.controller}: {event.verdict}, {event.reason}"
    if isinstance(event, DiagnosisEvent):
        return event.trouble
    if isinstance(event, CureEvent):
        return f"{event.trouble}: {event.knob} x {event.factor:g}, {event.state}"
    return f"{event.knob}: {event.before:g} → {event.after:g}"
