"""The report of a step in words: one line for each of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from smart_tuner.cures import BEGUN, KEPT, UNDONE
from smart_tuner.messages import Language, Message, Phrase, StepReportPhrase, TrainingPhrase, render
from smart_tuner.wording import CAUSES, INCIDENTS
from tacotron2.events import ReportEvent

MOST_MODULES = 4
"""Modules whose norms are shown, the largest first."""
LOSSES: dict[str, Phrase] = {
    "total": StepReportPhrase.LOSS_TOTAL,
    "reference": StepReportPhrase.REPORT_LOSS_REFERENCE,
    "mel_before": StepReportPhrase.LOSS_MEL_BEFORE,
    "mel_after": StepReportPhrase.LOSS_MEL_AFTER,
    "gate": StepReportPhrase.LOSS_GATE,
    "guided_attention": StepReportPhrase.LOSS_GUIDED,
}
"""The terms that every training has, in the order shown."""
SEEN: dict[str, Phrase] = {
    "attention_focus": StepReportPhrase.SEEN_FOCUS,
    "attention_diagonality": StepReportPhrase.SEEN_DIAGONALITY,
    "attention_coverage": StepReportPhrase.SEEN_COVERAGE,
}
CURES: dict[str, Phrase] = {
    BEGUN: StepReportPhrase.HAPPENED_CURES_BEGUN,
    KEPT: StepReportPhrase.HAPPENED_CURES_KEPT,
    UNDONE: StepReportPhrase.HAPPENED_CURES_UNDONE,
}


def report_told(report: ReportEvent, language: Language) -> str:
    """Several lines: a head, and one for each part that has figures."""
    since = report.since_step
    head = StepReportPhrase.REPORT_HEAD(step=report.step)
    if report.losses_before:
        head = StepReportPhrase.REPORT_HEAD_SINCE(step=report.step, since=since)
    lines = [render(head, language)]
    for name, figures in _parts(report):
        told = ", ".join(render(figure, language) for figure in figures)
        if told:
            lines.append(render(StepReportPhrase.REPORT_LINE(name=name, figures=told), language))
    return "\n".join(lines)


def _parts(report: ReportEvent) -> list[tuple[Message, list[Message]]]:
    return [
        (StepReportPhrase.NAME_LOSSES(), list(_losses(report))),
        (StepReportPhrase.NAME_ATTENTION(), list(_attention(report.attention))),
        (StepReportPhrase.NAME_STOP(), list(_stop(report.stop))),
        (StepReportPhrase.NAME_GRADIENTS(), list(_norms(report))),
        (StepReportPhrase.NAME_PACE(), list(_pace(report))),
        (StepReportPhrase.NAME_MEMORY(), list(_memory(report.memory))),
        (StepReportPhrase.NAME_HAPPENED(), list(_happened(report)) or [StepReportPhrase.HAPPENED_NOTHING()]),
    ]


def _losses(report: ReportEvent) -> Iterator[Message]:
    for name in dict.fromkeys([*LOSSES, *report.losses]):
        value = report.losses.get(name)
        if value is None:
            continue
        shown = LOSSES[name]() if name in LOSSES else f"`{name}`"
        before = report.losses_before.get(name)
        if before:
            change = round((value - before) / abs(before), 2) + 0.0  # no "-0 %"
            yield StepReportPhrase.LOSS_MOVED(name=shown, value=value, change=change)
        else:
            yield StepReportPhrase.LOSS_IS(name=shown, value=value)


def _attention(figures: Mapping[str, float]) -> Iterator[Message]:
    if {"attention_alignment", "worst_alignment"} <= figures.keys():
        value, worst = figures["attention_alignment"], figures["worst_alignment"]
        yield StepReportPhrase.SEEN_ALIGNMENT(value=value, worst=worst)
    for name, phrase in SEEN.items():
        if name in figures:
            yield Message(phrase, {"value": figures[name]})


def _stop(figures: Mapping[str, float]) -> Iterator[Message]:
    if figures:
        yield StepReportPhrase.STOP_ACCURACY(
            value=figures["gate_accuracy"], go_on=figures["go_on_recall"], stop=figures["stop_recall"]
        )


def _norms(report: ReportEvent) -> Iterator[Message]:
    yield StepReportPhrase.NORM_WHOLE(value=report.grad_norm)
    largest = sorted(report.norms.items(), key=lambda item: item[1], reverse=True)
    for module, norm in largest[:MOST_MODULES]:
        yield StepReportPhrase.NORM_OF(module=module, value=norm)
    others = largest[MOST_MODULES:]
    if others:
        yield StepReportPhrase.NORM_OTHERS(count=len(others), value=others[0][1])


def _pace(report: ReportEvent) -> Iterator[Message]:
    yield StepReportPhrase.PACE_RATE(value=report.learning_rate)
    if report.n_frames_per_step is not None:
        yield StepReportPhrase.PACE_R(value=report.n_frames_per_step)
    if report.teacher_forcing is not None and report.teacher_forcing < 1.0:
        yield StepReportPhrase.PACE_FORCED(value=report.teacher_forcing)
    yield StepReportPhrase.PACE_STEP(value=report.step_seconds)
    yield StepReportPhrase.PACE_WAIT(value=report.data_wait_share)
    if report.eta_s is not None:
        yield TrainingPhrase.TIME_LEFT(seconds=report.eta_s)


def _memory(sizes: Mapping[str, float]) -> Iterator[Message]:
    shown: dict[str, Phrase] = {
        "host_bytes": StepReportPhrase.MEMORY_HOST,
        "host_peak_bytes": StepReportPhrase.MEMORY_HOST_PEAK,
        "device_peak_bytes": StepReportPhrase.REPORT_MEMORY_DEVICE,
    }
    for name, phrase in shown.items():
        if name in sizes:
            yield Message(phrase, {"value": sizes[name]})


def _happened(report: ReportEvent) -> Iterator[Message]:
    for incident, count in report.incidents.items():
        yield _often(INCIDENTS[incident]() if incident in INCIDENTS else incident, count)
    for cause, count in report.restarts.items():
        yield _often(StepReportPhrase.HAPPENED_RESTART(cause=_cause(cause)), count)
    if report.diagnoses:
        yield StepReportPhrase.HAPPENED_DIAGNOSES(count=sum(report.diagnoses.values()))
    for state, phrase in CURES.items():
        if state in report.cures:
            yield Message(phrase, {"count": report.cures[state]})
    if report.decisions:
        yield StepReportPhrase.HAPPENED_DECISION(count=sum(report.decisions.values()))


def _often(what: Message | str, count: int) -> Message:
    if count > 1 or isinstance(what, str):
        return StepReportPhrase.HAPPENED_OFTEN(name=what, count=count)
    return what


def _cause(name: str) -> Message | str:
    known = {cause.value: phrase for cause, phrase in CAUSES.items()}
    return known[name]() if name in known else name
