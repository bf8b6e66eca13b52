"""The library's command line: what works, and what a mistake looks like."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tacotron2.checkpoint import save_checkpoint, sidecar_path
from tacotron2.cli import CONFIGURATION_ERROR, DATA_ERROR, main
from tacotron2.models import Tacotron2

Captured = pytest.CaptureFixture[str]


def fed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.fixture
def say(weights_file: Path, tmp_path: Path) -> Callable[..., int]:
    """`say("--text=Hello.")` with a good checkpoint."""

    def run(*arguments: str, checkpoint: Path = weights_file) -> int:
        return main(
            ["synthesize", f"--checkpoint={checkpoint}", f"--output={tmp_path / 'said.wav'}", *arguments]
        )

    return run


def test_text_file_and_standard_input_say_the_same(
    say: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    text = "The guest paid £5 – at “noon”.\n"
    (tmp_path / "plain.txt").write_text(text, encoding="utf-8")
    (tmp_path / "marked.txt").write_text(text, encoding="utf-8-sig")
    fed(monkeypatch, text.encode())
    spoken = []
    for source in (
        [f"--text={text}"],
        [f"--file={tmp_path / 'plain.txt'}"],
        [f"--file={tmp_path / 'marked.txt'}"],
        [],
    ):
        assert say(*source) == 0
        spoken.append((tmp_path / "said.wav").read_bytes())
    assert spoken[1:] == spoken[:1] * 3
    assert soundfile.info(tmp_path / "said.wav").samplerate == 22050
    out, err = capsys.readouterr()
    first, second = out.splitlines()[:2]
    assert first.startswith(f"{tmp_path / 'said.wav'}: 0.") and " s, attention_alignment 0." in first
    assert second in ("ended by: stop token", "ended by: length bound") and not err


def test_characters_dropped_on_request_are_counted(
    make_model: Callable[..., Tacotron2], say: Callable[..., int], tmp_path: Path, capsys: Captured
) -> None:
    model, path = make_model(unreadable="drop"), tmp_path / "dropping.ckpt"
    save_checkpoint(path, {"hparams": model.hparams.to_dict(), "model": model.state_dict()}, {})
    assert say("--text=an old 時計, 時", checkpoint=path) == 0
    assert capsys.readouterr().err.splitlines() == [
        "left out 2 times: '時' (U+6642)",
        "left out 1 times: '計' (U+8A08)",
    ]


def mistake(capsys: Captured) -> str:
    """The one line on standard error; nothing was said on standard output."""
    out, err = capsys.readouterr()
    assert not out and "Traceback" not in err
    (line,) = err.splitlines()
    assert line.startswith("tacotron2: ")
    return line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("the old 時計", "the text: unreadable character '時' (U+6642"),
        ("", "the text: nothing to say in ''"),
        ("?!", "the text: nothing to say in '?!'"),
    ],
)
def test_text_that_cannot_be_read(say: Callable[..., int], capsys: Captured, text: str, told: str) -> None:
    assert say(f"--text={text}") == DATA_ERROR
    assert told in mistake(capsys)


def test_files_that_cannot_be_read(say: Callable[..., int], tmp_path: Path, capsys: Captured) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("café".encode("latin-1"))
    assert say(f"--file={latin}") == DATA_ERROR
    assert f"{latin}: byte 4 is not UTF-8" in mistake(capsys)
    assert say(f"--file={tmp_path / 'no.txt'}") == DATA_ERROR
    assert "no.txt" in mistake(capsys)
    assert say(f"--file={tmp_path}") == DATA_ERROR
    assert str(tmp_path) in mistake(capsys)


def test_standard_input_that_is_not_utf8(
    say: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    fed(monkeypatch, b"caf\xe9")
    assert say() == DATA_ERROR
    assert "standard input: byte 4 is not UTF-8" in mistake(capsys)


@pytest.mark.parametrize("damage", ["missing", "cut short", "without its sidecar", "not a checkpoint"])
def test_checkpoints_that_cannot_be_used(
    say: Callable[..., int], weights_file: Path, tmp_path: Path, capsys: Captured, damage: str
) -> None:
    if damage == "missing":
        weights_file.unlink()
    elif damage == "cut short":
        weights_file.write_bytes(weights_file.read_bytes()[:1000])
    elif damage == "without its sidecar":
        sidecar_path(weights_file).unlink()
    else:
        save_checkpoint(weights_file, {"weights": 1}, {})
    assert say("--text=hello") == DATA_ERROR
    assert weights_file.name in mistake(capsys)
    assert not (tmp_path / "said.wav").exists()


def test_weights_that_are_not_finite_are_named(
    make_model: Callable[..., Tacotron2], say: Callable[..., int], tmp_path: Path, capsys: Captured
) -> None:
    model, path = make_model(), tmp_path / "broken.ckpt"
    model.postnet.convolutions[0].convolution.bias.data.fill_(float("nan"))
    save_checkpoint(path, {"hparams": model.hparams.to_dict(), "model": model.state_dict()}, {})
    assert say("--text=hello", checkpoint=path) == DATA_ERROR
    assert f"{path}: speaks nothing usable" in mistake(capsys)


def test_an_output_that_cannot_be_written(say: Callable[..., int], tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "said.wav").mkdir()
    assert say("--text=hello") == DATA_ERROR
    assert "said.wav" in mistake(capsys)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--text=hello", "--file=text.txt"], "not allowed with argument"),
        (["--txt=hello"], "unrecognized arguments: --txt=hello"),
    ],
)
def test_wrong_usage(say: Callable[..., int], capsys: Captured, arguments: list[str], told: str) -> None:
    with pytest.raises(SystemExit) as ended:
        say(*arguments)
    assert ended.value.code == 2 and told in capsys.readouterr().err


def test_a_real_process_ends_with_the_status_and_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tacotron2.cli", "synthesize", "--checkpoint", "no.ckpt"]
    source = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run(
        [*command, "--output", "said.wav"],
        input="hello",
        cwd=tmp_path,
        env={"PYTHONPATH": source, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == DATA_ERROR and not done.stdout
    assert done.stderr == "tacotron2: no.ckpt: no such checkpoint file\n"


PRESET = """\
data:
  validation_clips: 2
  test_clips: 2
demo:
  demo_clips: 16
  demo_min_characters: 8
  demo_max_characters: 16
"""


def test_demo(tmp_path: Path, capsys: Captured) -> None:
    settings, folder = tmp_path / "run.yaml", tmp_path / "data"
    settings.write_text(PRESET, encoding="utf-8")
    assert main(["demo", f"--folder={folder}", f"--settings={settings}"]) == 0
    out, err = capsys.readouterr()
    (corpus,) = folder.iterdir()
    head, *lists = out.splitlines()
    assert head.startswith(f"{corpus}: ") and head.endswith(" minutes of speech") and not err
    assert lists == [
        "  train.txt: 16 utterances",
        "  validation.txt: 2 utterances",
        "  test.txt: 2 utterances",
    ]


def test_demo_mistakes(tmp_path: Path, capsys: Captured) -> None:
    settings = tmp_path / "run.yaml"
    assert main(["demo", f"--folder={tmp_path}", f"--settings={settings}"]) == CONFIGURATION_ERROR
    assert "run.yaml: no such file" in mistake(capsys)
    settings.write_text("demo:\n  demo_clip: 16\n", encoding="utf-8")
    assert main(["demo", f"--folder={tmp_path}", f"--settings={settings}"]) == CONFIGURATION_ERROR
    assert "demo.demo_clip" in mistake(capsys)
    settings.write_text(PRESET + "  demo_voice: nobody\n", encoding="utf-8")
    assert main(["demo", f"--folder={tmp_path / 'data'}", f"--settings={settings}"]) == CONFIGURATION_ERROR
    assert "nobody" in mistake(capsys)
