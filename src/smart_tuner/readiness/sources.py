"""Whether every source file is Python. Read and compiled, not run."""

from __future__ import annotations

from pathlib import Path

from smart_tuner.messages import ReadinessPhrase
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick, Words

COUNTERPARTS = {
    "smart_tuner_main.py": "smart_tuner/main.py",
    "train.py": "tacotron2/training/loop.py",
    "model.py": "tacotron2/models/tacotron2.py",
    "smart_tuner/optimization_engine.py": "smart_tuner/optimization_engine.py",
    "smart_tuner/early_stop_controller.py": "smart_tuner/early_stop_controller.py",
    "debug_reporter.py": "smart_tuner/debug_reporter.py",
}
"""The files that the founding report names, and where their work is done here."""
ALL_OTHERS = "source all others"
SOURCE_TICKS = (*(f"source {name}" for name in COUNTERPARTS), ALL_OTHERS)


def check_sources(scene: Scene) -> list[Tick]:
    """A tick for each counterpart, and one for all other modules."""
    own = [scene.source / path for path in COUNTERPARTS.values()]
    ticks = []
    for name, path in zip(COUNTERPARTS, own, strict=True):
        title = ReadinessPhrase.COUNTERPART(name=name, path=COUNTERPARTS[name])
        ticks.append(_tick(f"source {name}", title, problem(path), ""))
    others = [
        path
        for package in ("smart_tuner", "tacotron2")
        for path in sorted((scene.source / package).rglob("*.py"))
        if path not in own
    ]
    found = [wrong for path in others if (wrong := problem(path)) is not None]
    told = "; ".join(found) if found else None
    title = ReadinessPhrase.ALL_MODULES_COMPILE()
    return [*ticks, _tick(ALL_OTHERS, title, told, ReadinessPhrase.MODULES(count=len(others)))]


def problem(path: Path) -> str | None:
    """What is wrong with a source file; None where nothing is."""
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        return f"{path.name}: {error.strerror}"
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        return f"{path.name}:{line}: {getattr(error, 'msg', error)}" if line else f"{path.name}: {error}"
    return None


def _tick(name: str, title: Words, wrong: str | None, detail: Words) -> Tick:
    status = Status.PASSED if wrong is None else Status.FAILED
    remedy = None if wrong is None else ReadinessPhrase.RESTORE_PROGRAM()
    return Tick(name, Group.SOURCES, title, status, detail if wrong is None else wrong, remedy)
