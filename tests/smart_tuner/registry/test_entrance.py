"""Only a voice that was examined, and whose figures are all numbers, may enter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smart_tuner.registry.contents import MANIFEST, damage, fill, read_facts, sha256_of
from smart_tuner.registry.entrance import candidate
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.facts import Facts
from smart_tuner.registry.settings import RegistrySettings
from smart_tuner.run_folder import RunError
from tests.smart_tuner.registry.finished_runs import CHECKPOINT, GOOD, finished

SETTINGS = RegistrySettings()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"figures": {**GOOD, "mcd_dtw_db": None}}, "no finite numbers: mcd_dtw_db"),
        ({"figures": {**GOOD, "mcd_dtw_db": float("nan")}}, "no finite numbers: mcd_dtw_db"),
        ({"sidecar": {"finite": False}}, "no finite numbers: weights"),
        ({"sidecar": {"quality": float("nan")}}, "no finite numbers: quality"),
        ({"quality": None}, "no voice yet"),
        ({"examined": None}, "was not examined"),
        ({"examined": "checkpoints/best-0000009.ckpt"}, "was not examined"),
    ],
)
def test_what_is_no_number_or_not_examined_never_enters(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    run = finished(tmp_path, "a", **changes)
    with pytest.raises((RegistryError, RunError), match=complaint):
        candidate(run, SETTINGS)


def test_a_figure_that_could_not_be_measured_fails_the_gate_alone(tmp_path: Path) -> None:
    figures = {name: value for name, value in GOOD.items() if name != "skip_rate"}
    facts = candidate(finished(tmp_path, "a", figures=figures), SETTINGS).facts
    assert facts.failed == ("skip_rate",)
    assert candidate(finished(tmp_path, "b"), SETTINGS).facts.failed == ()


def test_what_is_told_of_a_version_is_read_back(tmp_path: Path) -> None:
    run = finished(tmp_path, "a", 0.1234567890123, r=2, figures=GOOD | {"skip_rate": 0.9, "repeat_rate": 0.8})
    (run.path / "tracking.json").write_text('{"mlflow": {"target": "0a1b", "offset": 3}}')
    facts = candidate(run, SETTINGS).facts
    assert (facts.run, facts.r, facts.step, facts.commit, facts.mlflow_run) == ("a", 2, 3, "abc", "0a1b")
    assert facts.failed == ("skip_rate", "repeat_rate") and facts.figures["val_loss"] == 0.5
    assert Facts.from_tags(facts.to_tags()) == facts


def test_one_name_for_one_corpus(tmp_path: Path) -> None:
    demo = candidate(finished(tmp_path, "a"), SETTINGS)
    own = candidate(finished(tmp_path, "b", data_folder=Path("/home/a/Anna's voice: 1")), SETTINGS)
    named = candidate(finished(tmp_path, "c"), RegistrySettings(voice_name="anna/b"))
    assert demo.voice.startswith("demo-en-") and not demo.named
    assert own.voice == "Anna-s-voice-1-en" and own.facts.corpus == "/home/a/Anna's voice: 1"
    assert named.voice == "anna-b" and named.named and named.facts.corpus == demo.facts.corpus


def test_a_flipped_bit_and_a_lost_file_are_found(tmp_path: Path) -> None:
    run = finished(tmp_path, "a", weights=bytes(1000))
    folder = tmp_path / "version"
    fill(folder, candidate(run, SETTINGS))
    sums = sha256_of(folder / MANIFEST)
    assert damage(folder, sums) == ()
    assert read_facts(folder).run == "a"
    listed = [line.partition("  ")[2] for line in (folder / MANIFEST).read_text().splitlines()]
    assert sorted([*listed, MANIFEST]) == sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )
    for place in listed:
        content = bytearray((folder / place).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / place).write_bytes(content)
        (found,) = damage(folder, sums)
        assert (found.phrase.name, found.parameters["file"]) == ("FILE_DAMAGED", folder / place)
        content[len(content) // 2] ^= 1
        (folder / place).write_bytes(content)
    (folder / CHECKPOINT).unlink()
    (found,) = damage(folder, sums)
    assert (found.phrase.name, found.parameters["file"]) == ("FILE_MISSING", folder / CHECKPOINT)
    (folder / MANIFEST).write_text("")
    (found,) = damage(folder, sums)
    assert found.parameters["file"] == folder / MANIFEST


def test_weights_that_the_run_did_not_write_do_not_enter(tmp_path: Path) -> None:
    run = finished(tmp_path, "a", weights=bytes(1000))
    wanted = candidate(run, SETTINGS)
    (run.path / CHECKPOINT).write_bytes(bytes(999) + b"\1")
    with pytest.raises(RegistryError, match="checksum differs"):
        fill(tmp_path / "version", wanted)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    run = finished(tmp_path, "a")
    run.examination_file.write_text(json.dumps({"checkpoint": CHECKPOINT, "figures": 3}))
    with pytest.raises(RunError, match=r"examination\.json"):
        candidate(run, SETTINGS)
    run.examination_file.write_text("{")
    with pytest.raises(RegistryError, match=r"examination\.json: cannot be read"):
        candidate(run, SETTINGS)
