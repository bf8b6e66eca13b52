"""Settings files: a small, strict part of YAML, with the line of every key for the messages.

The values follow YAML 1.2: `1e-3` is a number, `no` and `12:30` are texts (in YAML 1.1, which most
programs still read, they are a text, False and 750). Tags have no effect, aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tacotron2.hparams import HParamsError

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
# More digits than any setting has; longer ones become floating-point numbers.
_INT = re.compile(r"[-+]?[0-9]{1,100}|[-+]?[0-9]{1,3}(_[0-9]{3}){1,10}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_NULL, lambda text: None),
    (_BOOL, lambda text: text.lower() == "true"),
    (_INT, int),
    (_FLOAT, lambda text: float(re.sub(r"\.(inf|nan)", r"\1", text.lower()))),
)


@dataclass(frozen=True)
class SettingsFile:
    """What a file says: sections of plain values, and where each key stands."""

    path: Path
    values: dict[str, Any]
    """Section name to its keys and values (whatever the file has there)."""
    lines: dict[tuple[str, ...], int]
    """(section,) and (section, key) to the line number, from 1."""
    problems: tuple[str, ...]
    """Keys written twice; each with file and line."""

    def where(self, *key: str) -> str:
        """`file:line` of a key, or of its section, or the file alone."""
        line = self.lines.get(key) or self.lines.get(key[:1])
        return f"{self.path}:{line}" if line else str(self.path)


def read_settings(path: Path) -> SettingsFile:
    """The sections of a YAML file.

    Raises:
        HParamsError: the file cannot be read, is not UTF-8, not YAML or not a mapping; with file and line.
    """
    root = _compose(_read_text(path), path)
    if root is None:
        raise HParamsError(f"{path}: the file is empty; write sections such as `train:` with keys below them")
    if not isinstance(root, yaml.MappingNode):
        line = root.start_mark.line + 1
        raise HParamsError(f"{path}:{line}: must be a mapping: sections such as `train:`, keys below them")
    lines: dict[tuple[str, ...], int] = {}
    problems: list[str] = []
    values = _mapping(root, (), lines, problems, path)
    return SettingsFile(path, values, lines, tuple(problems))


def _read_text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise HParamsError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise HParamsError(f"{path}: is a folder; name a YAML file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the path
        raise HParamsError(f"{path}: cannot be read ({error})") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise HParamsError(
            f"{path}:{line}: is not UTF-8 text (byte 0x{content[error.start]:02x}); save the file as UTF-8"
        ) from None


def _compose(text: str, path: Path) -> yaml.Node | None:
    try:
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            if isinstance(event, yaml.AliasEvent):
                where = f"{path}:{event.start_mark.line + 1}" if event.start_mark else str(path)
                raise HParamsError(f"{where}: an alias (*) has no meaning here; put a text in quotes")
        return yaml.compose(text, Loader=yaml.BaseLoader)  # which leaves every scalar a text
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        reason = " ".join(part for part in (error.problem, error.context) if part)
        hint = "; indent with spaces, not tabs" if "'\\t'" in reason else ""
        raise HParamsError(f"{where}: is not valid YAML: {reason}{hint}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        code = f"U+{ord(text[error.position]):04X}"
        raise HParamsError(f"{path}:{line}: is not valid YAML: it holds the character {code}") from None
    except RecursionError:
        raise HParamsError(f"{path}: is nested too deeply for a settings file") from None


def _mapping(
    node: yaml.MappingNode,
    above: tuple[str, ...],
    lines: dict[tuple[str, ...], int],
    problems: list[str],
    path: Path,
) -> dict[str, Any]:
    """The keys of the file (`above` empty) or of one section; notes their lines and duplicates."""
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        name = str(_plain(key_node) if not isinstance(key_node, yaml.ScalarNode) else key_node.value)
        key = (*above, name)
        if name in values:
            problems.append(
                f"{path}:{line}: {'.'.join(key)}: written twice, first in line {lines[key]}; keep one"
            )
            continue
        lines[key] = line
        is_section = not above and isinstance(value_node, yaml.MappingNode)
        values[name] = _mapping(value_node, key, lines, problems, path) if is_section else _plain(value_node)
    return values


def _plain(node: yaml.Node) -> Any:
    """The value of a node in Python's plain types."""
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(_plain(key)): _plain(value) for key, value in node.value}
    text = str(node.value)
    if isinstance(node, yaml.ScalarNode) and node.style is None:
        for pattern, convert in _SCALARS:
            if pattern.fullmatch(text):
                return convert(text)
    return text
