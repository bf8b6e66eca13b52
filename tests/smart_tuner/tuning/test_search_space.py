"""The space: every bad one is refused with all that is wrong, and every proposal trains for the same work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna import distributions

from smart_tuner.config import Config, ConfigError, default_config, load_config, preset_names
from smart_tuner.tuning.search_space import PART_OF, SearchSpace
from tacotron2.hparams import HParams, HParamsError

RATE, CHOICES = "space.learning_rate_range", "space.batch_size_choices"


@pytest.mark.parametrize("preset", preset_names())
def test_the_space_of_every_preset_is_valid(preset: str) -> None:
    config = load_config(preset)
    space = SearchSpace.of(config)
    names = [each.leaf for each in space.dimensions]
    assert {"learning_rate", "batch_size", "guided_attention_weight"} < {*names}
    assert "n_frames_per_step" not in names
    for leaf, part in PART_OF.items():
        assert (leaf in names) is getattr(config.hparams, part)
    for hparams in (HParams(), config.hparams):
        values = space.values_of(hparams)
        for name, distribution in space.distributions().items():
            assert distribution._contains(distribution.to_internal_repr(values[name])), name


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (f"{RATE}=3e-3..1e-6 log", [RATE, "'3e-3..1e-6 log'", "above its highest", "swap"]),
        (f"{RATE}=0.1..0.1", [RATE, "nothing to choose"]),
        (f"{RATE}=0..1e-3 log", [RATE, "'0' must be a number > 0 and <= 1", "train.learning_rate"]),
        ("space.weight_decay_range=0..0.1 log", ["space.weight_decay_range", "above 0, not 0"]),
        (f"{RATE}=1e-6..2 log", [RATE, "'2' must be a number > 0 and <= 1"]),
        (f"{RATE}=nan..1", [RATE, "'nan'", "must be a number"]),
        (f"{RATE}=1e-5..1e-3 log", [RATE, "must hold 5e-06", "default of train.learning_rate", "trial 0"]),
        ("train.learning_rate=0.01", [RATE, "must hold 0.01", "value of train.learning_rate", "trial 1"]),
        (f"{RATE}=fast", [RATE, "'fast'", "LOW..HIGH"]),
        (f"{RATE}=..1e-3", [RATE, "LOW..HIGH"]),
        (f"{RATE}=1e-6..3e-3 linear", [RATE, "LOW..HIGH or LOW..HIGH log"]),
        (f"{RATE}=1e-6..x", [RATE, "'x' must be a number"]),
        ("warmup_steps_range=0..1e3", ["space.warmup_steps_range", "'1e3' must be a whole number"]),
        (f"{CHOICES}=8, , 32", [CHOICES, "empty choice", "8, 16, 32"]),
        (f"{CHOICES}=,", [CHOICES, "empty choice"]),
        (f"{CHOICES}=8, 32, 8", [CHOICES, "names 8 more than once"]),
        (f"{CHOICES}=32", [CHOICES, "nothing to choose"]),
        (f"{CHOICES}=8, 16", [CHOICES, "must hold 32", "default of train.batch_size"]),
        (f"{CHOICES}=8..32", [CHOICES, "'8..32' must be a whole number >= 1"]),
        ("train.accumulation_steps=16", [CHOICES, "8 cannot be trained", "train.accumulation_steps=16"]),
        ("n_frames_per_step_choices=2, 3", ["space.n_frames_per_step_choices", "must hold 1"]),
        (
            "tuning.alignment_share=0.5",
            ["tuning.alignment_share 0.5", "tuning.val_loss_share", "= 1.1", "to 1"],
        ),
    ],
)
def test_a_bad_space_is_refused_with_its_key(override: str, words: list[str]) -> None:
    config = default_config([override])
    with pytest.raises(ConfigError) as caught:
        SearchSpace.of(config)
    assert all(word in caught.value.problems[0] for word in words), caught.value.problems
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("space.dropout_range=0..1", "space.dropout_range: unknown key"),
        ("space.learning_rates_range=0..1", "did you mean 'space.learning_rate_range'"),
        ("tuning.sampler=grid", "tuning.sampler='grid': must be one of bayesian, tpe, random"),
        ("tuning.stop_score_share=-0.2", "tuning.stop_score_share='-0.2': must be a number >= 0 and <= 1"),
        ("gate.min_gate_accuracy=60", "gate.min_gate_accuracy='60': must be a number >= 0 and <= 1"),
    ],
)
def test_what_one_key_cannot_hold_is_refused_when_it_is_read(override: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config("probe", [override])


def test_all_that_is_wrong_is_told_at_once() -> None:
    bad = [f"{RATE}=1..0", f"{CHOICES}=8,8", "warmup_steps_range=5..9", "val_loss_share=0.5"]
    with pytest.raises(ConfigError) as caught:
        SearchSpace.of(default_config(bad))
    assert [problem.partition("=")[0].partition(":")[0] for problem in caught.value.problems[:3]] == [
        RATE,
        CHOICES,
        "space.warmup_steps_range",
    ]
    assert "shares" in caught.value.problems[3] and len(caught.value.problems) == 4


def test_a_space_without_dimensions_is_refused() -> None:
    config = load_config("probe")
    empty = [
        f"{each.leaf}_{'choices' if each.choices else 'range'}=" for each in SearchSpace.of(config).dimensions
    ]
    with pytest.raises(ConfigError, match="nothing is tuned"):
        SearchSpace.of(load_config("probe", empty))
    assert len(SearchSpace.of(load_config("probe", empty[1:])).dimensions) == 1


def test_the_distributions_are_what_the_texts_say() -> None:
    made = SearchSpace.of(default_config(["n_frames_per_step_choices=1, 2, 3"])).distributions()
    assert made["learning_rate"] == distributions.FloatDistribution(1e-6, 3e-3, log=True)
    assert made["p_prenet_dropout"] == distributions.FloatDistribution(0.1, 0.7)
    assert made["guide_loss_decay_start"] == distributions.IntDistribution(0, 5000)
    assert made["guide_loss_decay_steps"] == distributions.IntDistribution(100, 50_000, log=True)
    assert made["batch_size"] == distributions.CategoricalDistribution((8, 16, 32))
    assert made["n_frames_per_step"] == distributions.CategoricalDistribution((1, 2, 3))


def test_trial_0_has_the_values_of_the_report_and_trial_1_those_of_the_preset() -> None:
    config = load_config("probe")
    space = SearchSpace.of(config)
    assert space.values_of(HParams())["learning_rate"] == 5e-6
    assert space.apply(config.hparams, space.values_of(config.hparams)) == config.hparams
    report = space.apply(config.hparams, space.values_of(HParams()))
    assert (report.learning_rate, report.batch_size) == (5e-6, 32)
    assert report.decoder_rnn_dim == config.hparams.decoder_rnn_dim  # what is not tuned is the preset's


def test_the_digest_is_that_of_what_is_searched() -> None:
    def digest(*overrides: str) -> str:
        return SearchSpace.of(load_config("probe", overrides)).digest()

    assert digest() == digest("trials=7", f"{RATE}=0.000001..0.02  log", "learning_rate=1e-3")
    assert len({digest(), digest(f"{RATE}=1e-6..1e-2 log"), digest("warmup_steps_range=")}) == 3


@pytest.mark.parametrize(
    ("batch_size", "steps", "expected"),
    [(16, 0, (300, 50, 300)), (32, 0, (150, 25, 150)), (8, 0, (600, 100, 600)), (32, 110, (55, 25, 150))],
)
def test_equal_work_for_each_batch_size(batch_size: int, steps: int, expected: tuple[int, ...]) -> None:
    config = load_config("probe")
    trial = SearchSpace.of(config).apply(config.hparams, {"batch_size": batch_size}, steps)
    assert (trial.max_steps, trial.validate_every, trial.checkpoint_every) == expected
    assert trial.log_every == config.hparams.log_every
    assert trial.max_steps * trial.batch_size == (steps or 300) * 16


@settings(deadline=None, max_examples=60)
@given(
    base=st.fixed_dictionaries(
        {
            "batch_size": st.sampled_from([8, 12, 16, 32]),
            "max_steps": st.integers(1, 5000),
            "validate_every": st.integers(4, 500),
            "learning_rate_decay_start": st.integers(0, 5000),
        }
    ),
    batch_size=st.sampled_from([8, 16, 32]),
    steps=st.integers(0, 3000),
)
def test_work_and_validations_are_those_of_the_base(
    base: dict[str, int], batch_size: int, steps: int
) -> None:
    hparams = HParams().replace(**base)
    trial = SearchSpace.of(default_config()).apply(hparams, {"batch_size": batch_size}, steps)
    wanted = steps or hparams.max_steps
    validations = -(-wanted // hparams.validate_every)
    assert -(-trial.max_steps // trial.validate_every) == validations
    rounding = (validations + 1) * batch_size  # an update for each validation at most
    assert abs(trial.max_steps * batch_size - wanted * hparams.batch_size) <= rounding
    moved = (
        trial.learning_rate_decay_start * batch_size - base["learning_rate_decay_start"] * hparams.batch_size
    )
    assert abs(moved) <= batch_size / 2


def test_a_proposal_that_cannot_be_trained_is_refused() -> None:
    config = load_config("probe")
    space = SearchSpace.of(config)
    for params in ({"learning_rate": 2.0}, {"learning_rat": 1e-3}, {"batch_size": 8.0}):
        with pytest.raises(HParamsError, match=next(iter(params))):
            space.apply(config.hparams, params)


@settings(deadline=None, max_examples=30)
@given(st.data())
def test_any_proposal_passes_the_schema_and_is_in_what_trains(data: st.DataObject) -> None:
    config = load_config(data.draw(st.sampled_from(preset_names())))
    space = SearchSpace.of(config)
    params: dict[str, Any] = {}
    for each in space.dimensions:
        if each.kind == "choice":
            params[each.leaf] = data.draw(st.sampled_from(each.choices))
        elif each.kind == "int":
            params[each.leaf] = data.draw(st.integers(int(each.low), int(each.high)))
        else:
            params[each.leaf] = data.draw(st.floats(each.low, each.high))
    assert space.values_of(space.apply(config.hparams, params)) == params


def test_the_space_survives_the_way_through_a_file(tmp_path: Path) -> None:
    config = load_config("probe")
    (tmp_path / "run.yaml").write_text(config.to_yaml(), encoding="utf-8")
    read = Config.from_yaml(tmp_path / "run.yaml")
    assert SearchSpace.of(read) == SearchSpace.of(config)


def test_reading_and_checking_a_space_needs_no_optuna() -> None:
    script = (
        "import json, sys\n"
        "from smart_tuner.config import load_config\n"
        "from smart_tuner import objective\nfrom smart_tuner.tuning import search_space\n"
        "search_space.SearchSpace.of(load_config('probe'))\n"
        "print(json.dumps([name for name in ('optuna', 'numpy', 'torch') if name in sys.modules]))"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=path, capture_output=True, text=True, check=True
    )
    assert json.loads(printed.stdout) == []
