"""How the bundled speech library pronounces words, asked of a fresh child process.

The library is global state of a process: nothing of it is ever loaded into this one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tacotron2.text.characters import TextError

LIBRARY = Path(__file__).parents[1] / "espeak.py"


class StressError(TextError):
    """The speech library cannot be asked; the message says why and what would help."""


def ask_phonemes(voice: str, words: Sequence[str]) -> list[str]:
    """The phonemes of each word in the International Phonetic Alphabet, with stress, by one child process.

    Raises:
        StressError: no library, or it died.
    """
    child = subprocess.run(
        [sys.executable, "-P", str(LIBRARY)],
        input=json.dumps({"voice": voice, "words": list(words)}),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    try:
        answer = json.loads(child.stdout)
    except ValueError:
        said = child.stderr.strip()[-400:] or "nothing"
        answer = {"error": f"it died with exit code {child.returncode}; its last words: {said}"}
    if "error" in answer:
        raise StressError(
            f"text.stress=library: the speech library cannot be asked: {answer['error']}; "
            "text.stress=marks does without it, and --stress marks at synthesis"
        )
    phonemes: list[str] = answer["phonemes"]
    return phonemes
