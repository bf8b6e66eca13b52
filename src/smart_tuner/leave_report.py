"""The report at the end of a job: written last, when everything else is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smart_tuner.messages import EndPhrase, Language, Message, ReportPhrase
from smart_tuner.run_folder import RunFolder
from tacotron2.files import StorageError

if TYPE_CHECKING:
    from smart_tuner.tuning.study_folder import StudyFolder


def leave_report(folder: RunFolder | StudyFolder, language: Language) -> Message:
    """What to tell of the page of a run or a study, also where it cannot be written."""
    # The template engine is slow to import, and a training must not wait for it.
    from smart_tuner.run_report import write_run_report, write_study_report

    try:
        if isinstance(folder, RunFolder):
            file = write_run_report(folder, language)
        else:
            file = write_study_report(folder, language)
    except StorageError as error:
        return EndPhrase.NOT_LEFT(detail=str(error))
    return ReportPhrase.REPORT_WRITTEN(file=file)
