"""What `data prepare` makes of long recordings whose every word is known: words cut, errors in the texts.

    PYTHONPATH=src python benchmarks/preparation.py --recordings 3 --rounds 6

The bundled synthesiser says 16 sentences of each language in `--rounds` orders, a recording each of
`--recordings`, with pauses of 0.3 to 1.5 s, at several levels of noise, with subtitles that are up to 0.2 s
wrong and with the text alone. The aligner has the same synthesiser, so these texts are easier than a
person's; docs/preparing-texts.md has a real reader.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import soundfile
from long_recordings import RATE, SENTENCES, TrueWord, recording, sentences_of, speak, subtitles, transcript
from measuring import arguments, begin, table

from tacotron2.recordings.preparation import prepare
from tacotron2.recordings.settings import Settings

SNRS: tuple[float | None, ...] = (None, 30.0, 20.0, 15.0, 10.0)
TOUCHED_S = 0.02
"""A cut this near to the end of a word takes nothing that is heard."""


@dataclass
class Found:
    """Sums over recordings."""

    words: int = 0
    kept: int = 0
    cut: int = 0
    wrong: int = 0
    clips: int = 0
    clips_wrong: int = 0
    rejected: int = 0

    def row(self, *name: object) -> list[object]:
        share = f"{self.kept / max(1, self.words):.1%}"
        errors = f"{self.wrong} ({self.wrong / max(1, self.kept):.2%})"
        return [
            *name,
            self.words,
            share,
            self.cut,
            errors,
            f"{self.clips_wrong} of {self.clips}",
            self.rejected,
        ]


def main() -> None:
    parser = arguments(__doc__, recordings=3, rounds=6)
    options = parser.parse_args()
    begin(options)
    languages = ("de",) if options.tiny else tuple(SENTENCES)
    snrs = (20.0,) if options.tiny else SNRS
    rounds, recordings = (1, 2) if options.tiny else (options.rounds, options.recordings)
    rows = []
    for language in languages:
        texts = sentences_of(language)
        for snr_db in snrs:
            for form in ("srt", "txt"):
                found = measure(language, texts, snr_db, form, recordings, rounds)
                noise = "none" if snr_db is None else f"{snr_db:g} dB"
                rows.append(found.row(f"{language}, {form}, noise {noise}"))
    heads = [
        "language, text, noise",
        "words said",
        "kept",
        "cut in",
        "wrong words",
        "clips wrong",
        "rejected",
    ]
    table(heads, rows)


def measure(
    language: str, texts: Sequence[str], snr_db: float | None, form: str, recordings: int, rounds: int
) -> Found:
    found = Found()
    with tempfile.TemporaryDirectory() as temporary:
        folder, output = Path(temporary) / "recordings", Path(temporary) / "voice"
        folder.mkdir()
        truth: dict[str, list[TrueWord]] = {}
        for number in range(recordings):
            order = [text for part in range(rounds) for text in shuffled(texts, 100 * number + part)]
            samples, words = recording(speak(language, order), number, snr_db)
            soundfile.write(folder / f"r{number}.flac", samples, RATE)
            text = subtitles(words, number) if form == "srt" else transcript(words)
            (folder / f"r{number}.{form}").write_text(text, encoding="utf-8")
            truth[f"r{number}"] = words
        prepare(folder, output, Settings(language=language, min_snr_db=0.0), 1)
        for name, words in truth.items():
            add(found, words, json.loads((output / "recordings" / f"{name}.json").read_text()))
    return found


def shuffled(texts: Sequence[str], seed: int) -> list[str]:
    return random.Random(seed).sample(list(texts), len(texts))


def add(found: Found, words: Sequence[TrueWord], record: dict[str, list[dict[str, object]]]) -> None:
    found.words += len(words)
    for clip in record["clips"]:
        if clip["wrong"]:
            found.rejected += 1
            continue
        start, end = float(str(clip["start"])), float(str(clip["end"]))
        inside = [word for word in words if start <= (word.start + word.end) / 2 < end]
        errors = distance(str(clip["text"]).split(), [part for word in inside for part in word.text.split()])
        found.clips += 1
        found.kept += len(inside)
        found.wrong += errors
        found.clips_wrong += errors > 0
        found.cut += sum(
            word.start + TOUCHED_S < edge < word.end - TOUCHED_S for word in words for edge in (start, end)
        )


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Words to insert, remove or replace (Levenshtein)."""
    row = list(range(len(other) + 1))
    for word in one:
        above = row
        row = [above[0] + 1]
        for (corner, over), target in zip(pairwise(above), other, strict=True):
            row.append(min(over + 1, row[-1] + 1, corner + (word != target)))
    return row[-1]


if __name__ == "__main__":
    main()
