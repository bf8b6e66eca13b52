"""Which run a command works on, and that no two processes work on the same one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner.config import Config
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import (
    RunError,
    RunFolder,
    RunLockedError,
    claim,
    create,
    find_resumable,
    find_run,
    list_runs,
    remove,
    state_of,
)

CONFIG = Config("debug")
OTHER = replace(CONFIG, hparams=CONFIG.hparams.replace(learning_rate=1e-3))
SOURCE = Path(__file__).parents[2] / "src"


def test_the_configuration_is_in_a_new_run_and_names_never_clash(tmp_path: Path) -> None:
    runs = [create(tmp_path, CONFIG) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
    assert runs[0].config().digest() == CONFIG.digest()
    assert runs[0].name.endswith("-debug")


@pytest.mark.parametrize(
    ("cause", "goes_on"),
    [
        (None, True),
        (ExitCause.INTERRUPTED, True),
        (ExitCause.TERMINATED, True),
        (ExitCause.CRASHED, True),
        (ExitCause.HUNG, True),
        (ExitCause.OUT_OF_MEMORY, True),
        (ExitCause.NON_FINITE, True),
        (ExitCause.DATA_ERROR, True),
        (ExitCause.CONFIGURATION_ERROR, True),
        (ExitCause.COMPLETED, False),
        (ExitCause.STOPPED, False),
    ],
)
def test_what_the_same_command_does(tmp_path: Path, cause: ExitCause | None, goes_on: bool) -> None:
    run = create(tmp_path, CONFIG)
    if cause is not None:
        Outcome(cause).write(run.outcome_file)
    found = claim(tmp_path, CONFIG, new=False)
    found.lock.release()
    assert (found.run.path == run.path) is goes_on is found.resumed
    forced = claim(tmp_path, CONFIG, new=True)
    forced.lock.release()
    assert forced.run.path not in (run.path, found.run.path) and not forced.resumed


def test_other_configurations_and_older_runs_are_left_alone(tmp_path: Path) -> None:
    create(tmp_path, CONFIG)
    assert find_resumable(tmp_path, OTHER.digest()) is None
    newest = create(tmp_path, CONFIG)
    Outcome(ExitCause.COMPLETED).write(newest.outcome_file)
    assert find_resumable(tmp_path, CONFIG.digest()) is None  # the newest one decides
    (create(tmp_path, CONFIG).settings_file).write_text("train: [from another version")
    assert find_resumable(tmp_path, CONFIG.digest()) is None


HOLDER = """
import sys
from pathlib import Path
from smart_tuner.config import Config
from smart_tuner.run_folder import claim
claimed = claim(Path(sys.argv[1]), Config("debug"), new=False)
print(claimed.run.name, flush=True)
sys.stdin.read()
"""


def test_two_processes_cannot_work_on_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=pipe, stdout=pipe, text=True
    ) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        name = holder.stdout.readline().strip()
        run = find_run(tmp_path, name)
        with pytest.raises(RunLockedError, match=f"{name} is already being worked on.*--new"):
            claim(tmp_path, CONFIG, new=False)
        assert state_of(run) == "running"
        with pytest.raises(RunLockedError):
            remove(run)
        other = claim(tmp_path, CONFIG, new=True)
        other.lock.release()
        remove(other.run)
        holder.stdin.close()
    assert state_of(run) == "unfinished"
    again = claim(tmp_path, CONFIG, new=False)
    assert again.run.name == name
    again.lock.release()


def test_a_run_is_found_by_name_beginning_and_path(tmp_path: Path) -> None:
    for name in ("20260101-demo", "20260102-demo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.yaml").write_text(CONFIG.to_yaml())
    (tmp_path / "tracking").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["20260101-demo", "20260102-demo"]
    assert find_run(tmp_path, "20260101").name == "20260101-demo"
    assert find_run(Path("elsewhere"), str(tmp_path / "20260102-demo")).name == "20260102-demo"
    with pytest.raises(RunError, match="may mean 20260101-demo, 20260102-demo"):
        find_run(tmp_path, "2026")
    with pytest.raises(RunError, match="did you mean 20260102-demo"):
        find_run(tmp_path, "20250102-demo")
    with pytest.raises(RunError, match="no run 'x'"):
        find_run(tmp_path / "missing", "x")


def test_the_best_checkpoint_is_a_complete_one(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    with pytest.raises(RunError, match="no voice yet"):
        run.best_checkpoint()
    run.checkpoints_folder.mkdir()
    for step, quality in ((100, 0.3), (200, 0.7), (300, 0.9), (400, 0.5)):
        path = run.checkpoints_folder / f"best-{step:07d}.ckpt"
        path.with_name(path.name + ".json").write_text(json.dumps({"step": step, "quality": quality}))
        if step != 300:
            path.write_bytes(b"weights")
    (run.checkpoints_folder / "best-0000500.ckpt").write_bytes(b"no description yet")
    for step, torn in ((600, "{"), (700, "[]"), (800, '{"step": 800}')):
        path = run.checkpoints_folder / f"best-{step:07d}.ckpt"
        path.write_bytes(b"weights")
        path.with_name(path.name + ".json").write_text(torn)
    assert run.best_checkpoint().name == "best-0000200.ckpt"


def test_the_best_checkpoint_has_the_smallest_r(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    run.checkpoints_folder.mkdir()
    for step, r, quality in ((100, 5, 0.9), (200, 2, 0.3), (300, 2, 0.4), (400, 3, 0.8)):
        path = run.checkpoints_folder / f"best-{step:07d}.ckpt"
        facts = {"step": step, "n_frames_per_step": r, "quality": quality}
        path.with_name(path.name + ".json").write_text(json.dumps(facts))
        path.write_bytes(b"weights")
    assert run.best_checkpoint().name == "best-0000300.ckpt"


def test_removing_gives_the_space_back_and_touches_nothing_else(tmp_path: Path) -> None:
    kept, run = create(tmp_path, CONFIG), create(tmp_path, CONFIG)
    (run.path / "big").write_bytes(b"0" * 100_000)
    assert remove(run) > 100_000
    assert not run.path.exists()
    assert [left.path for left in list_runs(tmp_path)] == [kept.path]


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be created"):
        claim(tmp_path / "file" / "runs", CONFIG, new=False)
    assert RunFolder(tmp_path / "nothing").outcome() is None


def test_a_lock_that_cannot_be_taken_is_told(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    run.lock_file.mkdir()  # as a folder of another user, also where everything may be written
    with pytest.raises(RunError, match="cannot be written"):
        claim(tmp_path, CONFIG, new=False)
    assert state_of(run) == "unfinished"
    (tmp_path / "locked" / ".lock").mkdir(parents=True)
    with pytest.raises(RunError, match="cannot be created or written"):
        claim(tmp_path / "locked", CONFIG, new=False)


def test_an_outcome_that_cannot_be_read_does_not_spoil_the_list(tmp_path: Path) -> None:
    run = create(tmp_path, CONFIG)
    run.outcome_file.write_text("{")
    assert state_of(run) == "unreadable"
