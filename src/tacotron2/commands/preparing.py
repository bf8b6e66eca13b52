"""Long recordings to clips."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, fail, progress_of, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands


def add_commands(commands: Commands) -> None:
    """Adds their parsers; each names its function as `verb`."""
    prepare = commands.add_parser("prepare", help="long recordings to clips", allow_abbrev=False)
    prepare.add_argument("--folder", type=Path, required=True, help="the recordings")
    prepare.add_argument("--output", type=Path, required=True, help="the folder to make")
    prepare.add_argument("--language", default="en", help="of the texts")
    prepare.add_argument("--recogniser", default="", help="for recordings without a transcript")
    prepare.add_argument("--workers", type=int, default=1, help="processes")
    prepare.add_argument("--min-seconds", type=float, default=1.0)
    prepare.add_argument("--max-seconds", type=float, default=15.0)
    prepare.add_argument("--min-snr-db", type=float, default=15.0)
    prepare.set_defaults(verb=_prepare)


def _prepare(chosen: argparse.Namespace) -> int:
    from tacotron2.data.corpus import FEWEST_CLIPS
    from tacotron2.recordings.preparation import prepare
    from tacotron2.recordings.recognisers import RecogniserError
    from tacotron2.recordings.settings import PreparationError, SettingError, Settings
    from tacotron2.text.language import LanguageError

    told = progress_of(chosen)
    try:
        settings = Settings(
            language=chosen.language,
            recogniser=chosen.recogniser,
            min_seconds=chosen.min_seconds,
            max_seconds=chosen.max_seconds,
            min_snr_db=chosen.min_snr_db,
        )
        made = prepare(
            chosen.folder,
            chosen.output,
            settings,
            chosen.workers,
            lambda done, total: told(round(done), max(1, round(total))),
        )
    except (SettingError, RecogniserError, LanguageError) as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (PreparationError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    clips = sum(made.clips.values())
    if clips < FEWEST_CLIPS:
        reason = made.first_reason or f"see {made.output / 'rejected.tsv'}"
        found = f"only {clips} came out" if clips else "none came out"
        wanted = f"a training needs {FEWEST_CLIPS} clips at least, and {found}"
        return fail(chosen, f"{chosen.folder}: {wanted}; {reason}", DATA_ERROR)
    if chosen.json:
        say_record(
            kind="prepared",
            output=str(made.output),
            recordings=made.recordings,
            recordings_rejected=made.recordings_rejected,
            seconds=made.seconds,
            clips=made.clips,
            clip_seconds=made.clip_seconds,
            rejected=made.rejected,
            first_reason=made.first_reason,
        )
    else:
        print(
            f"{made.output}: {clips} clips, {made.clip_seconds / 60:.1f} of {made.seconds / 60:.1f} minutes"
        )
    return 0
