"""A run as a page for a terminal: a pure function from what is known of it to something rich can draw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from smart_tuner.live_frame import WIDE, Frame, page_foot, progress_line
from smart_tuner.live_state import Life, decide
from smart_tuner.live_words import happening, state_explained, state_told
from smart_tuner.messages import (
    Message,
    MonitorPhrase,
    Phrase,
    TrainingPhrase,
)
from smart_tuner.run_follower import RunLook
from smart_tuner.wording import STAGES, named
from tacotron2.events import ValidationEvent

MOST_LOSSES = 8
BESIDE_LOSSES, BESIDE_VALIDATIONS = 32, 20
"""Columns for names and values."""
STYLES = {
    Life.RUNNING: "bold green",
    Life.STARTING: "bold green",
    Life.TUNING: "bold green",
    Life.SILENT: "bold red",
    Life.RESTARTING: "bold yellow",
    Life.ENDED: "bold cyan",
    Life.UNFINISHED: "bold yellow",
}


HAPPENED_STYLES = {"incident": "yellow", "restart": "magenta"}


def run_page(look: RunLook, frame: Frame) -> RenderableType:
    """The whole page of a run."""
    life = decide(look.signs, look.timeout_s)
    parts: list[RenderableType] = [_head(look, life, frame), _progress(look, frame)]
    if frame.width >= WIDE:
        half = replace(frame, width=(frame.width - 3) // 2)
        columns = Table.grid(padding=(0, 3, 0, 0), expand=True)
        columns.add_column(ratio=1)
        columns.add_column(ratio=1)
        left = Group(_figures(look, half), *_losses(look, half))
        columns.add_row(left, Group(*_validations(look, half)))
        parts.append(columns)
    else:
        parts += [_figures(look, frame), *_losses(look, frame), *_validations(look, frame)]
    return Group(*parts, *_happened(look, frame), *page_foot(frame, MonitorPhrase.HOW_TO_LEAVE()))


def _head(look: RunLook, life: Life, frame: Frame) -> RenderableType:
    """Name and state, and a sentence where the state alone leaves one wondering."""
    line = Table.grid(expand=True, padding=(0, 1, 0, 0))
    line.add_column(overflow="fold")
    line.add_column(justify="right", overflow="fold")
    line.add_row(Text(look.name, style="bold"), Text(frame.say(state_told(life, look.signs)), STYLES[life]))
    told = [Text(frame.say(each)) for each in state_explained(life, look)]
    if look.skipped_lines:
        skipped = MonitorPhrase.LINES_SKIPPED(count=look.skipped_lines)
        told.append(Text(frame.say(skipped), style="yellow"))
    return Group(line, *told)


def _progress(look: RunLook, frame: Frame) -> RenderableType:
    figures, stage = look.history.figures, look.history.stage
    done, total = figures.step, figures.max_steps
    if stage is not None and stage.name != "training" and stage.done < stage.total:
        done, total = stage.done, stage.total
    return progress_line(done, total, frame)


def _figures(look: RunLook, frame: Frame) -> RenderableType:
    """Names and values of the moment; what was not told yet is left out."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for phrase, value in _rows(look, frame):
        table.add_row(frame.say(phrase()), value)
    return table


def _rows(look: RunLook, frame: Frame) -> Iterator[tuple[Phrase, str]]:
    history, say = look.history, frame.say
    if history.stage is not None:
        yield MonitorPhrase.ROW_PHASE, named(history.stage.name, STAGES, frame.language)
    if history.num_attempts > 1 and history.started is not None:
        step, attempt = history.started.resumed_from_step, history.num_attempts
        told = MonitorPhrase.ATTEMPT_ANEW(attempt=attempt)
        yield (
            MonitorPhrase.ROW_ATTEMPT,
            say(told if step is None else MonitorPhrase.ATTEMPT_FROM(attempt=attempt, step=step)),
        )
    if decide(look.signs, look.timeout_s) is Life.RUNNING and math.isfinite(history.figures.eta_s()):
        yield MonitorPhrase.ROW_TIME, say(MonitorPhrase.LEFT(seconds=history.figures.eta_s()))
    if history.last is not None:
        yield from _step_rows(look, frame)
    if memory := _memory(look):
        yield MonitorPhrase.ROW_MEMORY, ", ".join(map(say, memory))
    if history.scales:
        scales = [MonitorPhrase.SCALE(knob=knob, factor=factor) for knob, factor in history.scales.items()]
        yield MonitorPhrase.ROW_SCALES, ", ".join(map(say, scales))
    if look.best is not None:
        best = MonitorPhrase.BEST_WEIGHTS(step=look.best.step, quality=look.best.quality)
        yield MonitorPhrase.ROW_BEST, say(best)


def _memory(look: RunLook) -> list[Message]:
    """What the newest report says of the worker's memory; nothing where there is no report."""
    report = look.history.report
    sizes = report.memory if report is not None else {}
    known = {
        "host_bytes": MonitorPhrase.MEMORY_NOW,
        "host_peak_bytes": MonitorPhrase.MEMORY_MOST,
        "device_peak_bytes": MonitorPhrase.MEMORY_DEVICE,
    }
    return [phrase(used=sizes[name]) for name, phrase in known.items() if name in sizes]


def _step_rows(look: RunLook, frame: Frame) -> Iterator[tuple[Phrase, str]]:
    last, say = look.history.last, frame.say
    assert last is not None
    if last.step_seconds > 0:
        yield MonitorPhrase.ROW_SPEED, say(TrainingPhrase.STEP_RATE(rate=1 / last.step_seconds))
    yield MonitorPhrase.ROW_RATE, say(MonitorPhrase.SMALL(value=last.learning_rate))
    if frame.brief:
        return
    yield MonitorPhrase.ROW_GUIDE, say(MonitorPhrase.PLAIN_2(value=last.guided_attention_weight))
    yield MonitorPhrase.ROW_GRADIENT, say(MonitorPhrase.PLAIN_3(value=last.grad_norm))
    yield MonitorPhrase.ROW_WAITING, say(MonitorPhrase.SHARE(value=last.data_wait_share))


def _losses(look: RunLook, frame: Frame) -> Iterator[RenderableType]:
    """Each loss with its value and its way so far."""
    history = look.history
    if history.last is None:
        return
    yield frame.heading(MonitorPhrase.PART_LOSSES())
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", max_width=20, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    last = history.last
    shown = list(last.losses.items())[: 1 if frame.brief else MOST_LOSSES]
    for name, value in shown:
        trend = frame.trend(history.losses[name].values, BESIDE_LOSSES)
        table.add_row(name, frame.say(MonitorPhrase.PLAIN_3(value=value)), trend)
    trend = frame.trend(history.reference.values, BESIDE_LOSSES)
    reference = frame.say(MonitorPhrase.PLAIN_3(value=last.train_reference_loss))
    table.add_row(frame.say(MonitorPhrase.LOSS_REFERENCE()), reference, trend)
    yield table


def _validations(look: RunLook, frame: Frame) -> Iterator[RenderableType]:
    """The newest validations, and the way of what matters over all of them."""
    history = look.history
    yield frame.heading(MonitorPhrase.PART_VALIDATIONS(count=history.num_validations))
    if not history.validations:
        yield Text(frame.say(MonitorPhrase.NOTHING_YET()), style="dim")
        return
    trends = Table.grid(padding=(0, 2, 0, 0))
    trends.add_column(style="dim", no_wrap=True)
    trends.add_column(justify="right", no_wrap=True)
    trends.add_column(style="green", no_wrap=True)
    alignment = [_figure(each.free_running, "attention_alignment") for each in history.validations]
    quality = [math.nan if each.quality is None else each.quality for each in history.validations]
    for phrase, values in (
        (MonitorPhrase.COLUMN_ALIGNMENT, alignment),
        (MonitorPhrase.COLUMN_QUALITY, quality),
    ):
        newest = _known(MonitorPhrase.PLAIN_2(value=values[-1]), frame)
        trends.add_row(frame.say(phrase()), newest, frame.trend(values, BESIDE_VALIDATIONS))
    if not frame.brief:
        yield trends
    yield _validation_table(list(history.validations)[-frame.rows :][::-1], frame)


def _validation_table(shown: Sequence[ValidationEvent], frame: Frame) -> Table:
    """The newest first: loss and stop decision teacher-forced, the rest free-running."""
    heads = (
        MonitorPhrase.COLUMN_STEP,
        MonitorPhrase.COLUMN_LOSS,
        MonitorPhrase.COLUMN_ALIGNMENT,
        MonitorPhrase.COLUMN_QUALITY,
        MonitorPhrase.COLUMN_GATE,
        MonitorPhrase.COLUMN_ENDLESS,
        MonitorPhrase.COLUMN_EARLY,
    )
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    for head in heads:
        table.add_column(frame.say(head()), justify="right", overflow="fold")
    for each in shown:
        forced, free = each.teacher_forced, each.free_running
        two = [
            _figure(forced, "val_loss"),
            _figure(free, "attention_alignment"),
            math.nan if each.quality is None else each.quality,
            _figure(forced, "gate_accuracy"),
        ]
        shares = [_figure(free, "never_stopped_rate"), _figure(free, "premature_rate")]
        cells = [MonitorPhrase.COUNTED(value=each.step)]
        cells += [MonitorPhrase.PLAIN_2(value=value) for value in two]
        cells += [MonitorPhrase.SHARE(value=value) for value in shares]
        table.add_row(*(_known(cell, frame) for cell in cells))
    return table


def _figure(figures: dict[str, float], name: str) -> float:
    return figures.get(name, math.nan)


def _known(cell: Message, frame: Frame) -> str:
    value = cell.parameters["value"]
    return "-" if isinstance(value, float) and math.isnan(value) else frame.say(cell)


def _happened(look: RunLook, frame: Frame) -> Iterator[RenderableType]:
    """Incidents, restarts, decisions and cures, the newest first."""
    history = look.history
    counts = MonitorPhrase.PART_HAPPENED(incidents=history.num_incidents, restarts=history.num_restarts)
    yield frame.heading(counts)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, justify="right")
    table.add_column(overflow="fold")
    for stamped in reversed(history.happened):
        if table.row_count == frame.rows:
            break
        if told := happening(stamped, look.restarts, frame.language):
            ago = MonitorPhrase.AGO(seconds=max(0.0, look.now - stamped.time))
            table.add_row(frame.say(ago), told, style=HAPPENED_STYLES.get(stamped.event.kind, ""))
    yield table if table.row_count else Text(frame.say(MonitorPhrase.NOTHING_YET()), style="dim")
