"""The pages of a run and a study: the right figures, newest first, and no line wider than the terminal."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from smart_tuner.live_frame import Frame
from smart_tuner.live_history import LiveHistory
from smart_tuner.live_screen import fitting, print_once
from smart_tuner.live_state import Signs
from smart_tuner.live_view import run_page
from smart_tuner.messages import Language, ServicePhrase
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.recovery import Request, Restart
from smart_tuner.restart_history import History, Phase
from smart_tuner.run_follower import BestWeights, RunLook
from smart_tuner.service_process import ServiceAddress
from smart_tuner.sparkline import ASCII, BLOCKS, sparkline
from smart_tuner.study_follower import StudyLook, TrialLook
from smart_tuner.study_view import study_page
from tacotron2.events import (
    CureEvent,
    DecisionEvent,
    DiagnosisEvent,
    Event,
    IncidentEvent,
    KnobEvent,
    ReportEvent,
    RestartEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

NAME = "20261122-213527-my-voice-with-a-long-name"
WIDTHS = (40, 60, 99, 100, 160)
PAGES = (
    ServiceAddress("MLflow", "http://localhost:5001", True, path="/#/experiments/1/runs"),
    ServiceAddress(
        "TensorBoard", "http://localhost:6006", False, ServicePhrase.NO_PORT(first=1, last=2, host="h")
    ),
)


def step(number: int) -> StepEvent:
    losses = {"total": 9.0 / number, "mel_after": 3.0 / number, "guided_attention": 0.25}
    return StepEvent(number, 0, losses, 7.0 / number, 5e-4, 3.5, 0.125, 5400.0, 0.02, 0.5)


def validation(number: int, alignment: float) -> ValidationEvent:
    free = {"attention_alignment": alignment, "never_stopped_rate": 0.25, "premature_rate": math.nan}
    return ValidationEvent(number, {"val_loss": 0.91, "gate_accuracy": 0.66}, free, 0.1, alignment / 2)


EVENTS: list[Event] = [
    StageEvent("training", 0, 1),
    StartedEvent("cpu", "fp32", 1, 7, 1000, 2500, 12, 2, "abc", {}),
    *map(step, range(1, 40)),
    *(validation(number, number / 100) for number in range(2, 40, 2)),
    IncidentEvent(39, "non_finite_update", {"culprits": ["mel_after"]}),
    RestartEvent(1, "non_finite", 39, 30, ["learning_rate x 0.5"], 4.0),
    StartedEvent("cpu", "fp32", 1, 7, 1000, 2500, 12, 2, "abc", {}, 30),
    KnobEvent(39, "learning_rate", 1.0, 0.5, "supervisor", "non_finite"),
    *map(step, range(31, 1240)),
    validation(1200, 0.84),
    DiagnosisEvent(1200, "attention_repeating", 0.9, {"repeat_rate": 0.2}),
    CureEvent(1200, "begun", "attention_repeating", "guided_attention_weight", 2.0, 0.3),
    DecisionEvent(
        1239,
        "early_stopping",
        "stop",
        "converged",
        {"waited": 5, "phase": "learning", "best_step": 1200, "quality": 0.42, "alignment": 0.84},
    ),
]
RESTARTS = History(
    (Restart(1, 0.0, ExitCause.NON_FINITE, 39, 30, (Request("learning_rate", 0.5),), False, 4.0, "", 30),)
)


def look(signs: Signs | None = None, events: list[Event] = EVENTS) -> RunLook:
    history = LiveHistory(2500)
    for at, event in enumerate(events):
        history.add(Stamped(1000.0 + at, event))
    now = 1000.0 + len(events) + 59
    signs = signs or Signs(3600.0, 1.0)
    best = BestWeights(1200, 0.42) if events else None
    return RunLook(NAME, Path("/runs") / NAME, now, history, signs, best, RESTARTS, 0, 300.0)


def drawn(page: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    with console.capture() as capture:
        console.print(page)
    return capture.get()


def lines_of(text: str) -> str:
    """One line, so that what was folded is found."""
    return " ".join(text.replace("\u00a0", " ").split())


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int, language: Language) -> None:
    for rows, blocks in ((1, BLOCKS), (40, ASCII)):
        frame = Frame(language, width, rows, blocks=blocks, pages=PAGES, hint=True)
        for page in (run_page(look(), frame), run_page(look(events=[]), frame), study_page(study(), frame)):
            assert max(map(len, drawn(page, width).splitlines())) <= width


@pytest.mark.parametrize("width", [60, 120])
def test_the_figures_of_a_run_are_all_there(width: int) -> None:
    text = lines_of(drawn(run_page(look(), Frame(Language.EN, width, 6, pages=PAGES, hint=True)), width))
    for part in (
        NAME,
        "running",
        "1,239 of 2,500",
        "2, from step 30",
        "2.00 steps/s",
        "5.00e-04",
        "guided attention 3.50",
        "gradient norm 0.125",
        "adjusted learning_rate x 0.5",
        "step 1,200, quality 0.420",
        "total 0.007",
        "reference 0.006",
        "Validations: 16",
        "1,200 0.91 0.84 0.42 0.66 25% -",
        "What happened (1 incident, 1 restart)",
        "step 39: an update was not finite and was not made (mel_after)",
        "step 39: non_finite; restart 1, going on from step 30; learning rate x 0.5",
        "step 1200: attention comes back to 20% of the symbols",
        "step 1200: tried against it: guided_attention_weight x 2",
        "step 1239: converged: no gain in quality for 5 validations",
        "MLflow answers on http://localhost:5001/#/experiments/1/runs",
        "TensorBoard: no port from 1 to 2 is free on h",
        "q or Ctrl-C leaves",
    ):
        assert part in text, part
    places = [text.index(each) for each in ("converged: no gain", "tried against it", "restart 1,")]
    assert places == sorted(places)  # the newest first


def test_the_same_in_russian() -> None:
    text = lines_of(drawn(run_page(look(), Frame(Language.RU, 60, 6, pages=PAGES, hint=True)), 60))
    for part in (
        "идёт",
        "1 239 из 2 500",
        "2, с шага 30",
        "2,00 шага/с",
        "изменено learning_rate x 0,5",
        "шаг 1 200, качество 0,420",
        "Проверки: 16",
        "1 200 0,91 0,84 0,42 0,66 25 % -",
        "Что было (1 происшествие, 1 перезапуск)",
        "перезапуск 1, продолжение с шага 30; скорость обучения x 0,5",
        "обучение сошлось",
        "q или Ctrl-C: выход",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        (Signs(1.0), ["starting"]),
        (Signs(3600.0, tuning=True), ["choosing its settings", f"studies/{NAME}/trials"]),
        (Signs(3600.0, 100.0), ["silent for 2 min", "after 5 min the command that watches it ends it"]),
        (Signs(3600.0, 9000.0), ["unfinished, nobody works on it", "goes on with it"]),
        (Signs(3600.0, 1.0, None, Phase.RESTARTING, 2, 7.5), ["restart 2 in 8 s"]),
        (Signs(3600.0, 1.0, None, Phase.RESTARTING, 2, -7.5), ["restart 2 in 0 s"]),
        (Signs(3600.0, 1.0, Outcome(ExitCause.DATA_ERROR, "no such file")), ["ended:", "no such file"]),
        (Signs(3600.0, 1.0, stop_asked=True), ["running", "asked to end after the next step"]),
        (Signs(3600.0, 1.0, stop_asked=True, stop_step=9), ["running", "asked to end after step 9"]),
    ],
)
def test_every_state_is_told_in_words(signs: Signs, words: list[str]) -> None:
    text = drawn(run_page(look(signs, []), Frame(Language.EN, 120)), 120).replace("\n", "")
    assert all(word in text for word in words), text


def test_lines_that_could_not_be_read_are_told() -> None:
    page = run_page(replace(look(), skipped_lines=2), Frame(Language.EN, 80))
    assert "2 lines of the record could not be read" in drawn(page, 80)


def report(memory: dict[str, float]) -> ReportEvent:
    nothing: dict[str, float] = {}
    figures = (nothing, nothing, nothing, nothing, nothing)
    return ReportEvent(250, 0, 1, *figures, 1.0, 1e-3, None, 0.5, 900.0, 0.1, memory)


def test_memory_is_that_of_the_newest_report() -> None:
    told = look(events=[*EVENTS, report({"host_bytes": 2.0**30, "host_peak_bytes": 3 * 2.0**29})])
    text = lines_of(drawn(run_page(told, Frame(Language.EN, 100)), 100))
    assert "memory 1,024 MiB, at most 1,536 MiB" in text
    assert "memory" not in drawn(run_page(look(), Frame(Language.EN, 100)), 100)


def study(best: int | None = 1, alive: bool = True) -> StudyLook:
    trials = [
        TrialLook(0, "complete", 0.25, 300, 61.0, {"learning_rate": 1e-3}),
        TrialLook(1, "complete", 0.75, 300, 59.0, {"learning_rate": 2e-3, "weight_decay": 1e-5}),
        TrialLook(2, "pruned", 0.125, 100, 20.0, {"learning_rate": 3e-3}),
        TrialLook(3, "failed"),
        TrialLook(4, "cut_off"),
        TrialLook(5, "running", None, 120, 30.0, {"learning_rate": 5e-3}),
        TrialLook(6, "waiting"),
    ]
    return StudyLook("night", Path("/runs/studies/night"), 0.0, trials, best, 40, 300, alive)


def test_the_trials_of_a_study_and_the_best_so_far() -> None:
    text = lines_of(drawn(study_page(study(), Frame(Language.EN, 60)), 60))
    assert "night running" in text and "4 of 40" in text
    assert "2 complete, 1 pruned, 1 failed, 1 running" in text
    assert "trial 1, score 0.750 learning_rate 0.002, weight_decay 1e-05" in text
    assert "5 running - 120 of 300 30 s" in text and "1 * complete 0.750 300 59 s" in text
    assert text.index("5 running") < text.index("6 waits") < text.index("0 complete")
    russian = lines_of(drawn(study_page(study(None, False), Frame(Language.RU, 60)), 60))
    assert "никто не работает" in russian and "порог качества пока никто не прошёл" in russian
    assert "готовы 2, отсеяны 1, не удались 1, идут 1" in russian


def test_a_curve_keeps_its_shape() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == BLOCKS
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8, ASCII) == ASCII
    assert sparkline([7, 7, math.nan, 7], 8) == BLOCKS[4] * 3
    assert sparkline([math.nan], 8) == sparkline([], 8) == sparkline([1.0], 0) == ""
    assert len(sparkline(range(10_000), 13)) == 13
    rising = sparkline([2.0**power for power in range(8)], 8)
    assert rising == BLOCKS  # by logarithms
    assert list(sparkline(range(1000), 40)) == sorted(sparkline(range(1000), 40))


@pytest.mark.parametrize(("width", "height"), [(60, 24), (80, 24), (100, 30), (160, 50)])
def test_the_page_fits_the_screen_from_its_head_to_its_foot(width: int, height: int) -> None:
    console = Console(file=io.StringIO(), width=width, height=height, highlight=False, markup=False)

    def page(frame: Frame) -> RenderableType:
        return run_page(look(), frame)

    drawn_page = fitting(page, lambda frame: replace(frame, pages=PAGES), console, Language.EN)
    text = drawn(drawn_page, width)
    assert len(text.splitlines()) <= height
    assert NAME in text and "converged" in text and "localhost:5001" in text and "q or Ctrl-C leaves" in text


def test_without_a_terminal_it_is_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    stream = io.StringIO()
    print_once(lambda frame: run_page(look(), frame), Language.EN, stream)
    assert "\x1b" not in stream.getvalue() and "1,239 of 2,500" in stream.getvalue()
    assert max(map(len, stream.getvalue().splitlines())) == 72
    assert not re.search(r" \n", stream.getvalue())
