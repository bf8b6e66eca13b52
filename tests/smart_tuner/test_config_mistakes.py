"""Every kind of mistake in a settings file or an override: found, placed and explained, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_tuner.config import ConfigError, load_config
from tacotron2.hparams import HParamsError


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# What a file holds, and what the message has to say about it.
BAD_FILES: dict[str, tuple[str | bytes, list[str]]] = {
    "text for a number": (
        "train:\n  learning_rate: fast",
        [":2: train.learning_rate='fast'", "a number > 0"],
    ),
    "number in quotes": ("train:\n  batch_size: '8'", ["train.batch_size='8'", "a whole number >= 1"]),
    "fraction for a whole number": ("train:\n  batch_size: 8.5", ["train.batch_size=8.5", "a whole number"]),
    "truth for a whole number": ("train:\n  seed: true", ["train.seed=true", "a whole number"]),
    "truth for a number": ("train:\n  learning_rate: true", ["train.learning_rate=true", "a number"]),
    "number for a truth": ("services:\n  enabled: 1", ["services.enabled=1", "true or false"]),
    "number for a text": ("demo:\n  demo_voice: 3", ["demo.demo_voice=3", "must be text"]),
    "nothing": ("train:\n  seed:", ["train.seed=null", "a whole number"]),
    "list": ("train:\n  seed: [1, 2]", ["train.seed=[1, 2]", "a whole number"]),
    "mapping for a leaf": ("train:\n  seed: {a: 1}", [":2: train.seed={'a': 1}", "a whole number"]),
    "too small": ("train:\n  batch_size: 0", [":2: train.batch_size=0: must be a whole number >= 1"]),
    "too large": ("train:\n  learning_rate: 2", ["train.learning_rate=2: must be a number > 0 and <= 1"]),
    "limit itself": ("model:\n  p_prenet_dropout: 1.0", ["model.p_prenet_dropout=1.0", ">= 0 and < 1"]),
    "even kernel": ("model:\n  encoder_kernel_size: 4", ["model.encoder_kernel_size=4", "odd and >= 1"]),
    "port": ("services:\n  mlflow_port: 70000", ["services.mlflow_port=70000", "<= 65535"]),
    "not one of the choices": (
        "train:\n  precision: fp8",
        ["train.precision='fp8'", "auto, fp32, bf16, fp16"],
    ),
    "nan": ("train:\n  learning_rate: .nan", ["train.learning_rate=nan", "a number"]),
    "inf": ("data:\n  max_seconds: .inf", ["data.max_seconds=inf", "a number > 0"]),
    "number beyond all ranges": (f"data:\n  max_seconds: 1{'0' * 400}", ["data.max_seconds=inf"]),
    "time of day": ("train:\n  max_steps: 12:30", ["train.max_steps='12:30'", "a whole number"]),
    "no for false": ("services:\n  open_browser: no", ["services.open_browser='no'", "true or false"]),
    "unknown key": ("train:\n  colour: 1", [":2: train.colour: unknown key"]),
    "misspelt key": (
        "train:\n  batchsize: 8",
        ["train.batchsize: unknown key; did you mean 'train.batch_size'?"],
    ),
    "key of another section": (
        "train:\n  hop_length: 8",
        ["train.hop_length", "did you mean 'audio.hop_length'?"],
    ),
    "unknown section": ("weather:\n  seed: 1", [":1: weather: unknown section; the sections are run, audio"]),
    "misspelt section": ("trian:\n  seed: 1", [":1: trian: unknown section; did you mean 'train'?"]),
    "key without its section": ("seed: 1", [":1: seed: unknown section; did you mean 'train.seed'?"]),
    "value for a section": ("train: 3", [":1: train=3: must be a mapping of keys to values"]),
    "empty section": ("train:\n", [":1: train=null: must be a mapping", "leave a section out"]),
    "key twice": ("train:\n  seed: 1\n  seed: 2", [":3: train.seed: written twice, first in line 2"]),
    "section twice": (
        "train:\n  seed: 1\ntrain:\n  batch_size: 1",
        [":3: train: written twice, first in line 1"],
    ),
    "list of sections": ("- train", [":1: must be a mapping"]),
    "bare text": ("train", [":1: must be a mapping"]),
    "empty file": ("", ["mine.yaml: the file is empty"]),
    "only a comment": ("# nothing\n", ["mine.yaml: the file is empty"]),
    "tab": ("train:\n\tseed: 1", [":2: is not valid YAML", "spaces, not tabs"]),
    "open bracket": ("train: [1", ["is not valid YAML", "expected"]),
    "lost indentation": ("train:\n  seed: 1\n seed: 2", [":3: is not valid YAML"]),
    "two documents": ("train: {}\n---\ntrain: {}", [":2: is not valid YAML", "another document"]),
    "alias": ("train: &a {seed: 1}\ndata: *a", [":2: an alias"]),
    "endless nesting": ("train: " + "[" * 1000 + "]" * 1000, ["is nested too deeply"]),
    "not UTF-8": (b"train:\n  precision: \xff", [":2: is not UTF-8 text (byte 0xff)"]),
    "control character": (
        b"train:\n  precision: \x07",
        [":2: is not valid YAML", "character U+0007"],
    ),
    "mel band above half the rate": (
        "audio:\n  sampling_rate: 8000",
        [":2: audio.mel_fmax=8000.0: must be at most half of audio.sampling_rate (4000)"],
    ),
    "accumulation does not divide": (
        "train:\n  accumulation_steps: 3\n  batch_size: 8",
        [":2: train.accumulation_steps=3: must divide train.batch_size (8)"],
    ),
    "no relation to a key that is wrong itself": (
        "train:\n  accumulation_steps: 3\n  batch_size: 0",
        [":3: train.batch_size=0"],
    ),
    "several at once": (
        "train:\n  seed: -1\n  batch_size: 7\n  accumulation_steps: 2\n  foo: 1\naudio: 3\n\nmodle: {}",
        [":2: train.seed=-1", ":4: train.accumulation_steps=2", ":5: train.foo", ":6: audio=3", ":8: modle"],
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(name: str, tmp_path: Path) -> None:
    content, parts = BAD_FILES[name]
    path = written(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    message = str(caught.value)
    assert [part for part in parts if part not in message] == []
    assert all(line.startswith(f"{path}:") for line in caught.value.problems), "every line names the file"
    assert len(caught.value.problems) == (len(parts) if name == "several at once" else 1)


@pytest.mark.parametrize(
    ("preset", "parts"),
    [
        ("dmeo", ["'dmeo'", "did you mean 'demo'?", "debug, demo, finetune, ljspeech, probe, report, small"]),
        ("nowhere.yaml", ["nowhere.yaml: no such file"]),
        ("some/where", ["some/where: no such file"]),
        (Path("nowhere"), ["nowhere: no such file"]),
        (Path(), ["is a folder"]),
        ("a\0b.yaml", ["cannot be read"]),
    ],
)
def test_files_that_are_not_there(preset: str | Path, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(preset)
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["train.nonsense=1"], ["override: train.nonsense: unknown key"]),
        (["learning_rat=1"], ["override: learning_rat: unknown key; did you mean 'train.learning_rate'?"]),
        (["audio.seed=1"], ["override: audio.seed: unknown key; did you mean 'train.seed'?"]),
        (["seed"], ["override: 'seed': an override has the form key=value"]),
        (["seed=x"], ["override: train.seed='x': must be a whole number >= 0 and < 2147483648"]),
        (["enabled=no"], ["override: services.enabled='no': must be true or false"]),
        (
            ["batch_size=0", "accumulation_steps=3"],
            ["override: train.batch_size='0': must be a whole number >= 1"],
        ),
        (
            ["sampling_rate=8000"],
            ["override: audio.mel_fmax=8000.0: must be at most half of audio.sampling_rate (4000)"],
        ),
        (
            ["seed=-1", "hop_length=1", "accumulation_steps=7"],
            [
                "override: train.seed='-1': must be a whole number >= 0 and < 2147483648",
                "override: audio.hop_length='1': must be a whole number >= 16 and <= 4096",
                "override: train.accumulation_steps=7: must divide train.batch_size (16)",
            ],
        ),
    ],
)
def test_bad_overrides(overrides: list[str], expected: list[str], tmp_path: Path) -> None:
    path = written(tmp_path, "train:\n  batch_size: 16\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert list(caught.value.problems) == expected


def test_problems_of_file_and_overrides_come_together(tmp_path: Path) -> None:
    path = written(tmp_path, "train:\n  seed: -1\n")
    with pytest.raises(HParamsError) as caught:
        load_config(path, ["train.seed=1", "batch_size=0"])
    assert [line.split("=")[0] for line in str(caught.value).splitlines()] == [
        f"{path}:2: train.seed",
        "override: train.batch_size",
    ]


@settings(deadline=None)
@given(
    content=st.binary(max_size=60) | st.text("trainsed:&*!{}[],-#'\"| \n\t1e.", max_size=60).map(str.encode)
)
def test_any_bytes_give_a_configuration_or_a_configuration_error(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("any"), content)
    try:
        load_config(path)
    except ConfigError as error:
        assert all(problem.startswith(str(path)) for problem in error.problems)
