"""A chart as SVG: no script, no style of its own, colours by the classes of the page.

Curves are told apart by dashes and by symbols at their ends as well as by colour. Figures of a report are a
few hundred points, so a drawing library's megabytes would be most of the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from smart_tuner.messages import Language
from smart_tuner.messages.language import number
from smart_tuner.reports.blocks import Chart, Series

WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, BOTTOM = 56, 24, 40
TOP, TOP_WITH_MARKS = 10, 36
DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2 1 2 1 2", "1 4")
NUM_STYLES = 6
X_TICKS, Y_TICKS = 5, 5
GAP = 13.0
"""Pixels between symbols of marks, below which the next goes into another row."""
SYMBOL_ROWS = 2
LETTER = 6.2
"""Pixels of a letter of the name of a stretch, on a desk; a telephone shows no such names."""


class Scale:
    """From figures to pixels."""

    def __init__(self, chart: Chart) -> None:
        self._last = max(chart.last_x, 1.0)
        self.logarithmic = chart.logarithmic
        self.top = TOP_WITH_MARKS if chart.marks else TOP
        values = [y for each in chart.series for part in (*each.parts, *each.gone) for _, y in part]
        low, high = chart.bounds or (min(values), max(values))
        if chart.bounds is None:
            shown = [level.y for level in chart.levels if low <= level.y <= 2 * high]
            high = max([high, *shown])
            low = min(low, 0.0) if not self.logarithmic and low < 0.4 * high else low
        if self.logarithmic:
            low, high = math.log10(low), math.log10(high)
        if high - low < 1e-12:
            low, high = low - max(abs(low) * 0.1, 1e-6), high + max(abs(high) * 0.1, 1e-6)
        if chart.bounds is None:
            margin = 0.05 * (high - low)
            low, high = (low if low == 0 else low - margin), high + margin
        self.low, self.high = low, high

    def x(self, value: float) -> float:
        share = min(1.0, max(0.0, value / self._last))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        at = math.log10(value) if self.logarithmic else value
        share = min(1.0, max(0.0, (at - self.low) / (self.high - self.low)))
        return HEIGHT - BOTTOM - share * (HEIGHT - self.top - BOTTOM)

    def shows(self, value: float) -> bool:
        """Whether a level lies inside."""
        if self.logarithmic and value <= 0:
            return False
        return self.low <= (math.log10(value) if self.logarithmic else value) <= self.high

    def x_ticks(self) -> list[float]:
        return [tick for tick in nice_ticks(0.0, self._last, X_TICKS) if tick <= self._last]

    def y_ticks(self) -> list[float]:
        if not self.logarithmic:
            ticks = nice_ticks(self.low, self.high, Y_TICKS)
        else:
            decades = range(math.floor(self.low), math.ceil(self.high) + 1)
            steps = (1, 2, 5) if self.high - self.low < 2.5 else (1,)
            ticks = [step * 10.0**decade for decade in decades for step in steps]
            return [tick for tick in ticks if self.low <= math.log10(tick) <= self.high]
        return [tick for tick in ticks if self.low - 1e-12 <= tick <= self.high + 1e-12]


def nice_ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from low to high: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]


def draw(chart: Chart, anchor: str, language: Language) -> Markup:
    """The chart; its name and description are those that a screen reader tells."""
    scale = Scale(chart)
    parts = [
        _spans(chart, scale),
        _grid(chart, scale, language),
        _levels(chart, scale),
        _marks(chart, scale),
        *(_curve(each, index % NUM_STYLES, scale) for index, each in enumerate(chart.series)),
    ]
    return Markup(
        '<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{anchor}-title {anchor}-text">'
        '<title id="{anchor}-title">{title}</title><desc id="{anchor}-text">{text}</desc>{parts}</svg>'
    ).format(
        width=WIDTH,
        height=HEIGHT,
        anchor=anchor,
        title=chart.title,
        text=describe(chart, language),
        parts=Markup().join(parts),
    )


def describe(chart: Chart, language: Language) -> str:
    """First and last figure of every curve."""
    told = []
    for each in chart.series:
        points = each.points or [point for part in each.gone for point in part]
        (first_x, first), (last_x, last) = points[0], points[-1]
        told.append(
            f"{each.name}: {number(first, '.3g', language)} ({number(first_x, '.0f', language)}) → "
            f"{number(last, '.3g', language)} ({number(last_x, '.0f', language)})"
        )
    return "; ".join(told)


def legend_line(index: int) -> Markup:
    """The line of a curve as its legend shows it."""
    style = index % NUM_STYLES
    return Markup(
        '<svg class="sample" viewBox="0 0 34 10" aria-hidden="true">'
        '<path class="line s{style}" stroke-dasharray="{dash}" d="M1 5H33"/></svg>'
    ).format(style=style, dash=DASHES[style] or "none")


def _spans(chart: Chart, scale: Scale) -> Markup:
    drawn = []
    for index, span in enumerate(chart.spans):
        left, right = scale.x(span.start), scale.x(span.end)
        if right - left < 1:
            continue
        drawn.append(
            Markup('<rect class="span p{kind}" x="{x:.1f}" y="{y}" width="{w:.1f}" height="{h}"/>').format(
                kind=index % 2, x=left, y=scale.top, w=right - left, h=HEIGHT - scale.top - BOTTOM
            )
        )
        if right - left > LETTER * len(span.name):
            drawn.append(_label((left + right) / 2, HEIGHT - BOTTOM - 6, span.name, "span-name", "middle"))
    return Markup().join(drawn)


def _grid(chart: Chart, scale: Scale, language: Language) -> Markup:
    drawn = []
    for tick in scale.y_ticks():
        y = scale.y(tick)
        drawn.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH - RIGHT))
        drawn.append(_label(LEFT - 6, y + 4, number(tick, "g", language), "tick", "end"))
    for tick in scale.x_ticks():
        x = scale.x(tick)
        drawn.append(Markup('<path class="grid" d="M{:.1f} {}v4"/>').format(x, HEIGHT - BOTTOM))
        drawn.append(_label(x, HEIGHT - BOTTOM + 17, number(tick, ",.0f", language), "tick", "middle"))
    drawn.append(Markup('<path class="axis" d="M{} {}H{}"/>').format(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT))
    drawn.append(_label(WIDTH - RIGHT, HEIGHT - 5, chart.x_name, "tick", "end"))
    return Markup().join(drawn)


def _levels(chart: Chart, scale: Scale) -> Markup:
    drawn = []
    for level in chart.levels:
        if scale.shows(level.y):
            y = scale.y(level.y)
            drawn.append(Markup('<path class="level" d="M{} {:.1f}H{}"/>').format(LEFT, y, WIDTH - RIGHT))
            drawn.append(_label(WIDTH - RIGHT - 4, y - 4, level.name, "level-name", "end"))
    return Markup().join(drawn)


def _marks(chart: Chart, scale: Scale) -> Markup:
    """A dashed line for each, its symbol above the curves; symbols that would touch go into a second row."""
    drawn, ends = [], [-math.inf] * SYMBOL_ROWS
    for mark in sorted(chart.marks, key=lambda each: each.x):
        x = scale.x(mark.x)
        row = next((index for index, end in enumerate(ends) if x - end >= GAP), SYMBOL_ROWS - 1)
        ends[row] = x
        drawn.append(
            Markup('<g><title>{words}</title><path class="mark" d="M{x:.1f} {y}V{b}"/>{symbol}</g>').format(
                words=mark.words,
                x=x,
                y=scale.top,
                b=HEIGHT - BOTTOM,
                symbol=_label(x, scale.top - 5 - 14 * row, mark.symbol, "symbol", "middle"),
            )
        )
    return Markup().join(drawn)


def _curve(series: Series, style: int, scale: Scale) -> Markup:
    drawn = [_path(part, f"line s{style} gone", "1 5", scale) for part in series.gone]
    drawn += [_path(part, f"line s{style}", DASHES[style] or "none", scale) for part in series.parts]
    return Markup().join(drawn)


def _path(points: Sequence[tuple[float, float]], kind: str, dash: str, scale: Scale) -> Markup:
    if len(points) == 1:  # a path of one point is invisible
        ((x, y),) = points
        return Markup('<circle class="{}" r="2.5" cx="{:.1f}" cy="{:.1f}"/>').format(
            kind.replace("line", "dot"), scale.x(x), scale.y(y)
        )
    steps = "L".join(f"{scale.x(x):.1f} {scale.y(y):.1f}" for x, y in points)
    return Markup('<path class="{}" stroke-dasharray="{}" d="M{}"/>').format(kind, dash, steps)


def _label(x: float, y: float, text: str, kind: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor, escape(text)
    )
