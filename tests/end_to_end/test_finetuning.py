"""The whole command: from a base to a voice, by way of a crash, and what is left of the base in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from smart_tuner.config import load_config
from smart_tuner.records import read_events
from smart_tuner.run_folder import list_runs
from tacotron2.checkpoint import load_model, save_checkpoint
from tacotron2.events import StartedEvent
from tacotron2.models import Tacotron2
from tacotron2.training.freezing import part_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("train.freeze=embedding,encoder,attention,decoder", "supervisor.backoff_s=0.1")


def smart_tuner(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smart_tuner.cli", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_training_that_crashes_begins_again_with_the_base_and_not_with_random_weights(
    tmp_path: Path,
) -> None:
    torch.manual_seed(5)
    base = Tacotron2(load_config("debug").hparams.replace(encoder_embedding_dim=18))
    base.set_mel_statistics(torch.full((80,), -5.0), torch.full((80,), 2.0))
    weights = tmp_path / "base" / "best-0000001.ckpt"
    weights.parent.mkdir()
    content = {"hparams": base.hparams.to_dict(), "model": base.state_dict()}
    save_checkpoint(weights, content, {"role": "best", "step": 1, "quality": 0.5})
    runs = tmp_path / "runs"
    done = smart_tuner(
        *("finetune", f"--from={weights}", "--preset=debug", f"--runs-folder={runs}", "--no-services"),
        *("--device=cpu", "--inject=exit@2", *(f"--set={text}" for text in SETTINGS)),
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "sizes come from the base, not from the preset: model.encoder_embedding_dim=16" in done.stdout
    assert f"begins with {weights} (a checkpoint, r = 3" in done.stdout
    (run,) = list_runs(runs)
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    begun = [event.resumed_from_step for event in events if isinstance(event, StartedEvent)]
    assert begun == [None, None]
    voice, learned = load_model(run.best_checkpoint()).state_dict(), set[str | None]()
    for name, value in base.state_dict().items():
        if not torch.equal(voice[name], value):
            learned.add(part_of(name))
    assert learned == {"postnet", None}, "the mel statistics are the recordings'"
    told = json.loads(run.base_file.with_name("base.ckpt.json").read_text())
    assert run.config().base.base_sha256 == told["content"]
    card = smart_tuner("replay", run.name, f"--runs-folder={runs}")
    assert "Fine-tuned from best-0000001.ckpt" in card.stdout
    assert "Fine-tuned from best-0000001.ckpt" in run.report_file.read_text(encoding="utf-8")
