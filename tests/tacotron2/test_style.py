"""A style by a recording or by weights, through the library's command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tacotron2.audio import save_wav
from tacotron2.checkpoint import save_checkpoint
from tacotron2.cli import DATA_ERROR, main
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2


@pytest.fixture
def styled(tiny: HParams, tmp_path: Path) -> Path:
    """An untrained voice with five style tokens."""
    model = Tacotron2(tiny.replace(use_gst=True, gst_tokens=5, gst_dim=16, gst_reference_filters=4))
    path = tmp_path / "best-0000001.ckpt"
    content = {"hparams": model.hparams.to_dict(), "model": model.state_dict(), "step": 1}
    save_checkpoint(path, content, {"role": "best", "step": 1, "quality": 0.1})
    return path


def said(checkpoint: Path, *how: str) -> bytes:
    output = checkpoint.with_name("said.wav")
    status = main(["synthesize", f"--checkpoint={checkpoint}", f"--output={output}", "--text=Hello.", *how])
    assert status == 0
    return output.read_bytes()


def test_each_way_has_a_style_of_its_own_and_keeps_it(styled: Path, tmp_path: Path) -> None:
    sung, hissed = tmp_path / "sung.wav", tmp_path / "hissed.wav"
    time = np.arange(22050) / 22050
    save_wav(sung, 0.5 * np.sin(2 * np.pi * 220 * time), 22050)
    save_wav(hissed, 0.2 * np.random.default_rng(0).standard_normal(22050), 22050)
    ways = [
        (),
        (f"--style-recording={sung}",),
        (f"--style-recording={hissed}",),
        ("--style-weights=1,0,0,0,0",),
        ("--style-weights=0,0,0.5,0,-0.5",),
    ]
    assert len({said(styled, *way) for way in ways}) == len(ways)
    assert said(styled, *ways[1]) == said(styled, *ways[1])


@pytest.mark.parametrize("weights", ["1,0", "", "a,b,c,d,e", "1,0,0,0,inf"])
def test_weights_that_are_none(styled: Path, weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["synthesize", f"--checkpoint={styled}", f"--output={styled.parent / 'x.wav'}", "--text=Hello."]
    assert main([*command, f"--style-weights={weights}"]) == DATA_ERROR
    assert "must be 5 numbers with commas between" in capsys.readouterr().err


def test_mistakes_name_the_voice_or_the_file(
    styled: Path, weights_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = styled.parent / "x.wav"
    command = ["synthesize", f"--output={output}", "--text=Hello."]
    assert main([*command, f"--checkpoint={weights_file}", "--style-weights=1"]) == DATA_ERROR
    assert "one style only" in capsys.readouterr().err
    missing = styled.parent / "missing.wav"
    assert main([*command, f"--checkpoint={styled}", f"--style-recording={missing}"]) == DATA_ERROR
    assert str(missing) in capsys.readouterr().err and not output.exists()
