"""The curves of a run: which figures, over which steps, with what beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from smart_tuner.messages import ChartPhrase, Language, render
from smart_tuner.messages.language import number as written
from smart_tuner.reports.blocks import Chart, Level, Mark, Series, Span, Table
from smart_tuner.reports.media import thinned
from smart_tuner.reports.records import RunRecords, lineage, number
from tacotron2.events import Event, StepEvent, ValidationEvent

MOST_POINTS = 400
"""Of a curve: more cannot be told apart on a desk."""
MOST_ROWS = 12
LOGARITHMIC_FROM = 30.0
"""Ratio of the largest value to the smallest, from which a logarithmic scale shows more."""
Point = tuple[float, float]
Reading = Callable[[Event], float | None]


@dataclass(frozen=True)
class Curve:
    """What a series shows: a figure of a kind of record. A name in words, or that of the figure."""

    name: ChartPhrase | str
    reading: Reading


@dataclass(frozen=True)
class Beside:
    """What every chart of a run has in common."""

    marks: Sequence[Mark] = ()
    spans: Sequence[Span] = ()


def charts(records: RunRecords, beside: Beside, language: Language) -> list[Chart]:
    """All charts of a run for which there is a figure."""
    made = (_chart(records, beside, wanted, language) for wanted in _wanted(records))
    return [chart for chart in made if chart is not None]


@dataclass(frozen=True)
class Wanted:
    """One chart: its curves, the bounds of a share, and the bar of the gate that belongs into it."""

    title: ChartPhrase
    explanation: ChartPhrase
    curves: Sequence[Curve] = ()
    bounds: tuple[float, float] | None = None
    may_be_logarithmic: bool = False
    bar: str | None = None


def _wanted(records: RunRecords) -> list[Wanted]:
    share = (0.0, 1.0)
    alignment = Curve(ChartPhrase.CURVE_ALIGNMENT, _free("attention_alignment"))
    quality = Curve(ChartPhrase.CURVE_QUALITY, lambda event: _validated(event, "quality"))
    train = Curve(ChartPhrase.CURVE_TRAIN, _step("train_reference_loss"))
    held_out = Curve(ChartPhrase.CURVE_VALIDATION, _forced("val_loss"))
    terms = [Curve(name, _term(name)) for name in _terms(records)]
    stop = [Curve("gate_accuracy", _forced("gate_accuracy")), Curve("stop_score", _free("stop_score"))]
    distortion = [Curve("mcd_dtw_db", _free("mcd_dtw_db"))]
    rate, norm, speed = (
        [Curve(name, _step(name))] for name in ("learning_rate", "grad_norm", "mel_frames_per_s")
    )
    return [
        Wanted(
            ChartPhrase.CHART_SPEECH,
            ChartPhrase.CHART_SPEECH_MEANS,
            [alignment, quality],
            share,
            bar="min_attention_alignment",
        ),
        Wanted(
            ChartPhrase.CHART_REFERENCE,
            ChartPhrase.CHART_REFERENCE_MEANS,
            [train, held_out],
            may_be_logarithmic=True,
        ),
        Wanted(ChartPhrase.CHART_TERMS, ChartPhrase.CHART_TERMS_MEANS, terms, may_be_logarithmic=True),
        Wanted(
            ChartPhrase.CHART_STOP,
            ChartPhrase.CHART_STOP_MEANS,
            stop,
            share,
            bar="min_gate_accuracy",
        ),
        Wanted(
            ChartPhrase.CHART_DISTORTION,
            ChartPhrase.CHART_DISTORTION_MEANS,
            distortion,
            bar="max_mcd_dtw_db",
        ),
        Wanted(ChartPhrase.CHART_RATE, ChartPhrase.CHART_RATE_MEANS, rate),
        Wanted(ChartPhrase.CHART_NORM, ChartPhrase.CHART_NORM_MEANS, norm, may_be_logarithmic=True),
        Wanted(ChartPhrase.CHART_SPEED, ChartPhrase.CHART_SPEED_MEANS, speed),
    ]


def _chart(records: RunRecords, beside: Beside, wanted: Wanted, language: Language) -> Chart | None:
    """A chart; None where no figure of it is on record."""
    events = list(lineage(records.stream))
    series = [
        each for curve in wanted.curves if (each := _series(curve, events, language)).parts or each.gone
    ]
    if not series:
        return None
    values = [y for each in series for part in (*each.parts, *each.gone) for _, y in part]
    low, high = min(values), max(values)
    name = render(wanted.title(), language)
    return Chart(
        title=name,
        explanation=render(wanted.explanation(), language),
        series=series,
        x_name=render(ChartPhrase.CHART_STEP(), language),
        last_x=max(records.last_step, 1),
        logarithmic=wanted.may_be_logarithmic and low > 0 and high / low >= LOGARITHMIC_FROM,
        bounds=wanted.bounds,
        marks=beside.marks,
        spans=beside.spans,
        levels=_levels(records, wanted.bar, language),
        table_name=render(ChartPhrase.AS_TABLE(), language),
        table=_table(name, series, language),
    )


def _levels(records: RunRecords, bar: str | None, language: Language) -> list[Level]:
    if bar is None or records.config is None:
        return []
    return [Level(getattr(records.config.gate, bar), render(ChartPhrase.LEVEL_GATE(), language))]


def _series(curve: Curve, events: Iterable[tuple[Event, int, bool]], language: Language) -> Series:
    """Points are joined, those that were given up with others of their attempt; a figure that is not finite
    parts them."""
    parts: dict[bool, list[list[Point]]] = {True: [], False: []}
    before: dict[bool, int | None] = {True: None, False: None}
    for event, attempt, gone in events:
        value = curve.reading(event)
        if value is None:
            continue
        finite = number(value)
        if finite is None:
            before[gone] = None
            continue
        if before[gone] is None or (gone and before[gone] != attempt):
            parts[gone].append([])
        before[gone] = attempt
        parts[gone][-1].append((float(getattr(event, "step", 0)), finite))
    whole = sum(len(part) for kind in parts.values() for part in kind)
    kept = {gone: [_fewer(part, whole) for part in kind] for gone, kind in parts.items()}
    name = curve.name if isinstance(curve.name, str) else render(curve.name(), language)
    return Series(name, kept[False], kept[True])


def _fewer(part: Sequence[Point], whole: int) -> list[Point]:
    """Its share of the points of a curve, ends and extremes among them: a leap must stay to be seen."""
    room = max(4, MOST_POINTS * len(part) // max(whole, 1))
    if len(part) <= room:
        return list(part)
    size = max(1, 2 * len(part) // room)
    kept: set[Point] = {part[0], part[-1]}
    for start in range(0, len(part), size):
        stretch = part[start : start + size]
        kept |= {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
    return sorted(kept)


def _table(title: str, series: Sequence[Series], language: Language) -> Table:
    """The same figures in words: some steps, all curves."""
    values = [dict(each.points) for each in series]
    steps = thinned(sorted({step for each in values for step in each}), MOST_ROWS)
    rows = [
        [written(step, ",.0f", language), *(_cell(each, step, language) for each in values)] for step in steps
    ]
    caption = render(ChartPhrase.SOME_STEPS(title=title), language)
    heads = [render(ChartPhrase.CHART_STEP(), language), *(each.name for each in series)]
    return Table(caption, heads, rows, words=())


def _cell(values: dict[float, float], step: float, language: Language) -> str:
    """The figure at a step, or the last one before it; validations are rarer than updates."""
    known = [at for at in values if at <= step]
    return written(values[max(known)], ".3g", language) if known else "–"


def _terms(records: RunRecords) -> list[str]:
    """The loss terms on record; the total first, those that are always 0 left out."""
    names: dict[str, None] = {}
    for event in records.of(StepEvent):
        names.update(dict.fromkeys(name for name, value in event.losses.items() if value))
    return sorted(names, key=lambda name: name != "total")


def _validated(event: Event, name: str) -> float | None:
    return getattr(event, name) if isinstance(event, ValidationEvent) else None


def _step(name: str) -> Reading:
    return lambda event: getattr(event, name) if isinstance(event, StepEvent) else None


def _term(name: str) -> Reading:
    return lambda event: event.losses.get(name) if isinstance(event, StepEvent) else None


def _free(name: str) -> Reading:
    return lambda event: event.free_running.get(name) if isinstance(event, ValidationEvent) else None


def _forced(name: str) -> Reading:
    return lambda event: event.teacher_forced.get(name) if isinstance(event, ValidationEvent) else None
