"""The vocoder that speaks the test sentences beside Griffin-Lim: its setting, whether it opens, its words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_tuner.messages import Message, VocoderPhrase
from tacotron2.hparams import param

if TYPE_CHECKING:
    from smart_tuner.config import Config
    from smart_tuner.run_folder import RunFolder

NONE = "griffin-lim"
FILE_KIND = "hifigan:"
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class VocoderSettings:
    """What speaks the test sentences at the end, beside Griffin-Lim, which always does."""

    vocoder: str = param(
        NONE, "griffin-lim (no other), hifigan:PATH, or module:function of an installed package"
    )


@dataclass(frozen=True)
class Tried:
    """What came of opening a vocoder: its name as it calls itself, or why it cannot be used."""

    name: str | None
    problem: str = ""


def absolute_vocoder(values: dict[str, dict[str, Any]], base: Path) -> None:
    """A file of the setting counts from `base`: the same command means the same file from everywhere."""
    name = values.get("vocoder", {}).get("vocoder")
    if isinstance(name, str) and name.startswith(FILE_KIND) and len(name) > len(FILE_KIND):
        file = os.path.abspath(base / os.path.expanduser(name.removeprefix(FILE_KIND)))
        values["vocoder"]["vocoder"] = FILE_KIND + file


def try_vocoder(config: Config, environ: Mapping[str, str]) -> Tried:
    """Opens the vocoder of the setting in a child, which needs torch, for the spectrograms of the setting."""
    with tempfile.TemporaryDirectory() as temporary:
        settings = Path(temporary) / "run.yaml"
        settings.write_text(config.to_yaml(), encoding="utf-8")
        asked = ["vocoder-check", f"--vocoder={config.vocoder.vocoder}", f"--settings={settings}"]
        command = [sys.executable, "-m", "tacotron2.cli", "--json", *asked]
        try:
            done = subprocess.run(
                command,
                env=dict(environ),
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Tried(None, f"> {TIMEOUT_S:g} s")
    for line in done.stdout.splitlines():
        record = json.loads(line) if line.startswith("{") else {}
        if record.get("kind") == "vocoder":
            return Tried(str(record["name"]))
        if record.get("kind") == "error":
            return Tried(None, str(record["message"]))
    words = done.stderr.strip().splitlines()
    return Tried(None, words[-1] if words else f"status {done.returncode}")


def vocoder_option(settings: VocoderSettings) -> list[str]:
    """What the worker is told of it: the setting of this command, whatever the run began with."""
    return [] if settings.vocoder == NONE else [f"--vocoder={settings.vocoder}"]


def told_of_vocoder(run: RunFolder) -> tuple[Message | None, Message | None]:
    """What it spoke, and what went wrong, as the examination says; None where there was nothing of it."""
    if not run.examination_file.is_file():
        return None, None
    content = json.loads(run.examination_file.read_text(encoding="utf-8"))
    if "vocoder" not in content:
        return None, None
    name, failure = content["vocoder"]["name"], content["vocoder"]["failure"]
    wavs = [each["vocoder"]["wav"] for each in content["sentences"] if "vocoder" in each]
    spoke = failed = None
    if wavs:
        folder = (run.path / wavs[0]).parent
        spoke = VocoderPhrase.VOCODER_SPOKE(count=len(wavs), name=name, folder=folder)
    if failure is not None:
        failed = VocoderPhrase.VOCODER_FAILED(name=name, detail=failure)
    return spoke, failed
