"""Attention maps and sounds of a run: a few of each, evenly over the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from smart_tuner.messages import Language, ReportPhrase, VocoderPhrase, render
from smart_tuner.messages.language import number as written
from smart_tuner.reports.blocks import Block, Clip, Frame, Picture, Sounds, Text, Viewer
from smart_tuner.reports.media import Budget, picture, sound, thinned
from smart_tuner.reports.records import RunRecords, number
from tacotron2.events import ValidationEvent

GRIFFIN_LIM = "Griffin-Lim"
MOST_MAPS, MOST_TIMES, MOST_SENTENCES = 30, 8, 12


def attention(records: RunRecords, budget: Budget, language: Language) -> list[Block]:
    """The maps of the fixed validation sentence under a slider; the last one first."""
    validations = [event for event in _latest(records) if event.attention_image]
    frames = []
    for event in thinned(validations, MOST_MAPS):
        found = picture(records.file(event.attention_image))
        if found and budget.take(found.source):
            label = render(ReportPhrase.AT_STEP(step=event.step), language)
            alternative = render(_map_words(event), language)
            frames.append(Frame(label, found.source, alternative, found.width, found.height))
    if not frames:
        return []
    viewer = Viewer(
        render(ReportPhrase.SLIDER(), language),
        frames,
        render(ReportPhrase.EARLIER(), language),
        render(ReportPhrase.LATER(), language),
        len(frames) - 1,
    )
    explained = [render(ReportPhrase.MAP_MEANS(), language)]
    return [Text(explained), viewer, *_shown_of(len(frames), len(validations), language)]


def voice_over_time(records: RunRecords, budget: Budget, language: Language) -> list[Block]:
    """The fixed validation sentences as they sounded at some steps."""
    validations = [event for event in _latest(records) if event.audio]
    times = thinned(validations, MOST_TIMES)
    count = max((len(event.audio) for event in times), default=0)
    shown: list[Block] = []
    for place in range(count):
        clips = []
        title = _spoken(validations, place, language)
        for event in times:
            source = sound(records.file(event.audio[place])) if place < len(event.audio) else None
            if source and budget.take(source):
                label = render(ReportPhrase.AT_STEP(step=event.step), language)
                clips.append(Clip(label, source, f"{label}: {title}"))
        if clips:
            shown.append(Sounds(title, clips))
    if not shown:
        return []
    explained = Text([render(ReportPhrase.VOICE_MEANS(), language)])
    return [explained, *shown, *_shown_of(len(times), len(validations), language)]


def sentences(records: RunRecords, budget: Budget, language: Language) -> list[Block]:
    """The test sentences as the best weights speak them."""
    spoken, second = records.test_sentences, records.vocoder_name
    shown: list[Block] = []
    for each in thinned(spoken, MOST_SENTENCES):
        text, name = str(each.get("text", each.get("id", ""))), str(each.get("id", ""))
        clips = []
        source = sound(records.file(each.get("wav")))
        if source and budget.take(source):
            label = GRIFFIN_LIM if second else name
            clips.append(
                Clip(label, source, _aloud(text, second and GRIFFIN_LIM), _first_note(each, language))
            )
        other = _second_clip(records, each, text, budget, language) if second else None
        shown += [Sounds(text, [*clips, *([other] if other else [])])] if clips else []
    failed = _vocoder_failure(records, language)
    if not shown:
        return failed
    words = [render(ReportPhrase.LISTEN_MEANS(), language)]
    if second:
        words.append(render(VocoderPhrase.VOCODER_LISTEN(name=second), language))
    explained = Text(words)
    maps = picture(records.folder / "samples" / "attention.png")
    drawn: list[Block] = []
    if maps and budget.take(maps.source):
        caption = render(ReportPhrase.SAMPLES_MAPS(), language)
        drawn.append(Picture(Frame("", maps.source, caption, maps.width, maps.height), caption))
    return [explained, *failed, *shown, *_shown_of(len(shown), len(spoken), language), *drawn]


def _aloud(text: str, vocoder: str | None) -> str:
    return f"{vocoder}: {text}" if vocoder else text


def _second_clip(
    records: RunRecords, sentence: Mapping[str, Any], text: str, budget: Budget, language: Language
) -> Clip | None:
    """The same sentence by the run's other vocoder."""
    found = sentence.get("vocoder")
    if not isinstance(found, dict):
        return None
    source = sound(records.file(found.get("wav")))
    if not source or not budget.take(source):
        return None
    name = records.vocoder_name
    return Clip(name, source, _aloud(text, name), _error_note(found, language))


def _vocoder_failure(records: RunRecords, language: Language) -> list[Block]:
    told = records.vocoder_failure
    if not told:
        return []
    failed = VocoderPhrase.VOCODER_FAILED(name=records.vocoder_name, detail=told)
    return [Text([render(failed, language)])]


def _latest(records: RunRecords) -> list[ValidationEvent]:
    """One validation for each step, the last one: its files have replaced those of the others."""
    by_step = {event.step: event for event in records.of(ValidationEvent)}
    return [by_step[step] for step in sorted(by_step)]


def _map_words(event: ValidationEvent) -> Any:
    alignment = number(event.free_running.get("attention_alignment"))
    if alignment is None:
        return ReportPhrase.MAP_AT(step=event.step)
    return ReportPhrase.MAP_WITH(step=event.step, alignment=alignment)


def _spoken(validations: Sequence[ValidationEvent], place: int, language: Language) -> str:
    """The text of a fixed sentence; its number where an older version did not write it down."""
    texts = [event.texts[place] for event in validations if place < len(event.texts)]
    return texts[-1] if texts else render(ReportPhrase.SENTENCE_NUMBER(number=place + 1), language)


def _sentence_note(sentence: Mapping[str, Any], language: Language) -> str:
    figures = sentence.get("figures")
    alignment = number(figures.get("attention_alignment")) if isinstance(figures, dict) else None
    if alignment is None:
        return ""
    return render(ReportPhrase.ALIGNMENT_OF(value=written(alignment, ".2f", language)), language)


def _first_note(sentence: Mapping[str, Any], language: Language) -> str:
    """Alignment, and where another vocoder speaks too, how well Griffin-Lim said it."""
    notes = [_sentence_note(sentence, language)]
    if isinstance(sentence.get("vocoder"), dict):
        notes.append(_error_note(sentence.get("figures"), language))
    return "; ".join(filter(None, notes))


def _error_note(figures: Any, language: Language) -> str:
    value = number(figures.get("reanalysis_error")) if isinstance(figures, dict) else None
    if value is None:
        return ""
    return render(VocoderPhrase.VOCODER_NOTE(value=written(value, ".2f", language)), language)


def _shown_of(shown: int, count: int, language: Language) -> list[Block]:
    """How many of how many, where not all are shown."""
    if shown >= count:
        return []
    return [Text([render(ReportPhrase.SHOWN_OF(shown=shown, count=count), language)], muted=True)]


def picture_block(path: Path, caption: str, budget: Budget) -> list[Block]:
    """A picture of a folder with its caption; nothing where it is not there."""
    found = picture(path)
    if not found or not budget.take(found.source):
        return []
    return [Picture(Frame("", found.source, caption, found.width, found.height), caption)]
