"""How often the system has killed a process because memory ran out, as far as it tells."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")


def oom_kills(root: Path = ROOT) -> int:
    """The counter of our control group (version 2), else of the whole machine; 0 where neither is kept.

    Only its rise means something. `root` is the root of the file system.
    """
    for file in (_group_file(root), root / "proc" / "vmstat"):
        count = _counted(file) if file else None
        if count is not None:
            return count
    return 0


def _group_file(root: Path) -> Path | None:
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    places = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    return root / "sys" / "fs" / "cgroup" / places[0] / "memory.events" if places else None


def _counted(file: Path) -> int | None:
    """The number on the line `oom_kill NUMBER`."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    counts = [line.split()[1] for line in lines if line.startswith("oom_kill ")]
    return int(counts[0]) if counts else None
