"""Gathers all checks into a report, and keeps what the last one said."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from smart_tuner.machine import Machine
from smart_tuner.messages import Language, render
from smart_tuner.readiness.databases import check_databases, check_existing
from smart_tuner.readiness.imports import check_imports
from smart_tuner.readiness.interfaces import check_answers, check_modules, check_ports
from smart_tuner.readiness.library import Findings, ask_library, library_ticks
from smart_tuner.readiness.machine_room import check_machine, check_settings
from smart_tuner.readiness.notices import check_notices
from smart_tuner.readiness.parts import check_parts
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.sources import check_sources
from smart_tuner.readiness.tick import Status, Tick, settled
from smart_tuner.readiness.vocoders import check_vocoder
from smart_tuner.records import write_atomically

PACKAGES = ("torch", "numpy", "PyYAML", "optuna", "mlflow", "tensorboard", "lightning-fabric", "pydantic")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Report:
    """All ticks, and of what: when (local time with its zone), which commit, on which machine."""

    ticks: Sequence[Tick]
    made_at: str
    commit: str
    machine: Machine

    def of(self, status: Status) -> list[Tick]:
        """The ticks that turned out so."""
        return [tick for tick in self.ticks if tick.status is status]

    @property
    def is_ready(self) -> bool:
        return not self.of(Status.FAILED)

    def to_dict(self, language: Language) -> dict[str, Any]:
        """Plain values; sentences in one language, names and statuses in none."""
        return {
            "ready": self.is_ready,
            "failed": len(self.of(Status.FAILED)),
            "warned": len(self.of(Status.WARNED)),
            "unchecked": len(self.of(Status.UNCHECKED)),
            "date": self.made_at,
            "commit": self.commit,
            "machine": self.machine.to_dict(),
            "ticks": [_plain(tick, language) for tick in self.ticks],
        }


def _plain(tick: Tick, language: Language) -> dict[str, str | None]:
    return {
        "name": tick.name,
        "group": tick.group.value,
        "title": render(tick.title, language),
        "status": tick.status.value,
        "detail": render(tick.detail, language),
        "remedy": None if tick.remedy is None else render(tick.remedy, language),
    }


def make_report(scene: Scene, ask: Callable[[Scene], Findings] | None = None) -> Report:
    """Makes every check; those that need processes of their own side by side.

    Args:
        ask: what the library says of itself; None: asked of a child.
    """
    with ThreadPoolExecutor() as pool:
        library = pool.submit(ask or ask_library, scene)
        apart = [pool.submit(check, scene) for check in (check_imports, check_modules, check_databases)]
        apart.append(pool.submit(check_vocoder, scene))
        ticks = [*check_sources(scene), check_settings(scene), *check_machine(scene), *check_parts(scene)]
        ticks += [*check_ports(scene), *check_notices(scene)]
        for future in apart:
            ticks += future.result()
        ticks += check_answers(scene)
        found = library.result()
    ticks += library_ticks(found, scene)
    commit = str(found.facts.get("commit", {}).get("commit", UNKNOWN))
    return Report(settled(ticks), _now(), commit, scene.machine)


def start_report(scene: Scene) -> Report:
    """What is checked before each training: in a moment, and without a process of its own but where a vocoder
    is to be opened."""
    ticks = [check_settings(scene), *check_machine(scene), *check_existing(scene), *check_ports(scene)]
    ticks += check_vocoder(scene)
    return Report(settled(ticks), _now(), UNKNOWN, scene.machine)


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def record_file(runs_folder: Path) -> Path:
    """Where the last whole report of a folder of runs is kept."""
    return runs_folder / "readiness.json"


def keep(report: Report, scene: Scene) -> None:
    """Writes what the report said beside the runs, under the key of what it was made of."""
    content = {"key": key(scene)} | report.to_dict(Language.EN)
    scene.runs_folder.mkdir(parents=True, exist_ok=True)
    write_atomically(record_file(scene.runs_folder), json.dumps(content, indent=1) + "\n")


def kept(scene: Scene) -> dict[str, Any] | None:
    """The last whole report of this program, these packages and settings; None where there is none."""
    try:
        content = json.loads(record_file(scene.runs_folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("key") == key(scene) else None


def key(scene: Scene) -> str:
    """The same as long as source files, packages, Python and what is trained are."""
    digest = hashlib.sha256(f"{platform.python_version()} {scene.config.digest()} {scene.device}".encode())
    for name in PACKAGES:
        try:
            digest.update(f"{name}={metadata.version(name)}".encode())
        except metadata.PackageNotFoundError:
            digest.update(f"{name} is missing".encode())
    for path in sorted(scene.source.rglob("*.py")):
        digest.update(os.fsencode(path.relative_to(scene.source)) + b"\0" + path.read_bytes())
    return digest.hexdigest()
