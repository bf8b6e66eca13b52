"""The table of docs/memory.md is what the estimate says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.schema import read_hparams
from tacotron2.training.card_memory import GIB, card_fits

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("preset", ["probe", "small"])
def test_the_document_says_what_the_estimate_says(preset: str) -> None:
    """Of the presets for which that takes a second; the others came from the same run of the benchmark."""
    hparams = read_hparams(ROOT / "configs" / f"{preset}.yaml")
    longest = hparams.data.max_seconds
    fits = card_fits(hparams, [8 * GIB, 12 * GIB, 24 * GIB], longest, ["fp32"], both=False)
    document = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    start = f"| {preset}, fp32, off | {hparams.train.batch_size} | {longest:g} | "
    (line,) = [line for line in document.splitlines() if line.startswith(start)]
    told = [cell.strip() for cell in line.removeprefix(start).strip("| ").split("|")]
    assert [int(cell.split(" / ")[1]) for cell in told] == [fit.accumulation for fit in fits]
    for cell, fit in zip(told, fits, strict=True):
        assert int(cell.split(" / ")[0]) == pytest.approx(
            fit.rows, rel=0.03
        )  # another processor, other kernels


def test_the_document_holds_the_results() -> None:
    results = (ROOT / "benchmarks" / "results" / "card_memory.md").read_text(encoding="utf-8")
    document = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    rows = [line for line in document.splitlines() if line.startswith("| ")]
    assert len(rows) > 20 and all(row in results for row in rows)
