"""Imports what is named on the command line, one after another; run as a plain file in a process of its own.

`MODULE` or `MODULE:NAME`. For each a line of JSON: `{"name": ..., "error": null}`, or the error in a line.
Standard library only, and nothing of this project: that is what it is to try.
"""

from __future__ import annotations

import importlib
import json
import sys

_BROKEN = (ImportError, OSError, SyntaxError, ValueError, RuntimeError, TypeError, LookupError, NameError)


def _try(wanted: str) -> str | None:
    """Why it cannot be imported; None where it can."""
    module, _, name = wanted.partition(":")
    try:
        found = importlib.import_module(module)
        if name:
            getattr(found, name)
    except (*_BROKEN, AttributeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


if __name__ == "__main__":
    for each in sys.argv[1:]:
        sys.stdout.write(json.dumps({"name": each, "error": _try(each)}) + "\n")
        sys.stdout.flush()
