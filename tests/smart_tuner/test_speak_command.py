"""`smart-tuner data speak`: a real child process, the real synthesiser."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from typer.testing import CliRunner

from smart_tuner.cli import app
from smart_tuner.config import ConfigError, synthesiser_voice
from tests.tacotron2.data.recordings import tone

pytest.importorskip("espeakng_loader")


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Three lists: what is held out is said by nobody else."""
    folder = tmp_path / "mine"
    texts = {
        "train": ["Guten Morgen."] * 2 + ["Die Tür ist zu.", "Es regnet schön."] * 2,
        "validation": ["Nie."] * 2,
    }
    texts["test"] = ["Immer."] * 2
    for split, said in texts.items():
        lines = []
        for number, text in enumerate(said):
            tone(folder / "wavs" / f"{split}{number}.wav")
            lines.append(f"wavs/{split}{number}.wav|{text}\n")
        (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def speak(folder: Path, tmp_path: Path, *more: str) -> tuple[int, str]:
    arguments = ["data", "speak", str(folder), f"--output={tmp_path / 'spoken'}", *more]
    result = CliRunner().invoke(app, [*arguments, f"--runs-folder={tmp_path / 'runs'}"])
    return result.exit_code, result.output


def test_every_text_that_is_trained_on_is_spoken_once(
    recordings: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert speak(recordings, tmp_path, "--set", "text.language=de")[0] == 0
    spoken = tmp_path / "spoken"
    assert (spoken / "metadata.csv").read_text("utf-8").splitlines() == [
        "spoken-00001|Guten Morgen.",
        "spoken-00002|Die Tür ist zu.",
        "spoken-00003|Es regnet schön.",
    ]
    for path in (spoken / "wavs").iterdir():
        samples, rate = soundfile.read(path)
        assert rate == 22_050 and abs(samples).max() > 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "runs", "spoken"]
    # What is there is not overwritten.
    status, said = speak(recordings, tmp_path, "--set", "text.language=de")
    assert status == 30 and "exists already" in said + capfd.readouterr().err


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        (["--set", "text.language=de", "--set", "demo.demo_voice=xx"], 31, "no language 'xx'"),
        (["--set", "text.language=qq"], 31, "qq"),
    ],
)
def test_a_voice_or_language_that_is_not_there(
    recordings: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    more: list[str],
    status: int,
    words: str,
) -> None:
    found, said = speak(recordings, tmp_path, *more)
    assert found == status
    assert words in said + capfd.readouterr().err
    assert not (tmp_path / "spoken").exists()


def test_the_voice_follows_the_language_unless_one_is_named() -> None:
    assert synthesiser_voice("small", ["text.language=de"])[-1] == "demo.demo_voice=de"
    assert synthesiser_voice("small", []) == []
    named = ["text.language=de", "demo.demo_voice=de+f3"]
    assert synthesiser_voice("small", named) == named
    with pytest.raises(ConfigError):
        synthesiser_voice("small", ["text.langage=de"])
