#!/usr/bin/env python3
"""The main command: `python smart_tuner_main.py`, with any Python 3.

It goes on in the environment that install.sh made; until then it uses old syntax and the standard library.
"""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")


def continue_in_environment() -> None:
    """Replace this process by the environment's Python, unless it is running already.

    Raises:
        SystemExit: there is no environment; the message says how to make it.
    """
    if os.path.realpath(sys.prefix) == os.path.realpath(VENV):
        return
    # Both files, or the new Python would not recognise the environment and start itself for ever.
    if not (os.path.isfile(os.path.join(VENV, "pyvenv.cfg")) and os.access(VENV_PYTHON, os.X_OK)):
        sys.exit("smart_tuner_main.py: nothing is installed yet. Run ./install.sh first (in %s)." % ROOT)
    sys.stdout.flush()
    os.execv(VENV_PYTHON, [VENV_PYTHON, os.path.abspath(__file__)] + sys.argv[1:])


def run() -> None:
    """Hand over to the command line of the package.

    Raises:
        SystemExit: always; with the command's exit code.
    """
    try:
        from smart_tuner.cli import main
    except ModuleNotFoundError as error:
        sys.exit("smart_tuner_main.py: %s is not installed in .venv. Run ./install.sh again." % error.name)
    sys.exit(main())


if __name__ == "__main__":
    continue_in_environment()
    run()
