"""Texts as wav files, spoken by the bundled synthesiser in one fresh child process (see `espeak.py`)."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

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
    return sum(answer["samples"] / answer["sampling_rate"] for answer in _speak(clips, demo, progress))


def speak_words(clips: Sequence[tuple[str, Path]], demo: DemoParams) -> list[list[tuple[int, int]]]:
    """The same; returns for each text where its words begin: (character of the text, sample), rising.

    What is spelled out begins several times, what is drawn together once.

    Raises:
        SynthesiserError: as `speak_clips`.
    """
    return [[(place, sample) for place, sample in answer["words"]] for answer in _speak(clips, demo, None)]


def _speak(
    clips: Sequence[tuple[str, Path]], demo: DemoParams, progress: Progress | None
) -> list[dict[str, Any]]:
    """The child's answers, one for each clip."""
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
                answers = _follow(child.stdout, len(clips), progress)
            except BaseException:  # an interrupt too: the child must not outlive us
                child.kill()
                raise
        if child.returncode != 0 or len(answers) != len(clips):
            errors.seek(0)
            said = errors.read().strip()[-400:] or "nothing"
            place = f"at clip {len(answers) + 1} of {len(clips)}"
            raise SynthesiserError(
                f"the speech synthesiser died with exit code {child.returncode} {place} (voice "
                f"{demo.demo_voice!r}); its last words: {said}"
            )
    return answers


def _follow(lines: IO[str], num_clips: int, progress: Progress | None) -> list[dict[str, Any]]:
    """Read the child's answers to their end."""
    answers: list[dict[str, Any]] = []
    for line in lines:
        answer = json.loads(line)
        if "error" in answer:
            raise SynthesiserError(answer["error"], answer["setting"])
        answers.append(answer)
        if progress is not None:
            progress(len(answers), num_clips)
    return answers
