"""Loss and alignment of a run as a picture for a telephone, drawn from its records.

`python -m smart_tuner.run_curves RUN_FOLDER PICTURE LANGUAGE`: a process of its own, because matplotlib stays
in the memory of whoever has loaded it. Status 3: nothing has been recorded yet.
"""

from __future__ import annotations

import io
import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from smart_tuner.messages import ChatPhrase, Language, render
from smart_tuner.messages.language import number
from smart_tuner.run_folder import RunFolder
from smart_tuner.run_goals import GOALS
from tacotron2.events import (
    EventError,
    RestartEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
    from_json,
)
from tacotron2.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 5.6
DPI = 180
BLUE, ORANGE, GREY, RED = "#2f6db3", "#d9730d", "#8a8a8a", "#c2262e"
NOTHING_RECORDED = 3
MOST_POINTS = 1500
"""Of the curve of training; a longer one is drawn as means of neighbours."""
FEW = 20
"""Points that are each marked: of one alone there is no line."""
LOG_FROM = 8.0
"""Times the smallest loss, from which the largest one makes the scale logarithmic."""

Points = list[tuple[int, float]]


@dataclass
class Curves:
    """The curves of a run; what a restart took back is not in them."""

    training: Points = field(default_factory=list)
    validation: Points = field(default_factory=list)
    alignment: Points = field(default_factory=list)
    restarts: list[int] = field(default_factory=list)

    def update(self, stamped: Stamped) -> None:
        """Take one more record into account."""
        event = stamped.event
        if isinstance(event, StepEvent):
            self._add(self.training, event.step, event.train_reference_loss)
        elif isinstance(event, ValidationEvent):
            self._add(self.validation, event.step, event.teacher_forced.get("val_loss", math.nan))
            self._add(self.alignment, event.step, event.free_running.get("attention_alignment", math.nan))
        elif isinstance(event, StartedEvent):
            self._take_back(event.resumed_from_step or 0)
        elif isinstance(event, RestartEvent):
            self._take_back(event.resume_step or 0)
            self.restarts.append(event.resume_step or 0)

    def _add(self, points: Points, step: int, value: float) -> None:
        if math.isfinite(value):
            points.append((step, value))

    def _take_back(self, step: int) -> None:
        for points in (self.training, self.validation, self.alignment):
            while points and points[-1][0] > step:
                points.pop()


def read_curves(events_file: Path) -> Curves:
    """The curves of a stream of records, a line at a time; lines that are no records are passed over."""
    curves = Curves()
    if not events_file.exists():
        return curves
    with events_file.open("rb") as file:
        for line in file:
            try:
                curves.update(from_json(line.decode("utf-8", errors="replace")))
            except EventError:
                continue
    return curves


def save_curves(path: Path, name: str, curves: Curves, language: Language) -> None:
    """Losses above, alignment below, restarts as lines through both.

    Raises:
        StorageError: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(WIDTH, 6.4), layout="constrained", dpi=DPI)
    upper, lower = figure.subplots(2, 1, sharex=True)
    figure.suptitle(name, fontsize=11, parse_math=False)
    _draw_losses(upper, curves, language)
    _draw_alignment(lower, curves, language)
    for axes in (upper, lower):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        for place, step in enumerate(curves.restarts):
            first = axes is upper and place == 0
            label = render(ChatPhrase.CURVES_RESTART(), language) if first else None
            axes.axvline(step, color=RED, linewidth=0.9, linestyle=":", label=label)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False)
    lower.set_xlim(left=0)
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    lower.set_xlabel(render(ChatPhrase.CURVES_STEP(), language))
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=DPI)
    write_atomically(path, buffer.getvalue())


def thinned(points: Points, most: int = MOST_POINTS) -> Points:
    """At most so many points: means of equally many neighbours each, at their last step."""
    size = math.ceil(len(points) / most)
    parts = [points[start : start + size] for start in range(0, len(points), max(1, size))]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _draw_losses(axes: Axes, curves: Curves, language: Language) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    axes.set_title(render(ChatPhrase.CURVES_LOSS(), language), fontsize=10)
    for points, colour, phrase, marker in (
        (
            thinned(curves.training),
            BLUE,
            ChatPhrase.CURVES_TRAINING,
            "" if len(curves.training) > FEW else "o",
        ),
        (curves.validation, ORANGE, ChatPhrase.CURVES_VALIDATION, "o"),
    ):
        if points:
            steps, values = zip(*points, strict=True)
            label = render(phrase(), language)
            axes.plot(steps, values, color=colour, marker=marker, markersize=3.5, linewidth=1.2, label=label)
    losses = [value for _, value in curves.training + curves.validation]
    if losses and min(losses) > 0 and max(losses) > LOG_FROM * min(losses):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: number(value, "g", language))
        axes.yaxis.set_minor_locator(NullLocator())


def _draw_alignment(axes: Axes, curves: Curves, language: Language) -> None:
    axes.set_title(render(ChatPhrase.CURVES_ALIGNMENT(), language), fontsize=10)
    bar = GOALS["attention_alignment"].bar
    label = render(ChatPhrase.CURVES_GOAL(bar=bar), language)
    axes.axhline(bar, color=GREY, linewidth=0.9, linestyle="--", label=label)
    axes.yaxis.set_major_formatter(lambda value, _: number(value, ".1f", language))
    if curves.alignment:
        steps, values = zip(*curves.alignment, strict=True)
        axes.plot(steps, values, color=BLUE, marker="o", markersize=3.5, linewidth=1.2)
    axes.set_ylim(-0.02, 1.02)


def main(arguments: list[str]) -> int:
    """Draw one run; returns the exit status."""
    run, picture, language = RunFolder(Path(arguments[0])), Path(arguments[1]), Language(arguments[2])
    curves = read_curves(run.events_file)
    if not (curves.training or curves.alignment):
        return NOTHING_RECORDED
    save_curves(picture, run.name, curves, language)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
