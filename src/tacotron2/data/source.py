"""The lists of a training, from wherever its recordings come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tacotron2.data.corpus import Corpus, open_corpus
from tacotron2.data.demo import make_demo
from tacotron2.hparams import HParams


def any_corpus(
    folder: Path | None, home: Path, hparams: HParams, progress: Callable[[int, int], None] | None = None
) -> Corpus:
    """The lists of a folder of recordings, or of the demo corpus; made once for all who ask.

    Args:
        folder: the recordings; None: the demo corpus.
        home: where lists and demo corpora are kept.
        progress: told (done, total) clips.

    Raises:
        DataError: see `open_corpus`.
        DemoError: see `make_demo`.
    """
    if folder is not None:
        return open_corpus(folder, home, hparams, progress)
    demo = make_demo(home, hparams, progress).folder
    return Corpus(demo, demo, "the demo corpus", 0, 0)
