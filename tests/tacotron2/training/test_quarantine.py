"""Who is left out, when, and what of it a rollback remembers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tacotron2.training.quarantine import Quarantine, read_quarantined


def after(folder: Path, sightings: list[tuple[int, str]], num_utterances: int = 100) -> Quarantine:
    quarantine = Quarantine(folder / "quarantine.json", num_utterances)
    for step, name in sightings:
        quarantine.saw(step, [name])
    return quarantine


@pytest.mark.parametrize(
    ("sightings", "left_out", "num_utterances"),
    [
        ([], [], 100),
        ([(3, "a")], [], 100),
        ([(3, "a"), (3, "a")], [], 100),  # the same update
        ([(3, "a"), (9, "a")], ["a"], 100),
        ([(3, "a"), (4, "b"), (9, "b"), (12, "a")], ["a", "b"], 100),
        ([(3, "a"), (4, "b"), (9, "b"), (12, "a")], ["a"], 18),  # at most a tenth, and one
        ([(3, "a"), (9, "a")], [], 1),  # not the last one
    ],
)
def test_who_is_left_out(
    tmp_path: Path, sightings: list[tuple[int, str]], left_out: list[str], num_utterances: int
) -> None:
    quarantine = after(tmp_path, sightings, num_utterances)
    assert list(quarantine.settle()) == quarantine.names == left_out
    assert quarantine.settle() == {}


def test_an_update_is_explained_when_all_its_culprits_are_out(tmp_path: Path) -> None:
    quarantine = after(tmp_path, [(3, "a"), (3, "b"), (5, "c"), (9, "a")])
    assert [step for step in (3, 5, 7, 9) if quarantine.explains(step)] == [9]
    quarantine.saw(11, ["b"])
    assert [step for step in (3, 5, 7, 9, 11) if quarantine.explains(step)] == [3, 9, 11]


def test_a_rollback_remembers_the_culprits_that_ended_the_attempt(tmp_path: Path) -> None:
    quarantine = after(tmp_path, [(3, "early"), (31, "a"), (32, "b"), (33, "c")])
    quarantine.write(ended_by=[31, 32, 33])
    again = Quarantine(tmp_path / "quarantine.json", 100)
    again.suspect(again.read_suspects())
    again.load_state_dict(json.loads(json.dumps(after(tmp_path, [(3, "early")]).state_dict())))
    assert again.settle() == {}
    again.saw(31, ["a"])
    assert again.settle() == {"a": [31]}
    again.saw(40, ["early"])
    assert again.settle() == {"early": [3, 40]}
    again.write()
    content = json.loads((tmp_path / "quarantine.json").read_text())
    assert content["quarantined"] == [
        {"utterance": "a", "steps": [31], "why": "not finite"},
        {"utterance": "early", "steps": [3, 40], "why": "not finite"},
    ]
    assert content["suspects"] == ["a", "b", "c"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"suspects": 3}'])
def test_a_damaged_file_is_told_and_passed_over(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "quarantine.json").write_text(content)
    assert Quarantine(tmp_path / "quarantine.json", 9).read_suspects() == []
    assert "quarantine.json" in caplog.text


def test_what_is_set_aside_leaves_room_for_what_is_not_finite(tmp_path: Path) -> None:
    quarantine = after(tmp_path, [(3, "a"), (9, "a")], num_utterances=30)
    assert quarantine.set_aside(10, ["b", "c", "d"]) == [
        "b",
        "c",
    ]  # of three places one is the poisoned clip's
    assert quarantine.set_aside(20, ["b", "c", "d"]) == []
    assert quarantine.names == ["b", "c"] and list(quarantine.settle()) == ["a"]
    again = Quarantine(tmp_path / "quarantine.json", 30)
    again.load_state_dict(json.loads(json.dumps(quarantine.state_dict())))
    assert again.set_aside(30, ["d"]) == [] and again.names == ["b", "c", "a"]
    again.write()
    assert read_quarantined(tmp_path / "quarantine.json") == ["b", "c", "a"]
    told = json.loads((tmp_path / "quarantine.json").read_text())["quarantined"]
    assert told[0] == {"utterance": "b", "steps": [10], "why": "badly aligned"}
    assert told[2] == {"utterance": "a", "steps": [3, 9], "why": "not finite"}


@pytest.mark.parametrize("content", [None, "", "[]", '{"quarantined": [1]}'])
def test_a_damaged_file_names_nobody(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "quarantine.json").write_text(content)
    assert read_quarantined(tmp_path / "quarantine.json") == []
