"""The configuration of a run: first what differs from its preset, then all of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from smart_tuner.config import LAYER_SECTIONS, Config, ConfigError, default_config, load_config, preset_names
from smart_tuner.messages import Language, ReportPhrase, render
from smart_tuner.reports.blocks import Block, Folded, Listing, Table, Text
from smart_tuner.reports.records import RunRecords
from tacotron2.hparams import SECTIONS


def blocks(records: RunRecords, language: Language) -> list[Block]:
    """Differences as a table, the file folded."""

    def told(phrase: ReportPhrase) -> str:
        return render(phrase(), language)

    shown: list[Block] = []
    if records.config is None:
        shown.append(Text([told(ReportPhrase.SETTINGS_UNREADABLE)]))
    else:
        name, other = compared_with(records.config)
        rows = [list(row) for row in differences(other, records.config)]
        if rows:
            caption = render(ReportPhrase.TABLE_DIFFERENCES(preset=name), language)
            phrases = (ReportPhrase.HEAD_KEY, ReportPhrase.HEAD_PRESET, ReportPhrase.HEAD_HERE)
            shown.append(Table(caption, [told(head) for head in phrases], rows, words=(0,)))
        else:
            shown.append(Text([render(ReportPhrase.AS_PRESET(preset=name), language)]))
    if records.settings_text:
        shown.append(Folded(told(ReportPhrase.ALL_SETTINGS), [Listing(records.settings_text)]))
    return shown


def compared_with(config: Config) -> tuple[str, Config]:
    """The preset of that name, else the defaults; each with its name."""
    if config.preset in preset_names():
        try:
            return config.preset, load_config(config.preset)
        except ConfigError:
            pass  # a preset that was edited meanwhile; the defaults are always there
    return "create_hparams()", default_config()


def differences(before: Config, after: Config) -> Iterator[tuple[str, str, str]]:
    """Key, value before and value after, of every key whose values differ."""
    for section in (*SECTIONS, *LAYER_SECTIONS):
        old, new = (_section(config, section) for config in (before, after))
        for leaf in dataclasses.fields(new):
            values = getattr(old, leaf.name), getattr(new, leaf.name)
            if values[0] != values[1]:
                yield f"{section}.{leaf.name}", shown(values[0]), shown(values[1])


def shown(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _section(config: Config, name: str) -> Any:
    return getattr(config, name) if name in LAYER_SECTIONS else getattr(config.hparams, name)
