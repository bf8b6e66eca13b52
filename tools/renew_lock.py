"""Write requirements.lock and requirements-dev.lock from the environment this runs in.

To take newer packages: make an environment with `pip install torch==X`, then `pip install -e ".[train,dev]"`,
let the tests pass in it, and run `python tools/renew_lock.py` with its Python. Exact versions of all that
pyproject.toml needs, directly or not; no local version suffix and no path, so that every pip on every machine
reads them.
"""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent

HEADER = """\
# Exact versions, written by tools/renew_lock.py; do not edit.
# install.sh installs torch first: its builds differ from machine to machine.
"""


def closure(requirements: list[str]) -> dict[str, str]:
    """Canonical name to exact version of everything the requirements need in this environment.

    Raises:
        SystemExit: a package is missing, or torch is a CUDA build (its packages must not enter the lock).
    """
    pins: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(Requirement(text), "") for text in requirements]
    while queue:
        requirement, parent_extra = queue.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": parent_extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name.startswith(("nvidia-", "cuda-", "triton")):
            raise SystemExit(f"{name} came with a CUDA build of torch; renew the lock with a CPU build")
        try:
            package = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            raise SystemExit(f"{requirement} is not installed in this environment") from None
        pins[name] = Version(package.version).public
        for extra in {"", *requirement.extras} - {done for known, done in seen if known == name}:
            seen.add((name, extra))
            queue.extend((Requirement(text), extra) for text in package.requires or [])
    return pins


def write(path: Path, first_lines: str, pins: dict[str, str]) -> None:
    """One `name==version` a line, in alphabetical order."""
    lines = [f"{name}=={version}" for name, version in sorted(pins.items())]
    path.write_text(HEADER + first_lines + "\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Renew both files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # The build system belongs to the lock: install.sh builds without isolation, hence without the network.
    extras = project["project"]["optional-dependencies"]
    needed = project["project"]["dependencies"] + extras["train"]
    pins = closure(needed + project["build-system"]["requires"])
    dev = closure(extras["dev"])
    write(ROOT / "requirements.lock", "", pins)
    only_dev = {name: version for name, version in dev.items() if name not in pins}
    write(ROOT / "requirements-dev.lock", "-r requirements.lock\n", only_dev)


if __name__ == "__main__":
    main()
