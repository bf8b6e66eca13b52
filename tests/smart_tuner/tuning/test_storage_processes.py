"""Eight real processes on one new SQLite file: nothing is locked, lost or run twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_tuner.tuning.storage import sqlite_url
from tests.smart_tuner.tuning.toy_study import check_nothing_lost_or_doubled, said, toy_workers

TRIALS, WORKERS, QUEUED_BY_EACH = 500, 8, 25


@pytest.mark.slow
@pytest.mark.timeout(600)  # about 30 s of processor time
def test_eight_processes_share_a_new_file(tmp_path: Path) -> None:
    address = sqlite_url(tmp_path / "study.db")
    with toy_workers(tmp_path, [address] * WORKERS, TRIALS, QUEUED_BY_EACH) as workers:
        statuses = [worker.wait(540) for worker in workers]
    assert statuses == [0] * WORKERS, said(tmp_path)
    assert said(tmp_path).strip() == ""
    trials = check_nothing_lost_or_doubled(tmp_path, address, TRIALS)
    queued = [trial for trial in trials if "fixed_params" in trial.system_attrs]
    assert len(queued) == WORKERS * QUEUED_BY_EACH
