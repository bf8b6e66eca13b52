"""MLflow, TensorBoard and the Optuna dashboard: whether they can be loaded, on which ports, and on demand
whether they answer."""

from __future__ import annotations

from dataclasses import replace

from smart_tuner.messages import Message, ReadinessPhrase
from smart_tuner.readiness.imports import try_imports
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick
from smart_tuner.run_folder import tracking_root
from smart_tuner.service_process import ServiceError, free_port
from smart_tuner.services import Services

MODULES = {"MLflow": "mlflow.cli", "TensorBoard": "tensorboard.main", "Optuna": "optuna_dashboard"}


def check_ports(scene: Scene) -> list[Tick]:
    """Each configured port: free, or which one would be taken instead."""
    settings = scene.config.services
    if not settings.enabled:
        return []
    ports = (settings.mlflow_port, settings.tensorboard_port, settings.optuna_port)
    taken: set[int] = set()
    ticks = []
    for name, port in zip(MODULES, ports, strict=True):
        tick, found = _port(name, settings.host, port, taken)
        ticks.append(tick)
        taken.add(found)
    return ticks


def check_modules(scene: Scene) -> list[Tick]:
    """Whether each can be loaded; where services are started, `check_answers` tells more."""
    errors = try_imports(list(MODULES.values()), scene.environ)
    ticks = []
    for name, module in MODULES.items():
        title, error = ReadinessPhrase.INTERFACE_LOADS(name=name), errors[module]
        status = Status.PASSED if error is None else Status.FAILED
        remedy = None if error is None else ReadinessPhrase.INSTALL_AGAIN()
        ticks.append(Tick(f"loads {name}", Group.INTERFACES, title, status, error or "", remedy))
    return ticks


def check_answers(scene: Scene) -> list[Tick]:
    """Starts MLflow and TensorBoard as a run does, waits for them and ends them, where that is asked for."""
    if not scene.starts_services:
        told = ReadinessPhrase.NOT_STARTED_HERE()
        return [
            Tick(f"answers {name}", Group.INTERFACES, _answers(name), Status.UNCHECKED, told)
            for name in ("MLflow", "TensorBoard")
        ]
    settings = replace(scene.config.services, enabled=True, open_browser=False)
    ticks = []
    with Services(settings, tracking_root(scene.runs_folder), scene.runs_folder) as services:
        for address in services.start():
            status = Status.PASSED if address.ready else Status.FAILED
            remedy = None if address.ready else ReadinessPhrase.SEE_SERVICE_LOG()
            detail = address.page if address.ready else address.reason or ""
            needs = (f"loads {address.name}", f"port {address.name}")
            name, title = f"answers {address.name}", _answers(address.name)
            ticks.append(Tick(name, Group.INTERFACES, title, status, detail, remedy, needs))
    return ticks


def _answers(name: str) -> Message:
    return ReadinessPhrase.INTERFACE_ANSWERS(name=name)


def _port(name: str, host: str, port: int, taken: set[int]) -> tuple[Tick, int]:
    title = ReadinessPhrase.PORT_OF(name=name, port=port)
    try:
        found = free_port(host, port, taken)
    except ServiceError as error:
        remedy = ReadinessPhrase.OTHER_PORT()
        return Tick(f"port {name}", Group.INTERFACES, title, Status.FAILED, error.message, remedy), port
    if found == port:
        return Tick(
            f"port {name}", Group.INTERFACES, title, Status.PASSED, ReadinessPhrase.PORT_FREE()
        ), found
    told = ReadinessPhrase.PORT_INSTEAD(port=found)
    return Tick(
        f"port {name}", Group.INTERFACES, title, Status.WARNED, told, ReadinessPhrase.OTHER_PORT()
    ), found
