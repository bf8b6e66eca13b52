"""What a training is told of the restarts before it."""

from __future__ import annotations

from pathlib import Path

from smart_tuner.records import ExitCause
from smart_tuner.recovery import Request, Restart
from smart_tuner.restart_history import History


def restart(attempt: int, cause: ExitCause, *requests: Request, new_seed: bool = False) -> Restart:
    resume = None if new_seed else 40
    return Restart(attempt, 0.0, cause, 45, resume, requests, new_seed, 2.0, "", 40)


def test_adjustments_add_up_under_names_that_stay(tmp_path: Path) -> None:
    restarts = (
        restart(1, ExitCause.NON_FINITE, Request("learning_rate", 0.5)),
        restart(2, ExitCause.ATTENTION_FAILED, new_seed=True),
        restart(3, ExitCause.CRASHED),
        restart(4, ExitCause.ATTENTION_FAILED, Request("guided_attention_weight", 2.0), new_seed=True),
    )
    path = tmp_path / "recovery.json"
    History(restarts, counted_from=2).write(path)
    found = History.read(path)
    assert found.new_seeds == 2
    assert found.adjustments == [
        ("learning_rate", 0.5, 45, "supervisor", "non_finite", "restart-1"),
        ("guided_attention_weight", 2.0, 45, "supervisor", "attention_failed", "restart-4"),
    ]
    assert (History().new_seeds, History().adjustments) == (0, [])
