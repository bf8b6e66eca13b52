"""The configuration of a run on recordings of one's own: chosen once, kept while the run is unfinished."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner import own_recordings
from smart_tuner.config import Config, ConfigError, load_config
from smart_tuner.messages import Language
from smart_tuner.own_recordings import Survey, SurveyError, job_config
from smart_tuner.progress import Output, Verbosity
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import claim, create, list_runs
from tests.tacotron2.data.recordings import ljspeech, tone

GIB = 2**30
SOURCE = Path(__file__).parents[2] / "src"


class Surveyor:
    """Stands for the child: says what it is told to, and counts."""

    def __init__(self) -> None:
        self.found = Survey(100, 100, 1.0, 22050, "cuda", 24 * GIB)
        self.calls: list[str] = []

    def __call__(self, folder: Path, config: Config, home: Path, device: str, language: Language) -> Survey:
        self.calls.append(device)
        return self.found


@pytest.fixture
def surveyor(monkeypatch: pytest.MonkeyPatch) -> Surveyor:
    fake = Surveyor()
    monkeypatch.setattr(own_recordings, "survey", fake)
    return fake


def chosen(
    root: Path, preset: str = "choose", new: bool = False, overrides: tuple[str, ...] = ()
) -> tuple[Config, str]:
    """The configuration for `root/mine`, and what a person is told who wants results alone."""
    stream = io.StringIO()
    output = Output(stream, Verbosity.QUIET, Language.EN)
    config = job_config(preset, str(root / "mine"), overrides, root / "runs", "auto", new, output)
    return config, stream.getvalue()


def test_the_choice_is_told_with_its_reason_also_to_those_who_want_results_alone(
    tmp_path: Path, surveyor: Surveyor
) -> None:
    config, said = chosen(tmp_path, overrides=("train.seed=5",))
    assert (config.preset, config.data_folder, config.hparams.seed) == ("small", tmp_path / "mine", 5)
    assert said.startswith("Preset small: 1.0 hours of speech on a GPU of 24.0 GiB")
    surveyor.found = Survey(9_000, 9_001, 20.0, 22050, "cuda", 24 * GIB)
    config, said = chosen(tmp_path)
    assert config.preset == "ljspeech" and said.startswith("Preset ljspeech: 20.0 hours")


def test_a_named_preset_is_taken_without_a_look_and_the_demo_without_recordings(
    tmp_path: Path, surveyor: Surveyor
) -> None:
    for preset in ("demo", "debug"):
        assert chosen(tmp_path, preset)[0].hparams == load_config(preset).hparams
    quiet = Output(io.StringIO(), Verbosity.QUIET, Language.EN)
    assert job_config("choose", None, [], tmp_path, "auto", False, quiet) == load_config("demo")
    assert surveyor.calls == []
    named = job_config("choose", None, [f"data_folder={tmp_path}"], tmp_path, "cpu", False, quiet)
    assert (named.preset, named.data_folder, surveyor.calls) == ("small", tmp_path, ["cpu"])


def test_an_unfinished_run_keeps_its_preset_when_the_folder_grows(tmp_path: Path, surveyor: Surveyor) -> None:
    begun, _ = chosen(tmp_path)
    run = create(tmp_path / "runs", begun)
    surveyor.found, surveyor.calls = Survey(9_000, 9_000, 20.0, 22050, "cuda", 24 * GIB), []
    config, said = chosen(tmp_path)
    assert (config, surveyor.calls) == (begun, [])
    assert f"Preset small: the unfinished run {run.name} has it" in said
    claimed = claim(tmp_path / "runs", config, new=False)
    claimed.lock.release()
    assert claimed.resumed and claimed.run.name == run.name
    assert chosen(tmp_path, new=True)[0].preset == "ljspeech"
    assert chosen(tmp_path, overrides=("seed=6",))[0].preset == "ljspeech", "another configuration"
    Outcome(ExitCause.COMPLETED).write(run.outcome_file)
    assert chosen(tmp_path)[0].preset == "ljspeech"


def test_the_length_is_recommended_told_and_kept_by_an_unfinished_run(
    tmp_path: Path, surveyor: Surveyor
) -> None:
    surveyor.found = Survey(1_230, 1_300, 1.7, 22050, "cpu", 0, letter_pairs=660, speakers=1)
    config, said = chosen(tmp_path)
    train, preset = config.hparams.train, load_config("small").hparams.train
    assert config.advised_length and 2_000 < train.max_steps < preset.max_steps
    assert train.max_steps % train.validate_every == 0
    assert train.learning_rate_decay_start == preset.learning_rate_decay_start
    assert f"Length of the training: {train.max_steps:,} steps" in said and "5% of the recordings" in said
    run = create(tmp_path / "runs", config)
    assert run.config() == config, "run.yaml keeps it"
    surveyor.found = Survey(3_000, 3_000, 4.0, 22050, "cpu", 0)
    again, said = chosen(tmp_path)
    assert again == config and again.digest() == config.digest() and "Length" not in said
    assert chosen(tmp_path, new=True)[0].hparams.train.max_steps > train.max_steps


@pytest.mark.parametrize(
    "typed", ["max_steps=700", "train.max_steps=700", "train.max_train_minutes=30", "max_train_minutes=30"]
)
def test_the_users_own_length_wins(tmp_path: Path, surveyor: Surveyor, typed: str) -> None:
    config, said = chosen(tmp_path, overrides=(typed,))
    expected = load_config("small", (typed,))
    assert config.hparams == expected.hparams and not config.advised_length and "Length" not in said
    create(tmp_path / "runs", config)
    assert chosen(tmp_path, overrides=(typed,))[0] == config


def test_a_run_of_the_presets_length_is_gone_on_with(tmp_path: Path, surveyor: Surveyor) -> None:
    """As one that was begun before lengths were recommended."""
    begun = replace(load_config("small"), data_folder=tmp_path / "mine")
    create(tmp_path / "runs", begun)
    assert chosen(tmp_path)[0] == begun and surveyor.calls == []


def test_a_short_training_lets_the_rate_fall_from_its_middle(tmp_path: Path, surveyor: Surveyor) -> None:
    surveyor.found = Survey(32, 32, 0.06, 22050, "cpu", 0)
    train = chosen(tmp_path)[0].hparams.train
    assert train.learning_rate_decay_start == train.max_steps // 2


def test_an_old_unfinished_run_does_not_count_once_a_newer_one_succeeded(
    tmp_path: Path, surveyor: Surveyor
) -> None:
    create(tmp_path / "runs", chosen(tmp_path)[0])
    surveyor.found = Survey(9_000, 9_000, 20.0, 22050, "cuda", 24 * GIB)
    newer = create(tmp_path / "runs", chosen(tmp_path, new=True)[0])
    first, second = list_runs(tmp_path / "runs")
    later = newer.path.with_name("99991231-235959-ljspeech")
    newer.path.rename(later)
    Outcome(ExitCause.COMPLETED).write(later / "outcome.json")
    assert {first.name, second.name} and chosen(tmp_path)[0].preset == "ljspeech"


def test_a_disk_too_small_for_the_features_is_told(
    tmp_path: Path, surveyor: Surveyor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_recordings, "free_disk", lambda folder: 2 * GIB)
    assert "warning" not in chosen(tmp_path)[1]
    surveyor.found = Survey(9_000, 9_000, 20.0, 22050, "cuda", 24 * GIB)
    assert "warning: the features of these recordings take about 1.8 GiB" in chosen(tmp_path)[1]


def test_a_wrong_override_is_told_before_anything_is_looked_at(tmp_path: Path, surveyor: Surveyor) -> None:
    with pytest.raises(ConfigError, match="learning_rat: unknown key"):
        chosen(tmp_path, overrides=("learning_rat=1",))
    assert surveyor.calls == []


@pytest.mark.slow
def test_the_real_child_measures_and_says_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    folder, home, config = ljspeech(tmp_path / "mine", 10), tmp_path / "data", load_config("ljspeech")
    tone(folder / "wavs" / "c003.wav", seconds=30.0)
    found = own_recordings.survey(folder, config, home, "cpu", Language.EN)
    assert (found.clips, found.named, found.sampling_rate) == (9, 10, 16_000)
    assert found.hours == pytest.approx(9 * 1.2 / 3600)
    assert (found.device, found.device_memory_bytes) == ("cpu", 0)
    with pytest.raises(SurveyError, match="nothing was started") as caught:
        own_recordings.survey(tmp_path / "nowhere", config, home, "cpu", Language.EN)
    assert caught.value.status == ExitCause.DATA_ERROR.code
    assert "nowhere: no folder of recordings" in capfd.readouterr().err
