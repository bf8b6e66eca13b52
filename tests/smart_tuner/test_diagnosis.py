"""What is wrong with a training: one row for each rule, and what must not be taken for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from smart_tuner.course import Course
from smart_tuner.diagnosis import Diagnosis, Trouble, diagnose
from smart_tuner.messages import DiagnosisPhrase, Language, render
from smart_tuner.wording import trouble_found
from tacotron2.events import DiagnosisEvent, Event
from tacotron2.metrics import alignment_metrics
from tests.smart_tuner.courses import clips, course, incident, started, step, validation

UNFORMED = {"attention_alignment": 0.02, "attention_coverage": 0.2}
DEAF = UNFORMED | {"attention_focus": 0.3}
STUCK = UNFORMED | {"attention_focus": 0.9}
NO_VOICE = {"attention_alignment": 0.02}


def found(events: Iterable[Event], score: float = 0.4, since: int = 0) -> list[Diagnosis]:
    followed = Course()
    for event in events:
        followed.note(event, score)
    return diagnose(followed, since)


@pytest.mark.parametrize(
    ("events", "trouble"),
    [
        (course(), None),
        ([*course(), incident(290), incident(150)], Trouble.INSTABILITY),
        ([*course(), incident(290)], None),
        ([*course(last=6), incident(20), incident(40)], None),  # long ago
        ([*course(norm=400.0), incident(290)], Trouble.INSTABILITY),
        (course(DEAF, NO_VOICE, loss=5.5), Trouble.STAGNATION),
        (course(DEAF, NO_VOICE, loss=2.0), Trouble.ATTENTION_DIFFUSE),
        (course(STUCK, NO_VOICE), Trouble.ATTENTION_STUCK),
        (course({"skip_rate": 0.4}, {"skip_rate": 0.42}), Trouble.ATTENTION_SKIPPING),
        (course({"skip_rate": 0.4}, {"skip_rate": 0.05}), None),
        (course({"skip_rate": 0.4, "attention_focus": 0.4}, {"skip_rate": 0.4}), None),  # young, not sharp
        (course({"repeat_rate": 0.2}, {"repeat_rate": 0.2}), Trouble.ATTENTION_REPEATING),
        (course({}, {"never_stopped_rate": 0.8}), Trouble.NEVER_STOPS),
        (course(DEAF, NO_VOICE | {"never_stopped_rate": 1.0}), Trouble.ATTENTION_DIFFUSE),
        (course({}, {"premature_rate": 1.0, "length_ratio": 0.5}), Trouble.STOPS_EARLY),
        (course({}, {"premature_rate": 0.9, "length_ratio": 0.9}), None),
        (course({"attention_alignment": 0.2}, {"premature_rate": 1.0, "length_ratio": 0.5}), None),
        ([*course(), clips(300, {"speaker:anna": 0.6, "speaker:ben": 0.2})], Trouble.DATA_SPEAKER),
        ([*course(), clips(300, {"speaker:anna": 0.6, "speaker:ben": 0.5})], None),
        ([*course(), clips(300, {"speaker:anna": 0.2})], None),  # nobody to compare with
        ([*course(), clips(300, {"length:1": 0.6, "length:4": 0.1})], Trouble.DATA_LENGTH),
        ([*course(), clips(300, bad=2)], Trouble.DATA_FILES),
        ([*course(), clips(300, bad=2, times=1)], None),
    ],
)
def test_each_rule_finds_its_trouble_and_no_other(events: list[Event], trouble: Trouble | None) -> None:
    named = [diagnosis.trouble for diagnosis in found(events)]
    assert named == ([] if trouble is None else [trouble])


@pytest.mark.parametrize(
    ("before", "now", "trouble"),
    [
        ((0.4, 0.4), (0.38, 0.38), Trouble.ATTENTION_SKIPPING),
        ((0.4, 0.4), (0.3, 0.3), None),  # it is getting better by itself
        ((0.1, 0.1), (0.4, 0.4), None),  # it was not so before
    ],
)
def test_what_gets_better_or_was_there_once_is_no_trouble(
    before: tuple[float, float], now: tuple[float, float], trouble: Trouble | None
) -> None:
    events: list[Event] = [started(), step(10, 6.0)]
    for number, (forced, free) in ((100, before), (200, now)):
        events += [step(number), validation(number, {"skip_rate": forced}, {"skip_rate": free})]
    assert [each.trouble for each in found(events)] == ([trouble] if trouble else [])


def overfitted(scores: tuple[float, ...]) -> list[Diagnosis]:
    followed = Course()
    losses = (1.9, 1.7, 1.9, 2.0)
    for number, (held_out, score) in enumerate(zip(losses, scores, strict=True), start=1):
        followed.note(step(100 * number, 2.0 / number))
        followed.note(validation(100 * number, {"val_loss": held_out}), score)
    return diagnose(followed)


def test_learning_by_heart_is_a_trouble_only_where_speech_gets_no_better() -> None:
    assert [each.trouble for each in overfitted((0.3, 0.5, 0.48, 0.47))] == [Trouble.OVERFITTING]
    assert overfitted((0.3, 0.5, 0.52, 0.55)) == []


def test_another_reduction_factor_and_what_came_before_a_change_are_not_compared() -> None:
    events = course(DEAF, NO_VOICE)
    assert found(events) and not found(events, since=200)
    assert not found([*events, step(400, r=1), validation(400, DEAF, NO_VOICE)])


def test_what_belongs_to_weights_that_were_given_up_is_forgotten() -> None:
    assert not found([*course(DEAF, NO_VOICE), started(100)])
    assert not found([*course(), incident(290), incident(295), started(250)])


def soft(rows: list[int], width: float = 0.3, symbols: int = 30) -> np.ndarray[Any, Any]:
    """An alignment that looks at these symbols one after the other."""
    distance = (np.arange(symbols)[None, :] - np.asarray(rows)[:, None]) / width
    weights = np.exp(-0.5 * distance**2)
    return np.asarray(weights / weights.sum(1, keepdims=True))


READ = [n * 30 // 100 for n in range(100)]


@pytest.mark.parametrize(
    ("rows", "width", "trouble"),
    [
        (READ, 0.3, None),
        (READ, 30.0, Trouble.ATTENTION_DIFFUSE),
        ([3] * 100, 0.3, Trouble.ATTENTION_STUCK),
        ([row - row % 2 for row in READ], 0.15, Trouble.ATTENTION_SKIPPING),
        ([*READ[:60], *READ[20:100]], 0.3, Trouble.ATTENTION_REPEATING),
    ],
)
def test_the_four_failures_of_attention_are_told_apart_by_their_maps(
    rows: list[int], width: float, trouble: Trouble | None
) -> None:
    figures = alignment_metrics(soft(rows, width)).to_dict()
    assert [each.trouble for each in found(course(figures, figures))] == ([trouble] if trouble else [])


def test_every_trouble_has_a_sentence_that_its_evidence_fills() -> None:
    wrong = [
        [*course(), incident(290), incident(280)],
        course(DEAF, NO_VOICE, loss=5.5),
        course(DEAF, NO_VOICE),
        course(STUCK, NO_VOICE),
        course({"skip_rate": 0.4}, {"skip_rate": 0.4}),
        course({"repeat_rate": 0.2}, {"repeat_rate": 0.2}),
        course({}, {"never_stopped_rate": 1.0}),
        course({}, {"premature_rate": 1.0, "length_ratio": 0.5}),
        [*course(), clips(300, {"speaker:anna": 0.6, "speaker:ben": 0.2})],
        [*course(), clips(300, {"length:1": 0.6, "length:4": 0.1})],
        [*course(), clips(300, bad=2)],
    ]
    diagnoses = [found(events)[0] for events in wrong] + overfitted((0.3, 0.5, 0.48, 0.47))
    for diagnosis in diagnoses:
        event = DiagnosisEvent(300, diagnosis.trouble.value, diagnosis.confidence, dict(diagnosis.evidence))
        for language in Language:
            assert render(trouble_found(event), language)
    assert {each.trouble for each in diagnoses} == set(Trouble) - {Trouble.PLATEAU}
    assert all(0.5 <= each.confidence <= 1.0 for each in diagnoses)
    assert all(trouble.name in DiagnosisPhrase.__members__ for trouble in Trouble)
