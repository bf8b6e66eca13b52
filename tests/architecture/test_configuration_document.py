"""docs/configuration.md lists every key as the code has it."""

from __future__ import annotations

import re

import pytest
import yaml

from smart_tuner.config import load_config
from tools.render_configuration import DOCUMENT, key_tables, rendered


def test_the_committed_tables_are_what_the_script_makes() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert document == rendered(document), "run: .venv/bin/python tools/render_configuration.py"


def test_every_key_of_a_resolved_configuration_is_in_the_table() -> None:
    sections = yaml.safe_load(load_config("debug").to_yaml())
    keys = [f"{section}.{name}" for section, content in sections.items() for name in content]
    assert re.findall(r"^\| `([\w.]+)` \|", key_tables(), flags=re.MULTILINE) == keys


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers of 'keys'"):
        rendered("# Configuration\n")


def test_an_old_table_is_replaced() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    old = document.replace("| `train.batch_size` | 32 |", "| `train.batch_size` | 31 |")
    assert old != document
    assert rendered(old) == document
