"""`smart-tuner synthesize --speaker` on a voice of two, by real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tacotron2.checkpoint import save_checkpoint
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.schema import read_hparams
from tacotron2.voice import About, write_voice
from tacotron2.voice_card import Card

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two untrained speakers of the size of the preset debug."""
    folder = tmp_path_factory.mktemp("voice")
    debug: HParams = read_hparams(ROOT / "configs" / "debug.yaml")
    model = Tacotron2(debug.replace(n_speakers=2))
    model.name_speakers(("anna", "bert"))
    content = {"hparams": model.hparams.to_dict(), "model": model.state_dict(), "speakers": ["anna", "bert"]}
    save_checkpoint(folder / "best.ckpt", content, {})
    path = folder / "two.voice.zip"
    write_voice(path, folder / "best.ckpt", About(Card("Two", "en", "nothing", "2026-01-01")))
    return path


def say(voice: Path, *arguments: str) -> tuple[int, str, str]:
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "smart_tuner.cli", "synthesize", f"--voice={voice}"),
            *("--output=said.wav", *arguments, "The old clock."),
        ],
        cwd=voice.parent,
        env={"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return answer.returncode, answer.stdout, answer.stderr


@pytest.mark.parametrize(
    ("messages", "headline"), [("en", "smart-tuner: "), ("ru", "smart-tuner: озвучить не удалось: ")]
)
def test_an_unknown_speaker_is_told_with_those_there_are(voice: Path, messages: str, headline: str) -> None:
    told = say(voice, "--speaker=berta", f"--messages={messages}")
    words = "no speaker 'berta': this voice has anna, bert; did you mean 'bert'?\n"
    assert told == (30, "", headline + words)
    assert not (voice.parent / "said.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "speaker: anna, of 2; --speaker NAME chooses"),
        (["--speaker=bert", "--messages=ru"], "диктор: bert, всего 2; выбирает --speaker"),
    ],
)
def test_who_speaks_is_told(voice: Path, arguments: list[str], told: str) -> None:
    status, said, complaint = say(voice, *arguments)
    assert (status, complaint, said.splitlines()[-1]) == (0, "", told)
