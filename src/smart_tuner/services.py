"""The interfaces of a run, MLflow and TensorBoard, and of a study the Optuna dashboard: started, waited for,
shown and stopped.

`start` takes seconds and may run in a thread of its own; `stop` in another thread cuts it short.
They listen on the loopback address. Whatever goes wrong with them is told in words and touches no training.
Only processes started here are ever stopped; a port that another program holds is left to it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from smart_tuner.config import ServiceSettings
from smart_tuner.mlflow_store import runs_page, server_command
from smart_tuner.service_process import ServiceAddress, ServiceProcess
from smart_tuner.study_dashboard import DASHBOARD_STORAGE_VARIABLE, HOME_PATH, READY_PATH, dashboard_command

MLFLOW, DASHBOARD = "MLflow", "Optuna"


class Services:
    """The services of one command. As a context manager it stops them at the end of the block.

    Args:
        storage_url: where a study is kept; None: there is none, and no Optuna dashboard.
        dashboard_alone: without the two that show runs.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        tracking_root: Path,
        runs_root: Path,
        *,
        storage_url: str | None = None,
        dashboard_alone: bool = False,
    ) -> None:
        self._settings = settings
        self._tracking_root = tracking_root.resolve()
        self._runs_root = runs_root.resolve()
        of_runs = [] if dashboard_alone else [self._mlflow(), self._tensorboard()]
        self._wanted = of_runs + ([] if storage_url is None else [self._dashboard(storage_url)])
        self._running: list[ServiceProcess] = []
        self._browser_opened = False
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, tell: Callable[[ServiceAddress], None] = lambda address: None) -> list[ServiceAddress]:
        """Start all, wait until they answer (at most `ready_timeout_s`) and open MLflow in the browser once.

        Raises nothing for a service that fails: its address says why, for the caller to tell.

        Args:
            tell: given each address as soon as its service answers or has failed; not after `stop`.
        """
        with self._lock:
            if not self._settings.enabled or self._running or self._stopping.is_set():
                return [self._address(service) for service in self._running]
            deadline = time.monotonic() + self._settings.ready_timeout_s
            self._running = self._wanted
            taken: set[int] = set()
            for service in self._running:
                service.launch(taken)
                taken.add(service.port)
            for service in self._running:
                service.wait_ready(deadline, taken, self._stopping)
                if not self._stopping.is_set():
                    address = self._address(service)
                    tell(address)
                    if service is self._running[0]:
                        self._open_browser_once(address)
            return [self._address(service) for service in self._running]

    def stop(self) -> None:
        """End what `start` started, also one that is still waiting; nothing can be started any more."""
        self._stopping.set()
        with self._lock:
            for service in self._running:
                service.ask_to_end()
            for service in self._running:
                service.wait_ended()
            self._running = []

    def _open_browser_once(self, address: ServiceAddress) -> None:
        if address.ready and self._settings.open_browser and not self._browser_opened:
            self._browser_opened = True
            open_browser(address.page)

    def _address(self, service: ServiceProcess) -> ServiceAddress:
        address = service.address()
        if address.ready and address.name == MLFLOW:
            return replace(address, path=runs_page(address.url))
        return replace(address, path=HOME_PATH) if address.name == DASHBOARD else address

    def _mlflow(self) -> ServiceProcess:
        def command(port: int) -> list[str]:
            return server_command(self._tracking_root, self._settings.host, port)

        # One worker and no job executor: 2 processes and 0.5 GB instead of 15 and 2.7 GB.
        environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        first_port = self._settings.mlflow_port
        return ServiceProcess(
            MLFLOW, command, environment, self._settings.host, first_port, "/health", self._tracking_root
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

    def _dashboard(self, storage_url: str) -> ServiceProcess:
        def command(port: int) -> list[str]:
            return dashboard_command(self._settings.host, port)

        environment = {DASHBOARD_STORAGE_VARIABLE: storage_url}
        first_port = self._settings.optuna_port
        return ServiceProcess(
            DASHBOARD, command, environment, self._settings.host, first_port, READY_PATH, self._tracking_root
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
