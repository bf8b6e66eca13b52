"""Which build of torch fits this machine, which one pip would bring, and which one is installed.

`install.sh` asks; the answers are single words on standard output (`cpu`, `cu126`, `cu130`, ...), the reasons
and warnings go to standard error. Standard library and pip only: it runs before anything is installed.

Sources: the CUDA support matrix of the PyTorch releases 2.12 to 2.14 (RELEASE.md: 12.6 from Maxwell to
Hopper, 13.0 from Turing to Blackwell; 12.8 was dropped with 2.12, 13.2 is experimental) and NVIDIA's table of
driver versions for minor version compatibility (CUDA 12.x from 525.60.13, CUDA 13.x from 580).
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field

Numbers = tuple[int, ...]

NVIDIA_SMI_TIMEOUT_S = 60


@dataclass(frozen=True)
class Build:
    """A CUDA build: the drivers and the compute capabilities it runs on."""

    name: str
    lowest_driver: Numbers
    lowest_capability: Numbers
    highest_capability: Numbers

    def runs(self, capability: Numbers) -> bool:
        """Whether a card of this compute capability can use the build."""
        return self.lowest_capability <= capability <= self.highest_capability


# The preferred one first: 13.0 is the stable default of the release, 12.6 keeps old drivers and cards going.
BUILDS = (
    Build("cu130", lowest_driver=(580,), lowest_capability=(7, 5), highest_capability=(99, 9)),
    Build("cu126", lowest_driver=(525, 60, 13), lowest_capability=(5, 0), highest_capability=(9, 9)),
)


@dataclass(frozen=True)
class Choice:
    """A build, why it was chosen, and what the user should know."""

    build: str
    reason: str
    warnings: list[str] = field(default_factory=list)


def numbers(text: str) -> Numbers:
    """`580.65.06` to (580, 65, 6).

    Raises:
        ValueError: not numbers with dots between them.
    """
    return tuple(int(part) for part in text.strip().split("."))


def dotted(parts: Numbers) -> str:
    """The inverse of `numbers`, but for leading zeros."""
    return ".".join(str(part) for part in parts)


def choose(driver: str, capabilities: list[str]) -> Choice:
    """The build that runs on all cards, else the one that runs on most, else the CPU build."""
    cards = [numbers(capability) for capability in capabilities]
    found = f"NVIDIA driver {driver}, compute capability {', '.join(capabilities)}"
    usable = [build for build in BUILDS if numbers(driver) >= build.lowest_driver]
    # max() takes the first of equals, so the order of BUILDS is the preference.
    best = max(usable, key=lambda build: sum(map(build.runs, cards)), default=None)
    left_out = [card for card in cards if best is None or not best.runs(card)]
    warnings = [why_not(card, driver) for card in dict.fromkeys(left_out)]
    if best is None or len(left_out) == len(cards):
        return Choice("cpu", found, [*warnings, "no CUDA build fits: training will use the CPU"])
    return Choice(best.name, found, warnings)


def why_not(capability: Numbers, driver: str) -> str:
    """Why a card stays unused, and what would change that."""
    builds = [build for build in BUILDS if build.runs(capability)]
    card = f"the card of compute capability {dotted(capability)}"
    if not builds:
        return f"{card} is older than every CUDA build of this torch release; it stays unused"
    lowest = min(build.lowest_driver for build in builds)
    if numbers(driver) < lowest:
        return f"{card} needs NVIDIA driver {dotted(lowest)} or later (found {driver}); update the driver"
    return f"{card} needs another build than the other cards; it stays unused"


def query_nvidia_smi(*fields: str) -> list[list[str]]:
    """One row of the given fields for each card.

    Raises:
        OSError: there is no nvidia-smi.
        subprocess.SubprocessError: it failed or hung; the first line of its words is in the error.
    """
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=NVIDIA_SMI_TIMEOUT_S, check=False)
    lines = (done.stdout or done.stderr).strip().splitlines()
    if done.returncode != 0 or not lines:
        raise subprocess.SubprocessError(lines[0] if lines else "it printed nothing")
    return [[cell.strip() for cell in line.split(",")] for line in lines]


def wanted() -> Choice:
    """The build for this machine, from what nvidia-smi says."""
    try:
        rows = query_nvidia_smi("driver_version", "compute_cap")
        return choose(rows[0][0], [row[1] for row in rows])
    except FileNotFoundError:
        return Choice("cpu", "no nvidia-smi, so no NVIDIA card")
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        problem = str(error)
    try:  # drivers before 510 do not know the field compute_cap
        driver = query_nvidia_smi("driver_version")[0][0]
        if numbers(driver) < min(build.lowest_driver for build in BUILDS):
            problem = f"NVIDIA driver {driver} is too old for this torch release; update it to use the card"
    except (OSError, ValueError, subprocess.SubprocessError):
        pass  # the first problem is the one to tell
    return Choice("cpu", "nvidia-smi gave no usable answer", [f"{problem}: training will use the CPU"])


def build_of(version: str, requirements: list[str]) -> str:
    """The build of a torch distribution, from its local version or from the CUDA packages it needs."""
    from pip._vendor.packaging.requirements import Requirement

    local = version.partition("+")[2]
    if local:
        return local
    parsed = [Requirement(text) for text in requirements]
    needed = [each for each in parsed if each.marker is None or each.marker.evaluate({"extra": ""})]
    for each in needed:
        release = re.search(r"==(\d+)\.(\d+)", str(each.specifier))
        if each.name.startswith(("cuda-toolkit", "nvidia-cuda-runtime")) and release:
            return "cu" + "".join(release.groups())
    has_cuda = any(each.name.startswith(("cuda-", "nvidia-", "triton")) for each in needed)
    return "cuda" if has_cuda else "cpu"


def offered(report: str) -> str:
    """The build in a `pip install --dry-run --report` document; `unknown` where pip could not tell."""
    try:
        packages = json.loads(report)["install"]
        torch = next(each["metadata"] for each in packages if each["metadata"]["name"] == "torch")
    except (ValueError, KeyError, StopIteration):
        return "unknown"
    return build_of(torch["version"], torch.get("requires_dist", []))


def installed(version: str) -> str:
    """The build in this environment; `none` where torch is missing or of another version."""
    try:
        torch = importlib.metadata.distribution("torch")
    except importlib.metadata.PackageNotFoundError:
        return "none"
    if torch.version.partition("+")[0] != version:
        return "none"
    return build_of(torch.version, torch.requires or [])


def main() -> None:
    """Answer one of install.sh's three questions."""
    parser = argparse.ArgumentParser(description="Questions of install.sh about builds of torch.")
    commands = parser.add_subparsers(dest="question", required=True)
    commands.add_parser("wanted", help="the build for this machine")
    commands.add_parser("offered", help="the build in the pip report on standard input")
    commands.add_parser("installed", help="the build in this environment").add_argument("version")
    arguments = parser.parse_args()
    if arguments.question == "wanted":
        choice = wanted()
        print(f"torch build for this machine: {choice.build} ({choice.reason})", file=sys.stderr)
        for warning in choice.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        print(choice.build)
    elif arguments.question == "offered":
        print(offered(sys.stdin.read()))
    else:
        print(installed(arguments.version))


if __name__ == "__main__":
    main()
