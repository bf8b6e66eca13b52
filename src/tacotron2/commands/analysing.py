"""What a folder of recordings holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, fail, progress_of, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands


def add_commands(commands: Commands) -> None:
    """Adds their parsers; each names its function as `verb`."""
    analyse = commands.add_parser("analyse", help="what recordings hold", allow_abbrev=False)
    analyse.add_argument("--folder", type=Path, required=True, help="the recordings")
    analyse.add_argument("--home", type=Path, required=True, help="where the result is kept")
    analyse.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    analyse.add_argument("--output", type=Path, required=True, help="the JSON file to write")
    analyse.set_defaults(verb=_analyse)


def _analyse(chosen: argparse.Namespace) -> int:
    from tacotron2.data.utterances import DataError
    from tacotron2.files import write_atomically
    from tacotron2.hparams import HParamsError
    from tacotron2.recordings.analysis import analyse
    from tacotron2.schema import read_hparams

    try:
        hparams = read_hparams(chosen.settings)
        found = analyse(chosen.folder, chosen.home, hparams, progress_of(chosen))
        write_atomically(chosen.output, (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode())
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (DataError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    if chosen.json:
        say_record(kind="analysed", path=str(chosen.output))
    else:
        print(f"{chosen.output}: {len(found['clips'])} clips, {found['hours']:.2f} hours")
    return 0
