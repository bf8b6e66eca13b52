"""The part that decides, restarts and tells; it runs the `tacotron2` library in child processes.

The public names are imported on first use, so that `smart-tuner --help` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smart_tuner.debug_reporter import DebugReporter
    from smart_tuner.early_stop_controller import EarlyStopController
    from smart_tuner.main import SmartTunerMain
    from smart_tuner.optimization_engine import OptimizationEngine

_HOME = {
    "DebugReporter": "smart_tuner.debug_reporter",
    "EarlyStopController": "smart_tuner.early_stop_controller",
    "OptimizationEngine": "smart_tuner.optimization_engine",
    "SmartTunerMain": "smart_tuner.main",
}

__all__ = ["DebugReporter", "EarlyStopController", "OptimizationEngine", "SmartTunerMain"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
