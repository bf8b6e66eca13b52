"""What the documents may name: files, things that runs make, commands, options, keys and identifiers."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", "runs", "data", "__pycache__", "build", "dist"}
OUR_PACKAGES = ("smart_tuner", "tacotron2")

SMART_TUNER = "import sys; sys.argv[0] = 'smart-tuner'; from smart_tuner.cli import main; main()"

# Parts of a path that stand for something else: 20260101-120000-demo, <run>, *, STEP, 000123.
PLACEHOLDER = re.compile(r"\d{8}-\d{6}-\w+|<[^>]*>|\*+|(?<![A-Za-z])[A-Z][A-Z0-9_]*(?![a-z])|\d{3,}")


class Facts:
    """Answers about the working tree; what is costly to find out is found out once."""

    def __init__(self) -> None:
        self._help: dict[tuple[str, ...], str] = {}

    @cached_property
    def files(self) -> list[str]:
        """Every file of the project, from its root."""
        found = []
        for folder, folders, names in os.walk(ROOT):
            at_root = Path(folder) == ROOT
            folders[:] = [name for name in folders if name not in NOT_OURS or not (at_root or "__" in name)]
            found += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
        return found

    @cached_property
    def source_text(self) -> str:
        """All code and settings in one text."""
        suffixes = (".py", ".sh", ".yaml", ".toml", ".ci/run")
        names = [name for name in self.files if name.endswith(suffixes) and not name.startswith("tests/")]
        return "\n".join((ROOT / name).read_text(encoding="utf-8") for name in names)

    @cached_property
    def identifiers(self) -> set[str]:
        """Every word of the code."""
        return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", self.source_text))

    @cached_property
    def path_parts(self) -> set[str]:
        """Parts of paths that the programs write or read: pieces between slashes of their texts."""
        texts = set(re.findall(r"[\w./-]+", (ROOT / "install.sh").read_text(encoding="utf-8")))
        texts |= set((ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
        for name in self.files:
            if name.startswith("src/") and name.endswith(".py"):
                texts |= texts_of(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        return {part for text in texts if " " not in text for part in text.split("/")} - {""}

    @cached_property
    def keys(self) -> dict[str, set[str]]:
        """Section to configuration keys, as a resolved configuration lists them."""
        from smart_tuner.config import load_config

        return {
            section: set(content)
            for section, content in yaml.safe_load(load_config("debug").to_yaml()).items()
        }

    def is_file(self, path: str) -> bool:
        """Whether a file or folder of the project has this path, or ends in it (`audio.py`)."""
        path = path.removeprefix("./").rstrip("/")
        if not path or (ROOT / path).exists():
            return True
        pattern = re.compile(".*".join(map(re.escape, path.split("*"))))
        tails = (name[match.end() :] for name in self.files for match in re.finditer("^|/", name))
        return any(
            pattern.fullmatch(tail) or ("*" not in path and tail.startswith(f"{path}/")) for tail in tails
        )

    def is_made(self, path: str) -> bool:
        """Whether the programs make such a path: each of its parts is in one of their texts."""
        for part in path.removeprefix("./").strip("/").split("/"):
            if part in self.path_parts:
                continue
            pieces = [piece for piece in PLACEHOLDER.split(part) if piece.strip("-_.")]
            if part in pieces:  # no placeholder in it
                return False
            for piece in pieces:
                if not any(known.startswith(piece) or known.endswith(piece) for known in self.path_parts):
                    return False
        return True

    def is_module(self, module: str) -> bool:
        """Something `python -m` or `import` finds."""
        if module.partition(".")[0] in OUR_PACKAGES:
            return self.module_file(module) is not None
        return importlib.util.find_spec(module) is not None

    def module_file(self, module: str) -> Path | None:
        """The source of a module of the project."""
        base = ROOT / "src" / Path(*module.split("."))
        candidates = (base.with_suffix(".py"), base / "__init__.py")
        return next((path for path in candidates if path.is_file()), None)

    def is_python_name(self, dotted: str) -> bool:
        """A module, or something in one: `tacotron2.models.Tacotron2`, `torch.nn`."""
        parts = dotted.split(".")
        if parts[0] not in OUR_PACKAGES:
            return self.is_module(parts[0])
        for length in range(len(parts), 0, -1):
            source = self.module_file(".".join(parts[:length]))
            if source:
                return set(parts[length:]) <= names_in(ast.parse(source.read_text(encoding="utf-8")))
        return False

    def smart_tuner_help(self, *command: str) -> str:
        """What `smart-tuner COMMAND --help` prints; empty where there is no such command."""
        return self._help_of(("-c", SMART_TUNER, *command, "--help"))

    def library_help(self, *command: str) -> str:
        """The same of `python -m tacotron2.cli COMMAND`."""
        return self._help_of(("-m", "tacotron2.cli", *command, "--help"))

    def _help_of(self, arguments: tuple[str, ...]) -> str:
        if arguments not in self._help:
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
            done = subprocess.run(
                [sys.executable, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            self._help[arguments] = done.stdout if done.returncode == 0 else ""
        return self._help[arguments]


def texts_of(tree: ast.Module) -> set[str]:
    """The texts of a module, without those that are only documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    }


def names_in(tree: ast.Module) -> set[str]:
    """Classes, functions, variables and attributes of a module, and its texts (names exported lazily)."""
    names = texts_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


def options_in(help_text: str) -> dict[str, bool]:
    """Options that a help text lists, and whether each takes a value."""
    lines = re.findall(r"^ +(-.*)$", help_text, flags=re.MULTILINE)
    found: dict[str, bool] = {}
    for line in lines:
        names = re.match(r"(-{1,2}[\w-]+)((, -{1,2}[\w-]+)*)( ?[<\[{A-Z=]\S*)?", line)
        if names:
            takes_value = names[4] is not None
            found |= dict.fromkeys([names[1], *re.findall(r"-{1,2}[\w-]+", names[2])], takes_value)
    return found


def commands_in(help_text: str) -> set[str]:
    """Commands that a help text lists."""
    _, _, listed = help_text.partition("Commands:")
    return set(re.findall(r"^ {2,4}([a-z][\w-]*)", listed, flags=re.MULTILINE))
