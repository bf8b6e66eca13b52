"""Whether the parts of the tuner can be built with these settings; those of the library: `library.py`."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path

from smart_tuner.messages import ReadinessPhrase
from smart_tuner.readiness.databases import workplace
from smart_tuner.readiness.imports import PACKAGE_TICKS, import_name
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick

BROKEN = (
    ValueError,
    OSError,
    RuntimeError,
    LookupError,
    TypeError,
    AttributeError,
    ImportError,
    SyntaxError,
    sqlite3.Error,
)
"""What a part may end with whose code or surroundings are broken; the next one is built all the same."""


def check_parts(scene: Scene) -> list[Tick]:
    """Each class of the tuner, built as the commands build it."""
    builders: dict[str, Callable[[Scene], object]] = {
        "OptimizationEngine": _engine,
        "EarlyStopController": _early_stop,
        "SmartTunerMain": _main,
    }
    return [_built(name, builder, scene) for name, builder in builders.items()]


def _built(name: str, builder: Callable[[Scene], object], scene: Scene) -> Tick:
    try:
        builder(scene)
    except BROKEN as error:
        wrong, remedy = f"{type(error).__name__}: {error}", ReadinessPhrase.RESTORE_PROGRAM()
        needs = (*PACKAGE_TICKS, import_name(name), "runs folder", "database shared")
        return Tick(name, Group.PARTS, name, Status.FAILED, wrong, remedy, needs)
    return Tick(name, Group.PARTS, name, Status.PASSED)


def _engine(scene: Scene) -> object:
    from smart_tuner.optimization_engine import OptimizationEngine
    from smart_tuner.records import Outcome
    from smart_tuner.tuning.storage import open_storage
    from smart_tuner.tuning.storage_address import sqlite_url
    from smart_tuner.tuning.study_folder import StudyFolder

    def run_trial(*_: object, **__: object) -> Outcome:
        raise AssertionError("no trial is run to see whether the engine can be built")

    with workplace(scene.runs_folder) as home:
        folder = StudyFolder(Path(home) / "studies" / "readiness")
        folder.create()
        storage = open_storage(sqlite_url(folder.database_file))
        return OptimizationEngine(scene.config, folder, storage, run_trial, lambda message: None)


def _early_stop(scene: Scene) -> object:
    from smart_tuner.early_stop_controller import EarlyStopController, Plan

    return EarlyStopController(scene.config.early_stop, Plan.of(scene.config.hparams))


def _main(scene: Scene) -> object:
    from smart_tuner.main import SmartTunerMain
    from smart_tuner.progress import Output

    return SmartTunerMain(scene.config, Output(io.StringIO()), runs_folder=scene.runs_folder)
