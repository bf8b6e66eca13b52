"""A study as a page for a terminal: its trials, the newest first, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from smart_tuner.live_frame import WIDE, Frame, page_foot, progress_line
from smart_tuner.messages import Message, MonitorPhrase, Phrase
from smart_tuner.study_follower import StudyLook, TrialLook
from smart_tuner.tuning.study_words import short

STATES: dict[str, Phrase] = {
    "waiting": MonitorPhrase.SEEN_WAITING,
    "running": MonitorPhrase.LIVE_RUNNING,
    "complete": MonitorPhrase.SEEN_COMPLETE,
    "pruned": MonitorPhrase.SEEN_PRUNED,
    "failed": MonitorPhrase.SEEN_FAILED,
    "cut_off": MonitorPhrase.SEEN_CUT_OFF,
}
STYLES = {"running": "green", "waiting": "dim", "pruned": "yellow", "failed": "red", "cut_off": "dim"}
BESIDE_TREND, BESIDE_VALUES = 20, 58
"""Columns that other things take."""
_OVER = ("complete", "pruned", "failed")


def study_page(look: StudyLook, frame: Frame) -> RenderableType:
    """The whole page of a study."""
    head = Table.grid(expand=True, padding=(0, 1, 0, 0))
    head.add_column(overflow="fold")
    head.add_column(justify="right", overflow="fold")
    counted = {state: sum(trial.state == state for trial in look.trials) for state in STATES}
    over = sum(counted[state] for state in _OVER)
    state, style = MonitorPhrase.STUDY_IDLE(), "bold yellow"
    if look.alive:
        state, style = MonitorPhrase.LIVE_RUNNING(), "bold green"
    elif over >= look.budget:
        state, style = MonitorPhrase.STUDY_OVER(), "bold cyan"
    head.add_row(Text(look.name, style="bold"), Text(frame.say(state), style))
    counts = MonitorPhrase.SEEN_COUNTS(
        complete=counted["complete"],
        pruned=counted["pruned"],
        failed=counted["failed"],
        running=counted["running"],
    )
    bar = progress_line(over, look.budget, frame)
    best = [frame.heading(MonitorPhrase.TRIAL_BEST()), *_best(look, frame)]
    trials = [frame.heading(MonitorPhrase.PART_TRIALS(count=len(look.trials))), _trials(look, frame)]
    foot = page_foot(frame, MonitorPhrase.STUDY_LEAVE())
    return Group(head, bar, Text(frame.say(counts)), *best, *trials, *foot)


def _best(look: StudyLook, frame: Frame) -> Iterator[RenderableType]:
    """The trial that would be taken now, its values, and how the best score grew."""
    best = next((trial for trial in look.trials if trial.number == look.best), None)
    if best is None or best.score is None:
        yield Text(frame.say(MonitorPhrase.NO_BEST_TRIAL()), style="dim")
    else:
        told = MonitorPhrase.BEST_TRIAL_NOW(number=best.number, score=best.score)
        yield Text(frame.say(told), style="bold")
        yield Text(_values(best), style="dim")
    grown = _best_so_far(look.trials)
    if len(grown) > 1:
        yield Text(frame.trend(grown, BESIDE_TREND), style="green")


def _best_so_far(trials: Sequence[TrialLook]) -> list[float]:
    """The highest score of the complete trials up to each of them."""
    highest, grown = -math.inf, []
    for trial in trials:
        if trial.state == "complete" and trial.score is not None:
            highest = max(highest, trial.score)
            grown.append(highest)
    return grown


def _trials(look: StudyLook, frame: Frame) -> RenderableType:
    """Running trials first, then those that ended last."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for phrase in (MonitorPhrase.TRIAL_NUMBER, MonitorPhrase.TRIAL_STATE):
        table.add_column(frame.say(phrase()), no_wrap=True)
    for phrase in (MonitorPhrase.TRIAL_SCORE, MonitorPhrase.TRIAL_STEPS, MonitorPhrase.TRIAL_TIME):
        table.add_column(frame.say(phrase()), justify="right", no_wrap=True)
    if frame.width >= WIDE:
        table.add_column(frame.say(MonitorPhrase.TRIAL_VALUES()), overflow="ellipsis", no_wrap=True)
    shown = sorted(look.trials, key=lambda trial: (trial.state != "running", -trial.number))
    for trial in shown[: 2 * frame.rows]:
        style = "bold" if trial.number == look.best else STYLES.get(trial.state, "")
        table.add_row(*_cells(trial, look, frame), style=style)
    return table


def _cells(trial: TrialLook, look: StudyLook, frame: Frame) -> list[str]:
    mark = " *" if trial.number == look.best else ""
    steps: Message | str = "-"
    if trial.steps is not None and trial.state == "running":
        steps = MonitorPhrase.ROW_PROGRESS(done=trial.steps, total=look.steps)
    elif trial.steps is not None:
        steps = MonitorPhrase.COUNTED(value=trial.steps)
    cells: list[Message | str] = [
        f"{trial.number}{mark}",
        STATES[trial.state](),
        "-" if trial.score is None else MonitorPhrase.PLAIN_3(value=trial.score),
        steps,
        "-" if trial.seconds is None else MonitorPhrase.LEFT(seconds=trial.seconds),
    ]
    values = [_values(trial)[: frame.width - BESIDE_VALUES]] if frame.width >= WIDE else []
    return [frame.say(cell) for cell in cells] + values


def _values(trial: TrialLook) -> str:
    return ", ".join(f"{name} {short(value)}" for name, value in trial.params.items())
