"""Events as TensorBoard files, without torch: pictures and sounds are on disk already and go in encoded."""

from __future__ import annotations

import logging
import struct
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smart_tuner.tracking_store import TrackingStoreError, event_files, event_scalars
from tacotron2.events import RestartEvent, Stamped, StartedEvent

_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_logger = logging.getLogger(__name__)


class TensorBoardWriter:
    """Writes one run into files of its own folder, whose name TensorBoard shows; one for every attempt.

    `target` names the first of them: as long as that is there, earlier events are shown already.

    Raises:
        TrackingStoreError: the folder cannot be written.
    """

    name = "TensorBoard"

    def __init__(self, run_folder: Path, remembered_target: str | None) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary = event_pb2, summary_pb2
        self._new_file = EventFileWriter
        self._run_folder = run_folder
        self._writer: Any = None
        if remembered_target is None or not (self._run_folder / remembered_target).is_file():
            self._open()
            remembered_target = max(path.name for path in self._run_folder.glob("events.out.tfevents.*"))
        self.target: str = remembered_target

    def write(self, events: Sequence[Stamped]) -> None:
        """Write `events`; they are on disk at return."""
        self._open()
        try:
            for stamped in events:
                self._write(stamped)
            self._writer.flush()
        except OSError as error:
            raise TrackingStoreError(f"writing failed: {error}") from error

    def close(self) -> None:
        """Close the file."""
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError as error:
            raise TrackingStoreError(f"closing failed: {error}") from error

    def _open(self) -> None:
        """A new file, when there is something to write: not one for every look at a run."""
        if self._writer is None:
            try:
                self._writer = self._new_file(str(self._run_folder))
            except OSError as error:
                raise TrackingStoreError(f"{self._run_folder} cannot be written: {error}") from error

    def _drop(self, step: int, time: float) -> None:
        """From this step on everything will come again: TensorBoard shows the new alone."""
        log = self._event.SessionLog(status=self._event.SessionLog.START)
        self._writer.add_event(self._event.Event(wall_time=time, step=step, session_log=log))

    def _write(self, stamped: Stamped) -> None:
        event = stamped.event
        if isinstance(event, StartedEvent) and event.resumed_from_step is not None:
            self._drop(event.resumed_from_step + 1, stamped.time)
        elif isinstance(event, RestartEvent) and event.resume_step is None:
            self._drop(0, stamped.time)
        step, scalars = event_scalars(event)
        value = self._summary.Summary.Value
        values = [value(tag=tag, simple_value=number) for tag, number in scalars.items()]
        for tag, relative_path in event_files(event).items():
            content = _encoded(self._summary.Summary, self._run_folder / relative_path)
            if content is not None:
                values.append(value(tag=tag, **content))
        if values:
            summary = self._summary.Summary(value=values)
            self._writer.add_event(self._event.Event(wall_time=stamped.time, step=step, summary=summary))


def _encoded(summary: Any, path: Path) -> dict[str, Any] | None:
    """The file as the message TensorBoard wants; None where it is gone or not what its name says."""
    try:
        content = path.read_bytes()
        if path.suffix == ".png":
            width, height, _depth, colour = struct.unpack(">IIBB", content[16:26])
            image = summary.Image(
                width=width,
                height=height,
                colorspace=_PNG_CHANNELS[colour],
                encoded_image_string=content,
            )
            return {"image": image}
        with wave.open(str(path), "rb") as sound:
            audio = summary.Audio(
                sample_rate=sound.getframerate(),
                num_channels=sound.getnchannels(),
                length_frames=sound.getnframes(),
                encoded_audio_string=content,
                content_type="audio/wav",
            )
        return {"audio": audio}
    except (OSError, EOFError, KeyError, struct.error, wave.Error) as error:
        _logger.info("TensorBoard goes without %s: %s", path, error)
        return None
