"""The states of a run by what lies in its folder: a table."""

from __future__ import annotations

import pytest

from smart_tuner.live_state import Life, Signs, decide
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.restart_history import Phase

TIMEOUT_S = 300.0
DONE, CRASHED, STOPPED = (
    Outcome(cause, "") for cause in (ExitCause.COMPLETED, ExitCause.CRASHED, ExitCause.INTERRUPTED)
)


@pytest.mark.parametrize(
    ("signs", "life"),
    [
        (Signs(1.0), Life.STARTING),
        (Signs(119.0), Life.STARTING),
        (Signs(3600.0), Life.UNFINISHED),
        (Signs(3600.0, tuning=True), Life.TUNING),
        (Signs(3600.0, heard_ago_s=1.0, tuning=True), Life.RUNNING),
        (Signs(3600.0, heard_ago_s=0.0), Life.RUNNING),
        (Signs(3600.0, heard_ago_s=-5.0), Life.RUNNING),  # the clock of another machine is ahead
        (Signs(3600.0, heard_ago_s=14.9), Life.RUNNING),
        (Signs(3600.0, heard_ago_s=15.1), Life.SILENT),
        (Signs(3600.0, heard_ago_s=TIMEOUT_S + 29.0), Life.SILENT),
        (Signs(3600.0, heard_ago_s=TIMEOUT_S + 31.0), Life.UNFINISHED),
        (Signs(3600.0, heard_ago_s=9.0, outcome=DONE), Life.ENDED),
        (Signs(3600.0, heard_ago_s=9000.0, outcome=DONE), Life.ENDED),
        (Signs(3600.0, heard_ago_s=2.0, outcome=CRASHED, phase=Phase.GIVEN_UP), Life.ENDED),
        (Signs(3600.0, 2.0, CRASHED, Phase.RESTARTING, 1, 8.0), Life.RESTARTING),
        (Signs(3600.0, 2.0, None, Phase.RESTARTING, 1, -3.0), Life.RESTARTING),
        (Signs(3600.0, 90.0, CRASHED, Phase.RESTARTING, 1, -31.0), Life.UNFINISHED),
        (Signs(3600.0, 2.0, STOPPED, Phase.RESTARTING, 1, 8.0), Life.ENDED),
        (Signs(3600.0, 1.0, None, Phase.ATTEMPT, 1, -100.0), Life.RUNNING),
        (Signs(3600.0, 1.0, stop_asked=True, stop_step=9), Life.RUNNING),
    ],
)
def test_the_state_is_that_of_the_table(signs: Signs, life: Life) -> None:
    assert decide(signs, TIMEOUT_S) is life
    assert life.goes_on == (life not in (Life.ENDED, Life.UNFINISHED))
