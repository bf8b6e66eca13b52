"""A run in a few sentences, for somebody who was not there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from smart_tuner.finetuning import finetuned_from
from smart_tuner.messages import ControlPhrase, Language, Message, ReportPhrase, render
from smart_tuner.messages.language import duration, number
from smart_tuner.quality_gate import Check, Judged, check, judged_figures
from smart_tuner.records import ExitCause
from smart_tuner.reports.blocks import Block, Figure, Figures, Table, Text, Tone
from smart_tuner.reports.happenings import Happening
from smart_tuner.reports.records import RunRecords
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.summary import ALIGNED, phase_seconds
from tacotron2.events import DataEvent, StartedEvent, StepEvent, ValidationEvent

ADVICE: dict[str, ReportPhrase] = {
    "attention_alignment": ReportPhrase.ADVICE_ALIGNMENT,
    "gate_accuracy": ReportPhrase.ADVICE_STOP,
    "stop_error_steps": ReportPhrase.ADVICE_STOP,
    "never_stopped_rate": ReportPhrase.ADVICE_STOP,
    "val_loss": ReportPhrase.ADVICE_LOSS,
    "skip_rate": ReportPhrase.ADVICE_ALIGNMENT,
    "repeat_rate": ReportPhrase.ADVICE_ALIGNMENT,
    "mcd_dtw_db": ReportPhrase.ADVICE_SOUND,
}
"""What helps where a figure of the gate is not good enough."""


def gate_of(run: RunFolder, records: RunRecords) -> tuple[Judged | None, list[Check]]:
    """The figures that the gate judges, and its checks; neither where the run cannot be judged."""
    if records.config is None:
        return None, []
    try:
        judged = judged_figures(run)
    except (RunError, ValueError):
        return None, []
    return judged, check(judged.figures, records.config.gate) if judged.figures else []


def blocks(
    records: RunRecords, checks: Sequence[Check], happened: Sequence[Happening], language: Language
) -> list[Block]:
    """The first figures, then what was done, how good it is, what went wrong, what to do."""
    sentences = [
        _learned_from(records),
        None if records.config is None else finetuned_from(records.config),
        _took(records),
        _verdict(checks),
        _troubles(happened),
        *_endings(records),
        *_next(records, checks),
    ]
    told = [render(each, language) for each in sentences if each is not None]
    return [Figures(_figures(records, checks, language)), Text(told)]


def gate_blocks(judged: Judged | None, checks: Sequence[Check], language: Language) -> list[Block]:
    """Every figure of the gate against its bar."""
    if judged is None or not checks:
        return [Text([render(ReportPhrase.NOT_JUDGED(), language)])]
    heads = (
        ReportPhrase.HEAD_FIGURE,
        ReportPhrase.HEAD_VALUE,
        ReportPhrase.HEAD_BAR,
        ReportPhrase.HEAD_PASSED,
    )
    rows, tones = [], []
    for each in checks:
        phrase = ControlPhrase.GATE_PASSED if each.passed else ControlPhrase.GATE_FAILED
        known = each.value is not None and math.isfinite(each.value)
        value = number(each.value or 0.0, ".3f", language) if known else "–"
        bar = f"{'≥' if each.at_least else '≤'} {number(each.bar, 'g', language)}"
        word = render((phrase if known else ControlPhrase.GATE_MISSING)(), language)
        rows.append([each.name, value, bar, f"{'✓' if each.passed else '✗'} {word}"])
        tones.append(Tone.GOOD if each.passed else Tone.BAD)
    caption = render(judged.source, language)
    return [Table(caption, [render(head(), language) for head in heads], rows, words=(0, 3), tones=tones)]


def train_seconds(records: RunRecords) -> float:
    """Seconds of the training, all attempts."""
    return phase_seconds(records.stream).get("training", 0.0)


def _figures(records: RunRecords, checks: Sequence[Check], language: Language) -> list[Figure]:
    shown = []
    if checks:
        passed = sum(each.passed for each in checks)
        open_ = passed == len(checks)
        word = ReportPhrase.GATE_IS_OPEN if open_ else ReportPhrase.GATE_IS_SHUT
        note = render(ReportPhrase.PASSED_OF(passed=passed, count=len(checks)), language)
        tone = Tone.GOOD if open_ else Tone.BAD
        shown.append(Figure(_told(ReportPhrase.GATE, language), _told(word, language), note, tone))
    by_name = {each.name: each for each in checks}
    for name, phrase, spec, means in (
        ("attention_alignment", ReportPhrase.ALIGNMENT_FIGURE, ".2f", ReportPhrase.ALIGNMENT_MEANS),
        ("mcd_dtw_db", ReportPhrase.DISTORTION, ".1f", ReportPhrase.DISTORTION_MEANS),
    ):
        found = by_name.get(name)
        if found and found.value is not None and math.isfinite(found.value):
            value = number(found.value, spec, language)
            tone = Tone.PLAIN if found.passed else Tone.BAD
            shown.append(Figure(_told(phrase, language), value, _told(means, language), tone))
    if steps := max((event.step for event in records.of(StepEvent)), default=0):
        planned = records.of(StartedEvent)[-1].max_steps if records.of(StartedEvent) else steps
        note = render(ReportPhrase.OF_STEPS(count=planned), language)
        shown.append(Figure(_told(ReportPhrase.STEPS, language), number(steps, ",", language), note))
    if seconds := train_seconds(records):
        shown.append(Figure(_told(ReportPhrase.TIME, language), duration(seconds, language)))
    return shown


def _learned_from(records: RunRecords) -> Message | None:
    train = next((event for event in reversed(records.of(DataEvent)) if event.split == "train"), None)
    if train is None:
        return ReportPhrase.NO_DATA_YET()
    own = records.config.data_folder if records.config else None
    source = str(own) if own else ReportPhrase.DEMO_CORPUS()
    if train.audio_seconds is None:
        return ReportPhrase.LEARNED_FROM_CLIPS(clips=train.clips, source=source)
    return ReportPhrase.LEARNED_FROM(clips=train.clips, seconds=train.audio_seconds, source=source)


def _took(records: RunRecords) -> Message | None:
    started = records.of(StartedEvent)
    if not started:
        return None
    formed = next(
        (
            event.step
            for event in records.of(ValidationEvent)
            if event.free_running.get("attention_alignment", 0.0) > ALIGNED
        ),
        None,
    )
    attention = ReportPhrase.FORMED_AT(step=formed) if formed is not None else ReportPhrase.NEVER_FORMED()
    return ReportPhrase.REPORT_TRAINED(
        steps=records.last_step,
        seconds=train_seconds(records),
        attempts=len(started),
        device=started[-1].device,
        attention=attention,
    )


def _verdict(checks: Sequence[Check]) -> Message | None:
    if not checks:
        return None
    failed = [each.name for each in checks if not each.passed]
    if failed:
        return ReportPhrase.NOT_GOOD_ENOUGH(names=", ".join(failed))
    return ReportPhrase.GOOD_ENOUGH(count=len(checks))


def _troubles(happened: Sequence[Happening]) -> Message:
    incidents = sum(each.kind == "incident" for each in happened)
    restarts = sum(each.kind == "restart" for each in happened)
    cures = sum(each.kind == "cure" for each in happened)
    if not incidents and not restarts and not cures:
        return ReportPhrase.NO_TROUBLE()
    return ReportPhrase.TROUBLES(incidents=incidents, restarts=restarts, cures=cures)


def _endings(records: RunRecords) -> list[Message]:
    outcome = records.outcome
    if outcome is None or outcome.cause is ExitCause.COMPLETED or not outcome.reason:
        return []
    return [ReportPhrase.ENDED_BECAUSE(reason=outcome.reason)]


def _next(records: RunRecords, checks: Sequence[Check]) -> list[Message]:
    if records.state == "running":
        return [ReportPhrase.NEXT_RUNNING(run=records.name)]
    cause = records.outcome.cause if records.outcome else None
    if cause is None or not cause.ends_the_run:
        wrong = cause in (ExitCause.DATA_ERROR, ExitCause.CONFIGURATION_ERROR, ExitCause.STORAGE_ERROR)
        return [ReportPhrase.NEXT_MEND() if wrong else ReportPhrase.NEXT_GO_ON()]
    failed = [each.name for each in checks if not each.passed]
    if checks and not failed:
        return [ReportPhrase.NEXT_SPEAK(run=records.name)]
    advice = dict.fromkeys(ADVICE[name] for name in failed)
    return [phrase() for phrase in advice] or [ReportPhrase.ADVICE_ALIGNMENT()]


def _told(phrase: ReportPhrase, language: Language) -> str:
    return render(phrase(), language)
