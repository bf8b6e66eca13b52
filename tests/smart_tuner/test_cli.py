"""The real command in a child process: exit codes and what a person reads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner.config import load_config
from smart_tuner.records import EventWriter, ExitCause, Outcome
from smart_tuner.run_folder import RunFolder, claim, create, list_runs
from tacotron2.events import StepEvent, ValidationEvent

SOURCE = Path(__file__).parents[2] / "src"
DEBUG = load_config("debug")


@pytest.fixture(autouse=True)
def _package_found_by_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))


def call(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Status, standard output and standard error of `smart-tuner`, with nobody at the keyboard."""
    command = [sys.executable, "-m", "smart_tuner.cli", *arguments]
    answer = subprocess.run(
        command,
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


def test_help_names_every_command(tmp_path: Path) -> None:
    status, said, _ = call(tmp_path, "--help")
    assert status == 0
    for command in ("auto", "train", "synthesize", "bundle", "data", "monitor", "report", "runs"):
        assert f"  {command} " in said
    for group, commands in (
        ("runs", ("list", "remove")),
        ("data", ("demo", "speak")),
        ("incident", ("list", "replay")),
    ):
        said = call(tmp_path, group, "--help")[1]
        assert all(f"  {command} " in said for command in commands)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--preset", "demmo"], 31, ["demmo", "did you mean 'demo'"]),
        (["auto", "--preset", "demmo"], 31, ["demmo"]),
        (
            ["--set", "train.learning_rat=1", "--set", "batch_size=0"],
            31,
            ["did you mean", "learning_rate", "batch_size", ">= 1"],
        ),
        (["--verbose", "--quiet"], 2, ["contradict"]),
        (["train", "--preset", "choose"], 31, ["'choose'", "no such preset"]),
        (["train", "--preset", "debug", "--inject", "nan-los@3"], 2, ["nan-los@3", "did you mean nan-loss?"]),
        (["train", "--preset", "debug", "--inject", "kill@7"], 2, ["kill@7", "from 1 to 6"]),
        (["train", "--verbose", "--quiet"], 2, ["contradict"]),
        (["auto", "--inject", "kill@3"], 2, ["--inject"]),
        (["--device", "tpu"], 2, ["tpu", "cpu"]),
        (["--nonsense"], 2, ["--nonsense"]),
        (["synthesize", "--run", "x", "Hello."], 2, ["no run 'x'", "runs list"]),
        (["synthesize", "Hello."], 2, ["--run RUN or --voice FILE"]),
        (["synthesize", "--run", "x", "--voice", ".", "Hello."], 2, ["--run RUN or --voice FILE"]),
        (["synthesize", "--voice", "x.zip", "Hello."], 2, ["--voice", "x.zip", "does not exist"]),
        (["bundle", "x"], 2, ["no run 'x'", "runs list"]),
        (["monitor", "x"], 2, ["no run 'x'"]),
        (["report", "x"], 2, ["no run 'x'"]),
        (["runs", "remove", "x", "--yes"], 2, ["no run 'x'"]),
        (["--voice", "de"], 2, ["--voice", "'en', 'ru'"]),
        (["--voice", "ru", "--data", "recordings"], 2, ["--voice", "demo corpus", "text.language=ru"]),
        (["data", "demo", "--voice", "ru", "--set", "run.data_folder=recordings"], 2, ["--voice"]),
        (["--voice", "ru", "--set", "text.language=de"], 31, ["text.stress", "text.language=ru"]),
        (["data", "demo", "--set", "demo_clips=1"], 31, ["demo_clips", ">= 16"]),
    ],
)
def test_a_mistake_is_one_clear_message(
    tmp_path: Path, arguments: list[str], status: int, words: list[str]
) -> None:
    returned, said, complaint = call(tmp_path, *arguments)
    assert returned == status
    assert said == ""
    assert all(word in complaint for word in words), complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "runs").exists()


def test_a_run_in_other_hands_is_refused(run: RunFolder) -> None:
    held = claim(run.root, DEBUG, new=False)
    assert held.run.path == run.path
    status, _, complaint = call(run.root.parent, "--preset", "debug", "--no-services")
    held.lock.release()
    assert status == 2
    assert f"{run.name} is already being worked on" in complaint and "--new" in complaint


def test_a_run_without_a_voice_cannot_speak(run: RunFolder) -> None:
    status, _, complaint = call(run.root.parent, "synthesize", "--run", run.name, "Hello.")
    assert (status, "no voice yet" in complaint) == (2, True)
    status, _, complaint = call(run.root.parent, "bundle", run.name)
    assert (status, "no voice yet" in complaint) == (2, True)
    status, _, complaint = call(
        run.root.parent, "synthesize", "--run", run.name, "Hello.", "--file", "run.yaml"
    )
    assert status == 2


def test_a_run_of_another_version_is_told(run: RunFolder) -> None:
    run.settings_file.write_text("train: {speed: 3}\n")
    status, _, complaint = call(run.root.parent, "monitor", run.name)
    assert status == 31
    assert "train.speed" in complaint and "run.yaml" in complaint


def test_runs_are_listed_and_removed(run: RunFolder) -> None:
    folder = run.root.parent
    assert call(folder, "runs", "list", "--runs-folder", "none")[:2] == (0, "no runs in none\n")
    finished = create(run.root, replace(DEBUG, preset="probe"))
    Outcome(ExitCause.COMPLETED).write(finished.outcome_file)
    with EventWriter(finished.events_file) as writer:
        writer.write(ValidationEvent(100, {}, {"attention_alignment": 0.51}, 1.0))
        writer.write(StepEvent(110, 0, {}, 0.7, 1e-3, 0.0, 0.1, 1.0, 0.0, 0.5))
    status, said, _ = call(folder, "runs", "list")
    assert status == 0
    rows = {line.split()[0]: line.split()[1:4] for line in said.splitlines()[1:]}
    assert rows == {run.name: ["unfinished", "-", "-"], finished.name: ["completed", "110", "0.51"]}

    status, _, complaint = call(folder, "runs", "remove", finished.name)
    assert (status, "--yes" in complaint, finished.path.exists()) == (2, True, True)
    status, said, _ = call(folder, "runs", "remove", finished.name, finished.name, "--yes")
    assert (status, f"removed {finished.name}" in said, finished.path.exists()) == (0, True, False)
    assert run.path.exists()


FAKE_LIBRARY = """
import json, os, pathlib, sys
pathlib.Path("called.json").write_text(json.dumps([sys.argv[1:], sys.stdin.read()]))
sys.exit(30)
"""


def test_speech_comes_from_the_library_in_a_child_with_the_best_voice(
    run: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake" / "tacotron2"
    fake.mkdir(parents=True)
    real = SOURCE / "tacotron2"
    (fake / "__init__.py").write_text(f"__path__.append({str(real)!r})")
    (fake / "cli.py").write_text(FAKE_LIBRARY)
    monkeypatch.setenv("PYTHONPATH", f"{fake.parent}:{SOURCE}")
    run.checkpoints_folder.mkdir()
    best = run.checkpoints_folder / "best-0000100.ckpt"
    best.write_bytes(b"weights")
    best.with_name(best.name + ".json").write_text('{"step": 100, "quality": 0.5}')

    status, _, _ = call(tmp_path, "synthesize", "--run", run.name, "--output", "a/b.wav", "--", "-1 degrees.")
    arguments, _ = json.loads((tmp_path / "called.json").read_text())
    assert status == 30  # the library's own word
    assert arguments == [
        "--json",
        "synthesize",
        f"--checkpoint={best}",
        "--output=a/b.wav",
        "--text=-1 degrees.",
    ]
    assert (tmp_path / "a").is_dir()

    call(tmp_path, "synthesize", "--run", run.name)
    arguments, _ = json.loads((tmp_path / "called.json").read_text())
    assert not any(argument.startswith(("--text", "--file")) for argument in arguments)
    assert f"--output={run.speech_folder}" in arguments[3]

    voice = tmp_path / "v.voice.zip"
    voice.touch()
    call(tmp_path, "synthesize", f"--voice={voice}", "Hi.")
    arguments, _ = json.loads((tmp_path / "called.json").read_text())
    assert arguments[1:3] == ["synthesize", f"--voice={voice}"] and arguments[4:] == ["--text=Hi."]
    assert re.fullmatch(r"--output=\d{8}-\d{6}\.wav", arguments[3])

    (tmp_path / "file").touch()
    status, _, complaint = call(tmp_path, "synthesize", "--run", run.name, "--output", "file/b.wav", "Hi.")
    assert (status, "file: cannot be created" in complaint, "Traceback" in complaint) == (2, True, False)


def test_a_data_folder_without_a_name_is_a_usage_mistake(tmp_path: Path) -> None:
    status, _, complaint = call(tmp_path, "auto", "--data", " ", "--preset", "debug")
    assert status == 2 and "--data names no folder" in complaint
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "words"), [(True, "the folder is empty"), (False, "no folder of recordings")]
)
def test_a_data_folder_that_is_wrong_ends_the_command_and_gives_no_demo_voice(
    tmp_path: Path, made: bool, words: str
) -> None:
    if made:
        (tmp_path / "mine").mkdir()
    status, said, _ = call(
        tmp_path, "--data", "mine", "--preset", "debug", "--no-services", "--device", "cpu"
    )
    assert status == ExitCause.DATA_ERROR.code
    assert words in said and str(tmp_path / "mine") in said
    (run,) = list_runs(tmp_path / "runs")
    assert run.config().data_folder == tmp_path / "mine"
    assert not list((tmp_path / "runs" / "data").glob("demo-*"))
