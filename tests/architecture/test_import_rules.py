"""Who may import whom. Read from the source, so that nested, dynamic and type-checking imports count."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

# Modules of smart_tuner that do not know one another; smart_tuner.main wires them.
INDEPENDENT_PARTS = {
    "supervision": ("supervisor", "self_healing", "recovery", "restart_history", "restart_words"),
    "services": ("services", "service_launcher", "service_process"),
    "tuning": ("optimization_engine", "tuning"),
    "controllers": ("controllers", "decisions", "attention_deadline", "early_stop_controller"),
    "tracking": ("tracking", "mlflow_writer", "tensorboard_writer"),
    "reports": ("reports",),
    "notices": ("notices", "telegram", "notice_queue", "run_notices", "chat_listener", "chat_commands"),
}
# What smart_tuner may use of tacotron2 anywhere; each with what it may import beyond the standard library.
FOUNDATION = {
    "tacotron2.reduction": (),
    "tacotron2.hparams": ("tacotron2.reduction",),
    "tacotron2.events": (),
    "tacotron2.detectors": (),
    "tacotron2.files": (),
    "tacotron2.voice_card": (),
    "tacotron2.settings_file": ("yaml", "tacotron2.hparams"),
    "tacotron2.schema": ("pydantic", "tacotron2.hparams", "tacotron2.settings_file"),
}
TORCH = ("torch", "lightning_fabric")
# What the model needs: torch, and these modules of the library.
MODEL_PARTS = ("tacotron2.models", "tacotron2.losses", "tacotron2.hparams", "tacotron2.text.symbols")
VAGUE_NAMES = {"utils", "util", "common", "core", "helpers", "helper", "misc"}


@dataclass(frozen=True)
class Module:
    """One source file under its dotted name."""

    name: str
    tree: ast.Module
    is_package: bool


def is_in(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def imports(module: Module) -> Iterator[str]:
    """Every name the module imports, anywhere in it: `import a.b` is a.b, `from a import b` is a.b."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node.module or "", node.level)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called_name(node) in ("import_module", "__import__"):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    name = argument.value.lstrip(".")
                    yield absolute(module, name, len(argument.value) - len(name))


def called_name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def absolute(module: Module, name: str, level: int) -> str:
    """A relative import's full name."""
    if not level:
        return name
    parts = module.name.split(".")
    kept = parts[: len(parts) - level + (1 if module.is_package else 0)]
    return ".".join([*kept, *filter(None, [name])])


def is_standard(name: str) -> bool:
    return name.partition(".")[0] in {*sys.stdlib_module_names, "__future__"}


def part_of(name: str) -> str | None:
    """The independent part a module of smart_tuner belongs to."""
    for part, modules in INDEPENDENT_PARTS.items():
        if is_in(name, *(f"smart_tuner.{each}" for each in modules)):
            return part
    return None


def why_forbidden(name: str, target: str) -> str | None:
    """The rule that module `name` breaks by importing `target`; None when it may."""
    if is_in(name, "tacotron2") and is_in(target, "smart_tuner", "optuna", "mlflow"):
        return "tacotron2 knows nothing of smart_tuner, optuna and mlflow"
    if name in FOUNDATION and not (is_standard(target) or is_in(target, *FOUNDATION[name])):
        return " and ".join(["it may import the standard library", *FOUNDATION[name]]) + " alone"
    if is_in(name, "tacotron2.models", "tacotron2.losses") and not (
        is_standard(target) or is_in(target, "torch", *MODEL_PARTS)
    ):
        return "models and losses need torch alone"
    if not is_in(name, "smart_tuner"):
        return None
    if is_in(target, "smart_tuner.worker"):
        return "the worker is started as a process, never imported"
    if name != "smart_tuner.worker":
        if is_in(target, "tacotron2") and not is_in(target, *FOUNDATION):
            return "smart_tuner reaches tacotron2 only in the worker"
        if is_in(target, *TORCH):
            return "no torch in smart_tuner outside the worker"
    parts = part_of(name), part_of(target)
    if all(parts) and parts[0] != parts[1]:
        return "these parts meet only in smart_tuner.main"
    return None


def violations(module: Module) -> list[str]:
    """Every broken rule of one file, in words."""
    problems = [
        f"{module.name} imports {target}: {rule}"
        for target in imports(module)
        if (rule := why_forbidden(module.name, target))
    ]
    vague = VAGUE_NAMES.intersection(module.name.split("."))
    problems += [f"{module.name}: {word} says nothing about what is in it" for word in sorted(vague)]
    if module.is_package and "." not in module.name:
        problems += [f"{module.name}/__init__.py imports {target} at once" for target in eager(module)]
    return problems


def eager(module: Module) -> list[str]:
    """What importing the package itself would import, beyond the standard library."""
    statements = [node for node in module.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    found = imports(Module(module.name, ast.Module(list(statements), []), module.is_package))
    return [target for target in found if not is_standard(target)]


def source_modules() -> Iterator[Module]:
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        yield Module(name, ast.parse(path.read_text(encoding="utf-8"), str(path)), is_package)


def test_the_source_keeps_the_rules() -> None:
    modules = list(source_modules())
    assert {"tacotron2", "smart_tuner", "smart_tuner.worker"} <= {module.name for module in modules}
    assert [problem for module in modules for problem in violations(module)] == []


def test_every_named_module_exists() -> None:
    names = {module.name for module in source_modules()}
    independent = {f"smart_tuner.{each}" for part in INDEPENDENT_PARTS.values() for each in part}
    assert {*independent, *FOUNDATION, *MODEL_PARTS} <= names


@pytest.mark.parametrize(
    ("name", "source", "rule"),
    [
        ("tacotron2.training", "import mlflow.entities", "knows nothing of"),
        ("tacotron2.training", "def f():\n    from smart_tuner import records", "knows nothing of"),
        ("tacotron2.hparams", "import yaml", "library and tacotron2.reduction alone"),
        ("tacotron2.events", "from tacotron2 import hparams", "standard library alone"),
        ("tacotron2.schema", "import torch", "library and pydantic and"),
        ("tacotron2.models.decoder", "import numpy", "torch alone"),
        ("tacotron2.models.decoder", "from ..audio import log_mel", "torch alone"),
        ("tacotron2.losses", "from tacotron2.text import SYMBOLS", "torch alone"),
        (
            "tacotron2.losses",
            "if TYPE_CHECKING:\n    from tacotron2.data.dataset import Batch",
            "torch alone",
        ),
        ("smart_tuner.main", "import torch.cuda", "no torch"),
        ("smart_tuner.main", "import importlib\nimportlib.import_module('torch')", "no torch"),
        ("smart_tuner.cli", "from tacotron2 import create_hparams", "only in the worker"),
        ("smart_tuner.cli", "import tacotron2", "only in the worker"),
        ("smart_tuner.cli", "from smart_tuner.worker import run", "never imported"),
        ("smart_tuner.services", "from .supervisor import Supervisor", "only in smart_tuner.main"),
        ("tacotron2.utils.audio", "", "says nothing"),
    ],
)
def test_a_broken_rule_is_found(name: str, source: str, rule: str) -> None:
    problems = violations(Module(name, ast.parse(source), is_package=False))
    assert len(problems) == 1
    assert rule in problems[0]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("smart_tuner.worker", "import torch\nfrom tacotron2.training import train"),
        ("smart_tuner.main", "from tacotron2.hparams import HParams\nfrom tacotron2 import events"),
        ("smart_tuner.main", "from smart_tuner import services, supervisor, tracking"),
        ("tacotron2.models.decoder", "from .attention import Attention\nimport math"),
        ("tacotron2.training", "import torch\nfrom lightning_fabric import Fabric"),
    ],
)
def test_an_allowed_import_passes(name: str, source: str) -> None:
    assert violations(Module(name, ast.parse(source), is_package=False)) == []


def test_a_package_that_imports_at_once_is_found() -> None:
    source = "import importlib\nif TYPE_CHECKING:\n    from tacotron2.models import Tacotron2\n"
    assert violations(Module("tacotron2", ast.parse(source), is_package=True)) == []
    source += "from tacotron2.models import Tacotron2\n"
    assert len(violations(Module("tacotron2", ast.parse(source), is_package=True))) == 1
