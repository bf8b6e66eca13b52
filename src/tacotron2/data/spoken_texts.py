"""The texts of a folder of recordings once more, spoken by the bundled synthesiser.

A model that has learned to read them is a base to fine-tune from, in any language that the synthesiser
speaks. Only what is trained on is spoken: held-out sentences stay unseen.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from tacotron2.data.corpus import Progress, open_corpus
from tacotron2.data.synthesiser import speak_clips
from tacotron2.data.utterances import DataError, read_list
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams

LIST = "metadata.csv"


@dataclass(frozen=True)
class SpokenTexts:
    """A folder that training accepts: wavs/ID.wav, and `ID|text` in metadata.csv."""

    folder: Path
    clips: int
    seconds: float


def speak_texts(
    recordings: Path, output: Path, home: Path, hparams: HParams, progress: Progress | None = None
) -> SpokenTexts:
    """Speaks every text that a training on `recordings` would learn from, each once, with `demo.demo_voice`.

    Args:
        output: made now, whole or not at all; it must not exist.
        home: where the lists of the recordings are kept, see `open_corpus`.

    Raises:
        DataError: the recordings cannot be used, see `open_corpus`, or `output` exists.
        SynthesiserError: the synthesiser cannot speak them.
        OSError: `output` cannot be written.
    """
    if output.exists():
        raise DataError(f"{output} exists already; remove it, or choose another --output")
    corpus = open_corpus(recordings, home, hparams)
    heard = read_list(corpus.list_path("train"), corpus.folder)
    texts = list(dict.fromkeys(" ".join(each.text.replace("|", " ").split()) for each in heard))
    names = [f"spoken-{number:05d}" for number in range(1, len(texts) + 1)]
    workplace = output.with_name(f".{output.name}-{secrets.token_hex(4)}").absolute()
    try:
        (workplace / "wavs").mkdir(parents=True)
        clips = [(text, workplace / "wavs" / f"{name}.wav") for name, text in zip(names, texts, strict=True)]
        seconds = speak_clips(clips, hparams.demo, progress)
        lines = "".join(f"{name}|{text}\n" for name, text in zip(names, texts, strict=True))
        write_atomically(workplace / LIST, lines.encode())
        workplace.rename(output)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return SpokenTexts(output, len(texts), seconds)
