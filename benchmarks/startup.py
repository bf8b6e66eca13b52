"""How much processor time the command needs before it says anything.

    PYTHONPATH=src python benchmarks/startup.py --pairs 10

User and system time of a child, the interpreter's own beside it. Nothing is read from an earlier run but
compiled modules.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from measuring import ROOT, arguments, begin, table

CODE = "import sys; sys.argv = ['smart-tuner', {}]; from smart_tuner.cli import main; main()"
COMMANDS = {
    "python -c pass": "pass",
    "smart-tuner --help": CODE.format("'--help'"),
    "smart-tuner runs list --help": CODE.format("'runs', 'list', '--help'"),
}


def spend(code: str) -> tuple[float, float]:
    """Seconds of user and of system time of one child.

    Raises:
        CalledProcessError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime


def spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.3f} ({min(seconds):.3f}-{max(seconds):.3f})"


def main() -> None:
    options = arguments(__doc__).parse_args()
    begin(options)
    rows = []
    for name, code in COMMANDS.items():
        spend(code)
        spent = [spend(code) for _ in range(options.pairs)]
        user, system = zip(*spent, strict=True)
        rows.append([f"`{name}`", spread(user), spread(system)])
    table(["command", "user, s", "system, s"], rows)


if __name__ == "__main__":
    main()
