"""`smart-tuner incident`: the list, and a replay in a real child."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from smart_tuner.config import load_config
from smart_tuner.records import EventWriter
from smart_tuner.run_folder import RunFolder, create
from tacotron2.data.dataset import Batch
from tacotron2.events import IncidentEvent, ValidationEvent
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.training.incident_folder import Evidence, write_incident
from tacotron2.training.readings import Made
from tacotron2.training.state import rng_state

DEBUG = load_config("debug")
TERMS = ["total", "mel_before", "mel_after", "reference"]


def call(folder: Path, *arguments: str) -> tuple[int, str, str]:
    answer = subprocess.run(
        [sys.executable, "-m", "smart_tuner.cli", "incident", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return create(tmp_path / "runs", DEBUG)


def keep(run: RunFolder, step: int, value: float) -> IncidentEvent:
    """An incident whose batch holds this value."""
    hparams: HParams = DEBUG.hparams
    torch.manual_seed(1)
    r, lengths = hparams.model.n_frames_per_step, torch.tensor([6, 4])
    mel = torch.randn(2, 6, hparams.audio.n_mel_channels)
    mel[1, 2, 3] = value
    gate = (torch.arange(6 // r) >= (lengths[:, None] + r - 1) // r - 1).float()
    text = torch.randint(1, 60, (2, 5))
    batch = Batch(text, torch.tensor([5, 5]), mel, lengths, gate, ("good", "bad"))
    details = {"terms": TERMS, "layers": ["embedding.weight"], "culprits": ["bad"]}
    incident = IncidentEvent(step, "non_finite_update", details, f"incidents/{step:07d}")
    made = Made(batch, r, 2, 1e-3, 1.0)
    write_incident(run.path, incident, Evidence(hparams, Tacotron2(hparams).state_dict(), made, rng_state()))
    return incident


def test_the_list_names_kind_subject_and_what_can_be_replayed(run: RunFolder) -> None:
    folder = run.root.parent
    assert call(folder, "list", run.name)[:2] == (0, f"no incidents in {run.name}\n")
    with EventWriter(run.events_file) as writer:
        writer.write(keep(run, 37, math.nan))
        writer.write(ValidationEvent(50, {}, {}, 1.0))
        writer.write(
            IncidentEvent(51, "non_finite_update", {"terms": [], "culprits": []}, "incidents/0000051")
        )
        writer.write(IncidentEvent(60, "exploding_norm", {"norm": 512.25, "reference": 1.0}))
        writer.write(IncidentEvent(70, "poisoned_clip", {"utterance": "bad", "steps": [37, 70]}))
        writer.write(IncidentEvent(80, "attention_collapse", {"attention_alignment": 0.1, "best": 0.7}))
    status, said, _ = call(folder, "list", run.name)
    assert status == 0
    assert [line.split() for line in said.splitlines()] == [
        ["step", "incident", "of", "replay"],
        ["37", "non_finite_update", "bad", "yes"],
        ["51", "non_finite_update", "-", "no"],
        ["60", "exploding_norm", "norm", "512", "no"],
        ["70", "poisoned_clip", "bad", "no"],
        ["80", "attention_collapse", "attention_alignment", "0.1", "no"],
    ]
    assert "происшествие" in call(folder, "list", run.name, "--messages", "ru")[1]


def test_a_replay_reaches_the_same_terms_or_says_that_it_does_not(run: RunFolder) -> None:
    folder = run.root.parent
    keep(run, 37, math.inf)
    status, said, complaint = call(folder, "replay", run.name, "37")
    assert (status, complaint) == (0, "")
    assert "recorded as not finite: total, mel_before, mel_after, reference" in said
    assert "now not finite: total, mel_before, mel_after" in said and "not finite again" in said
    keep(run, 38, 0.5)
    status, said, _ = call(folder, "replay", run.name, "38")
    assert status == 1
    assert "now not finite: nothing" in said and "did not come again" in said


def test_mistakes(run: RunFolder) -> None:
    folder = run.root.parent
    status, said, complaint = call(folder, "replay", run.name, "5")
    assert (status, said) == (2, "") and "nothing is kept to replay step 5" in complaint
    assert call(folder, "list", "x")[0] == call(folder, "replay", "x", "5")[0] == 2
    keep(run, 37, math.nan)
    weights = run.incident_folder(37) / "replay.ckpt"
    weights.write_bytes(weights.read_bytes()[:-1])
    status, said, complaint = call(folder, "replay", run.name, "37")
    assert (status, said) == (30, "") and "damaged" in complaint and "Traceback" not in complaint
    (run.incident_folder(37) / "incident.json").write_text("{")
    status, _, complaint = call(folder, "replay", run.name, "37")
    assert status == 30 and "incident.json" in complaint and "Traceback" not in complaint
