"""Attention maps and spectrograms as PNG files. Draws on `Figure` alone: pyplot keeps every figure alive."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tacotron2.files import write_atomically
from tacotron2.text import SYMBOLS

Map = NDArray[np.float32]
MOST_LABELS = 70
"""Longer texts are numbered: letters would overlap."""


def save_attention(path: Path, maps: Sequence[tuple[str, Map, Sequence[int]]]) -> None:
    """Attention maps side by side.

    Args:
        maps: (title, alignment `(T_dec, T_text)`, symbol ids `(T_text,)`) each.
    """
    figure = Figure(figsize=(5.2 * len(maps), 4.4), layout="constrained")
    for column, (title, alignment, ids) in enumerate(maps):
        axes = figure.add_subplot(1, len(maps), column + 1)
        image = axes.imshow(
            alignment.T,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            vmin=0.0,
            vmax=1.0,
            cmap="magma",
        )
        if len(ids) <= MOST_LABELS:
            labels = [SYMBOLS[symbol_id].replace(" ", "␣") for symbol_id in ids]
            axes.set_yticks(range(len(ids)), labels, fontsize=7)
        axes.set_title(title, fontsize=10, parse_math=False)  # a file name may hold dollar signs
        axes.set_xlabel("decoder step")
        axes.set_ylabel("symbol")
        figure.colorbar(image, ax=axes, fraction=0.04)
    _save(figure, path)


def save_spectrograms(path: Path, mels: Sequence[tuple[str, Map]]) -> None:
    """Log-mel spectrograms `(T_mel, num_mels)` one above the other, on one colour scale and time axis."""
    figure = Figure(figsize=(7.0, 2.3 * len(mels)), layout="constrained")
    low, high = min(mel.min() for _, mel in mels), max(mel.max() for _, mel in mels)
    longest = max(len(mel) for _, mel in mels)
    for row, (title, mel) in enumerate(mels):
        axes = figure.add_subplot(len(mels), 1, row + 1)
        axes.imshow(
            mel.T, origin="lower", aspect="auto", interpolation="nearest", vmin=low, vmax=high, cmap="viridis"
        )
        axes.set_xlim(0, longest)
        axes.set_title(title, fontsize=10)
        axes.set_ylabel("mel band")
        if row == len(mels) - 1:
            axes.set_xlabel("frame")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    write_atomically(path, buffer.getvalue())
