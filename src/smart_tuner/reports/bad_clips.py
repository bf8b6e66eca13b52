"""Recordings of the training set that stay badly aligned, as the last record tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_tuner.messages import Language, ReportPhrase, render
from smart_tuner.messages.language import number as written
from smart_tuner.reports.blocks import Block, Clip, Frame, Picture, Sounds, Table, Text
from smart_tuner.reports.media import Budget, picture, sound
from smart_tuner.reports.records import RunRecords, json_mapping, number
from tacotron2.events import ClipsEvent

MOST_SHOWN = 6
"""With picture and sound; the table has all that are on record."""


def blocks(records: RunRecords, budget: Budget, language: Language) -> list[Block]:
    """How many of how many, a table, and what the worst look and sound like; nothing where none is bad."""
    told = records.of(ClipsEvent)
    if not told or not told[-1].bad:
        return []
    found = json_mapping(records.folder / "bad_clips" / "bad_clips.json").get("clips")
    clips = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else told[-1].bad
    summary = ReportPhrase.BAD_CLIPS(bad=len(told[-1].bad), count=told[-1].num_clips, step=told[-1].step)
    shown: list[Block] = [Text([render(summary, language)]), _table(clips, language)]
    for each in clips[:MOST_SHOWN]:
        shown += _seen_and_heard(each, records, budget)
    return shown


def _table(clips: list[dict[str, Any]], language: Language) -> Table:
    heads = (
        ReportPhrase.HEAD_RECORDING,
        ReportPhrase.HEAD_SPEAKER_OF,
        ReportPhrase.HEAD_ALIGNMENT_OF,
        ReportPhrase.HEAD_LOSS_OF,
        ReportPhrase.HEAD_TIMES_BAD,
    )
    rows = [
        [
            str(each.get("id", "–")),
            str(each.get("speaker") or "–"),
            _figure(each, "alignment", ".2f", language),
            _figure(each, "loss", ".2f", language),
            _figure(each, "times_bad", ".0f", language),
        ]
        for each in clips
    ]
    caption = render(ReportPhrase.TABLE_BAD_CLIPS(), language)
    return Table(caption, [render(head(), language) for head in heads], rows, words=(0, 1))


def _figure(clip: Mapping[str, Any], name: str, spec: str, language: Language) -> str:
    value = number(clip.get(name))
    return written(value, spec, language) if value is not None else "–"


def _seen_and_heard(clip: Mapping[str, Any], records: RunRecords, budget: Budget) -> list[Block]:
    """Sound with the text, and the attention map, where the examination has left them."""
    name, text = str(clip.get("id", "")), str(clip.get("text") or clip.get("id", ""))
    source = sound(records.file(clip.get("audio")))
    shown: list[Block] = []
    if source and budget.take(source):
        shown.append(Sounds(text, [Clip(name, source, text)]))
    found = picture(records.file(clip.get("attention")))
    if found and budget.take(found.source):
        shown.append(Picture(Frame("", found.source, name, found.width, found.height), name))
    return shown
