"""What a run says of its voice, and what it does not know."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smart_tuner.config import load_config
from smart_tuner.records import EventWriter
from smart_tuner.run_folder import RunError, RunFolder, create
from smart_tuner.voice_bundle import Stated, bundle_run
from tacotron2.events import DataEvent, StartedEvent, ValidationEvent

DEMO = load_config("debug")
RIGHTS = Stated(speaker="Anna B.", consent="to  publication\n", recordings_licence="own", licence="CC0")


class Library:
    """Stands in for the child process; remembers what it was asked."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.arguments: list[str] = []
        self.about: dict[str, Any] = {}

    def __call__(self, *arguments: str) -> int:
        self.arguments = list(arguments)
        (path,) = (each.partition("=")[2] for each in arguments if each.startswith("--about="))
        self.about = json.loads(Path(path).read_text(encoding="utf-8"))
        return self.status


def trained(tmp_path: Path, own: bool, examined: str = "checkpoints/best-0000003.ckpt") -> RunFolder:
    """A run with one validated checkpoint of step 3 and an examination of `examined`."""
    folder = Path("/home/anna/private/anna-wavs") if own else None
    run = create(tmp_path / "runs", replace(DEMO, data_folder=folder))
    for name in ("checkpoints/best-0000003.ckpt", "samples/attention.png", "attention/step-0000003.png"):
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_bytes(b"content")
    for name in ("samples/a.wav", "audio/step-0000003-1.wav"):
        (run.path / name).parent.mkdir(exist_ok=True)
        (run.path / name).write_bytes(b"wav")
    sidecar = run.checkpoints_folder / "best-0000003.ckpt.json"
    sidecar.write_text('{"step": 3, "quality": 0.5}', encoding="utf-8")
    versions = {"torch": "2.13.0"}
    picture, audio = "attention/step-0000003.png", ["audio/step-0000003-1.wav"]
    with EventWriter(run.events_file) as writer:
        writer.write(StartedEvent("cpu", "fp32", 1, 7, 99, 6, 32, 8, "abc", versions))
        writer.write(DataEvent("train", 32, 0, {}, 1800.0))
        writer.write(
            ValidationEvent(3, {}, {"stop_score": 0.6, "b": math.nan}, 1.0, 0.5, picture, None, audio)
        )
        writer.write(ValidationEvent(6, {}, {"stop_score": 0.1}, 1.0, 0.2))
    figures = {"quality": {"value": 0.4, "how": "of the means"}}
    sentences = [{"id": "a", "text": "The old clock.", "wav": "samples/a.wav", "figures": {}}]
    content = {"checkpoint": examined, "figures": figures, "sentences": sentences}
    run.examination_file.write_text(json.dumps(content), encoding="utf-8")
    training = {"steps": {"value": 6, "how": "x"}, "validation_stop_score": {"value": 0.1, "how": "y"}}
    run.summary_file.write_text(json.dumps({"training": training, "data": {}}), encoding="utf-8")
    return run


def test_the_demo_states_its_rights_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, library = trained(tmp_path, own=False), Library()
    assert bundle_run(run, Stated(name="Demo: 1/2"), None, library) == 0
    assert "--output=Demo-1-2.voice.zip" in library.arguments
    card = library.about["card"]
    assert "nobody" in card["speaker"] and "eSpeak NG" in card["speaker"] and "not needed" in card["consent"]
    assert (card["clips"], card["hours"], card["language"]) == (32, 0.5, "en")
    assert any("8 to 16 characters" in limit for limit in card["limits"])
    assert capsys.readouterr().err == ""


def test_rights_of_a_person_are_stated_or_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, library = trained(tmp_path, own=True), Library()
    assert bundle_run(run, Stated(licence=" "), tmp_path / "v.zip", library) == 0
    card = library.about["card"]
    assert all(card[name] is None for name in ("speaker", "consent", "recordings_licence", "licence"))
    assert card["data"] == "recordings in the folder anna-wavs"
    assert "private" not in json.dumps(card)
    told = capsys.readouterr().err
    assert '"not stated"' in told and "--speaker, --consent, --recordings-licence, --licence" in told
    bundle_run(run, replace(RIGHTS, licence=None), None, library)
    assert capsys.readouterr().err.rstrip().endswith("would say: --licence")
    bundle_run(run, RIGHTS, None, library)
    assert library.about["card"]["consent"] == "to publication"
    assert capsys.readouterr().err == ""
    assert bundle_run(run, Stated(), None, Library(status=30)) == 30
    assert capsys.readouterr().err == ""


def test_figures_and_samples_are_those_of_the_weights(tmp_path: Path) -> None:
    run, library = trained(tmp_path, own=False), Library()
    bundle_run(run, RIGHTS, None, library)
    about = library.about
    assert about["figures"]["test sentences"] == {"quality": {"value": 0.4, "how": "of the means"}}
    validation = about["figures"]["validation"]
    assert validation["stop_score"]["value"] == 0.6 and "step 3" in validation["stop_score"]["how"]
    assert validation["b"]["value"] is None
    assert list(about["figures"]["training"]) == ["steps"]
    assert about["made_with"]["commit"] == "abc" and about["made_with"]["step"] == 3
    assert about["attention"] == str(run.path / "samples" / "attention.png")
    assert about["samples"] == [[str(run.path / "samples" / "a.wav"), "The old clock."]]


def test_an_examination_of_other_weights_is_left_out(tmp_path: Path) -> None:
    run, library = trained(tmp_path, own=False, examined="checkpoints/best-0000006.ckpt"), Library()
    bundle_run(run, RIGHTS, None, library)
    about = library.about
    assert "test sentences" not in about["figures"]
    assert about["samples"] == [[str(run.path / "audio" / "step-0000003-1.wav"), None]]
    assert about["attention"] == str(run.path / "attention" / "step-0000003.png")
    assert any("not examined" in limit for limit in about["card"]["limits"])


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    run = trained(tmp_path, own=False)
    run.summary_file.write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match=r"summary\.json: cannot be read"):
        bundle_run(run, RIGHTS, None, Library())
