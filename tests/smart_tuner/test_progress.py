"""What is said while a run goes on, with and without a terminal."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from pathlib import Path

import pytest

from smart_tuner.progress import (
    BarProgress,
    Output,
    PlainProgress,
    RunFigures,
    Verbosity,
    make_progress,
)
from smart_tuner.wording import INCIDENTS
from tacotron2.events import (
    EstimateEvent,
    Event,
    IncidentEvent,
    StageEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

SOURCE = Path(__file__).parents[2] / "src"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def started(resumed: int | None = None) -> StartedEvent:
    return StartedEvent("cpu", "bf16", 2, 1234, 2_000_000, 1000, 1500, 48, "abc", {}, resumed)


def step(number: int) -> StepEvent:
    return StepEvent(number, 0, {"total": 1.5}, 0.7, 1e-3, 0.0, 0.1, 5400.0, 0.02, 0.5)


def validation(number: int, alignment: float) -> ValidationEvent:
    return ValidationEvent(
        number, {"val_loss": 1.25, "gate_accuracy": 0.9}, {"attention_alignment": alignment}, 3.0, 0.6
    )


def said(events: list[tuple[float, Event]], verbosity: Verbosity = Verbosity.NORMAL) -> list[str]:
    stream = io.StringIO()
    view = PlainProgress(Output(stream, verbosity))
    for time, event in events:
        view.show(Stamped(time, event))
    view.close()
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("resumed", "limit_s", "left_s"),
    [(None, 0.0, 900.0), (None, 400.0, 300.0), (None, 50.0, 0.0), (50, 0.0, 1800.0)],
)
def test_the_time_left_counts_from_this_attempt_and_knows_the_limit(
    resumed: int | None, limit_s: float, left_s: float
) -> None:
    figures = RunFigures(limit_s)
    figures.update(Stamped(1000.0, started(resumed)))
    assert math.isnan(figures.eta_s())
    figures.update(Stamped(1100.0, step(100)))
    assert figures.eta_s() == pytest.approx(left_s)


def test_plain_lines_come_every_half_minute_and_at_each_validation() -> None:
    lines = said(
        [(0.0, started())]
        + [(float(second), step(second)) for second in range(1, 100)]
        + [(100.0, validation(100, 0.43)), (131.0, step(131))]
    )
    assert [line.split(":")[0] for line in lines[1:]] == [
        "step 1 of 1000",
        "step 31 of 1000",
        "step 61 of 1000",
        "step 91 of 1000",
        "validation at step 100",
        "step 131 of 1000",
    ]
    assert "2,000,000 parameters" in lines[0] and "seed 1234" in lines[0]
    assert "loss 1.25" in lines[-2] and "free-running alignment 0.43" in lines[-2]
    for part in ("2.00 steps/s", "5,400 mel frames/s", "alignment 0.43", "14 min left"):
        assert part in lines[-1]


def test_every_incident_of_the_training_is_told_in_words() -> None:
    """No phrase is for a kind that no part of the training names."""
    library = SOURCE / "tacotron2"
    places = ("detectors", "training/guard", "training/memory")
    sources = "".join((library / f"{place}.py").read_text() for place in places)
    assert all(f'"{kind}"' in sources for kind in INCIDENTS)
    update = IncidentEvent(37, "non_finite_update", {"terms": ["gate", "total"], "culprits": ["clip-7"]})
    details = {"norm": 50.0, "reference": 1.0, "layers": {"decoder.x": 49.0}, "utterances": ["clip-1"]}
    assert said([(0.0, update), (1.0, IncidentEvent(40, "exploding_norm", details))]) == [
        "warning: step 37: an update was not finite and was not made (clip-7)",
        "warning: step 40: the gradients explode (norm 50)",
    ]


def test_phases_are_announced_once_and_their_end_is_told() -> None:
    events: list[tuple[float, Event]] = [(0.1 * n, StageEvent("features", n, 100)) for n in range(101)]
    lines = said(
        [*events, (11.0, StageEvent("estimate", 0, 1)), (12.0, EstimateEvent(0.5, 750.0, 3 * 2**20))]
    )
    assert lines[:3] == [
        "mel spectrograms: 0 of 100",
        "mel spectrograms: 100 of 100",
        "measuring the speed of this machine",
    ]
    assert "12 min of training" in lines[3] and "3 MiB of disk" in lines[3]


def test_quiet_says_results_only_and_verbose_every_record() -> None:
    events: list[tuple[float, Event]] = [(0.0, started()), *((float(n), step(n)) for n in range(1, 6))]
    assert said(events, Verbosity.QUIET) == []
    assert sum("total 1.5000" in line for line in said(events, Verbosity.VERBOSE)) == 5
    stream = io.StringIO()
    output = Output(stream, Verbosity.QUIET)
    output.say("chatter")
    output.result("the voice")
    assert stream.getvalue() == "the voice\n"


def test_a_terminal_gets_a_bar_with_rate_time_and_alignment() -> None:
    terminal = Terminal()
    view = make_progress(Output(terminal))
    assert isinstance(view, BarProgress)
    view.show(Stamped(0.0, StageEvent("features", 40, 100)))
    view.show(Stamped(0.0, started()))
    view.show(Stamped(100.0, validation(100, 0.43)))
    view.show(Stamped(100.0, step(100)))
    view.line("a path /with/[brackets]")
    task = view._bar.tasks[0]
    assert (task.completed, task.total) == (100, 1000)
    for part in ("2.00 steps/s", "alignment 0.43", "15 min left"):
        assert part in task.fields["figures"]
    view.close()
    assert "validation at step 100" in terminal.getvalue()
    assert "a path /with/[brackets]" in terminal.getvalue()


def test_no_bar_without_a_terminal_or_when_quiet() -> None:
    assert isinstance(make_progress(Output(io.StringIO())), PlainProgress)
    assert isinstance(make_progress(Output(Terminal(), Verbosity.QUIET)), PlainProgress)


def test_a_reader_that_goes_away_ends_nothing() -> None:
    script = (
        "import sys; from smart_tuner.progress import Output\n"
        "output = Output(sys.stdout)\n"
        "for _ in range(20000): output.say('x' * 100)\n"
        "sys.stderr.write('all said')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), told) == (0, b"all said")


def test_characters_that_the_stream_cannot_write_are_escaped() -> None:
    written = io.BytesIO()
    Output(io.TextIOWrapper(written, encoding="ascii")).say("\u0436 dropped")
    assert written.getvalue() == b"\\u0436 dropped\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_under_the_output_ends_nothing() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        output = Output(full)
        output.say("once")
        output.say("twice")
        assert not output.interactive
