"""Texts as wav files, spoken by the bundled synthesiser in one fresh child process (see `espeak.py`)."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from tacotron2.hparams import DemoParams

SYNTHESISER = Path(__file__).parents[1] / "espeak.py"

Progress = Callable[[int, int], None]


class SynthesiserError(ValueError):
    """The synthesiser cannot do it; the message says why, and `setting` whether another voice would help."""

    def __init__(self, message: str, setting: bool = False) -> None:
        self.setting = setting
        super().__init__(message)


def speak_clips(
    clips: Sequence[tuple[str, Path]], demo: DemoParams, progress: Progress | None = None
) -> float:
    """Writes every text to its absolute path, in the given order; returns the seconds of audio.

    Equal clips and settings give equal bytes: 16 bit, mono, 22,050 Hz.

    Args:
        demo: its voice and tempo.
        progress: told (done, total) clips.

    Raises:
        SynthesiserError: no synthesiser, an unknown voice, or it died; what was written stays.
    """
    job = {
        "voice": demo.demo_voice,
        "words_per_minute": demo.demo_words_per_minute,
        "clips": [[text, str(path)] for text, path in clips],
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", str(SYNTHESISER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            encoding="utf-8",
        )
        with child:
            assert child.stdin is not None and child.stdout is not None
            try:
                with contextlib.suppress(BrokenPipeError), child.stdin:
                    json.dump(job, child.stdin)
                num_done, seconds = _follow(child.stdout, len(clips), progress)
            except BaseException:  # an interrupt too: the child must not outlive us
                child.kill()
                raise
        if child.returncode != 0 or num_done != len(clips):
            errors.seek(0)
            said = errors.read().strip()[-400:] or "nothing"
            raise SynthesiserError(
                f"the speech synthesiser died with exit code {child.returncode} at clip {num_done + 1} of "
                f"{len(clips)} (voice {demo.demo_voice!r}); its last words: {said}"
            )
    return seconds


def _follow(answers: IO[str], num_clips: int, progress: Progress | None) -> tuple[int, float]:
    """Read the child's answers to their end: the clips done and their seconds."""
    num_done, seconds = 0, 0.0
    for line in answers:
        answer = json.loads(line)
        if "error" in answer:
            raise SynthesiserError(answer["error"], answer["setting"])
        num_done += 1
        seconds += answer["samples"] / answer["sampling_rate"]
        if progress is not None:
            progress(num_done, num_clips)
    return num_done, seconds
