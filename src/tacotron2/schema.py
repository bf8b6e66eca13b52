"""Validation of settings by pydantic, derived from the fields of the section dataclasses.

Names, defaults, ranges and meanings are written once, in `tacotron2.hparams`; the models made here add
nothing but the check. All problems of a file are found at once.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from tacotron2.hparams import (
    SECTIONS,
    HParams,
    HParamsError,
    did_you_mean,
    range_text,
    relations,
    suggest_leaf,
)
from tacotron2.settings_file import SettingsFile as SettingsFile
from tacotron2.settings_file import read_settings as read_settings

Values = dict[str, dict[str, Any]]
"""Section name to key to value."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, without its place."""

    key: tuple[str, ...]
    """(section,) or (section, key); empty where the text names no known key."""
    text: str
    """`train.batch_size=0: must be a whole number >= 1`"""
    partners: tuple[tuple[str, ...], ...] = ()
    """The other keys of a broken relation."""


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd")
    return value


def _annotation(leaf: dataclasses.Field[Any], kind: Any) -> Any:
    """The type of a leaf with everything its metadata ask for."""
    meta = leaf.metadata
    if "choices" in meta:
        return Annotated[Literal[meta["choices"]], Field(description=meta["doc"])]
    limits: dict[str, Any] = {name: meta[name] for name in ("ge", "gt", "le", "lt") if name in meta}
    if kind is float:
        limits["allow_inf_nan"] = False
    checks = (AfterValidator(_odd),) if meta.get("odd") else ()
    return Annotated[(kind, Field(description=meta["doc"], **limits), *checks)]


def section_schema(section: type) -> type[BaseModel]:
    """The pydantic model of a section dataclass: strict types (a whole number serves as a number), no
    unknown key, every key optional."""
    kinds = get_type_hints(section)
    fields: dict[str, Any] = {
        leaf.name: (_annotation(leaf, kinds[leaf.name]), leaf.default) for leaf in dataclasses.fields(section)
    }
    config = ConfigDict(strict=True, extra="forbid", frozen=True)
    return create_model(section.__name__, __config__=config, __doc__=section.__doc__, **fields)


class SettingsSchema:
    """Checks plain values against a set of section dataclasses."""

    def __init__(self, sections: Mapping[str, type]) -> None:
        self.sections = dict(sections)
        self.leaf_section = {
            leaf.name: name for name, section in sections.items() for leaf in dataclasses.fields(section)
        }
        self.leaf_field = {
            leaf.name: leaf for section in sections.values() for leaf in dataclasses.fields(section)
        }
        self.section_models = {name: section_schema(section) for name, section in sections.items()}
        fields: dict[str, Any] = {name: (model, None) for name, model in self.section_models.items()}
        self.model = create_model("Settings", __config__=ConfigDict(extra="forbid", frozen=True), **fields)

    def check(self, values: Mapping[str, Any]) -> tuple[Values, list[Problem]]:
        """The good values, in their exact types, and what is wrong with the others."""
        try:
            checked = self.model.model_validate(values)
        except ValidationError as error:
            # The place is (section, key, ...): what is inside a leaf belongs to the leaf.
            bad = dict.fromkeys(tuple(map(str, entry["loc"][:2])) for entry in error.errors())
            good, _ = self.check(_without(values, bad))
            return good, [self._problem(key, values) for key in bad]
        return checked.model_dump(exclude_unset=True), []

    def build(self, values: Values) -> dict[str, Any]:
        """The section objects of checked values; what is missing takes its default."""
        return {name: section(**values.get(name, {})) for name, section in self.sections.items()}

    def _problem(self, key: tuple[str, ...], values: Mapping[str, Any]) -> Problem:
        if key[0] not in self.sections:
            hint = did_you_mean(key[0], self.sections) or suggest_leaf(key[0], self.leaf_section)
            known = "" if hint else f"; the sections are {', '.join(self.sections)}"
            return Problem(key, f"{key[0]}: unknown section{hint}{known}")
        value = values[key[0]]
        if len(key) == 1:
            rule = "must be a mapping of keys to values (leave a section out for its defaults)"
            return Problem(key, f"{key[0]}={shown(value)}: {rule}")
        dotted = ".".join(key)
        if self.leaf_section.get(key[1]) != key[0]:
            return Problem(key, f"{dotted}: unknown key{suggest_leaf(key[1], self.leaf_section)}")
        rule = range_text(self.leaf_field[key[1]])
        return Problem(key, f"{dotted}={shown(value[key[1]])}: must be {rule}")


HPARAMS_SCHEMA = SettingsSchema(SECTIONS)


def _without(values: Mapping[str, Any], bad: Collection[tuple[str, ...]]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in content.items() if (name, key) not in bad}
        for name, content in values.items()
        if (name,) not in bad
    }


def shown(value: Any) -> str:
    """A value for a message: short, and texts in quotes so that `'12'` and `12` can be told apart."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return reprlib.repr(value)


def hparams_problems(built: Mapping[str, Any], ignored: Collection[tuple[str, ...]] = ()) -> list[Problem]:
    """The broken relations between the hyper-parameters of built sections; bad keys are ignored."""
    hparams = HParams(**{name: built[name] for name in SECTIONS})
    problems = []
    for keys, rule in relations(hparams, [".".join(key) for key in ignored]):
        key, *partners = [tuple(name.split(".")) for name in keys]
        text = f"{keys[0]}={shown(getattr(hparams, key[1]))}: {rule}"
        problems.append(Problem(key, text, tuple(partners)))
    return problems


def read_hparams(path: Path) -> HParams:
    """The hyper-parameters of a YAML file; missing ones take their defaults.

    Sections that are not the library's belong to the program that wrote the file and are passed over,
    unless their name looks like a misspelt one.

    Raises:
        HParamsError: every problem at once, one a line, with file, line, key, value and what would be right.
    """
    file = read_settings(path)
    ours = {
        name: content
        for name, content in file.values.items()
        if name in SECTIONS or did_you_mean(name, SECTIONS)
    }
    values, problems = HPARAMS_SCHEMA.check(ours)
    built = HPARAMS_SCHEMA.build(values)
    problems += hparams_problems(built, [problem.key for problem in problems])
    lines = [*file.problems, *located(problems, file)]
    if lines:
        raise HParamsError("\n".join(lines))
    return HParams(**built)


def located(problems: Collection[Problem], file: SettingsFile) -> list[str]:
    """The problems with the place of each in the file, in the order of the file.

    A broken relation stands where the file has one of its keys; the others may be defaults.
    """
    placed = []
    for problem in problems:
        written = [key for key in (problem.key, *problem.partners) if key in file.lines]
        key = written[0] if written else problem.key
        placed.append((file.lines.get(key, 0), f"{file.where(*key)}: {problem.text}"))
    return [text for _, text in sorted(placed, key=lambda entry: entry[0])]
