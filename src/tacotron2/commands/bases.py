"""What a fine-tuning begins with: brought into one form, and held against settings."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, fail, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands


def add_commands(commands: Commands) -> None:
    """Adds the parser, which names its function as `verb`."""
    parser = commands.add_parser("base", help="what a fine-tuning begins with", allow_abbrev=False)
    parser.add_argument("--from", dest="source", type=Path, help="a voice, a checkpoint, a published model")
    parser.add_argument("--output", type=Path, required=True, help="the base, written or written before")
    parser.add_argument("--speaker", metavar="NAME", help="of a base with several; else the first")
    parser.add_argument("--keep-speakers", action="store_true", help="take all of them")
    parser.add_argument("--settings", type=Path, help="tell which tensors would be new under these")
    parser.set_defaults(verb=_base)


def _base(chosen: argparse.Namespace) -> int:
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.hparams import HParamsError
    from tacotron2.voice_file import VoiceError

    try:
        records = _records(chosen)
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (CheckpointError, VoiceError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    for record in records:
        if chosen.json:
            say_record(**record)
        else:
            print(json.dumps(record, indent=2))
    return 0


def _records(chosen: argparse.Namespace) -> list[dict[str, Any]]:
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
