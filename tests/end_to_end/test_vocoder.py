"""A training that speaks by two vocoders; its spectrograms exported, one of the two fine-tuned on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from smart_tuner.run_folder import list_runs
from tacotron2.vocoders.hifigan.files import write_hifigan
from tests.smart_tuner.test_second_vocoder import FITTING
from tests.tiny_hifigan import loud_generator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]


def smart_tuner(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smart_tuner.cli", *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_from_a_training_to_a_vocoder_of_its_own(tmp_path: Path) -> None:
    base, runs = tmp_path / "base", f"--runs-folder={tmp_path / 'runs'}"
    write_hifigan(base, loud_generator(FITTING), FITTING, 5)
    done = smart_tuner(
        "train",
        "--preset=debug",
        "--no-services",
        "--device=cpu",
        runs,
        f"--set=vocoder.vocoder=hifigan:{base}",
    )
    assert done.returncode == 0, done.stderr + done.stdout
    (run,) = list_runs(tmp_path / "runs")
    examined = json.loads(run.examination_file.read_text(encoding="utf-8"))
    assert examined["vocoder"]["name"] == "HiFi-GAN (g_00000005)" and examined["vocoder"]["failure"] is None
    assert f"by HiFi-GAN (g_00000005) too, in {run.samples_folder / 'hifigan'}" in done.stdout
    for sentence in examined["sentences"]:
        first, second = (soundfile.info(run.path / each["wav"]) for each in (sentence, sentence["vocoder"]))
        assert second.frames - first.frames == 256 and second.samplerate == first.samplerate
        assert sentence["vocoder"]["reanalysis_error"] > 0.0
    page = run.report_file.read_text(encoding="utf-8")
    assert page.count("<audio") >= 2 * len(examined["sentences"]) and "HiFi-GAN (g_00000005)" in page

    mels = tmp_path / "mels"
    exported = smart_tuner("export", "gta-mels", run.name, f"--output={mels}", "--device=cpu", runs)
    assert exported.returncode == 0, exported.stderr
    named = len((mels / "training.txt").read_text(encoding="utf-8").splitlines())
    assert f"{mels}: {named} clip" in exported.stdout and named > 0
    wav = smart_tuner("export", "gta-mels", run.name, f"--output={ROOT / 'src'}", "--device=cpu", runs)
    assert wav.returncode == 30 and "exists already and is not empty" in wav.stderr

    recordings = next((tmp_path / "runs").rglob("metadata*")).parent
    tuned = smart_tuner(
        *("vocoder", "finetune", f"--from={base}", f"--data={recordings}", f"--mels={mels}", "--steps=2"),
        *(f"--output={tmp_path / 'tuned'}", "--device=cpu", runs),
    )
    assert tuned.returncode == 0, tuned.stderr
    speech = tmp_path / "said.wav"
    said = smart_tuner(
        *("synthesize", f"--run={run.name}", "Good evening.", f"--output={speech}", runs),
        f"--vocoder=hifigan:{tmp_path / 'tuned'}",
    )
    assert said.returncode == 0, said.stderr
    assert soundfile.info(speech).frames % 256 == 0
    refused = smart_tuner(
        "synthesize", f"--run={run.name}", "No.", f"--output={tmp_path / 'no.wav'}", runs, "--vocoder=wavenet"
    )
    assert refused.returncode == 30 and "'wavenet': no such vocoder" in refused.stderr
    assert not (tmp_path / "no.wav").exists()
