"""Hyper-parameters: the report's defaults, overrides, and every problem named at once."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections import Counter
from typing import Any

import pytest

from tacotron2.hparams import (
    LEAF_FIELD,
    HParams,
    HParamsError,
    check_value,
    create_hparams,
    from_dict,
    leaves,
    relations,
)


def test_defaults_are_those_of_the_report() -> None:
    hparams = create_hparams()
    assert {name: getattr(hparams, name) for name in REPORT} == REPORT


REPORT = {
    "n_symbols": 60,
    "encoder_embedding_dim": 512,
    "learning_rate": 5e-6,
    "batch_size": 32,
    "guided_attention_weight": 20.0,
    "guide_loss_decay_start": 1000,
    "p_attention_dropout": 0.001,
    "grad_clip_thresh": 0.3,
}


def test_leaf_names_are_unique_documented_and_their_defaults_admissible() -> None:
    names = Counter(leaf.name for _, leaf in leaves())
    assert max(names.values()) == 1
    for _, leaf in leaves():
        assert leaf.metadata["doc"]
        assert check_value(leaf, leaf.default) == leaf.default
    assert relations(HParams()) == []


@pytest.mark.parametrize(
    ("overrides", "leaf", "value"),
    [
        ("learning_rate=1e-4", "learning_rate", 1e-4),
        ("train.learning_rate=1", "learning_rate", 1.0),
        (" batch_size = 16 , max_steps=5", "batch_size", 16),
        ("prenet_dropout_at_synthesis=False", "prenet_dropout_at_synthesis", False),
        ("precision=bf16", "precision", "bf16"),
        ("seed=1,seed=2", "seed", 2),
    ],
)
def test_create_hparams_takes_leaves_by_name(overrides: str, leaf: str, value: Any) -> None:
    found = getattr(create_hparams(overrides), leaf)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        ("learnin_rate=1", ["learnin_rate", "unknown key", "'train.learning_rate'"]),
        ("loss.learning_rate=1", ["loss.learning_rate", "unknown key", "'train.learning_rate'"]),
        ("batch_size", ["'batch_size'", "key=value"]),
        ("batch_size=0", ["train.batch_size", "'0'", ">= 1"]),
        ("batch_size=2.5", ["train.batch_size", "'2.5'", "whole number"]),
        ("learning_rate=nan", ["train.learning_rate", "a number > 0 and <= 1"]),
        ("mel_fmin=-inf", ["audio.mel_fmin", "a number >= 0"]),
        ("prenet_dropout_at_synthesis=no", ["'no'", "true or false"]),
        ("precision=fp8", ["train.precision", "auto, fp32, bf16, fp16"]),
        ("encoder_kernel_size=4", ["model.encoder_kernel_size", "odd"]),
        ("batch_size=0,seed=-1,foo=1", ["train.batch_size", "train.seed", "< 2147483648", "foo"]),
    ],
)
def test_create_hparams_names_every_problem(overrides: str, parts: list[str]) -> None:
    with pytest.raises(HParamsError) as caught:
        create_hparams(overrides)
    assert [part for part in parts if part not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("changes", "key", "partner"),
    [
        ({"mel_fmax": 12000.0}, "audio.mel_fmax", "audio.sampling_rate"),
        ({"mel_fmin": 8000.0}, "audio.mel_fmin", "audio.mel_fmax"),
        ({"win_length": 2048}, "audio.win_length", "audio.filter_length"),
        ({"accumulation_steps": 5}, "train.accumulation_steps", "train.batch_size"),
        ({"min_seconds": 15.0}, "data.min_seconds", "data.max_seconds"),
        ({"demo_min_characters": 40}, "demo.demo_min_characters", "demo.demo_max_characters"),
        ({"encoder_embedding_dim": 65}, "model.encoder_embedding_dim", ""),
        ({"gst_dim": 100}, "model.gst_dim", "model.gst_heads"),
        ({"reduction_schedule": "0:3,9:2"}, "train.reduction_schedule", "model.n_frames_per_step"),
    ],
)
def test_relations_between_keys(changes: dict[str, Any], key: str, partner: str) -> None:
    with pytest.raises(HParamsError) as caught:
        HParams().replace(**changes)
    message = str(caught.value)
    (value,) = changes.values()
    assert message.startswith(f"{key}={value!r}: must ")
    assert partner in message
    assert "\n" not in message


def test_a_relation_is_not_judged_by_a_key_that_is_wrong_itself() -> None:
    hparams = dataclasses.replace(HParams(), train=dataclasses.replace(HParams().train, accumulation_steps=5))
    assert [violation.keys[0] for violation in relations(hparams)] == ["train.accumulation_steps"]
    assert relations(hparams, ignored=["train.batch_size"]) == []


@pytest.mark.parametrize(
    ("sections", "parts"),
    [
        ({"trian": {}}, ["trian", "unknown section", "'train'"]),
        ({"train": 5}, ["train=5", "mapping"]),
        ({"train": {"hop_length": 256}}, ["train.hop_length", "unknown key", "'audio.hop_length'"]),
        ({"train": {"batch_size": True}}, ["train.batch_size=True", "whole number"]),
        ({"train": {"learning_rate": 10**400}}, ["train.learning_rate", "a number"]),
        ({"audio": {"trim_db": None}, "text": {"language": ["en"]}}, ["audio.trim_db=None", "text.language"]),
    ],
)
def test_from_dict_names_every_problem(sections: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(HParamsError) as caught:
        from_dict(sections)
    assert [part for part in parts if part not in str(caught.value)] == []


def test_dictionary_copy_and_pickle_round_trips() -> None:
    hparams = create_hparams("learning_rate=1e-3,n_frames_per_step=3,precision=fp32")
    assert from_dict(hparams.to_dict()) == hparams
    assert copy.deepcopy(hparams) == hparams
    assert pickle.loads(pickle.dumps(hparams)) == hparams


def test_a_leaf_is_an_attribute_and_a_misspelt_one_is_suggested() -> None:
    hparams = create_hparams("hop_length=200")
    assert hparams.hop_length == hparams.audio.hop_length == 200
    assert all(getattr(hparams, name) == getattr(getattr(hparams, section), name) for section, name in PAIRS)
    with pytest.raises(AttributeError, match="hop_length"):
        _ = hparams.hop_lenght
    with pytest.raises(dataclasses.FrozenInstanceError):
        hparams.train = hparams.train  # type: ignore[misc]


PAIRS = [(section, leaf.name) for section, leaf in leaves()]


def test_whole_numbers_serve_as_numbers() -> None:
    value = check_value(LEAF_FIELD["learning_rate"], 1)
    assert value == 1.0
    assert isinstance(value, float)
