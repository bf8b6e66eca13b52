"""What `--inject` says, as faults and as a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smart_tuner.faults import KINDS, Fault, FaultError, parse_faults, write_faults
from smart_tuner.messages import Language, render

ISSUED = "nan-loss@37,nan-grad@45,oom@60,kill@80,hang@95,corrupt-checkpoint@100"


def test_faults_stay_in_the_order_given_and_the_file_says_the_same(tmp_path: Path) -> None:
    faults = parse_faults(ISSUED, 100)
    assert [f"{fault.kind}@{fault.step}" for fault in faults] == ISSUED.split(",")
    write_faults(tmp_path / "faults.json", faults)
    content = json.loads((tmp_path / "faults.json").read_text())
    assert content[0] == {"kind": "nan-loss", "step": 37} and len(content) == 6
    assert [Fault(**each) for each in content] == faults


def test_every_kind_can_be_asked_for_several_times() -> None:
    assert len(parse_faults(", ".join(f"{kind}@1,{kind}@1" for kind in KINDS), 1)) == 2 * len(KINDS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nan-los@37", ["nan-los@37", "did you mean nan-loss?"]),
        ("NaN-loss@37", ["did you mean nan-loss?"]),
        ("flood@3", ["no such fault", "poisoned-clip", "sigterm"]),
        ("oom@60,,kill@8", ["no such fault"]),
        ("", ["no such fault"]),
        ("oom", ["oom@1", "from 1 to 100"]),
        ("oom@", ["oom@1"]),
        ("oom@0", ["from 1 to 100"]),
        ("oom@101", ["oom@101", "from 1 to 100"]),
        ("oom@-3", ["from 1 to 100"]),
        ("oom@1.5", ["from 1 to 100"]),
        ("oom@²", ["from 1 to 100"]),
        ("oom@3@4", ["from 1 to 100"]),
    ],
)
def test_a_mistake_names_the_part_and_what_would_be_right(text: str, words: list[str]) -> None:
    with pytest.raises(FaultError) as refused:
        parse_faults(text, 100)
    assert all(word in str(refused.value) for word in words), refused.value
    assert "--inject" in render(refused.value.message, Language.RU)
