"""Each thing is broken once, at its real boundary, and only its own tick turns."""

from __future__ import annotations

import dataclasses
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from smart_tuner.machine import GIB, Gpu
from smart_tuner.messages import Language, render
from smart_tuner.readiness.databases import check_existing, share
from smart_tuner.readiness.imports import PACKAGES, PUBLIC_NAMES, check_imports, import_name
from smart_tuner.readiness.interfaces import check_ports
from smart_tuner.readiness.library import LOSSES, NEEDS, library_ticks, sorted_out
from smart_tuner.readiness.machine_room import check_machine, check_settings
from smart_tuner.readiness.notices import check_notices
from smart_tuner.readiness.parts import check_parts
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.sources import COUNTERPARTS, SOURCE_TICKS, check_sources
from smart_tuner.readiness.tick import Group, Status, Tick, settled
from tests.smart_tuner.bot_server import CHAT, BotServer
from tests.smart_tuner.readiness.scenes import FACTS, ROOMY, SOURCE, healthy, scene

TOKEN = "123456789:" + "s3cr3t" * 6


def turned(ticks: list[Tick], status: Status = Status.FAILED) -> list[str]:
    return [tick.name for tick in settled(ticks) if tick.status is status]


def public_names_there() -> list[str]:
    """Those of the names whose module is part of the program already."""
    import smart_tuner

    return [name for name, home in PUBLIC_NAMES.items() if home == "tacotron2" or name in smart_tuner.__all__]


# Facts of the library, each against its bar.
@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"parameters": {"count": 58_811_634, "learning": 58_811_634}}, "parameters"),
        ({"parameters": {"learning": 33_000_000}}, "parameters"),
        ({"gradients": {"without": ["tpse_gst.linear.weight"]}}, "gradients"),
        ({"gradients": {"silent_symbols": [7]}}, "gradients"),
        ({"data": {"clips": 7}}, "data"),
        ({"Tacotron2": {"disk_bytes": 60 * GIB}}, "disk for the run"),
        ({"batch": {"rows": 1, "parts": 16, "needed": 30}}, "batch"),
        ({"rate": {"rate": 5e-6, "steps": 1000, "moved": 0.005}}, "rate"),
        *(
            ({"losses": {"terms": FACTS["losses"]["terms"] | {name: [value, 0.5, 2.0]}}}, f"loss {name}")
            for name in LOSSES
            for value in (0.4, 2.1, float("nan"))
        ),
        (
            {"losses": {"terms": {name: [1.0, 0.5, 2.0] for name in LOSSES if name != "mmi"}}},
            "loss mmi",
        ),
    ],
)
def test_a_fact_beyond_its_bar(tmp_path: Path, changes: dict[str, dict[str, Any]], name: str) -> None:
    here = scene(tmp_path)
    assert turned(library_ticks(healthy(), here)) == []
    assert turned(library_ticks(healthy(changes), here)) == [name]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"data": {"clips": 60}}, "data"),
        ({"batch": {"parts": 2}}, "batch"),
        ({"cards": {"cards": [[8, 0, None], [12, 0, None], [24, 0, None]]}}, "cards"),
        ({"rate": {"moved": 0.15}}, "rate"),
    ],
)
def test_a_fact_worth_a_word(tmp_path: Path, changes: dict[str, dict[str, Any]], name: str) -> None:
    ticks = library_ticks(healthy(changes), scene(tmp_path))
    assert turned(ticks) == [] and turned(ticks, Status.WARNED) == [name]


def test_the_smallest_card_that_is_enough_is_named(tmp_path: Path) -> None:
    [tick] = [each for each in library_ticks(healthy(), scene(tmp_path)) if each.name == "cards"]
    assert "8 GB is enough" in render(tick.detail, Language.EN)
    large = healthy({"cards": {"cards": [[8, 0, None], [12, 3, 16], [24, 9, 2]]}})
    [tick] = [each for each in library_ticks(large, scene(tmp_path)) if each.name == "cards"]
    said = render(tick.detail, Language.EN)
    assert tick.status is Status.PASSED and "12 GB is enough" in said and "8: 0, 12: 3, 24: 9" in said


def test_a_machine_with_a_card_is_told_of_its_own(tmp_path: Path) -> None:
    """The check of the batch is made for the card then."""
    gpu = Gpu("A card", 12288, "1.0", "8.6")
    here = scene(tmp_path, machine=dataclasses.replace(ROOMY, gpus=(gpu,)))
    assert here.training_memory_bytes == 12 * GIB
    assert "cards" not in {tick.name for tick in library_ticks(healthy(), here)}
    on_cpu = dataclasses.replace(here, device="cpu")
    assert "cards" in {tick.name for tick in library_ticks(healthy(), on_cpu)}
    assert on_cpu.training_memory_bytes == ROOMY.memory_free_bytes


def test_a_library_that_dies_has_failed_where_it_was() -> None:
    lines = [
        '{"kind": "self-check", "checking": "rate"}',
        '{"kind": "self-check", "checked": "rate", "facts": {"moved": 1}}',
        '{"kind": "self-check", "checking": "parameters"}',
    ]
    found = sorted_out(lines, "Killed")
    assert (found.facts, found.errors) == ({"rate": {"moved": 1}}, {"parameters": "Killed"})


def test_what_waits_for_a_failure_is_not_counted_twice(tmp_path: Path) -> None:
    errors, waiting = {"speech": "no synthesiser"}, dict.fromkeys(("step", "gradients", "losses"), "speech")
    facts = {name: FACTS[name] for name in FACTS if name not in (*errors, *waiting)}
    ticks = library_ticks(
        dataclasses.replace(healthy(), facts=facts, errors=errors, waiting=waiting), scene(tmp_path)
    )
    assert turned(ticks) == ["speech"]
    assert {"step", "gradients", "loss total"} <= set(turned(ticks, Status.UNCHECKED))
    broken = Tick("import torch", Group.IMPORTS, "torch", Status.FAILED, "no", "install")
    assert "import torch" in NEEDS and turned([*ticks, broken]) == ["import torch"]


# Imports and sources, with real processes and files.
@pytest.mark.parametrize("package", ["optuna", "sqlite3", "numpy"])
def test_a_package_that_cannot_be_imported(tmp_path: Path, package: str) -> None:
    (tmp_path / "broken" / package).mkdir(parents=True)
    (tmp_path / "broken" / package / "__init__.py").write_text("raise ImportError('torn')\n")
    here = scene(tmp_path)
    path = f"{tmp_path / 'broken'}{os.pathsep}{SOURCE}"
    ticks = check_imports(dataclasses.replace(here, environ={**here.environ, "PYTHONPATH": path}))
    named = {tick.name: tick for tick in settled(ticks)}
    assert named[import_name(package)].status is Status.FAILED
    assert "torn" in render(named[import_name(package)].detail, Language.EN)
    assert [name for name in turned(ticks) if name != import_name(package)] == []


def test_a_name_that_is_missing_and_a_process_that_dies(tmp_path: Path) -> None:
    """A copy of the tuner without one of its names; and a package that takes its process with it."""
    copy = tmp_path / "copy"
    shutil.copytree(
        SOURCE / "smart_tuner", copy / "smart_tuner", ignore=shutil.ignore_patterns("__pycache__")
    )
    init = copy / "smart_tuner" / "__init__.py"
    init.write_text(init.read_text().replace('"EarlyStopController":', '"Another":'))
    (copy / "yaml").mkdir()
    (copy / "yaml" / "__init__.py").write_text("import os\nos._exit(7)\n")
    here = scene(tmp_path)
    environ = {**here.environ, "PYTHONPATH": f"{copy}{os.pathsep}{SOURCE}"}
    named = {tick.name: tick for tick in check_imports(dataclasses.replace(here, environ=environ))}
    assert named["import EarlyStopController"].status is Status.FAILED
    assert (named["import yaml"].status, named["import yaml"].detail) == (Status.FAILED, "status 7")
    assert all(
        named[import_name(package)].status is Status.PASSED for package in PACKAGES if package != "yaml"
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        *((path, f"source {name}") for name, path in COUNTERPARTS.items()),
        ("tacotron2/audio.py", SOURCE_TICKS[-1]),
    ],
)
def test_a_file_that_is_no_python(tmp_path: Path, file: str, name: str) -> None:
    copy = tmp_path / "copy"
    for package in ("smart_tuner", "tacotron2"):
        shutil.copytree(SOURCE / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "smart_tuner" / "debug_reporter.py").touch()
    here = scene(tmp_path, source=copy)
    assert turned(check_sources(here)) == []
    (copy / file).write_text("def broken(:\n    pass\n")
    ticks = check_sources(here)
    assert turned(ticks) == [name]
    failed = next(tick for tick in ticks if tick.status is Status.FAILED)
    assert f"{Path(file).name}:1" in render(failed.detail, Language.EN)
    (copy / file).unlink()
    assert turned(check_sources(here)) == ([name] if name != SOURCE_TICKS[-1] else [])


# Machine, settings, databases, ports, notices.
@pytest.mark.parametrize(
    ("changes", "name", "status"),
    [
        ({"memory_free_bytes": GIB}, "memory", Status.FAILED),
        ({"memory_free_bytes": 2 * GIB}, "memory", Status.WARNED),
        ({"disk_free_bytes": GIB // 4}, "disk", Status.FAILED),
        ({"disk_free_bytes": GIB}, "disk", Status.WARNED),
    ],
)
def test_a_machine_too_small(tmp_path: Path, changes: dict[str, int], name: str, status: Status) -> None:
    here = scene(tmp_path, machine=dataclasses.replace(ROOMY, **changes))
    others = set(Status) - {Status.PASSED, status}
    assert turned(check_machine(here), status) == [name]
    assert [turned(check_machine(here), other) for other in others] == [[]] * len(others)


def test_a_device_that_is_not_there_and_settings_that_cannot_be_used(tmp_path: Path) -> None:
    assert turned(check_machine(scene(tmp_path, device="cuda"))) == ["device"]
    assert check_settings(scene(tmp_path)).status is Status.PASSED
    failed = check_settings(scene(tmp_path, problem="train.batch_size=0: must be a whole number >= 1"))
    assert failed.status is Status.FAILED and "batch_size" in str(failed.detail)


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Somebody writes into a database and does not end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS cures (name)")
        connection.execute("BEGIN EXCLUSIVE")
        yield


def test_a_locked_and_a_damaged_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_tuner.readiness.databases.EXISTING_TIMEOUT_S", 0.1)
    here = scene(tmp_path)
    file = here.runs_folder / "knowledge.db"
    with held(file):
        ticks = check_existing(here)
        assert turned(ticks) == ["databases"]
        assert "knowledge.db: database is locked" in str(ticks[-1].detail)
    assert turned(check_existing(here)) == []
    file.write_bytes(b"this is no database, and long enough to be taken for one" * 20)
    assert turned(check_existing(here)) == ["databases"]


def test_several_processes_share_a_study_and_a_lock_is_seen(tmp_path: Path) -> None:
    here = scene(tmp_path)
    assert share(tmp_path / "study.db", here) is None
    with held(tmp_path / "study.db"):
        assert share(tmp_path / "study.db", here, timeout_s=4.0) is not None


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scene(tmp_path)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("smart_tuner.readiness.databases.tempfile.mkdtemp", refuse)
    assert turned(check_existing(here)) == ["runs folder"]


def test_an_occupied_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        here = scene(tmp_path, f"services.tensorboard_port={port}")
        ticks = check_ports(here)
    assert turned(ticks) == [] and turned(ticks, Status.WARNED) == ["port TensorBoard"]
    assert turned(check_ports(scene(tmp_path)), Status.WARNED) == []


def test_no_port_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = __import__("smart_tuner.service_process", fromlist=["port_is_free"]).port_is_free
    monkeypatch.setattr(
        "smart_tuner.service_process.port_is_free", lambda host, port: port < 47420 and real(host, port)
    )
    ticks = check_ports(scene(tmp_path, "optuna_port=47400"))
    assert turned(ticks) == ["port TensorBoard"]


def test_a_part_that_cannot_be_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scene(tmp_path)
    assert turned(check_parts(here)) == []
    for name, home in (
        ("OptimizationEngine", "optimization_engine"),
        ("EarlyStopController", "early_stop_controller"),
        ("SmartTunerMain", "main"),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(f"smart_tuner.{home}.{name}.__init__", lambda self: None)
            assert turned(check_parts(here)) == [name]


def with_secrets(tmp_path: Path, text: str | None) -> Scene:
    file = tmp_path / "secrets.env"
    if text is not None:
        file.write_text(text)
        file.chmod(0o600)
    return scene(tmp_path, "notify=auto", f"notices.secrets_file={file}")


@pytest.mark.parametrize("text", [None, f"TOKEN={TOKEN}\n", f"CHAT={CHAT}\n"])
def test_secrets_that_are_missing(tmp_path: Path, text: str | None) -> None:
    ticks = check_notices(with_secrets(tmp_path, text))
    assert turned(ticks) == ["notices"]
    assert TOKEN not in repr(ticks)


def test_the_bot_is_asked(tmp_path: Path) -> None:
    here = with_secrets(tmp_path, f"TOKEN={TOKEN}\nCHAT={CHAT}\n")
    with closing_server() as server:
        here = dataclasses.replace(here, environ={**here.environ, "SMART_TUNER_TELEGRAM_API": server.api})
        server.answers = [(200, {"ok": True, "result": {"username": "tuner_bot"}})]
        ticks = check_notices(here)
        assert turned(ticks) == [] and ticks[-1].detail == "@tuner_bot"
        server.answers = [(401, {"ok": False, "description": f"Unauthorized: {TOKEN}"})]
        refused = check_notices(here)
        assert turned(refused) == ["bot"] and TOKEN not in repr(refused)
        assert check_notices(dataclasses.replace(here, offline=True))[-1].status is Status.UNCHECKED
    gone = check_notices(here)
    assert turned(gone) == [] and turned(gone, Status.WARNED) == ["bot"]
    (tmp_path / "secrets.env").chmod(0o644)
    careless = check_notices(dataclasses.replace(here, offline=True))
    assert turned(careless, Status.WARNED) == ["secrets"]
    nobody = check_notices(scene(tmp_path, "notify=auto"))
    assert turned(nobody, Status.WARNED) == ["notices"]


@contextmanager
def closing_server() -> Iterator[BotServer]:
    import threading

    with BotServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_failed_tick_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="what to do"):
        Tick("x", Group.GOAL, "x", Status.FAILED)
