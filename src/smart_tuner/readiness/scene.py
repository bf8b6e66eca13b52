"""What a readiness report is about."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smart_tuner.config import Config
from smart_tuner.machine import Machine


@dataclass(frozen=True)
class Scene:
    """Program, settings, folder and machine.

    config: of the training that is to be; the defaults where those asked for cannot be used, because of
        `problem`.
    environ: of the processes that check, and where secrets may be.
    source: the folder of both packages.
    offline: nobody outside this machine is asked.
    starts_services: start the interfaces and see whether they answer.
    """

    config: Config
    machine: Machine
    runs_folder: Path
    problem: str | None = None
    device: str = "auto"
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    source: Path = Path(__file__).parents[2]
    offline: bool = False
    starts_services: bool = False

    @property
    def training_memory_bytes(self) -> int:
        """Of the device that will train."""
        if self.trains_on_card:
            return self.machine.gpus[0].memory_mib * 2**20
        return self.machine.memory_free_bytes

    @property
    def trains_on_card(self) -> bool:
        return bool(self.machine.gpus) and self.device != "cpu"
