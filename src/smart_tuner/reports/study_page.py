"""The page of a study, made of its record and its pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_tuner.messages import ChartPhrase, Language, ReportPhrase, render
from smart_tuner.messages.language import duration
from smart_tuner.messages.language import number as written
from smart_tuner.reports.blocks import (
    Block,
    Figure,
    Figures,
    Folded,
    Listing,
    Page,
    Section,
    Table,
    Text,
    Tone,
)
from smart_tuner.reports.happenings import cause_word
from smart_tuner.reports.media import Budget, thinned
from smart_tuner.reports.records import json_mapping, number
from smart_tuner.reports.run_page import MEDIA_BYTES, timestamp
from smart_tuner.reports.seen_and_heard import picture_block
from smart_tuner.reports.settings_diff import shown as as_typed

MOST_TRIALS = 300
BEST_TRIALS = 8
STATES = {
    "COMPLETE": ReportPhrase.REPORT_COMPLETE,
    "PRUNED": ReportPhrase.REPORT_PRUNED,
    "FAIL": ReportPhrase.REPORT_FAILED,
    "RUNNING": ReportPhrase.REPORT_RUNNING,
    "WAITING": ReportPhrase.REPORT_WAITING,
}


@dataclass(frozen=True)
class StudyFiles:
    """Where what is shown of a study lies; any of it may be absent."""

    name: str
    settings: Path
    record: Path
    history: Path
    parallel: Path
    importance: Path


def study_page(files: StudyFiles, language: Language) -> Page:
    """Everything that there is of a study."""
    record, budget = json_mapping(files.record), Budget(MEDIA_BYTES)
    trials = [each for each in record.get("trials") or [] if isinstance(each, dict)]
    shares = _shares(record)
    sections = [
        Section(
            "short", _told(ReportPhrase.SHORT, language), _short(files, record, trials, shares, language)
        ),
        Section("history", _told(ReportPhrase.HISTORY, language), _history(files, budget, language)),
        Section(
            "importance",
            _told(ReportPhrase.IMPORTANCE, language),
            _importance(files, shares, budget, language),
        ),
        Section("trials", _told(ReportPhrase.TRIALS, language), _trials(record, trials, language)),
        Section("settings", _told(ReportPhrase.SETTINGS, language), _settings(files, language)),
        Section("machine", _told(ReportPhrase.ENVIRONMENT, language), _made_with(record, language)),
    ]
    best = record.get("best")
    badge = ReportPhrase.BEST_IS(trial=best) if isinstance(best, int) else ReportPhrase.NO_BEST()
    return Page(
        language=language.value,
        title=files.name,
        subtitle=_told(ReportPhrase.REPORT_OF_STUDY, language),
        badge=render(badge, language),
        tone=Tone.GOOD if isinstance(best, int) else Tone.WARN,
        contents_name=_told(ReportPhrase.CONTENTS, language),
        sections=[section for section in sections if section.blocks],
        footer=[render(ReportPhrase.WRITTEN_AT(time=timestamp(time.time())), language)],
    )


def _short(
    files: StudyFiles,
    record: Mapping[str, Any],
    trials: Sequence[Mapping[str, Any]],
    shares: Mapping[str, float],
    language: Language,
) -> list[Block]:
    if not trials:
        return [Text([_told(ReportPhrase.NO_TRIALS_YET, language)])]
    states = [str(each.get("state")) for each in trials]
    best = next((each for each in trials if each.get("number") == record.get("best")), None)
    score = number(best.get("score")) if best else None
    figures = [Figure(_told(ReportPhrase.TRIALS, language), str(len(trials)))]
    if best and score is not None:
        note = render(ReportPhrase.BEST_IS(trial=int(best["number"])), language)
        found = Figure(
            _told(ReportPhrase.BEST_SCORE, language), written(score, ".3f", language), note, Tone.GOOD
        )
        figures.insert(0, found)
    if seconds := number(record.get("seconds")):
        figures.append(Figure(_told(ReportPhrase.TIME, language), duration(seconds, language)))
    if steps := number(record.get("steps")):
        figures.append(Figure(_told(ReportPhrase.STEPS, language), written(steps, ",.0f", language)))
    counts = ReportPhrase.REPORT_COUNTS(
        complete=states.count("COMPLETE"),
        pruned=states.count("PRUNED"),
        failed=states.count("FAIL"),
        shut=len(record.get("stopped_by_gate") or {}),
    )
    told = [render(counts, language)]
    if shares:
        names = ", ".join(list(shares)[:3])
        told.append(render(ReportPhrase.MOST_IMPORTANT(names=names), language))
    if best:
        told.append(
            render(ReportPhrase.NEXT_TRAIN(file=str(files.settings.with_name("best.yaml"))), language)
        )
    else:
        told.append(_told(ReportPhrase.NEXT_MORE_TRIALS, language))
    return [Figures(figures), Text(told)]


def _history(files: StudyFiles, budget: Budget, language: Language) -> list[Block]:
    return [
        *picture_block(files.history, _told(ReportPhrase.PICTURE_HISTORY, language), budget),
        *picture_block(files.parallel, _told(ReportPhrase.PICTURE_PARALLEL, language), budget),
    ]


def _importance(
    files: StudyFiles, shares: Mapping[str, float], budget: Budget, language: Language
) -> list[Block]:
    if not shares:
        return []
    drawn = picture_block(files.importance, _told(ReportPhrase.PICTURE_IMPORTANCE, language), budget)
    rows = [[name, written(share, ".1%", language)] for name, share in shares.items()]
    heads = [_told(head, language) for head in (ReportPhrase.HEAD_KEY, ReportPhrase.HEAD_SHARE)]
    table = Table(_told(ReportPhrase.TABLE_IMPORTANCE, language), heads, rows)
    return [*drawn, Folded(_told(ChartPhrase.AS_TABLE, language), [table])]


def _trials(
    record: Mapping[str, Any], trials: Sequence[Mapping[str, Any]], language: Language
) -> list[Block]:
    """The best ones with their values side by side, then all of them with what became of each."""
    scored = [each for each in trials if number(each.get("score")) is not None]
    shut = record.get("stopped_by_gate") or {}
    ranked = sorted(scored, key=lambda each: (str(each.get("number")) in shut, -float(each["score"])))
    best = ranked[:BEST_TRIALS]
    blocks: list[Block] = []
    if best:
        names = list(best[0].get("params") or {})
        rows = [[_told(ReportPhrase.SCORE, language), *(_score(each, language) for each in best)]]
        rows += [[name, *(_value(each, name) for each in best)] for name in names]
        heads = [_told(ReportPhrase.TRIAL, language), *(str(each.get("number")) for each in best)]
        blocks.append(Table(_told(ReportPhrase.TABLE_BEST, language), heads, rows))
    if trials:
        shown = thinned(trials, MOST_TRIALS)
        phrases = (ReportPhrase.TRIAL, ReportPhrase.HEAD_STATE_OF, ReportPhrase.SCORE, ReportPhrase.HEAD_NOTE)
        heads = [_told(head, language) for head in phrases]
        rows = [_row(each, shut, language) for each in shown]
        table = Table(_told(ReportPhrase.TABLE_TRIALS_ALL, language), heads, rows, words=(1, 3))
        title = render(ReportPhrase.ALL_TRIALS(shown=len(shown), count=len(trials)), language)
        blocks.append(Folded(title, [table]))
    return blocks


def _row(trial: Mapping[str, Any], shut: Mapping[str, Any], language: Language) -> list[str]:
    state = str(trial.get("state"))
    told = _told(STATES[state], language) if state in STATES else state
    failures = shut.get(str(trial.get("number"))) or []
    note = ", ".join(map(str, failures))
    if state == "FAIL":
        note = cause_word(str(trial.get("cause", "–")), language)
    return [str(trial.get("number", "–")), told, _score(trial, language), note]


def _score(trial: Mapping[str, Any], language: Language) -> str:
    score = number(trial.get("score"))
    return written(score, ".3f", language) if score is not None else "–"


def _value(trial: Mapping[str, Any], name: str) -> str:
    value = (trial.get("params") or {}).get(name, "–")
    return f"{value:.3g}" if isinstance(value, float) else as_typed(value)


def _settings(files: StudyFiles, language: Language) -> list[Block]:
    try:
        text = files.settings.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [Folded(_told(ReportPhrase.ALL_SETTINGS, language), [Listing(text)])]


def _made_with(record: Mapping[str, Any], language: Language) -> list[Block]:
    made = record.get("made_with") or {}
    sampler = record.get("sampler") or {}
    rows = [[_told(ReportPhrase.SAMPLER, language), str(sampler["kind"])]] if sampler.get("kind") else []
    if commits := made.get("commits"):
        rows.append([_told(ReportPhrase.SOURCE, language), ", ".join(map(str, commits))])
    rows += [[str(name), str(version)] for name, version in (made.get("versions") or {}).items()]
    if not rows:
        return []
    heads = [_told(head, language) for head in (ReportPhrase.HEAD_PART, ReportPhrase.HEAD_VALUE)]
    return [Table(_told(ReportPhrase.TABLE_ENVIRONMENT, language), heads, rows, words=(0, 1))]


def _shares(record: Mapping[str, Any]) -> dict[str, float]:
    found = (record.get("importance") or {}).get("shares") or {}
    return {str(name): share for name, value in found.items() if (share := number(value)) is not None}


def _told(phrase: ReportPhrase | ChartPhrase, language: Language) -> str:
    return render(phrase(), language)
