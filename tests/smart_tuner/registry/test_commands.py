"""`smart-tuner registry`, and a run that registers at its end."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from smart_tuner.cli import app
from smart_tuner.messages import Language
from smart_tuner.progress import Output, Verbosity
from smart_tuner.registry import registration
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.registration import register_voice
from smart_tuner.registry.settings import RegistrySettings
from tests.smart_tuner.registry.finished_runs import CHECKPOINT, GOOD, finished


def do(root: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["registry", *arguments, "--runs-folder", str(root)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_looking_makes_no_store(tmp_path: Path) -> None:
    assert do(tmp_path, "list") == (0, do(tmp_path, "verify")[1])
    assert do(tmp_path, "list", "--json") == (0, "[]\n")
    status, told = do(tmp_path, "promote", "best")
    assert status == 2 and "no voice is registered" in told
    assert list(tmp_path.iterdir()) == []


def test_from_a_run_to_a_voice_that_loads(tmp_path: Path) -> None:
    """The whole way, with real weights."""
    from tacotron2.checkpoint import save_checkpoint
    from tacotron2.models import Tacotron2
    from tacotron2.voice import load_voice

    run = finished(tmp_path, "a", figures=GOOD | {"skip_rate": 0.9})
    hparams = run.config().hparams
    model = Tacotron2(hparams)
    checkpoint = run.path / CHECKPOINT
    facts = {"step": 3, "quality": 0.5, "n_frames_per_step": model.r}
    save_checkpoint(checkpoint, {"hparams": hparams.to_dict(), "model": model.state_dict()}, facts)
    root = tmp_path

    assert "registered as demo-en-" in do(root, "add", "a")[1]
    assert "registered already" in do(root, "add", "a")[1]
    (row,) = json.loads(do(root, "list", "--json")[1])
    assert (row["run"], row["aliases"], row["failed"]) == ("a", ["best"], ["skip_rate"])
    assert row["weights_sha256"] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert "best" in do(root, "list")[1] and "shut" in do(root, "list")[1]

    status, told = do(root, "promote", "best")
    assert status == 2 and "(skip_rate)" in told
    assert do(root, "promote", "best", "--force")[0] == 0

    voice = root / "x.voice.zip"
    assert do(root, "export", "production", str(voice), "--speaker", "Anna")[0] == 0
    loaded = load_voice(voice)
    assert all(
        (loaded.model.state_dict()[name] == tensor).all() for name, tensor in model.state_dict().items()
    )
    status, told = do(root, "export", "production", str(voice))
    assert status == 2 and "exists already" in told

    assert do(root, "verify")[0] == 0
    weights = Path(row["folder"]) / CHECKPOINT
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    status, told = do(root, "verify", "best")
    assert status == 1 and f"{weights}: damaged" in told
    before = voice.read_bytes()
    status, told = do(root, "export", "best", str(voice), "--overwrite")
    assert status == 2 and "is not what was registered" in told and voice.read_bytes() == before


def test_what_is_wrong_with_the_registry_fails_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(settings: RegistrySettings) -> str:
        stream = io.StringIO()
        register_voice(run, settings, Output(stream, Verbosity.QUIET, language=Language.EN))
        return stream.getvalue()

    def broken(root: Path) -> None:
        raise RegistryError("the store is locked")

    run = finished(tmp_path, "a")
    monkeypatch.setattr(registration, "open_registry", broken)
    assert told(RegistrySettings(registering=False)) == ""
    said = told(RegistrySettings())
    assert "warning" in said and "the store is locked" in said and "smart-tuner registry add a" in said
