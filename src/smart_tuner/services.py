"""The two interfaces of a run, MLflow and TensorBoard: started, waited for, shown and stopped.

Both listen on the loopback address. Whatever goes wrong with them is told in words and touches no training.
Only processes started here are ever stopped; a port that another program holds is left to it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import webbrowser
from pathlib import Path
from types import TracebackType
from typing import Self

from smart_tuner.config import ServiceSettings
from smart_tuner.mlflow_store import server_command
from smart_tuner.service_process import ServiceAddress, ServiceProcess


class Services:
    """Both services of one command. As a context manager it stops them at the end of the block."""

    def __init__(self, settings: ServiceSettings, tracking_root: Path, runs_root: Path) -> None:
        self._settings = settings
        self._tracking_root = tracking_root.resolve()
        self._runs_root = runs_root.resolve()
        self._running: list[ServiceProcess] = []
        self._browser_opened = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> list[ServiceAddress]:
        """Start both, wait until they answer (at most `ready_timeout_s`) and open the browser once.

        Raises nothing for a service that fails: its address says why, for the caller to tell.
        """
        if not self._settings.enabled or self._running:
            return [service.address() for service in self._running]
        deadline = time.monotonic() + self._settings.ready_timeout_s
        self._running = [self._mlflow(), self._tensorboard()]
        taken: set[int] = set()
        for service in self._running:
            service.launch(taken)
            taken.add(service.port)
        for service in self._running:
            service.wait_ready(deadline, taken)
        addresses = [service.address() for service in self._running]
        if addresses[0].ready and self._settings.open_browser and not self._browser_opened:
            self._browser_opened = True
            open_browser(addresses[0].url)
        return addresses

    def stop(self) -> None:
        """End what `start` started; safe to call again."""
        for service in self._running:
            service.ask_to_end()
        for service in self._running:
            service.wait_ended()
        self._running = []

    def _mlflow(self) -> ServiceProcess:
        def command(port: int) -> list[str]:
            return server_command(self._tracking_root, self._settings.host, port)

        # One worker and no job executor: 2 processes and 0.5 GB instead of 15 and 2.7 GB.
        environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        first_port = self._settings.mlflow_port
        return ServiceProcess(
            "MLflow", command, environment, self._settings.host, first_port, "/health", self._tracking_root
        )

    def _tensorboard(self) -> ServiceProcess:
        def command(port: int) -> list[str]:
            listen = ["--host", self._settings.host, "--port", str(port)]
            shown = ["--logdir", str(self._runs_root), "--samples_per_plugin", "images=100,audio=50"]
            return [sys.executable, "-m", "tensorboard.main", *listen, *shown]

        first_port = self._settings.tensorboard_port
        ready_path = "/data/environment"
        return ServiceProcess(
            "TensorBoard", command, {}, self._settings.host, first_port, ready_path, self._tracking_root
        )


def open_browser(url: str) -> bool:
    """Show `url` in the user's browser, in the background; False where there is none to open."""
    if sys.platform == "linux" and not any(map(os.environ.get, ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))):
        return False  # only text browsers are left, which would take the terminal over
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # A browser named by BROWSER may stay in the foreground: nobody waits for it.
    threading.Thread(target=browser.open, args=(url,), name="browser", daemon=True).start()
    return True
