"""Whether what the program is made of can be imported: the packages, and its own public names."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from smart_tuner.messages import ReadinessPhrase
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.sources import SOURCE_TICKS
from smart_tuner.readiness.tick import Group, Status, Tick

PACKAGES = ("torch", "numpy", "yaml", "optuna", "sqlite3", "gc")
PACKAGES_OF_PACKAGES = {"torch": ("numpy",), "optuna": ("numpy", "sqlite3", "yaml")}
PUBLIC_NAMES = {
    "OptimizationEngine": "smart_tuner",
    "EarlyStopController": "smart_tuner",
    "SmartTunerMain": "smart_tuner",
    "DebugReporter": "smart_tuner",
    "Tacotron2": "tacotron2",
    "create_hparams": "tacotron2",
    "Tacotron2Loss": "tacotron2",
    "train": "tacotron2",
    "validate": "tacotron2",
    "load_model": "tacotron2",
    "TextMelLoader": "tacotron2",
    "TextMelCollate": "tacotron2",
}
TIMEOUT_S = 180.0
_PROBE = Path(__file__).with_name("import_probe.py")


def import_name(name: str) -> str:
    """The name of a tick about an import."""
    return f"import {name}"


PACKAGE_TICKS = tuple(import_name(package) for package in PACKAGES)
LIBRARY_TICKS = tuple(import_name(name) for name, home in PUBLIC_NAMES.items() if home == "tacotron2")


def check_imports(scene: Scene) -> list[Tick]:
    """A tick for each package and each public name."""
    wanted = {package: package for package in PACKAGES}
    wanted |= {name: f"{home}:{name}" for name, home in PUBLIC_NAMES.items()}
    errors = try_imports(list(wanted.values()), scene.environ)
    return [_tick(name, target, errors[target]) for name, target in wanted.items()]


def try_imports(wanted: Sequence[str], environ: Mapping[str, str]) -> dict[str, str | None]:
    """Why each cannot be imported; None where it can. A process that dies of one is begun for the others."""
    errors: dict[str, str | None] = {}
    while remaining := [each for each in wanted if each not in errors]:
        command = [sys.executable, "-P", str(_PROBE), *remaining]
        try:
            done = subprocess.run(
                command, env=dict(environ), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
            )
            said, status = done.stdout, f"status {done.returncode}"
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
            said = output.decode() if isinstance(output, bytes) else output
            status = f"> {TIMEOUT_S:g} s"
        records = [json.loads(line) for line in said.splitlines() if line.startswith('{"name"')]
        errors |= {record["name"]: record["error"] for record in records}
        died = next((each for each in remaining if each not in errors), None)
        if died is not None:
            errors[died] = status
    return errors


def _tick(name: str, target: str, error: str | None) -> Tick:
    is_package = name in PACKAGES
    title = name if is_package else target.replace(":", ".")
    within = tuple(map(import_name, PACKAGES_OF_PACKAGES.get(name, ())))
    needs = within if is_package else (*PACKAGE_TICKS, *SOURCE_TICKS)
    if error is None:
        return Tick(import_name(name), Group.IMPORTS, title, Status.PASSED)
    remedy = ReadinessPhrase.INSTALL_AGAIN() if is_package else ReadinessPhrase.RESTORE_PROGRAM()
    return Tick(import_name(name), Group.IMPORTS, title, Status.FAILED, error, remedy, needs)
