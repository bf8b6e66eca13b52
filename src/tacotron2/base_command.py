"""The library's command `base`: reads what a fine-tuning begins with, and tells what would be new in it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_base_arguments(parser: argparse.ArgumentParser) -> None:
    """Reading a base, or holding a written one against settings."""
    parser.add_argument("--from", dest="source", type=Path, help="a voice, a checkpoint, a published model")
    parser.add_argument("--output", type=Path, required=True, help="the base, written or written before")
    parser.add_argument("--speaker", metavar="NAME", help="of a base with several; else the first")
    parser.add_argument("--keep-speakers", action="store_true", help="take all of them")
    parser.add_argument("--settings", type=Path, help="tell which tensors would be new under these")


def run_base(chosen: argparse.Namespace) -> list[dict[str, Any]]:
    """The records of the command.

    Raises:
        CheckpointError, VoiceError, HParamsError, StorageError: base or settings cannot be used.
    """
    from tacotron2.base import new_tensors, read_base, write_base
    from tacotron2.schema import read_hparams

    records: list[dict[str, Any]] = []
    if chosen.source is not None:
        base = read_base(chosen.source, chosen.speaker, chosen.keep_speakers)
        records.append({**write_base(chosen.output, base), "kind": "base", "form": base.kind})
    if chosen.settings is not None:
        rows = new_tensors(read_hparams(chosen.settings), chosen.output)
        told = [{"name": row.name, "outcome": row.outcome, "why": row.why} for row in rows]
        records.append({"kind": "new-tensors", "tensors": told})
    return records
