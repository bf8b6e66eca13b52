"""The page about recordings before training, made of what `tacotron2.recordings.analysis` has found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from smart_tuner.messages import AnalysisPhrase, Language, Message, render
from smart_tuner.messages.language import number
from smart_tuner.reports.blocks import (
    Block,
    Chart,
    Clip,
    Figure,
    Figures,
    Folded,
    Page,
    Section,
    Series,
    Sounds,
    Table,
    Text,
    Tone,
)
from smart_tuner.reports.media import Budget, sound

SOUND_BYTES = 6_000_000
MOST_HEARD = 20
"""Odd recordings with sound, of each kind; the table has more."""
MOST_ROWS = 200
MEASURES: Mapping[str, tuple[AnalysisPhrase, str]] = {
    "seconds": (AnalysisPhrase.MEASURE_SECONDS, ".1f"),
    "speech_seconds": (AnalysisPhrase.MEASURE_SPEECH_SECONDS, ".1f"),
    "leading_seconds": (AnalysisPhrase.MEASURE_LEADING_SECONDS, ".2f"),
    "trailing_seconds": (AnalysisPhrase.MEASURE_TRAILING_SECONDS, ".2f"),
    "pause_share": (AnalysisPhrase.MEASURE_PAUSE_SHARE, ".2f"),
    "symbols_per_second": (AnalysisPhrase.MEASURE_SYMBOLS_PER_SECOND, ".1f"),
    "level_db": (AnalysisPhrase.MEASURE_LEVEL_DB, ".1f"),
    "noise_db": (AnalysisPhrase.MEASURE_NOISE_DB, ".1f"),
    "snr_db": (AnalysisPhrase.MEASURE_SNR_DB, ".1f"),
    "peak": (AnalysisPhrase.MEASURE_PEAK, ".2f"),
    "clipped_share": (AnalysisPhrase.MEASURE_CLIPPED_SHARE, ".4f"),
    "bandwidth_hz": (AnalysisPhrase.MEASURE_BANDWIDTH_HZ, ",.0f"),
}
DRAWN = ("seconds", "symbols_per_second", "level_db", "snr_db")
QUANTILES = (0, 5, 25, 50, 75, 95, 100)
TWICE = {"same_audio": AnalysisPhrase.SAME_AUDIO, "same_text": AnalysisPhrase.SAME_TEXT}
WHY = {
    "loud": AnalysisPhrase.ODD_LOUD,
    "quiet": AnalysisPhrase.ODD_QUIET,
    "noisy": AnalysisPhrase.ODD_NOISY,
    "clipped": AnalysisPhrase.ODD_CLIPPED,
    "narrow": AnalysisPhrase.ODD_NARROW,
    "pauses": AnalysisPhrase.ODD_PAUSES,
    "silence": AnalysisPhrase.ODD_SILENCE,
    "too_long": AnalysisPhrase.ODD_TOO_LONG,
    "too_short": AnalysisPhrase.ODD_TOO_SHORT,
}


def analysis_page(found: Mapping[str, Any], folder: Path, language: Language) -> Page:
    """The whole page; sections of which there is nothing are left out.

    Args:
        found: the content of the JSON file.
        folder: of the recordings, whose odd ones are played.
    """
    budget, odd = Budget(SOUND_BYTES), odd_clips(found)
    texts = [clip for clip in odd if clip.of_text]
    sounds = [clip for clip in odd if not clip.of_text]
    told: Callable[[AnalysisPhrase], str] = lambda phrase: render(phrase(), language)  # noqa: E731
    sections = [
        Section("short", told(AnalysisPhrase.ANALYSIS_SHORT), _short(found, len(odd), language)),
        Section("advice", told(AnalysisPhrase.ANALYSIS_ADVICE), _paragraphs(found["advice"])),
        Section(
            "texts",
            told(AnalysisPhrase.WRONG_TEXTS),
            _heard(texts, told(AnalysisPhrase.WRONG_TEXTS_TOLD), folder, budget, language),
        ),
        Section(
            "odd",
            told(AnalysisPhrase.ODD_SOUNDS),
            _heard(sounds, told(AnalysisPhrase.ODD_SOUNDS_TOLD), folder, budget, language),
        ),
        Section("clips", told(AnalysisPhrase.MEASURED_OF_CLIPS), _measured(found, language)),
        Section("said", told(AnalysisPhrase.SAID_SECTION), _said(found, language)),
        Section("twice", told(AnalysisPhrase.TWICE_SECTION), _twice(found, language)),
        Section("rejected", told(AnalysisPhrase.REJECTED_SECTION), _rejected(found, language)),
    ]
    verdict = (
        AnalysisPhrase.ANALYSIS_VERDICT_ODD(count=len(odd)) if odd else AnalysisPhrase.ANALYSIS_VERDICT_FINE()
    )
    return Page(
        language=language.value,
        title=folder.name,
        subtitle=told(AnalysisPhrase.ANALYSIS_OF),
        badge=render(verdict, language),
        tone=Tone.WARN if odd else Tone.GOOD,
        contents_name=told(AnalysisPhrase.ANALYSIS_SHORT),
        sections=[section for section in sections if section.blocks],
    )


class OddClip:
    """A clip with all that is odd about it."""

    def __init__(self, clip: Mapping[str, Any]) -> None:
        self.id, self.text, self.audio = str(clip["id"]), str(clip["text"]), str(clip["audio"])
        self.why: list[Message] = []
        self.of_text = False

    def reasons(self, language: Language) -> str:
        return "; ".join(render(each, language) for each in self.why)


def odd_clips(found: Mapping[str, Any]) -> list[OddClip]:
    """Each clip once, the oddest first."""
    clips: dict[int, OddClip] = {}
    for each in found["odd"]:
        clip = clips.setdefault(each["clip"], OddClip(found["clips"][each["clip"]]))
        clip.why.append(WHY[each["oddity"]](value=each["value"], usual=each["usual"]))
        clip.of_text = clip.of_text or each["of_text"]
    return list(clips.values())


def summary(found: Mapping[str, Any]) -> list[Message]:
    """What the terminal says."""
    usual = {name: found["distributions"][name]["p50"] for name in DRAWN}
    odd = odd_clips(found)
    return [
        AnalysisPhrase.ANALYSED(
            clips=len(found["clips"]),
            named=len(found["clips"]) + len(found["rejected"]),
            hours=found["hours"],
            speech=found["speech_hours"],
        ),
        AnalysisPhrase.USUAL_CLIP(
            seconds=usual["seconds"],
            tempo=usual["symbols_per_second"],
            level=usual["level_db"],
            snr=usual["snr_db"],
        ),
        AnalysisPhrase.SYMBOLS_SAID(
            symbols=sum(count > 0 for count in found["symbols"].values()),
            pairs=found["letter_pairs"],
            missing=_missing(found) or AnalysisPhrase.NOTHING_MISSING(),
        ),
        AnalysisPhrase.ODD_CLIPS(count=len(odd), texts=sum(clip.of_text for clip in odd)),
    ]


def _missing(found: Mapping[str, Any]) -> str:
    return " ".join(symbol for symbol, count in found["symbols"].items() if not count)


def _short(found: Mapping[str, Any], num_odd: int, language: Language) -> list[Block]:
    def figure(phrase: AnalysisPhrase, value: float, spec: str, tone: Tone = Tone.PLAIN) -> Figure:
        return Figure(render(phrase(), language), number(value, spec, language), tone=tone)

    rejected = len(found["rejected"])
    figures = [
        figure(AnalysisPhrase.FIGURE_CLIPS, len(found["clips"]), ",.0f"),
        figure(AnalysisPhrase.FIGURE_HOURS, found["hours"], ".2f"),
        figure(AnalysisPhrase.FIGURE_REJECTED, rejected, ",.0f", Tone.WARN if rejected else Tone.GOOD),
        figure(AnalysisPhrase.FIGURE_ODD, num_odd, ",.0f", Tone.WARN if num_odd else Tone.GOOD),
    ]
    return [Figures(figures), Text([render(each, language) for each in summary(found)])]


def _paragraphs(sentences: Sequence[str]) -> list[Block]:
    return [Text(list(sentences))] if sentences else []


def _heard(
    clips: Sequence[OddClip], told: str, folder: Path, budget: Budget, language: Language
) -> list[Block]:
    if not clips:
        return []
    blocks: list[Block] = [Text([told])]
    for clip in clips[:MOST_HEARD]:
        source = sound(folder / clip.audio)
        if source and budget.take(source):
            blocks.append(Sounds(clip.text, [Clip(clip.id, source, clip.text, clip.reasons(language))]))
    heads = (AnalysisPhrase.HEAD_ODD_CLIP, AnalysisPhrase.HEAD_ODD_TEXT, AnalysisPhrase.HEAD_ODD_WHY)
    rows = [[clip.id, clip.text, clip.reasons(language)] for clip in clips[:MOST_ROWS]]
    table = Table(
        render(AnalysisPhrase.TABLE_ODD(), language),
        [render(head(), language) for head in heads],
        rows,
        words=(0, 1, 2),
    )
    return [*blocks, Folded(table.caption, [table, *_more(len(clips), language)])]


def _more(count: int, language: Language) -> list[Block]:
    if count <= MOST_ROWS:
        return []
    return [Text([render(AnalysisPhrase.AND_MORE(count=count - MOST_ROWS), language)], muted=True)]


def _measured(found: Mapping[str, Any], language: Language) -> list[Block]:
    charts: list[Block] = []
    for name in DRAWN:
        phrase, _ = MEASURES[name]
        values = sorted(clip[name] for clip in found["clips"])
        points = [(float(q), values[round(q / 100 * (len(values) - 1))]) for q in range(101)]
        title = render(phrase(), language)
        told = render(AnalysisPhrase.MEASURED_TOLD(), language)
        percent = render(AnalysisPhrase.PERCENT_OF_CLIPS(), language)
        charts.append(Chart(title, told, [Series(title, [points])], percent, 100.0))
    heads = [
        render(AnalysisPhrase.HEAD_MEASURE(), language),
        render(AnalysisPhrase.HEAD_MEAN(), language),
        *(f"{quantile} %" for quantile in QUANTILES),
    ]
    rows = [
        [
            render(phrase(), language),
            *(
                number(found["distributions"][name][key], spec, language)
                for key in ("mean", *(f"p{quantile}" for quantile in QUANTILES))
            ),
        ]
        for name, (phrase, spec) in MEASURES.items()
    ]
    return [*charts, Table(render(AnalysisPhrase.TABLE_MEASURES(), language), heads, rows)]


def _said(found: Mapping[str, Any], language: Language) -> list[Block]:
    endings = found["endings"]
    sentences: list[Message] = [
        AnalysisPhrase.LETTER_PAIRS(pairs=found["letter_pairs"]),
        AnalysisPhrase.ENDINGS_TOLD(
            stops=endings.get(".", 0),
            questions=endings.get("?", 0),
            cries=endings.get("!", 0),
            others=endings.get("", 0),
        ),
    ]
    missing = _missing(found)
    if missing:
        sentences.append(AnalysisPhrase.NEVER_SAID(missing=missing))
    if found["dropped"]:
        sentences.append(AnalysisPhrase.DROPPED_TOLD(characters=" ".join(found["dropped"])))
    blocks: list[Block] = [Text([render(each, language) for each in sentences])]
    if len(found["speakers"]) > 1:
        speakers = [
            [name or "–", number(each["clips"], ",.0f", language), number(each["hours"], ".2f", language)]
            for name, each in sorted(found["speakers"].items())
        ]
        heads = (
            AnalysisPhrase.HEAD_SPEAKER_NAME,
            AnalysisPhrase.HEAD_SPEAKER_CLIPS,
            AnalysisPhrase.FIGURE_HOURS,
        )
        blocks.append(_table(AnalysisPhrase.TABLE_SPEAKERS, heads, speakers, language))
    rows = [
        [f"“{symbol}”", number(count, ",.0f", language)]
        for symbol, count in sorted(found["symbols"].items(), key=lambda each: each[1])
    ]
    table = _table(
        AnalysisPhrase.TABLE_SYMBOLS,
        (AnalysisPhrase.HEAD_SYMBOL, AnalysisPhrase.HEAD_TIMES_SAID),
        rows,
        language,
    )
    return [*blocks, Folded(table.caption, [table])]


def _table(
    caption: AnalysisPhrase,
    heads: Sequence[AnalysisPhrase],
    rows: Sequence[Sequence[str]],
    language: Language,
    words: Sequence[int] = (0,),
) -> Table:
    return Table(render(caption(), language), [render(head(), language) for head in heads], rows, words=words)


def _twice(found: Mapping[str, Any], language: Language) -> list[Block]:
    told = [
        render(phrase(ids=", ".join(ids)), language)
        for phrase, key in (
            (AnalysisPhrase.SAME_AUDIO, "same_audio"),
            (AnalysisPhrase.SAME_TEXT, "same_text"),
        )
        for ids in found[key][:MOST_ROWS]
    ]
    return _paragraphs(told)


def _rejected(found: Mapping[str, Any], language: Language) -> list[Block]:
    if not found["rejected"]:
        return []
    rows = [[each["id"], each["reason"]] for each in found["rejected"][:MOST_ROWS]]
    heads = (AnalysisPhrase.HEAD_ODD_CLIP, AnalysisPhrase.HEAD_REASON)
    table = _table(AnalysisPhrase.TABLE_REJECTED, heads, rows, language, words=(0, 1))
    return [table, *_more(len(found["rejected"]), language)]
