"""Writes the tables of docs/configuration.md from the code, so that they cannot go stale.

    .venv/bin/python tools/render_configuration.py

Keys, defaults, ranges and meanings come from the field metadata of `tacotron2.hparams` and
`smart_tuner.config`, the values of the presets from `configs/`. Only what stands between the markers is
replaced.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smart_tuner.config import LAYER_SECTIONS, Config, RunSettings, load_config, preset_names
from tacotron2.hparams import SECTIONS, range_text

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "configuration.md"
ALL_SECTIONS: dict[str, type] = {"run": RunSettings, **SECTIONS, **LAYER_SECTIONS}


def key_tables() -> str:
    """One table a section: key, default, range, meaning."""
    parts = []
    for section, settings in ALL_SECTIONS.items():
        summary = (settings.__doc__ or "").splitlines()[0]
        parts += [f"### {section}", "", summary, ""]
        parts += ["| key | default | range | meaning |", "|---|--:|---|---|"]
        for leaf in dataclasses.fields(settings):
            cells = (shown(leaf.default), range_text(leaf), leaf.metadata["doc"])
            parts.append("| " + " | ".join([f"`{section}.{leaf.name}`", *map(escaped, cells)]) + " |")
        parts.append("")
    return "\n".join(parts).strip()


def preset_table() -> str:
    """The keys that some preset changes: the default, and every preset's value where it differs."""
    presets = {name: load_config(name) for name in preset_names()}
    lines = [
        "| key | default | " + " | ".join(presets) + " |",
        "|---|--:|" + "--:|" * len(presets),
    ]
    for section, leaf in leaves():
        values = [value_of(config, section, leaf.name) for config in presets.values()]
        if any(value != leaf.default for value in values):
            cells = ["" if value == leaf.default else shown(value) for value in values]
            lines.append(f"| `{section}.{leaf.name}` | {shown(leaf.default)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def leaves() -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every (section, field) that a preset may sensibly change: all but what a run is called."""
    for section, settings in ALL_SECTIONS.items():
        if section != "run":
            for leaf in dataclasses.fields(settings):
                yield section, leaf


def value_of(config: Config, section: str, name: str) -> object:
    """The resolved value of a key."""
    part = getattr(config.hparams if section in SECTIONS else config, section)
    value: object = getattr(part, name)
    return value


def shown(value: object) -> str:
    """A value as one would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "(empty)"


def escaped(text: str) -> str:
    """A text as the cell of a table."""
    return text.replace("|", "\\|")


RENDERERS = {"keys": key_tables, "presets": preset_table}


def rendered(document: str) -> str:
    """The document with the content of every marked part made anew.

    Raises:
        ValueError: a part is not marked, or marked twice.
    """
    for name, render in RENDERERS.items():
        begin, end = f"<!-- {name}: made by tools/render_configuration.py -->", f"<!-- {name}: end -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        found = pattern.findall(document)
        if len(found) != 1:
            raise ValueError(f"the document needs the markers of {name!r} exactly once")
        document = document.replace(found[0], f"{begin}\n\n{render()}\n\n{end}")
    return document


if __name__ == "__main__":
    DOCUMENT.write_text(rendered(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
