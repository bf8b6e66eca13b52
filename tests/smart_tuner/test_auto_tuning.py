"""The main command's own tuning, with trials that need no torch: who goes on, and what a kill leaves."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smart_tuner import auto_tuning
from smart_tuner.auto_tuning import (
    AutoTuning,
    Phase,
    TuningState,
    is_tuned,
    is_wanted,
    number_of_candidates,
)
from smart_tuner.config import Config, load_config
from smart_tuner.progress import Output
from smart_tuner.records import ExitCause, Outcome, read_events
from smart_tuner.run_folder import RunFolder, claim
from smart_tuner.tuning.halving import Candidate, another_fits, neighbour, survivors
from smart_tuner.tuning.search_space import SearchSpace
from tacotron2.events import Stamped, StartedEvent, ValidationEvent
from tests.smart_tuner.toy_optimize import fake_command

ROOT = Path(__file__).parents[2]
CONFIG = load_config(
    "debug",
    [
        *("train.max_steps=12", "train.validate_every=2", "train.checkpoint_every=2"),
        *("tuning.auto_minutes=0.0001", "space.batch_size_choices=", "supervisor.backoff_s=0.001"),
    ],
)


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")


def tuning(run: RunFolder, config: Config = CONFIG) -> AutoTuning:
    return AutoTuning(run, config, "cpu", Output(io.StringIO()), command=fake_command)


def new_run(root: Path) -> RunFolder:
    claimed = claim(root, CONFIG, new=False)
    claimed.lock.release()
    return claimed.run


def begun(root: Path) -> list[str]:
    """The trials that were started, in their order."""
    return [line.split()[0] for line in (root / "pids").read_text().splitlines()]


def test_the_best_of_the_candidates_goes_on_as_the_run(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    assert not is_tuned(run)
    assert tuning(run).tune() is None
    state = TuningState.read(run)
    assert state is not None and state.phase is Phase.DONE and is_tuned(run)
    # The report's rate of 5e-6, the preset's of 1e-3, which is the best there is, and one near it.
    assert [each.params["learning_rate"] for each in state.candidates[:2]] == [5e-6, 1e-3]
    assert begun(tmp_path) == ["trial-0000", "trial-0001", "trial-0002", f"trial-000{state.survivor}"]
    assert state.survivor == max(range(3), key=lambda number: state.candidates[number].scores[0] or 0.0)
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    assert [event.step for event in events if isinstance(event, ValidationEvent)] == [2, 4]
    resumed = [event.resumed_from_step for event in events if isinstance(event, StartedEvent)]
    assert resumed == [None, 2]  # nothing was trained twice
    assert run.has_state() and run.config().hparams.train.max_steps == 12
    assert (
        run.config().hparams.train.learning_rate == state.candidates[state.survivor].params["learning_rate"]
    )
    assert list((tmp_path / "studies").rglob("*.ckpt")) == []
    assert not (run.path / "stop_request.json").exists() and not run.outcome_file.exists()
    assert new_run(tmp_path).path == run.path  # what was asked for finds it, though its settings are others


OWN = [
    *("train.max_steps=100", "train.validate_every=2", "train.checkpoint_every=2"),
    *("attention.deadline_steps=8", "space.batch_size_choices=", "supervisor.backoff_s=0.001"),
]
"""A fifth of 100 updates: 8 for the common beginning, and six candidates of 2."""


def test_on_own_recordings_the_candidates_begin_with_common_weights(tmp_path: Path) -> None:
    config = replace(load_config("debug", OWN), data_folder=tmp_path / "mine")
    assert is_wanted(config) and number_of_candidates(config) == 6
    told = list[tuple[str, tuple[str, ...]]]()

    def command(run: RunFolder, device: str, *options: str) -> list[str]:
        told.append((run.name, options))
        return fake_command(run, device, *options)

    claimed = claim(tmp_path, config, new=False)
    claimed.lock.release()
    run = claimed.run
    assert AutoTuning(run, config, "cpu", Output(io.StringIO()), command=command).tune() is None
    assert told[0] == ("warm", ())
    weights = run.root / "studies" / run.name / "trials" / "warm" / "checkpoints" / "best-0000008.ckpt"
    expected = ("--initial-weights", str(weights))
    assert told[1:] == [(f"trial-{number:04d}", expected) for number in range(6)]
    state = TuningState.read(run)
    assert state is not None and state.phase is Phase.DONE
    space = SearchSpace.of(config)
    assert state.candidates[0].params == space.values_of(config.hparams)
    steps = [stamped.event.step for stamped in read_events(run.events_file)[0] if is_validation(stamped)]
    assert steps == [2] and run.has_state()
    assert claim(tmp_path, config, new=False).run.path == run.path


def is_validation(stamped: Stamped) -> bool:
    return isinstance(stamped.event, ValidationEvent)


@pytest.mark.parametrize(
    ("preset", "own", "wanted"),
    [("demo", False, True), ("debug", False, False), ("small", True, False), ("ljspeech", True, True)],
)
def test_what_the_main_command_tunes(tmp_path: Path, preset: str, own: bool, wanted: bool) -> None:
    config = replace(load_config(preset), data_folder=tmp_path if own else None)
    assert is_wanted(config) is wanted


@pytest.mark.parametrize("broken", [1, 2, 3, 4])
def test_a_tuning_that_was_killed_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    run, calls, real = new_run(tmp_path), [0], auto_tuning.run_trial

    def run_trial(*arguments: Any) -> Any:
        calls[0] += 1
        if calls[0] == broken:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(auto_tuning, "run_trial", run_trial)
    with pytest.raises(KeyboardInterrupt):
        tuning(run).tune()
    assert tuning(new_run(tmp_path)).tune() is None
    assert len(begun(tmp_path)) == 4  # none was begun again
    assert is_tuned(run) and run.has_state()


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_a_kill_while_the_survivor_is_moved_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    run, calls, real = new_run(tmp_path), [0], os.replace

    def move(source: Path, target: Path) -> None:
        if Path(target).parent == run.path and Path(source).parent.parent.name == "trials":
            calls[0] += 1
            if calls[0] == broken:
                raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(auto_tuning.os, "replace", move)
        with pytest.raises(KeyboardInterrupt):
            tuning(run).tune()
    assert not is_tuned(run)
    assert tuning(run).tune() is None
    assert run.has_state() and len(read_events(run.events_file)[0]) > 4


def test_where_no_candidate_can_be_judged_the_preset_is_trained(tmp_path: Path) -> None:
    (tmp_path / "fault").write_text("non_finite")
    run = new_run(tmp_path)
    assert tuning(run).tune() is None
    assert is_tuned(run) and not run.has_state()
    assert run.config().hparams == CONFIG.hparams


@pytest.mark.parametrize("own", [False, True])
def test_what_every_candidate_would_meet_ends_the_tuning(tmp_path: Path, own: bool) -> None:
    """Missing recordings, a full disk: the same command goes on, with the same candidate."""
    (tmp_path / "fault").write_text("storage_error")
    config = replace(load_config("debug", OWN), data_folder=tmp_path) if own else CONFIG
    claimed = claim(tmp_path, config, new=False)
    claimed.lock.release()
    outcome = tuning(claimed.run, config).tune()
    assert outcome is not None and outcome.cause is ExitCause.STORAGE_ERROR
    assert begun(tmp_path) == ["warm" if own else "trial-0000"]
    state = TuningState.read(claimed.run)
    assert own or (state is not None and state.candidates[0].scores == ())


def test_an_alignment_that_is_no_number_has_not_formed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(load_config("debug", OWN), data_folder=tmp_path)
    claimed = claim(tmp_path, config, new=False)
    claimed.lock.release()

    def run_trial(run: RunFolder, config: Config, command: Any, look: Any, *rest: Any) -> Any:
        look(Stamped(0.0, ValidationEvent(2, {}, {"attention_alignment": None}, 0.1)))  # as it is read again
        return Outcome(ExitCause.INTERRUPTED, "Ctrl-C"), ExitCause.INTERRUPTED

    monkeypatch.setattr(auto_tuning, "run_trial", run_trial)
    outcome = tuning(claimed.run, config).tune()
    assert outcome is not None and outcome.cause is ExitCause.INTERRUPTED


def test_a_run_that_has_begun_is_not_tuned_any_more(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.checkpoints_folder.mkdir()
    (run.checkpoints_folder / "state-0000002.ckpt.json").write_text("{}")
    assert is_tuned(run)


@pytest.mark.parametrize(
    ("scores", "rung", "kept"),
    [
        ([(0.1,), (0.5,), (0.3,)], 0, [1]),
        ([(0.1,), (0.5,), (0.3,), (0.4,)], 0, [1, 3]),
        ([(0.5,), (0.5,), (0.5,)], 0, [0]),  # the earlier one where they are equal
        ([(None,), (0.5,), (None,)], 0, [1]),
        ([(None,), (None,), (None,)], 0, []),
        ([(0.1,), (0.5, 0.6), (0.4, 0.7), (0.2,)], 1, [2]),
    ],
)
def test_who_goes_on(scores: list[tuple[float | None, ...]], rung: int, kept: list[int]) -> None:
    candidates = [Candidate({}, 1.0, each) for each in scores]
    assert survivors(candidates, rung) == kept


@pytest.mark.parametrize(
    ("costs", "seconds", "fits"),
    [
        ([], 0.0, True),
        ([40.0] * 3, 280.0, True),  # 120 so far, 40 for the fourth, 80 for two on the second rung
        ([40.0] * 3, 239.0, False),
        ([10.0, 10.0, 60.0], 259.0, False),  # the dearest counts
    ],
)
def test_another_candidate_must_fit_with_all_that_follows(
    costs: list[float], seconds: float, fits: bool
) -> None:
    assert another_fits([Candidate({}, cost) for cost in costs], seconds) is fits


def test_neighbours_lie_in_the_space_and_differ() -> None:
    config = load_config("demo")
    space = SearchSpace.of(config)
    preset = space.values_of(config.hparams)
    drawn = [neighbour(space, preset, seed) for seed in range(50)]
    assert drawn == [neighbour(space, preset, seed) for seed in range(50)]
    for params in drawn:
        assert all(params[each.leaf] in each for each in space.dimensions)
        assert space.apply(config.hparams, params).max_steps >= 1
    assert len({params["learning_rate"] for params in drawn}) == 50
    assert {params["batch_size"] for params in drawn} == {8, 16, 32}
    assert replace(config).hparams.batch_size == 16
