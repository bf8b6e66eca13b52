"""What people read, in English and in Russian.

Records, outcomes and errors carry a `Message`: a phrase of a catalogue and its parameters. It becomes a
sentence when it is read, in the reader's language, which is always passed and never a state of the program.
Not gettext: that wants compiled catalogues, names a sentence by its English wording and leaves the parameters
unchecked; an enumeration with both forms side by side needs no tool, and types and tests see all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_tuner.messages.analysis import AnalysisPhrase
from smart_tuner.messages.charts import ChartPhrase
from smart_tuner.messages.chat import ChatPhrase
from smart_tuner.messages.clips import ClipsPhrase
from smart_tuner.messages.command import CommandPhrase
from smart_tuner.messages.control import ControlPhrase
from smart_tuner.messages.diagnosis import DiagnosisPhrase
from smart_tuner.messages.ending import EndPhrase
from smart_tuner.messages.environment import MachinePhrase, ServicePhrase
from smart_tuner.messages.finetuning import FinetunePhrase
from smart_tuner.messages.incidents import IncidentPhrase
from smart_tuner.messages.language import Language, plural
from smart_tuner.messages.length import LengthPhrase
from smart_tuner.messages.log import warnings_told
from smart_tuner.messages.model import ModelPhrase
from smart_tuner.messages.monitor import MonitorPhrase
from smart_tuner.messages.notices import NoticePhrase
from smart_tuner.messages.phrase import Message, MessageError, Parameter, Phrase, render
from smart_tuner.messages.preparation import PreparationPhrase
from smart_tuner.messages.readiness import ReadinessPhrase
from smart_tuner.messages.recordings import RecordingsPhrase
from smart_tuner.messages.recovery import RecoveryPhrase
from smart_tuner.messages.registry import RegistryPhrase
from smart_tuner.messages.report import ReportPhrase
from smart_tuner.messages.step_report import StepReportPhrase
from smart_tuner.messages.study import StudyPhrase
from smart_tuner.messages.study_storage import StudyStoragePhrase
from smart_tuner.messages.study_tracking import StudyTrackingPhrase
from smart_tuner.messages.training import TrainingPhrase
from smart_tuner.messages.tuning import TuningPhrase
from smart_tuner.messages.vocoder_training import VocoderTrainingPhrase
from smart_tuner.messages.vocoders import VocoderPhrase

CATALOGUES: tuple[type[Phrase], ...] = (
    AnalysisPhrase,
    ChartPhrase,
    ChatPhrase,
    ClipsPhrase,
    CommandPhrase,
    ControlPhrase,
    DiagnosisPhrase,
    EndPhrase,
    FinetunePhrase,
    IncidentPhrase,
    LengthPhrase,
    MachinePhrase,
    ModelPhrase,
    MonitorPhrase,
    NoticePhrase,
    PreparationPhrase,
    ReadinessPhrase,
    RecordingsPhrase,
    RecoveryPhrase,
    RegistryPhrase,
    ReportPhrase,
    ServicePhrase,
    StepReportPhrase,
    StudyPhrase,
    StudyStoragePhrase,
    StudyTrackingPhrase,
    TrainingPhrase,
    TuningPhrase,
    VocoderPhrase,
    VocoderTrainingPhrase,
)
"""All phrases; no name occurs in two of them."""


def find_phrase(name: str) -> Phrase | None:
    """The phrase of that name; None where another version of the program knew it."""
    return next((catalogue[name] for catalogue in CATALOGUES if name in catalogue.__members__), None)


def to_record(message: Message) -> dict[str, Any]:
    """A message as plain values for a file; messages among its parameters likewise."""
    plain = {name: _plain(value) for name, value in message.parameters.items()}
    return {"phrase": message.phrase.name, "parameters": plain}


def _plain(value: Parameter) -> Any:
    if isinstance(value, tuple):
        return [to_record(each) for each in value]
    return to_record(value) if isinstance(value, Message) else value


def from_record(record: Mapping[str, Any]) -> Message | None:
    """What `to_record` wrote; None where another version of the program, with other phrases, wrote it."""
    phrase = find_phrase(record.get("phrase") or "")
    if phrase is None or phrase.placeholders != set(record["parameters"]):
        return None
    parameters: dict[str, Parameter] = {}
    for name, value in record["parameters"].items():
        inner = _restored(value)
        if inner is None:
            return None
        parameters[name] = inner
    return Message(phrase, parameters)


def _restored(value: Any) -> Parameter | None:
    if isinstance(value, list):
        messages = [from_record(each) for each in value]
        known = tuple(message for message in messages if message is not None)
        return known if len(known) == len(messages) else None
    return from_record(value) if isinstance(value, dict) else value


__all__ = [
    "CATALOGUES",
    "AnalysisPhrase",
    "ChartPhrase",
    "ChatPhrase",
    "ClipsPhrase",
    "CommandPhrase",
    "ControlPhrase",
    "DiagnosisPhrase",
    "EndPhrase",
    "FinetunePhrase",
    "IncidentPhrase",
    "Language",
    "LengthPhrase",
    "MachinePhrase",
    "Message",
    "MessageError",
    "ModelPhrase",
    "MonitorPhrase",
    "NoticePhrase",
    "Parameter",
    "Phrase",
    "PreparationPhrase",
    "ReadinessPhrase",
    "RecordingsPhrase",
    "RecoveryPhrase",
    "RegistryPhrase",
    "ReportPhrase",
    "ServicePhrase",
    "StepReportPhrase",
    "StudyPhrase",
    "StudyStoragePhrase",
    "StudyTrackingPhrase",
    "TrainingPhrase",
    "TuningPhrase",
    "VocoderPhrase",
    "VocoderTrainingPhrase",
    "find_phrase",
    "from_record",
    "plural",
    "render",
    "to_record",
    "warnings_told",
]
