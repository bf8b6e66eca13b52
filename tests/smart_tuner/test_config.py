"""Loading a configuration: presets, overrides, digest, and the way back from `run.yaml`."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_tuner.config import (
    LAYER_SECTIONS,
    Config,
    ServiceSettings,
    SupervisorSettings,
    load_config,
    preset_folder,
    preset_names,
    voice_settings,
)
from tacotron2.hparams import HParams, leaves
from tacotron2.schema import read_settings


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_overrides_win_over_the_file_and_the_last_one_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "train:\n  learning_rate: 1e-3\n  seed: 5\nservices:\n  mlflow_port: 5005\n")
    config = load_config(
        path, ["train.learning_rate=1e-4", "batch_size=4", "batch_size=8", "services.enabled=false"]
    )
    assert config.hparams == HParams().replace(learning_rate=1e-4, seed=5, batch_size=8)
    assert config.services == ServiceSettings(enabled=False, mlflow_port=5005)
    assert config.preset == "mine"


def test_overrides_can_repair_a_relation(tmp_path: Path) -> None:
    path = written(tmp_path, "audio:\n  sampling_rate: 8000\n")
    assert load_config(path, ["mel_fmax=4000"]).hparams.mel_fmax == 4000.0


def test_the_data_folder_counts_from_where_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "run:\n  data_folder: voices/anna\n")
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv("HOME", "/home/someone")
    assert load_config(path).data_folder == tmp_path / "voices" / "anna"
    assert load_config(path, ["data_folder=b/../c"]).data_folder == tmp_path.parent / "c"
    assert load_config(path, ["data_folder=~/c"]).data_folder == Path("/home/someone/c")
    assert load_config(path, ["data_folder="]).data_folder is None


@pytest.mark.parametrize(
    ("overrides", "same"),
    [
        ([], True),
        (["learning_rate=0.001"], True),
        (["services.enabled=false", "mlflow_port=5009", "heartbeat_timeout_s=60"], True),
        (["run.name=other"], True),
        (["supervisor.max_restarts=1", "backoff_s=0", "progress_timeout_s=60"], True),
        (["trials=3", "sampler=tpe", "min_gate_accuracy=0.5", "learning_rate_range=1e-6..1e-2 log"], True),
        (["learning_rate=0.002"], False),
        (["attention.deadline_steps=7"], False),
        (["seed=1"], False),
        (["data_folder=voices"], False),
    ],
)
def test_digest_is_that_of_what_is_learned(overrides: list[str], same: bool, tmp_path: Path) -> None:
    path = written(tmp_path, "train:\n  learning_rate: 1e-3\n")
    assert (load_config(path, overrides).digest() == load_config(path).digest()) is same


def test_key_names_are_unique_over_all_sections() -> None:
    names = [leaf.name for _, leaf in leaves()]
    names += [
        leaf.name for settings_of in LAYER_SECTIONS.values() for leaf in dataclasses.fields(settings_of)
    ]
    assert len(names) == len(set(names))


def test_digest_is_the_same_in_another_process() -> None:
    script = "from smart_tuner.config import load_config; print(load_config('debug').digest())"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == load_config("debug").digest()


def test_configuration_needs_no_torch() -> None:
    script = "import sys, smart_tuner.config; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


def _leaf_values() -> st.SearchStrategy[dict[str, Any]]:
    """Changes of leaves of every type, within their ranges and without a broken relation."""
    return st.fixed_dictionaries(
        {},
        optional={
            "learning_rate": st.floats(0, 1, exclude_min=True),
            "weight_decay": st.floats(0, allow_infinity=False),
            "max_train_minutes": st.integers(0, 10**20).map(float),
            "seed": st.integers(0, 2**31 - 1),
            "prenet_dropout_at_synthesis": st.booleans(),
            "precision": st.sampled_from(["auto", "fp32", "bf16", "fp16"]),
            "demo_voice": st.text(),
        },
    )


@settings(max_examples=40, deadline=None)
@given(
    leaf_values=_leaf_values(),
    folder=st.none() | st.text(st.characters(exclude_characters="/\0"), min_size=1).map("/data {}".format),
    host=st.text(),
    timeout=st.floats(10, 1e9),
)
def test_run_yaml_round_trip(
    leaf_values: dict[str, Any],
    folder: str | None,
    host: str,
    timeout: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    config = Config(
        preset="demo-2",
        hparams=HParams().replace(**leaf_values),
        services=ServiceSettings(host=host, enabled=False),
        supervisor=SupervisorSettings(heartbeat_timeout_s=timeout),
        data_folder=None if folder is None else Path(folder),
    )
    path = tmp_path_factory.mktemp("run") / "run.yaml"
    path.write_text(config.to_yaml(), encoding="utf-8")
    read = Config.from_yaml(path)
    assert read == config
    assert read.digest() == config.digest()
    assert load_config(path) == config
    other_reader = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert other_reader["train"] == config.hparams.to_dict()["train"], "any YAML program reads the same"


def test_a_name_becomes_a_folder_name(tmp_path: Path) -> None:
    path = tmp_path / "my voice, №2.yaml"
    path.write_text("train:\n  seed: 1\n", encoding="utf-8")
    assert load_config(path).preset == "my-voice-2"
    assert load_config(path, ["run.name=../.."]).preset == "run"
    assert load_config("probe", ["run.name=second"]).preset == "second"


def test_the_presets_are_those_of_the_documentation() -> None:
    assert preset_names() == ["debug", "demo", "finetune", "ljspeech", "probe", "report", "small"]


@pytest.mark.parametrize("name", ["debug", "demo", "ljspeech", "probe", "report", "small"])
def test_a_preset_holds_only_what_differs_and_says_why(name: str) -> None:
    file = read_settings(preset_folder() / f"{name}.yaml")
    text = file.path.read_text(encoding="utf-8").splitlines()
    defaults = {(section, leaf.name): leaf.default for section, leaf in leaves()}
    for section, settings_of in LAYER_SECTIONS.items():
        defaults |= {(section, leaf.name): leaf.default for leaf in dataclasses.fields(settings_of)}
    keys = {
        (section, key): value for section, content in file.values.items() for key, value in content.items()
    }
    assert keys
    assert [key for key, value in keys.items() if defaults[key] == value] == []
    assert [key for key in keys if not re.search(r"  # \S.{6,}", text[file.lines[key] - 1])] == []
    assert load_config(name).preset == name


def test_a_configuration_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_config("debug").preset = "other"  # type: ignore[misc]


def test_a_voice_is_language_stress_and_speaker_and_what_is_set_by_hand_wins() -> None:
    plain = load_config("demo")
    assert load_config("demo", voice_settings("en")).digest() == plain.digest()
    russian = load_config("demo", [*voice_settings("ru"), "demo_voice=ru+m3"]).hparams
    assert (russian.text.language, russian.text.stress) == ("ru", "library")
    assert russian.demo.demo_voice == "ru+m3"
