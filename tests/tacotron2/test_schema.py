"""The pydantic schema agrees with the dataclasses it is made from; settings files mean what they say."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tacotron2.hparams import LEAF_FIELD, LEAF_SECTION, SECTIONS, HParams, HParamsError, check_value, leaves
from tacotron2.schema import HPARAMS_SCHEMA, read_hparams
from tacotron2.settings_file import read_settings

_BOUNDS = sorted(
    {bound for _, leaf in leaves() for bound in leaf.metadata.values() if type(bound) in (int, float)}
)
_VALUES = st.one_of(
    st.sampled_from(_BOUNDS),
    st.sampled_from([bound + step for bound in _BOUNDS for step in (-1, 1, 0.5)]),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.sampled_from(["auto", "en", "drop", "1", "true", ""]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(["a", "batch_size"]), st.integers(), max_size=2),
    st.just(10**400),
)


@settings(deadline=None)
@given(st.sampled_from(sorted(LEAF_FIELD)), _VALUES)
def test_schema_and_dataclass_accept_the_same_values(name: str, value: Any) -> None:
    section = LEAF_SECTION[name]
    values, problems = HPARAMS_SCHEMA.check({section: {name: value}})
    try:
        expected = check_value(LEAF_FIELD[name], value)
    except ValueError as error:
        assert values == {section: {}}
        assert [problem.key for problem in problems] == [(section, name)]
        assert problems[0].text.endswith(f": {error}")
    else:
        assert problems == []
        assert values == {section: {name: expected}}
        assert type(values[section][name]) is type(expected)


def test_schema_has_the_defaults_and_meanings_of_the_dataclasses() -> None:
    assert HParams(**HPARAMS_SCHEMA.build({})) == HParams()
    for section, cls in SECTIONS.items():
        model = HPARAMS_SCHEMA.section_models[section]
        assert {name: info.default for name, info in model.model_fields.items()} == dataclasses.asdict(cls())
        for leaf in dataclasses.fields(cls):
            assert model.model_fields[leaf.name].description == leaf.metadata["doc"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 1e-3),
        ("1.e3", 1000.0),
        (".5", 0.5),
        ("-1E+2", -100.0),
        ("010", 10),
        ("+7", 7),
        ("25_000", 25000),
        ("1_2", "1_2"),
        ("1.5.2", "1.5.2"),
        ("12:30", "12:30"),
        ("2026-11-22", "2026-11-22"),
        ("no", "no"),
        ("On", "On"),
        ("TRUE", True),
        ("false", False),
        ("'1e-3'", "1e-3"),
        ('"true"', "true"),
        ("null", None),
        ("", None),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("0x10", "0x10"),
        ("[1, a, 2.0]", [1, "a", 2.0]),
        ("{a: {1: no}}", {"a": {"1": "no"}}),
        ("9" * 5000, math.inf),
    ],
)
def test_scalars_follow_yaml_1_2(written: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"section:\n  key: {written}\n", encoding="utf-8")
    found = read_settings(path).values["section"]["key"]
    assert found == value
    assert type(found) is type(value)


def test_lines_of_keys_are_known_and_duplicates_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("\ufeff# first\ntrain:\n  seed: 1\n\n  seed: 2\ntrain: {}\n", encoding="utf-8")
    file = read_settings(path)
    assert file.values == {"train": {"seed": 1}}
    assert file.where("train", "seed") == f"{path}:3"
    assert file.where("train", "other") == f"{path}:2"
    assert file.where("audio", "hop_length") == str(path)
    assert [problem.removeprefix(f"{path}:") for problem in file.problems] == [
        "5: train.seed: written twice, first in line 3; keep one",
        "6: train: written twice, first in line 2; keep one",
    ]


def test_read_hparams_passes_over_the_sections_of_other_programs(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("services:\n  enabled: true\ntrain:\n  seed: 7\n", encoding="utf-8")
    assert read_hparams(path) == HParams().replace(seed=7)


def test_read_hparams_names_every_problem_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "audio:\n  sampling_rate: 8000\n  hop_lenght: 1\ntrian:\n  seed: 7\ntrain:\n  seed: -1\n",
        encoding="utf-8",
    )
    with pytest.raises(HParamsError) as caught:
        read_hparams(path)
    assert [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()] == [
        "2: audio.mel_fmax=8000.0: must be at most half of audio.sampling_rate (4000)",
        "3: audio.hop_lenght: unknown key; did you mean 'audio.hop_length'?",
        "4: trian: unknown section; did you mean 'train'?",
        "7: train.seed=-1: must be a whole number >= 0 and < 2147483648",
    ]
