"""The list of runs as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from smart_tuner.messages import CommandPhrase, Language, render
from smart_tuner.records import read_events
from smart_tuner.run_folder import RunFolder, state_of
from smart_tuner.wording import STATES, named
from tacotron2.events import StepEvent, ValidationEvent

_HEADS = (
    CommandPhrase.HEAD_RUN,
    CommandPhrase.HEAD_STATE,
    CommandPhrase.HEAD_STEP,
    CommandPhrase.HEAD_ALIGNMENT,
    CommandPhrase.HEAD_SIZE,
)


def run_table(runs: Sequence[RunFolder], language: Language) -> list[str]:
    """A heading and a line for each run, aligned."""
    rows = [[render(head(), language) for head in _HEADS], *(_row(run, language) for run in runs)]
    width = max(len(row[0]) for row in rows)
    return [
        f"{name:<{width}}  {state:<20} {step:>8} {alignment:>9} {size:>9}"
        for name, state, step, alignment, size in rows
    ]


def _row(run: RunFolder, language: Language) -> list[str]:
    """Name, state, last step, free-running alignment and size of a run."""
    step = alignment = "-"
    for stamped in read_events(run.events_file)[0]:
        if isinstance(stamped.event, StepEvent):
            step = str(stamped.event.step)
        elif isinstance(stamped.event, ValidationEvent):
            value = stamped.event.free_running.get("attention_alignment")
            if value is not None:
                alignment = render(CommandPhrase.ROW_ALIGNMENT(value=value), language)
    size = render(CommandPhrase.ROW_SIZE(size=run.size_bytes()), language)
    return [run.name, named(state_of(run), STATES, language), step, alignment, size]
