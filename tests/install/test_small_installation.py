"""A voice speaks where only the base dependencies of pyproject.toml are, as on the full installation."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tacotron2.checkpoint import save_checkpoint
from tacotron2.hparams import create_hparams
from tacotron2.models import Tacotron2
from tacotron2.voice import About, write_voice
from tacotron2.voice_card import Card

ROOT = Path(__file__).resolve().parents[2]
SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,"
    "symbols_embedding_dim=8,encoder_embedding_dim=8,prenet_dim=16,attention_rnn_dim=8,attention_dim=4,"
    "decoder_rnn_dim=8,postnet_embedding_dim=8,max_decoder_seconds=0.5,gate_threshold=0.99"
)
TEXT = "Dr. Gray came at 7:30, for $5."


def closure(requirements: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """Everything that the requirements need, directly or not, of what is installed here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    queue = list(map(Requirement, requirements))
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and name not in found:
            found[name] = importlib.metadata.distribution(name)
            queue += map(Requirement, found[name].requires or [])
    return found


@pytest.fixture(scope="module")
def small_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the base dependencies alone, linked from this one."""
    folder = tmp_path_factory.mktemp("small") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for distribution in closure(project["project"]["dependencies"]).values():
        tops = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
        for top in tops:
            link = packages / top
            if not link.exists():  # a namespace of several distributions is linked once
                link.symlink_to(distribution.locate_file(top))
    (packages / "smart_tuner.pth").write_text(f"{ROOT / 'src'}\n", encoding="utf-8")
    return folder / "bin" / "python"


def call(python: Path | str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if python == sys.executable:
        environment["PYTHONPATH"] = str(ROOT / "src")
    return subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = Tacotron2(create_hparams(SMALL))
    path = tmp_path / "best-0000001.ckpt"
    save_checkpoint(path, {"hparams": model.hparams.to_dict(), "model": model.state_dict()}, {"step": 1})
    return path


def test_nothing_of_the_training_stack_is_there(small_python: Path, tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    base = set(closure(project["project"]["dependencies"]))
    for requirement in map(Requirement, project["project"]["optional-dependencies"]["train"]):
        name = canonicalize_name(requirement.name)
        if name not in base:  # typer brings pydantic and rich, torch brings filelock
            code = f"import importlib.metadata as m; m.version({name!r})"
            assert "PackageNotFoundError" in call(small_python, tmp_path, "-c", code).stderr, name
    for module in ("mlflow", "tensorboard", "lightning_fabric", "matplotlib", "yaml", "espeakng_loader"):
        assert "ModuleNotFoundError" in call(small_python, tmp_path, "-c", f"import {module}").stderr


def test_a_voice_speaks_the_same_on_a_small_installation(
    small_python: Path, checkpoint: Path, tmp_path: Path
) -> None:
    write_voice(tmp_path / "v.voice.zip", checkpoint, About(Card("v", "en", "chirps", "2026-01-01")))
    speak = ("-m", "tacotron2.cli", "synthesize", f"--text={TEXT}")
    full = call(sys.executable, tmp_path, *speak, f"--checkpoint={checkpoint}", "--output=full.wav")
    small = call(small_python, tmp_path, *speak, "--voice=v.voice.zip", "--output=small.wav")
    command = ("-m", "smart_tuner.cli", "synthesize", TEXT, "--voice=v.voice.zip", "--output=command.wav")
    through = call(small_python, tmp_path, *command)
    for done in (full, small, through):
        assert done.returncode == 0 and not done.stderr, done.stderr
    spoken = (tmp_path / "full.wav").read_bytes()
    assert len(spoken) > 5000
    assert (tmp_path / "small.wav").read_bytes() == spoken
    assert (tmp_path / "command.wav").read_bytes() == spoken


@pytest.mark.parametrize(
    "arguments", [["--no-services"], ["synthesize", "--run=x", "Hello."], ["bundle", "x"], ["runs", "list"]]
)
def test_what_needs_more_says_so(small_python: Path, tmp_path: Path, arguments: list[str]) -> None:
    done = call(small_python, tmp_path, "-m", "smart_tuner.cli", *arguments)
    assert done.returncode == 2
    assert "is not installed: this installation can only speak" in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.iterdir())
