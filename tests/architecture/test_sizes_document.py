"""The sizes that docs/configuration.md gives for the presets are those of the models they build."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from tacotron2 import Tacotron2
from tacotron2.schema import read_hparams

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(\w+)` \|[^|]*\| ([\d,]+) \|$", re.MULTILINE)


def test_the_parameters_of_each_preset() -> None:
    rows = dict(ROW.findall((ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")))
    presets = {path.stem: path for path in (ROOT / "configs").glob("*.yaml")}
    assert rows.keys() == presets.keys()
    for name, path in presets.items():
        with torch.device("meta"):
            model = Tacotron2(read_hparams(path))
        assert rows[name] == f"{model.num_parameters():,}", name
