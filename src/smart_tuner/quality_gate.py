"""Whether the voice of a run is good enough: figures against the section `gate`, each by itself.

A figure that is missing, or no number, fails: what could not be measured is not known to be good.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_tuner.messages import ControlPhrase, Language, Message, render
from smart_tuner.records import read_events
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.tuning.gate_bars import Check, check
from tacotron2.events import ValidationEvent

__all__ = ["Check", "Judged", "check", "judged_figures", "table"]

TEACHER_FORCED = ("gate_accuracy", "val_loss")
"""The figures of that pass; all others are those of the free-running one. docs/metrics.md has them all."""


@dataclass(frozen=True)
class Judged:
    """The figures of a voice by their public names, and where they come from."""

    figures: Mapping[str, float | None]
    source: Message


def judged_figures(run: RunFolder) -> Judged:
    """Those of the examination; where there was none yet, of the validation of highest quality.

    Raises:
        RunError: the examination cannot be read.
    """
    try:
        content = json.loads(run.examination_file.read_text(encoding="utf-8"))
        figures = {name: _number(each["value"]) for name, each in content["figures"].items()}
        figures |= {name: figures.get(f"teacher_forced_{name}") for name in TEACHER_FORCED}
        spoken = ControlPhrase.GATE_EXAMINED(run=run.name, checkpoint=str(content["checkpoint"]))
        return Judged(figures, spoken)
    except FileNotFoundError:
        return _validated(run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        told = ControlPhrase.NOT_AN_EXAMINATION(path=run.examination_file, detail=str(error))
        raise RunError(told) from None


def table(judged: Judged, checks: Sequence[Check], language: Language) -> Iterator[str]:
    """Where the figures come from, a line for each, and the verdict."""
    yield render(judged.source, language)
    for each in checks:
        phrase = ControlPhrase.GATE_PASSED if each.passed else ControlPhrase.GATE_FAILED
        if each.value is None or not math.isfinite(each.value):
            phrase = ControlPhrase.GATE_MISSING
        value = "-" if phrase is ControlPhrase.GATE_MISSING else f"{each.value:.3f}"
        bar = f"{'>=' if each.at_least else '<='} {each.bar:g}"
        yield f"  {each.name:<20} {value:>8}  {bar:<8}  {render(phrase(), language)}"
    failed = [each.name for each in checks if not each.passed]
    verdict = (
        ControlPhrase.GATE_NOT_ALL_PASSED(names=", ".join(failed))
        if failed
        else ControlPhrase.GATE_ALL_PASSED()
    )
    yield render(verdict, language)


def _validated(run: RunFolder) -> Judged:
    events = (stamped.event for stamped in read_events(run.events_file)[0])
    validations = [event for event in events if isinstance(event, ValidationEvent)]
    if not validations:
        return Judged({}, ControlPhrase.GATE_NOTHING(run=run.name))
    last_r_after = run.config().hparams.reduction_stages[-1].step

    def rank(event: ValidationEvent) -> tuple[bool, float, int]:
        quality = event.quality if event.quality is not None and math.isfinite(event.quality) else -math.inf
        return event.step > last_r_after, quality, event.step

    best = max(validations, key=rank)
    forced = {name: best.teacher_forced.get(name) for name in TEACHER_FORCED}
    return Judged({**best.free_running, **forced}, ControlPhrase.GATE_VALIDATED(run=run.name, step=best.step))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
