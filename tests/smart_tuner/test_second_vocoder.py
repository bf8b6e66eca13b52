"""The vocoder that speaks beside Griffin-Lim: its setting, its check before a training, and what is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smart_tuner.config import load_config
from smart_tuner.messages import Language, render
from smart_tuner.readiness.tick import Status
from smart_tuner.readiness.vocoders import check_vocoder
from smart_tuner.run_folder import RunFolder
from smart_tuner.run_report import write_run_report
from smart_tuner.second_vocoder import told_of_vocoder, vocoder_option
from tacotron2.vocoders.hifigan import HifiGanConfig
from tacotron2.vocoders.hifigan.files import write_hifigan
from tests.smart_tuner.readiness.scenes import scene
from tests.smart_tuner.reports.recorded_run import speak, whole_run
from tests.tiny_hifigan import WIDE, loud_generator

FITTING = HifiGanConfig(
    resblock="2",
    upsample_rates=(16, 16),
    upsample_kernel_sizes=(32, 32),
    upsample_initial_channel=8,
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1,),),
    batch_size=1,
    segment_size=2048,
    discriminator_divisor=16,
)


def test_its_file_counts_from_where_the_setting_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    settings = tmp_path / "there" / "mine.yaml"
    settings.write_text("vocoder:\n  vocoder: hifigan:voices/g_1\n")
    monkeypatch.chdir(tmp_path)
    assert load_config(str(settings)).vocoder.vocoder == f"hifigan:{tmp_path / 'there' / 'voices' / 'g_1'}"
    typed = load_config("debug", ["vocoder.vocoder=hifigan:voices/g_1"])
    assert typed.vocoder.vocoder == f"hifigan:{tmp_path / 'voices' / 'g_1'}"
    assert vocoder_option(typed.vocoder) == [f"--vocoder=hifigan:{tmp_path / 'voices' / 'g_1'}"]
    home = load_config("debug", ["vocoder.vocoder=hifigan:~/g_1"]).vocoder.vocoder
    assert home == f"hifigan:{os.path.expanduser('~')}/g_1"
    other = load_config("debug", ["vocoder.vocoder=package:make"])
    assert other.vocoder.vocoder == "package:make"
    assert vocoder_option(load_config("debug").vocoder) == []
    assert other.digest() == typed.digest() == load_config("debug").digest()


def test_it_is_tried_before_the_training(tmp_path: Path) -> None:
    assert check_vocoder(scene(tmp_path)) == []
    write_hifigan(tmp_path / "fits", loud_generator(FITTING), FITTING, 5)
    (tick,) = check_vocoder(scene(tmp_path, f"vocoder.vocoder=hifigan:{tmp_path / 'fits'}"))
    assert (tick.status, tick.detail) == (Status.PASSED, "HiFi-GAN (g_00000005)")


def test_one_that_cannot_be_used_turns_its_tick_alone(tmp_path: Path) -> None:
    write_hifigan(tmp_path / "foreign", loud_generator(WIDE), WIDE, 5)
    (tick,) = check_vocoder(scene(tmp_path, f"vocoder.vocoder=hifigan:{tmp_path / 'foreign'}"))
    detail = render(tick.detail, Language.EN)
    assert (tick.name, tick.status) == ("vocoder", Status.FAILED)
    assert "hop_size 16 there, audio.hop_length 256 here" in detail and "sampling_rate 8000" in detail
    assert tick.remedy is not None and "vocoder.vocoder" in render(tick.remedy, Language.EN)


def spoken_twice(root: Path, failure: str | None = None) -> Path:
    """A run whose one test sentence was spoken by another vocoder too."""
    run = whole_run(root)
    content = json.loads(run.examination_file.read_text(encoding="utf-8"))
    (run.samples_folder / "hifigan").mkdir()
    speak(run.samples_folder / "hifigan" / "test-1.wav")
    content["sentences"][0]["figures"]["reanalysis_error"] = 0.62
    content["sentences"][0]["vocoder"] = {"wav": "samples/hifigan/test-1.wav", "reanalysis_error": 0.21}
    content["vocoder"] = {"name": "HiFi-GAN (g_00000005)", "failure": failure, "figures": {}}
    run.examination_file.write_text(json.dumps(content), encoding="utf-8")
    return run.path


@pytest.mark.parametrize("language", list(Language))
def test_the_report_plays_both(tmp_path: Path, language: Language) -> None:
    run = RunFolder(spoken_twice(tmp_path))
    page = write_run_report(run, language).read_text(encoding="utf-8")
    assert page.count("HiFi-GAN (g_00000005)") >= 2 and "Griffin-Lim" in page
    comma = "," if language is Language.RU else "."
    assert f"0{comma}62" in page and f"0{comma}21" in page
    spoke, failed = told_of_vocoder(run)
    assert failed is None and spoke is not None
    assert "HiFi-GAN (g_00000005)" in render(spoke, language) and "samples" in render(spoke, language)


def test_a_failure_is_told_beside_what_is_there(tmp_path: Path) -> None:
    run = RunFolder(spoken_twice(tmp_path, "test-2: no memory"))
    spoke, failed = told_of_vocoder(run)
    assert spoke is not None and failed is not None
    words = render(failed, Language.EN)
    assert "did not speak the test sentences: test-2: no memory" in words
    assert "test-2: no memory" in write_run_report(run, Language.EN).read_text(encoding="utf-8")
    plain = whole_run(tmp_path / "another")
    assert told_of_vocoder(plain) == (None, None)
    assert "HiFi-GAN" not in write_run_report(plain, Language.EN).read_text(encoding="utf-8")
