"""What a run knows of the study that it is a trial of: `trial.json` in its folder.

Written before the trial begins, read by what shows it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tacotron2.files import write_atomically


class TrialRecordError(ValueError):
    """The record cannot be read; the message names the file."""


@dataclass(frozen=True)
class TrialRecord:
    """The study by its name, the trial by its number."""

    study: str
    number: int

    def write(self, path: Path) -> None:
        """Whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        content = json.dumps(asdict(self), ensure_ascii=False) + "\n"
        write_atomically(path, content.encode("utf-8"))

    @classmethod
    def read(cls, path: Path) -> TrialRecord | None:
        """The record in the file; None where there is none: the run is no trial.

        Raises:
            TrialRecordError: the file is no such record.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            record = cls(content["study"], content["number"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrialRecordError(f"{path}: is no record of a trial ({error})") from None
        if not isinstance(record.study, str) or type(record.number) is not int:
            raise TrialRecordError(f"{path}: is no record of a trial (a value is of another type)")
        return record
