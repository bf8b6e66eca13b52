"""What is in a report, when there is one, and that its maker does not grow."""

from __future__ import annotations

import gc
import json
import math
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

import smart_tuner
from smart_tuner.debug_reporter import DebugReporter
from smart_tuner.messages import Language
from smart_tuner.progress import RunFigures
from smart_tuner.report_words import report_told
from smart_tuner.tracking_store import event_files, event_scalars
from tacotron2.events import (
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    IncidentEvent,
    ReportEvent,
    RestartEvent,
    SnapshotEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    from_json,
    to_json,
)

STARTED = StartedEvent("cpu", "fp32", 1, 1, 1000, 1000, 32, 8, "abc", {})


def step(number: int, loss: float, speed: float = 0.5) -> StepEvent:
    losses = {"total": loss, "gate": loss / 2}
    return StepEvent(number, 1, losses, loss / 4, 1e-3, 0.0, 0.1, 8000.0, 0.25, speed, 7, 0.5)


def snapshot(number: int) -> SnapshotEvent:
    return SnapshotEvent(
        number,
        attention={"attention_alignment": 0.43, "worst_alignment": 0.11, "attention_focus": 0.6},
        stop={"gate_accuracy": 0.93, "go_on_recall": 0.99, "stop_recall": 0.87},
        norms={"encoder": 0.25, "decoder.attention": 0.5, "a": 0.1, "b": 0.2, "c": 0.01, "d": 0.02},
        grad_norm=0.6,
        memory={"host_bytes": 2.0**31, "device_peak_bytes": 2.0**32},
        seconds=0.2,
        attention_image=f"reports/step-{number:07d}.png",
    )


def told(events: list[Event], reporter: DebugReporter | None = None) -> list[ReportEvent]:
    """The reports on a stream, one record a second."""
    now = iter(range(1_000_000))
    reporter = reporter or DebugReporter(clock=lambda: float(next(now)))
    return [report for report in map(reporter.note, events) if report is not None]


def course(first: int, last: int, every: int, loss: float) -> list[Event]:
    """Step records, and snapshots at multiples of 250, also where `every` does not divide them."""
    marks = {n for n in range(first, last + 1) if n % every == 0 or n % 250 == 0}
    events: list[Event] = []
    for number in sorted(marks):
        events.append(step(number, loss))
        if number % 250 == 0:
            events.append(snapshot(number))
    return events


def test_500_steps_give_exactly_two_reports() -> None:
    for every in (1, 10, 17, 300):
        reports = told([STARTED, *course(1, 510, every, 1.0)])
        assert [report.step for report in reports] == [250, 500], every
        assert [report.since_step for report in reports] == [0, 250]


def test_figures_are_those_of_the_records_they_come_from() -> None:
    """A record counts by its updates for losses, by its time for speed and waiting."""
    first = [STARTED, step(200, 4.0), replace(step(250, 2.0, 1.0), data_wait_share=0.75), snapshot(250)]
    second = [step(400, 1.0), step(500, 2.0), snapshot(500)]
    one, two = told([*first, *second])
    assert one.losses == {"total": 3.6, "gate": 1.8, "reference": pytest.approx(0.9)}
    assert one.losses_before == {} and two.losses_before == one.losses
    assert two.losses["total"] == pytest.approx((150 * 1.0 + 100 * 2.0) / 250)
    assert one.step_seconds == pytest.approx(0.6)
    assert one.data_wait_share == pytest.approx((100 * 0.25 + 50 * 0.75) / 150)
    assert (one.learning_rate, one.n_frames_per_step, one.teacher_forcing, one.epoch) == (1e-3, 7, 0.5, 1)
    taken = snapshot(250)
    for name in ("attention", "stop", "norms", "grad_norm", "memory", "attention_image"):
        assert getattr(one, name) == getattr(taken, name)
    figures = RunFigures()
    for second_, event in enumerate([*first, one]):
        figures.update(Stamped(float(second_), event))
    assert one.eta_s == pytest.approx(figures.eta_s())
    assert from_json(to_json(two, 1.0)).event == two


def test_what_happened_is_counted_since_the_last_report() -> None:
    happened: list[Event] = [
        IncidentEvent(20, "loss_spike", {}),
        IncidentEvent(30, "loss_spike", {}),
        IncidentEvent(30, "exploding_norm", {}),
        DecisionEvent(100, "early_stopping", "stop", "converged", {}),
        DiagnosisEvent(100, "stagnation", 0.9, {}),
        CureEvent(100, "begun", "stagnation", "learning_rate", 2.0, 0.1),
    ]
    one, two = told([STARTED, step(10, 1.0), *happened, *course(240, 500, 10, 1.0)])
    assert one.incidents == {"loss_spike": 2, "exploding_norm": 1}
    assert one.decisions == {"converged": 1} and one.diagnoses == {"stagnation": 1}
    assert one.cures == {"begun": 1} and one.restarts == {}
    assert two.incidents == two.decisions == two.diagnoses == two.cures == {}


HISTORY: list[Event] = [STARTED, *course(10, 250, 10, 4.0)]


@pytest.mark.parametrize(
    ("reached", "resumed", "expected_steps", "since"),
    [(240, 240, 250, 0), (260, 240, 250, 0), (260, 260, 500, 250), (500, 300, 500, 250), (500, 0, 250, 0)],
)
def test_a_resume_goes_on_from_what_still_stands(
    tmp_path: Path, reached: int, resumed: int, expected_steps: int, since: int
) -> None:
    """The report after it is the one of an uninterrupted training, and replaces one that was given up."""
    whole = [STARTED, *course(10, 500, 10, 4.0)]
    uninterrupted = {report.step: report for report in told(whole)}
    past: list[Event] = [STARTED]
    writing = DebugReporter(tmp_path)
    writing.note(STARTED)
    for event in course(10, reached, 10, 9.0 if resumed == 0 else 4.0):
        past.append(event)
        report = writing.note(event)
        if report is not None:
            past.append(report)
    past.append(IncidentEvent(reached, "exploding_norm", {}))
    past.append(RestartEvent(1, "non_finite", reached, resumed, [], 0.0))
    resuming = DebugReporter(tmp_path, history=[Stamped(0.0, event) for event in past])
    later = course(resumed + 1, 500, 10, 4.0)
    reports = told([replace(STARTED, resumed_from_step=resumed), *later], resuming)
    first = reports[0]
    assert (first.step, first.since_step) == (expected_steps, since)
    assert first.losses == pytest.approx(uninterrupted[first.step].losses)
    assert first.losses_before == pytest.approx(uninterrupted[first.step].losses_before)
    assert first.restarts == {"non_finite": 1} and first.incidents == {"exploding_norm": 1}
    content = json.loads((tmp_path / "reports" / f"step-{first.step:07d}.json").read_text())
    assert content["losses"] == pytest.approx(first.losses) and content["restarts"] == {"non_finite": 1}
    assert len(list((tmp_path / "reports").iterdir())) == 2


def test_nothing_to_tell_is_no_report() -> None:
    """All updates since the last report were masked: there is no mean of none."""
    assert told([STARTED, snapshot(250)]) == []


def test_2000_steps_leave_the_memory_flat() -> None:
    """The reporter keeps one stretch: what 2,000 more steps leave is less than one stretch holds."""
    reporter = DebugReporter(clock=lambda: 0.0)
    reporter.note(STARTED)

    def size_after(first: int, last: int) -> int:
        told(course(first, last, 1, 1.0), reporter)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        warm = size_after(1, 1000)
        in_a_stretch = size_after(1001, 1249) - warm
        assert in_a_stretch > 50_000  # a reporter that forgot nothing would keep eight times that
        grown = size_after(1250, 3000) - warm
    finally:
        tracemalloc.stop()
    assert grown < in_a_stretch / 2


EXPECTED = {
    Language.EN: """report at step 500 (in brackets: against step 250)
  losses: total 1.400 (-61%), reference 0.350 (-61%), stopping 0.700 (-61%)
  attention: alignment 0.43 (worst 0.11), focus 0.60
  stop token: accuracy 0.93 (goes on 0.99, stops 0.87)
  gradients: norm 0.6, `decoder.attention` 0.5, `encoder` 0.25, `b` 0.2, `a` 0.1, 2 more, at most 0.02
  pace: learning rate 1.00e-03, r = 7, teacher forcing 50%, 0.50 s a step, 25% waiting for data, 8 min left
  memory: 2.0 GiB, on the GPU at most 4.0 GiB
  since then: the loss leaps (2 times), restart after non_finite""",
    Language.RU: """отчёт на шаге 500 (в скобках: к шагу 250)
  ошибки: общая 1,400 (-61\u00a0%), эталонная 0,350 (-61\u00a0%), остановка 0,700 (-61\u00a0%)
  внимание: выравнивание 0,43 (худшее 0,11), сосредоточенность 0,60
  стоп-токен: точность 0,93 (продолжает 0,99, останавливает 0,87)
  градиенты: норма 0,6, `decoder.attention` 0,5, `encoder` 0,25, `b` 0,2, `a` 0,1, прочие (2) не больше 0,02
  ход обучения: скорость обучения 1,00e-03, r = 7, с подсказкой 50\u00a0%, 0,50 с на шаг, ожидание данных \
25\u00a0%, осталось 8 мин
  память: 2,0 ГиБ, на GPU не больше 4,0 ГиБ
  за это время: потери подскочили (2 раза), перезапуск, причина: NaN или Inf""",
}


@pytest.mark.parametrize("language", list(Language))
def test_the_words(language: Language) -> None:
    first = [STARTED, step(200, 4.0), step(250, 2.0), snapshot(250)]
    later = [step(400, 1.0), step(500, 2.0), snapshot(500)]
    report = told([*first, *later])[-1]
    shown = replace(report, eta_s=480.0, incidents={"loss_spike": 2}, restarts={"non_finite": 1})
    assert report_told(shown, language) == EXPECTED[language]
    quiet = report_told(replace(report, eta_s=None, attention={}, stop={}, memory={}), language)
    assert quiet.count("\n") == 4  # parts without figures are left out


def test_the_stores_are_given_its_figures_and_its_picture() -> None:
    [report] = told(HISTORY)
    number, scalars = event_scalars(report)
    assert number == 250 and scalars["report/norm/decoder.attention"] == 0.5
    assert scalars["report/attention/worst_alignment"] == 0.11 and scalars["report/happened"] == 0.0
    assert all(math.isfinite(value) for value in scalars.values())
    assert event_files(report) == {"report/attention": "reports/step-0000250.png"}


def test_the_public_name() -> None:
    assert smart_tuner.DebugReporter is DebugReporter
