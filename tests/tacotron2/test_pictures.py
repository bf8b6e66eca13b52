"""Pictures that any name and any length can be drawn into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from tacotron2.pictures import save_attention, save_spectrograms
from tacotron2.text import text_to_sequence


def attention(num_steps: int, num_symbols: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(num_symbols), num_steps).astype(np.float32)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("step 10, free running", "The old clock is slow."),
        ("US$5_and_$6 \\frac", 'He paid "five" dollars!'),  # half a formula to whoever reads TeX
        ("a long one", "a" * 90),
    ],
)
def test_attention(tmp_path: Path, title: str, text: str) -> None:
    ids = text_to_sequence(text).ids
    path = tmp_path / "attention" / "step.png"
    save_attention(path, [(title, attention(9, len(ids)), ids), (title, attention(1, len(ids)), ids)])
    pixels = image.imread(path)
    assert pixels.ndim == 3 and pixels.shape[1] > pixels.shape[0] > 200
    assert pixels[..., :3].std() > 0.05


def test_the_diagonal_rises_from_the_lower_left(tmp_path: Path) -> None:
    ids = text_to_sequence("abcdefgh").ids
    path = tmp_path / "map.png"
    save_attention(path, [("", np.eye(len(ids), dtype=np.float32), ids)])
    # The colours of 1 are bright, those of 0 are black: compare the two lower corners inside the axes.
    brightness = image.imread(path)[..., :3].sum(axis=2)
    dark = np.argwhere(brightness < 0.1)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    middle_row, middle_column = (top + bottom) // 2, (left + right) // 2
    lower_left = brightness[middle_row:bottom, left:middle_column].mean()
    upper_left = brightness[top:middle_row, left:middle_column].mean()
    assert lower_left > 2 * upper_left


def test_spectrograms_of_unequal_length(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    mels = [
        (name, generator.normal(-5, 2, (n, 20)).astype(np.float32)) for name, n in (("a", 40), ("$b$_", 1))
    ]
    save_spectrograms(tmp_path / "mel.png", mels)
    assert image.imread(tmp_path / "mel.png").shape[0] > 300


def test_the_same_picture_twice_is_the_same_file(tmp_path: Path) -> None:
    ids = text_to_sequence("ab").ids
    for name in ("one.png", "two.png"):
        save_attention(tmp_path / name, [("t", attention(5, len(ids)), ids)])
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
