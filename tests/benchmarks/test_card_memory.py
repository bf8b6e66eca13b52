"""The tables of docs/memory.md are those of the benchmark, and the benchmark's are what is estimated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tacotron2.schema import read_hparams
from tacotron2.training.card_memory import GIB, card_fits

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.compile(r"^\| \w+, (?:fp32|bf16).*\|$", re.MULTILINE)


def rows(name: str) -> list[str]:
    return ROWS.findall((ROOT / name).read_text(encoding="utf-8"))


def test_the_document_tells_what_was_measured_and_estimated() -> None:
    assert rows("docs/memory.md")
    assert sorted(rows("docs/memory.md")) == sorted(rows("benchmarks/results/card_memory.md"))


@pytest.mark.parametrize("preset", ["probe", "demo"])
def test_the_table_is_what_is_estimated(preset: str) -> None:
    """Other processors choose other kernels: not to the last utterance."""
    hparams = read_hparams(ROOT / "configs" / f"{preset}.yaml")
    fits = card_fits(hparams, [8 * GIB, 12 * GIB, 24 * GIB], hparams.data.max_seconds, ["fp32"], both=False)
    [row] = [
        row for row in rows("docs/memory.md") if row.startswith(f"| {preset}, fp32, off |") and "/" in row
    ]
    told = [cell.split(" / ") for cell in row.strip("| ").split(" | ")[-3:]]
    assert [int(count) for count, _ in told] == pytest.approx([fit.rows for fit in fits], rel=0.03)
    assert [parts for _, parts in told] == [str(fit.accumulation or "-") for fit in fits]
