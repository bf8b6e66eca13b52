"""A study as pictures: its history, what mattered, and every trial's values.

Drawn on `Figure` alone, since pyplot keeps every figure alive. Upright and with few words, to be read on a
telephone.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from smart_tuner.tuning.dimensions import Dimension
from smart_tuner.tuning.importance import EVALUATOR, TOP_SHARE
from smart_tuner.tuning.study_words import short
from smart_tuner.tuning.trial_facts import Fact, counts, winner
from tacotron2.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from optuna.trial import FrozenTrial

WIDTH = 5.6
DPI = 180
BLUE, ORANGE, GREY, RED = "#2f6db3", "#d9730d", "#8a8a8a", "#c2262e"
COLOURS = "viridis"
LEAST_SPREAD = 0.01
"""Of scores on the colour scale: equal ones need one too."""


def save_history(
    path: Path, name: str, trials: Sequence[FrozenTrial], references: Mapping[str, Mapping[str, Any]]
) -> None:
    """The score of every trial in their order, and the best of those above the gate so far.

    Args:
        references: what to call the trials of certain values, as the preset's.

    Raises:
        StorageError: it cannot be written.
    """
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(f"Study {name}: the score of every trial", fontsize=11)
    axes.set_xlabel("trial")
    axes.set_ylabel("score (0-1, larger is better)")
    axes.grid(alpha=0.25)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    over = [trial for trial in trials if trial.state.is_finished() and counts(trial)]
    if not over:
        axes.set_ylim(0.0, 1.0)
        axes.text(0.5, 0.5, "no trial has ended yet", ha="center", va="center", transform=axes.transAxes)
    else:
        _draw_scores(axes, over)
        _draw_best_so_far(axes, over)
        _draw_references(axes, over, references)
        axes.margins(x=0.03, y=0.12)
        figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False, markerscale=0.75)
    _save(figure, path)


def save_importance(path: Path, name: str, shares: Mapping[str, float], num_trials: int) -> None:
    """A bar for each hyper-parameter, the one that mattered most on top.

    Args:
        shares: from `importances`, not empty.
        num_trials: how many complete trials it was made of.

    Raises:
        StorageError: it cannot be written.
    """
    figure = Figure(figsize=(WIDTH, 1.5 + 0.3 * len(shares)), layout="constrained")
    axes = figure.add_subplot()
    axes.margins(y=0.02)
    bars = axes.barh(list(shares), list(shares.values()), color=BLUE, height=0.65)
    labels = ["< 1%" if share < 0.01 else f"{share:.0%}" for share in shares.values()]
    axes.bar_label(bars, labels, padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.12 * max(shares.values()))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(axis="y", labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("share of the difference")
    figure.suptitle(f"Study {name}: what sets the best {TOP_SHARE:.0%} apart", fontsize=11)
    axes.set_title(f"{EVALUATOR}, {num_trials} complete trials", fontsize=9, color=GREY)
    _save(figure, path)


def save_parallel(
    path: Path, name: str, trials: Sequence[FrozenTrial], dimensions: Sequence[Dimension]
) -> None:
    """A line for each complete trial through its values, a row for each dimension; logarithmic where it is.

    The best trial is on top, its values on the right.

    Raises:
        StorageError: it cannot be written.
    """
    complete = [trial for trial in trials if trial.state.name == "COMPLETE" and trial.value is not None]
    best = winner(complete)
    figure = Figure(figsize=(WIDTH, 2.0 + 0.42 * len(dimensions)), layout="constrained")
    axes = figure.add_subplot()
    scores = [_score(trial) for trial in complete]
    scale = ScalarMappable(Normalize(min(scores), max(max(scores), min(scores) + LEAST_SPREAD)), COLOURS)
    rows = range(len(dimensions))
    colours = scale.to_rgba(np.array(scores))
    for index in np.argsort(scores, kind="stable"):
        trial = complete[index]
        places = [place(each, trial.params[each.leaf]) for each in dimensions]
        axes.plot(places, rows, color=colours[index], lw=0.9, alpha=_opacity(len(complete)))
    if best is not None:
        places = [place(each, best.params[each.leaf]) for each in dimensions]
        axes.plot(places, rows, color="white", lw=4.0, zorder=3)
        axes.plot(places, rows, color=RED, lw=2.2, marker="o", ms=4, zorder=4)
    _draw_rows(axes, dimensions, best)
    bar = figure.colorbar(scale, ax=axes, orientation="horizontal", fraction=0.03, pad=0.02, aspect=40)
    bar.set_label("score", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(f"Study {name}: values and scores", fontsize=11)
    told = f"red: trial {best.number}, the best, {best.value:.3f}" if best else "none above the gate"
    axes.set_title(f"{len(complete)} complete trials; {told}", fontsize=9, color=GREY)
    _save(figure, path)


def place(dimension: Dimension, value: Any) -> float:
    """Where a value lies in its dimension, 0-1."""
    if dimension.kind == "choice":
        return dimension.choices.index(value) / (len(dimension.choices) - 1)
    low, high = dimension.low, dimension.high
    if dimension.log:
        return math.log(value / low) / math.log(high / low)
    return float(value - low) / (high - low)


def _draw_scores(axes: Axes, trials: Sequence[FrozenTrial]) -> None:
    """A mark for each trial that has ended, by what became of it."""
    complete = [trial for trial in trials if trial.state.name == "COMPLETE"]
    shut = [trial for trial in complete if trial.user_attrs.get(Fact.GATE_FAILURES)]
    above = [trial for trial in complete if not trial.user_attrs.get(Fact.GATE_FAILURES)]
    pruned = [trial for trial in trials if trial.state.name == "PRUNED" and trial.value is not None]
    failed = [trial for trial in trials if trial.state.name == "FAIL"]
    size = 26 if len(trials) <= 60 else 14
    if above:
        axes.scatter(*_points(above), s=size, color=BLUE, zorder=3, label="above the gate")
    if shut:
        axes.scatter(
            *_points(shut), s=size, facecolors="white", edgecolors=BLUE, zorder=3, label="not above the gate"
        )
    if pruned:
        label = "pruned, when it was"
        axes.scatter(*_points(pruned), s=size * 0.7, color=GREY, marker="v", alpha=0.7, label=label)
    if failed:
        bottom = axes.get_xaxis_transform()
        numbers = [trial.number for trial in failed]
        axes.scatter(
            numbers, [0.025] * len(failed), s=size, color=RED, marker="x", transform=bottom, label="failed"
        )
    if len(failed) == len(trials):
        axes.set_ylim(0.0, 1.0)


def _draw_best_so_far(axes: Axes, trials: Sequence[FrozenTrial]) -> None:
    numbers, bests = [], []
    for index, trial in enumerate(trials):
        best = winner(trials[: index + 1])
        if best is not None:
            numbers.append(trial.number)
            bests.append(_score(best))
    if numbers:
        axes.step(numbers, bests, where="post", color=ORANGE, lw=1.6, label="best so far", zorder=2)


def _draw_references(
    axes: Axes, trials: Sequence[FrozenTrial], references: Mapping[str, Mapping[str, Any]]
) -> None:
    """A ring around the trials that others are compared with."""
    for (label, params), marker in zip(references.items(), ("s", "D"), strict=False):
        found = [trial for trial in trials if trial.state.name == "COMPLETE" and trial.params == dict(params)]
        if found:
            axes.scatter(
                *_points(found[:1]),
                s=110,
                facecolors="none",
                edgecolors="black",
                marker=marker,
                linewidths=1.2,
                zorder=4,
                label=f"{label} (trial {found[0].number})",
            )


def _draw_rows(axes: Axes, dimensions: Sequence[Dimension], best: FrozenTrial | None) -> None:
    """A scale for each dimension with its ends or choices, its name on the left."""
    for row, each in enumerate(dimensions):
        axes.plot([0, 1], [row, row], color="black", lw=0.7, zorder=2)
        values = each.choices if each.kind == "choice" else (each.low, each.high)
        for value in values:
            x = place(each, value)
            axes.plot([x], [row], color="black", marker="|", ms=6, zorder=2)
            side = "left" if x == 0 else "right" if x == 1 else "center"
            axes.annotate(
                f"{value:g}",
                (x, row),
                (0, -4),
                textcoords="offset points",
                ha=side,
                va="top",
                fontsize=7,
                color="#333333",
                bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.3},
                zorder=5,
            )
    names = [f"{each.leaf}{' (log)' if each.log else ''}" for each in dimensions]
    axes.set_yticks(range(len(dimensions)), names, fontsize=8)
    axes.set_ylim(len(dimensions) - 0.4, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if best is not None:
        values_of_best = axes.secondary_yaxis("right")
        labels = [short(best.params[each.leaf]) for each in dimensions]
        values_of_best.set_yticks(range(len(dimensions)), labels, fontsize=8, color=RED)
        values_of_best.tick_params(length=0)
        values_of_best.spines[:].set_visible(False)


def _points(trials: Sequence[FrozenTrial]) -> tuple[list[int], list[float]]:
    return [trial.number for trial in trials], [_score(trial) for trial in trials]


def _score(trial: FrozenTrial) -> float:
    return float(trial.value or 0.0)


def _opacity(number: int) -> float:
    """Many lines hide one another."""
    return max(0.35, min(0.9, 12 / number))


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    write_atomically(path, buffer.getvalue())
