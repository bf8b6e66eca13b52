"""Two processes that share every batch train as one does with the whole of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tacotron2.data.dataset import TextMelLoader
from tacotron2.hparams import HParams, HParamsError
from tacotron2.training import Ranks, RanksError, join, train
from tacotron2.training.incident_folder import read_evidence
from tacotron2.training.replay import replay
from tests.tacotron2.training import rank_process
from tests.tacotron2.training.rank_process import GRADUAL, NOTHING_DROPPED, UPDATES
from tests.tacotron2.training.test_state import assert_same, final_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRIPT = Path(rank_process.__file__)
SOURCE = Path(__file__).parents[3] / "src"
PATIENCE_S = 600.0
NUM_RANKS = 2
Sets = tuple[TextMelLoader, TextMelLoader]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run_ranks(folder: Path, corpus: Path) -> list[dict[str, Any]]:
    """The results of the processes; none of them outlives this."""
    port = free_port()
    processes = []
    try:
        for rank in range(NUM_RANKS):
            place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": NUM_RANKS, "MASTER_PORT": port}
            environment = os.environ | {name: str(value) for name, value in place.items()}
            environment |= {"MASTER_ADDR": "127.0.0.1", "PYTHONPATH": f"{SOURCE}:{SOURCE.parent}"}
            with (folder / f"said-{rank}.txt").open("wb") as said:
                command = [sys.executable, str(SCRIPT), str(folder), str(corpus)]
                processes.append(subprocess.Popen(command, stdout=said, stderr=said, env=environment))
        deadline = time.monotonic() + PATIENCE_S
        for rank, process in enumerate(processes):
            status = process.wait(deadline - time.monotonic())
            assert status == 0, (folder / f"said-{rank}.txt").read_text()
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [torch.load(folder / f"result-{rank}.pt") for rank in range(NUM_RANKS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ranks")


@pytest.fixture(scope="module")
def results(
    tiny: HParams, folder: Path, tiny_corpus: Path, train_set: TextMelLoader, validation_set: TextMelLoader
) -> list[dict[str, Any]]:
    """Everything that two processes did, done once. The sets are asked for so that the features are there."""
    hparams = tiny.replace(num_processes=NUM_RANKS, validate_every=100)
    (folder / "hparams.json").write_text(json.dumps(hparams.to_dict()))
    return run_ranks(folder, tiny_corpus)


BIAS_WITHOUT_EFFECT = ".convolution.bias"
"""Batch normalisation behind it takes it away: its gradient is rounding noise, which AdamW makes large."""


def assert_close(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], tolerance: float) -> None:
    """Every tensor by its own norm: single small numbers are differences of large ones."""
    assert found.keys() == expected.keys()
    for name in (name for name in expected if not name.endswith(BIAS_WITHOUT_EFFECT)):
        value, ours = expected[name].double(), found[name].double()
        size, distance = value.norm(), (ours - value).norm()
        assert distance <= tolerance * size, f"{name}: {distance:.3g} off, norm {size:.3g}"


@pytest.mark.parametrize("name", list(UPDATES))
def test_an_update_is_that_of_one_process(
    results: list[dict[str, Any]], tiny: HParams, sets: Sets, tmp_path: Path, name: str
) -> None:
    parts, chosen = UPDATES[name]
    alone = rank_process.update(tiny, sets, tmp_path, Ranks(), parts, chosen)
    ours = [result[name] for result in results]
    assert sorted(sum((one["ids"] for one in ours), ())) == sorted(alone["ids"])
    assert len(ours[1]["ids"]) == len(chosen) // 2  # none of a batch of one
    for one in ours:
        assert_close(one["gradients"], alone["gradients"], 2e-5)
        # Weights, and the running statistics of batch normalisation.
        assert_close(one["weights"], alone["weights"], 2e-5)
        assert one["figures"] == pytest.approx(alone["figures"], rel=1e-5)
        assert one["frames"] == alone["frames"]
    assert_same(ours[0]["weights"], ours[1]["weights"])
    assert ours[0]["figures"] == ours[1]["figures"]


def test_batch_normalisation_sees_all_rows(results: list[dict[str, Any]]) -> None:
    alone = rank_process.normalised(Ranks())
    for rank, result in enumerate(results):
        own = {name: alone[name][rank::NUM_RANKS] for name in ("output", "input")}
        assert_close(result["normalised"], alone | own, 1e-12)


@pytest.mark.parametrize(("name", "schedule"), [("undropped", ""), ("gradual", GRADUAL)])
def test_a_training_is_that_of_one_process(
    name: str,
    schedule: str,
    results: list[dict[str, Any]],
    folder: Path,
    tiny: HParams,
    sets: Sets,
    tmp_path: Path,
    blank_pictures: None,
) -> None:
    hparams = tiny.replace(**NOTHING_DROPPED, validate_every=100, reduction_schedule=schedule)
    _, alone = rank_process.trained(hparams, sets, tmp_path, Ranks())
    first, second = (result[name] for result in results)
    assert (first["cause"], first["step"]) == (second["cause"], second["step"]) == ("completed", 20)
    assert [event[0] for event in first["events"]] == list(range(1, 21))
    assert second["events"] == []  # one process speaks for all
    for ours, expected in zip(first["events"], alone["events"], strict=True):
        assert ours[1] == pytest.approx(expected[1], rel=2e-3), f"step {ours[0]}"
    assert_close(final_state(folder / name)["model"], final_state(tmp_path)["model"], 1e-2)


def test_two_processes_resume_to_the_last_bit(results: list[dict[str, Any]], folder: Path) -> None:
    """10 + 10 steps equal 20, with dropout, of which each process draws its own."""
    assert [result["first part"]["cause"] for result in results] == ["stopped"] * NUM_RANKS
    assert [result["first part"]["step"] for result in results] == [10] * NUM_RANKS
    assert_same(final_state(folder / "at once"), final_state(folder / "parts"))
    said = results[0]["first part"]["events"] + results[0]["second part"]["events"]
    assert said == results[0]["at once"]["events"] and len(said) == 20
    state = final_state(folder / "parts")
    (other,) = state["rng_of_others"]
    assert torch.equal(other["cpu"], results[1]["random"])
    assert not torch.equal(other["cpu"], state["rng"]["cpu"])


def test_what_is_not_finite_in_one_process_ends_all_of_them_alike(results: list[dict[str, Any]]) -> None:
    first, second = (result["poisoned"] for result in results)
    assert first == second and "steps 1, 2, 3" in first


def test_all_leave_out_the_clip_that_one_of_them_found(
    results: list[dict[str, Any]], folder: Path, train_set: TextMelLoader
) -> None:
    first, second = (result["one clip"] for result in results)
    assert second["incidents"] == [] and first["served"] + second["served"] == 2
    *masked, (_, kind, details, _) = first["incidents"]
    name = train_set.utterances[rank_process.POISONED].id
    assert kind == "poisoned_clip" and details == {"utterance": name, "steps": [m[0] for m in masked]}
    assert [(kind, details["culprits"]) for _, kind, details, _ in masked] == [
        ("non_finite_update", [name])
    ] * 2
    for _, _, details, kept in masked:
        batch = read_evidence(folder / "one clip" / kept).made.batch
        assert sorted(batch.ids) == sorted(details["utterances"])
        lengths = [train_set.utterances.index(u) for u in train_set.utterances if u.id in batch.ids]
        assert sorted(batch.mel_lengths.tolist()) == sorted(train_set.lengths[index] for index in lengths)
        assert replay(folder / "one clip" / kept).reached


def test_all_take_part_in_the_estimate(results: list[dict[str, Any]]) -> None:
    assert all(result["estimate"] > 0 for result in results)


class TestAnotherNumberOfProcesses:
    """It would draw other dropout: refused, and told why."""

    def test_than_the_environment_tells_of(self, tiny: HParams, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORLD_SIZE", "3")
        with pytest.raises(RanksError, match="train.num_processes=2, but 3 processes"):
            join(tiny.replace(num_processes=2))

    def test_than_there_are(self, tiny: HParams, sets: Sets, tmp_path: Path) -> None:
        with pytest.raises(RanksError, match="train.num_processes=2, but 1 process"):
            train(tiny.replace(num_processes=2), *sets, tmp_path, device="cpu")

    def test_than_the_state_was_trained_with(
        self, results: list[dict[str, Any]], folder: Path, tiny: HParams, sets: Sets
    ) -> None:
        assert results[0]["second part"]["step"] == 20
        hparams = tiny.replace(validate_every=100)
        with pytest.raises(HParamsError, match="train.num_processes: 2 in the checkpoint, now 1"):
            train(hparams, *sets, folder / "parts", device="cpu")


def test_more_processes_than_a_micro_batch_has_rows_are_refused(tiny: HParams) -> None:
    assert tiny.replace(batch_size=4, accumulation_steps=2, num_processes=2).num_processes == 2
    with pytest.raises(HParamsError, match="train.num_processes=3: must leave every process an utterance"):
        tiny.replace(batch_size=4, accumulation_steps=2, num_processes=3)
