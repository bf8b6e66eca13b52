"""The lock: exact, readable by any pip on any machine, and what these tests run with."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]


def pins(name: str) -> dict[str, str]:
    """Package to version; every line must be `name==version` with a public version."""
    found: dict[str, str] = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or line == "-r requirements.lock":
            continue
        match = re.fullmatch(r"([a-z0-9-]+)==([0-9][0-9a-z.]*)", line)
        assert match, f"{name}: {line!r} is not an exact public pin"
        found[match[1]] = match[2]
    return found


def test_no_cuda_package_is_locked() -> None:
    locked = {**pins("requirements.lock"), **pins("requirements-dev.lock")}
    assert not [name for name in locked if name.startswith(("nvidia-", "cuda-", "triton"))]


@pytest.mark.parametrize("group", ["dependencies", "train", "dev", "build"])
def test_every_direct_dependency_is_locked_in_its_range(group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = {
        "dependencies": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        "build": project["build-system"]["requires"],
    }[group]
    locked = pins("requirements.lock") | (pins("requirements-dev.lock") if group == "dev" else {})
    for requirement in map(Requirement, texts):
        version = locked.get(canonicalize_name(requirement.name))
        assert version and requirement.specifier.contains(version), f"{requirement}: locked {version}"


def test_torch_is_pinned_exactly_in_both_places() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"torch=={pins('requirements.lock')['torch']}" in project["project"]["dependencies"]


def test_the_tests_run_with_the_locked_versions() -> None:
    locked = {**pins("requirements.lock"), **pins("requirements-dev.lock")}
    running = {name: Version(importlib.metadata.version(name)).public for name in locked}
    assert running == locked
