"""The commands `vocoder train` and `vocoder finetune`, as a person starts, stops and mistypes them."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.tiny_hifigan import WIDE

ROOT = Path(__file__).resolve().parents[2]
CONFIG = dataclasses.replace(WIDE, upsample_initial_channel=8, segment_size=256)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    generator, lines = np.random.default_rng(0), []
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", generator.normal(0.0, 0.1, 3000), 8000)
        lines.append(f"{number}.wav|noise\n")
    (folder / "list.txt").write_text("".join(lines))
    (folder / "config.json").write_bytes(CONFIG.to_json())
    return folder


def start(*arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "smart_tuner.cli", "vocoder", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def steps_kept(folder: Path) -> list[int]:
    return sorted(int(path.name[2:]) for path in folder.glob("g_*"))


@pytest.mark.slow
def test_what_was_stopped_or_killed_goes_on(recordings: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    how = [f"--data={recordings}", f"--output={folder}", f"--runs-folder={tmp_path / 'runs'}", "--device=cpu"]
    settings = f"--config={recordings / 'config.json'}"

    command = start("train", *how, settings, "--steps=100000", "--save-every=2", "--log-every=1")
    assert command.stdout is not None
    for line in command.stdout:
        if line.startswith("saved"):
            break
    os.killpg(command.pid, signal.SIGKILL)
    command.communicate()
    kept = max(steps_kept(folder))
    torch.load(folder / f"do_{kept:08d}", weights_only=True)  # whole

    command = start("train", *how, "--steps=100000", "--save-every=100000", "--log-every=1")
    assert command.stdout is not None
    told = []
    for line in command.stdout:
        told.append(line)
        if line.startswith("step"):
            break
    command.send_signal(signal.SIGTERM)  # the command alone: it has to tell its child
    rest, errors = command.communicate()
    assert f"goes on from step {kept} in {folder}\n" in told, told
    assert command.returncode == 128 + signal.SIGTERM, errors
    assert max(steps_kept(folder)) > kept and "Stopped at step" in rest

    finished = start(
        "finetune", f"--from={folder}", *how[:1], f"--output={tmp_path / 'new'}", *how[2:], "--steps=1"
    )
    output, errors = finished.communicate()
    assert finished.returncode == 0, errors
    assert output.endswith(f"Done: {tmp_path / 'new'}\n") and steps_kept(tmp_path / "new") == [1]


@pytest.mark.slow
def test_mistakes_are_told(recordings: Path, tmp_path: Path) -> None:
    runs, output = f"--runs-folder={tmp_path / 'runs'}", f"--output={tmp_path / 'out'}"
    mistakes: list[tuple[list[object], int, str]] = [
        (["train", f"--data={tmp_path / 'nowhere'}"], 30, "nowhere: no folder of recordings"),
        (["finetune", f"--data={recordings}", f"--from={tmp_path}"], 30, "g_STEP, found none"),
        (["train", "--data= "], 2, "--data"),
    ]
    started = [start(*arguments, runs, output) for arguments, _, _ in mistakes]
    for command, (_, status, said) in zip(started, mistakes, strict=True):
        _, errors = command.communicate()
        assert command.returncode == status, errors
        assert said in errors and "Traceback" not in errors
