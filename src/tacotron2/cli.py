"""The library's own command line: what `smart-tuner` runs as a child because it needs torch.

    python -m tacotron2.cli [--json] synthesize (--checkpoint PATH | --voice PATH) --output FILE.wav
        [--text TEXT | --file FILE] [--speaker NAME] [--drop-unreadable] [--stress marks|library]
        [--vocoder NAME]
    python -m tacotron2.cli [--json] bundle --checkpoint PATH --about FILE.json --output FILE [--replace]
    python -m tacotron2.cli [--json] base --output FILE.ckpt [--from PATH] [--speaker NAME]
        [--keep-speakers] [--settings run.yaml]
    python -m tacotron2.cli [--json] demo --folder FOLDER --settings run.yaml
    python -m tacotron2.cli [--json] speak --folder FOLDER --output FOLDER --home FOLDER --settings run.yaml
    python -m tacotron2.cli [--json] digest --home FOLDER --settings run.yaml [--folder FOLDER]
    python -m tacotron2.cli [--json] survey --folder FOLDER --home FOLDER --settings run.yaml [--device auto]
    python -m tacotron2.cli [--json] prepare --folder FOLDER --output FOLDER [--language CODE] [--workers N]
    python -m tacotron2.cli [--json] analyse --folder FOLDER --home FOLDER --settings run.yaml --output FILE
    python -m tacotron2.cli [--json] incident-replay --folder RUN/incidents/STEP
    python -m tacotron2.cli [--json] model-info --settings run.yaml
    python -m tacotron2.cli [--json] card-memory --settings run.yaml --card GB [--card GB ...] [--seconds S]
        [--precision fp32|bf16|fp16 ...]
    python -m tacotron2.cli [--json] self-check --settings run.yaml --home FOLDER --goal-steps N
        --memory BYTES [--card] [--folder FOLDER]
    python -m tacotron2.cli [--json] vocoder-check --vocoder NAME --settings run.yaml
    python -m tacotron2.cli [--json] gta-mels --checkpoint PATH --settings run.yaml --home FOLDER
        --features FOLDER --output FOLDER [--folder FOLDER] [--device auto]
    python -m tacotron2.cli [--json] vocoder-train ...    (see `tacotron2.commands.vocoder_training`)

With `--json` everything it says is a record on standard output, one object a line: `progress` (done, total),
then results, each with its kind; where it failed, an `error` at last. So a program can tell it in another
language.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tacotron2.commands import (
    analysing,
    bases,
    corpora,
    models,
    preparing,
    speaking,
    vocoder_training,
    vocoding,
)
from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, INTERRUPTED

__all__ = ["CONFIGURATION_ERROR", "DATA_ERROR", "INTERRUPTED", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a user's mistake is one line on standard error and a status that is not 0."""
    parser = argparse.ArgumentParser(prog="tacotron2", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="say records, one a line")
    commands = parser.add_subparsers(dest="command", required=True)
    for kind in (speaking, corpora, preparing, analysing, models, bases, vocoding, vocoder_training):
        kind.add_commands(commands)
    chosen = parser.parse_args(arguments)
    try:
        return int(chosen.verb(chosen))
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
