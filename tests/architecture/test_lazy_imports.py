"""What importing costs: `--help` loads nothing heavy, the model needs torch alone."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "pydantic", "mlflow", "optuna", "scipy", "rich")

HELP = """
import sys
from smart_tuner.cli import main
sys.argv = ["smart-tuner", "--help"]
try:
    main()
finally:
    print("LOADED", *sorted(name for name in sys.modules if "." not in name))
"""

# Hides the modules named on the command line, as if they were not installed.
HIDE = """
import sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        hidden = name.partition(".")[0] in sys.argv[1:]
        return None if hidden else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
"""

BUILD_AND_STEP = """
import types
import torch
from tacotron2.hparams import create_hparams
from tacotron2.losses import Tacotron2Loss
from tacotron2.models import Tacotron2

hparams = create_hparams(
    "symbols_embedding_dim=16,encoder_embedding_dim=16,attention_rnn_dim=16,decoder_rnn_dim=16,"
    "prenet_dim=8,attention_dim=8,postnet_embedding_dim=16,n_frames_per_step=2"
)
model = Tacotron2(hparams)
text, text_lengths = torch.randint(1, 60, (2, 7)), torch.tensor([7, 5])
mel, mel_lengths = torch.randn(2, 12, hparams.n_mel_channels), torch.tensor([12, 8])
gate = torch.zeros(2, 6)
gate[0, 5:] = gate[1, 3:] = 1.0
batch = types.SimpleNamespace(
    text=text, text_lengths=text_lengths, mel=mel, mel_lengths=mel_lengths, gate=gate
)
output = model(text, text_lengths, mel, mel_lengths)
losses = Tacotron2Loss(hparams)(output, batch, 1.0)
losses.total.backward()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
before = model.embedding.weight.detach().clone()
optimizer.step()
assert not torch.equal(before, model.embedding.weight)
print("TRAINED")
"""


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def modules_without_torch() -> set[str]:
    """Top-level modules installed here that installing torch alone would not have brought."""
    packages: set[str] = set()
    queue = ["torch"]
    while queue:
        package = canonicalize_name(queue.pop())
        if package not in packages:
            packages.add(package)
            for requirement in map(Requirement, importlib.metadata.requires(package) or []):
                if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                    queue.append(requirement.name)
    owners = importlib.metadata.packages_distributions()
    others = {
        module for module, names in owners.items() if packages.isdisjoint(map(canonicalize_name, names))
    }
    return (others | {"smart_tuner"}) - {"tacotron2", "torch"}


def test_help_imports_nothing_heavy() -> None:
    done = run_python(HELP)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    loaded = done.stdout.split("LOADED", 1)[1].split()
    assert "smart_tuner" in loaded
    assert set(loaded).isdisjoint(HEAVY)


@pytest.mark.parametrize("package", ["tacotron2", "smart_tuner"])
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    done = run_python(f"import sys, {package}; dir({package}); print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert package in loaded
    assert loaded.isdisjoint({*HEAVY, "numpy", "yaml"})


@pytest.mark.parametrize("package", ["tacotron2", "smart_tuner"])
def test_every_public_name_is_there(package: str) -> None:
    code = (
        f"import {package}; "
        f"missing = [name for name in {package}.__all__ if not hasattr({package}, name)]; "
        f"assert {package}.__all__ and not missing, missing"
    )
    done = run_python(code)
    assert done.returncode == 0, done.stderr


def test_the_model_trains_with_torch_alone() -> None:
    hidden = modules_without_torch()
    assert {"numpy", "pydantic", "yaml", "lightning_fabric"} <= hidden
    done = run_python(HIDE + BUILD_AND_STEP, *sorted(hidden))
    assert done.returncode == 0, done.stderr
    assert "TRAINED" in done.stdout


def test_hidden_modules_are_missing() -> None:
    done = run_python(HIDE + "import numpy", "numpy")
    assert done.returncode != 0
    assert "No module named 'numpy'" in done.stderr
