"""The process that trains one run: the only part of the package that uses torch and the `tacotron2` library.

`python -m smart_tuner.worker RUN_FOLDER --device auto`, started by the supervisor. It tells what it does
through the run folder alone. torch is imported late, when heartbeat and signals are already looked after.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from smart_tuner.config import Config, ConfigError
from smart_tuner.heartbeat import HeartbeatThread
from smart_tuner.machine import num_cores
from smart_tuner.records import EventWriter, ExitCause, Outcome, write_atomically
from smart_tuner.run_folder import RunFolder, data_folder, feature_folder, tracking_root
from smart_tuner.stop_flag import StopFlag, StopRequestedError
from smart_tuner.summary import figure
from tacotron2.events import (
    DataEvent,
    EstimateEvent,
    Event,
    ExaminedEvent,
    FinishedEvent,
    StageEvent,
    StepEvent,
)
from tacotron2.files import StorageError
from tacotron2.hparams import HParamsError

if TYPE_CHECKING:
    from smart_tuner.tracking import Tracker
    from tacotron2.data.corpus import Corpus
    from tacotron2.data.dataset import TextMelLoader
    from tacotron2.training import TrainingResult

STAGE_RECORD_S = 1.0
TRACKER_CLOSE_S = 60.0
_LOGGER = logging.getLogger("smart_tuner.worker")


class Emitter:
    """Writes events and remembers how far the training had come.

    The record that the attempt is over is held back until it is: the examination comes after the training.
    """

    def __init__(self, writer: EventWriter) -> None:
        self._writer = writer
        self._stage_said_at = 0.0
        self._finished: FinishedEvent | None = None
        self.step: int | None = None

    def __call__(self, event: Event) -> None:
        if isinstance(event, StepEvent | FinishedEvent):
            self.step = event.step
        if isinstance(event, FinishedEvent):
            self._finished = event
        else:
            self._writer.write(event)

    def stage(self, name: str) -> Callable[[int, int], None]:
        """A progress callback `(done, total)` that writes about one record a second."""

        def progress(done: int, total: int) -> None:
            now = time.monotonic()
            if done in (0, total) or now - self._stage_said_at >= STAGE_RECORD_S:
                self._stage_said_at = now
                self(StageEvent(name, done, total))

        return progress

    @contextmanager
    def whole_stage(self, name: str) -> Iterator[None]:
        """A phase without progress of its own."""
        self(StageEvent(name, 0, 1))
        yield
        self(StageEvent(name, 1, 1))

    def end(self, cause: ExitCause) -> None:
        """The last record; `cause` counts where the training did not end, or something failed after it."""
        told = self._finished
        fits = told is not None and told.cause == cause.value
        self._writer.write(told if told and fits else FinishedEvent(self.step or 0, cause.value))


class Job:
    """The stages of one attempt."""

    def __init__(self, run: RunFolder, config: Config, device: str, emit: Emitter, stop: StopFlag) -> None:
        self._run = run
        self._config = config
        self._hparams = config.hparams
        self._device = device
        self._emit = emit
        self._stop = stop

    def execute(self) -> Outcome:
        """Data, features, estimate, training, examination."""
        import torch

        torch.set_num_threads(min(torch.get_num_threads(), num_cores()))
        with self._stop.impatient():
            sets = self._datasets(self._corpus())
            if not self._run.has_state():
                self._estimate(sets["train"])
        with self._emit.whole_stage("training"):
            result = self._train(sets["train"], sets["validation"])
        cause = ExitCause(result.cause)
        if cause is not ExitCause.COMPLETED:
            return Outcome(cause, f"the training stopped at step {result.step}", result.step)
        if result.best_checkpoint is None:
            reason = "no validation gave a voice that could be examined"
            return Outcome(ExitCause.NO_VOICE, reason, result.step)
        with self._stop.impatient():
            self._examine(result.best_checkpoint, sets["test"])
        return Outcome(cause, f"trained for {result.step} steps", result.step)

    def _corpus(self) -> Corpus:
        """The lists of the user's recordings, or of the demo corpus; made once for all runs."""
        from tacotron2.data.corpus import open_corpus
        from tacotron2.data.demo import make_demo

        home, progress = data_folder(self._run.root), self._emit.stage("data")
        folder = self._config.data_folder or make_demo(home, self._hparams, progress).folder
        corpus = open_corpus(folder, home, self._hparams, progress)
        _LOGGER.info("%s: %s", corpus.folder, corpus.layout)
        if corpus.num_rejected:
            _LOGGER.warning("%d clips rejected, see %s", corpus.num_rejected, corpus.rejected_file)
            self._emit(DataEvent("recordings", corpus.num_clips, corpus.num_rejected, {}))
        return corpus

    def _datasets(self, corpus: Corpus) -> Mapping[str, TextMelLoader]:
        from tacotron2.data.dataset import TextMelLoader
        from tacotron2.data.features import FeatureCache
        from tacotron2.data.utterances import read_list

        names = ("train", "validation", "test")
        lists = {name: read_list(corpus.list_path(name), corpus.folder) for name in names}
        cache = FeatureCache(feature_folder(self._run.root), self._hparams.audio)
        everything = [utterance for name in names for utterance in lists[name]]
        cache.prepare(everything, self._emit.stage("features"))
        sets = {name: TextMelLoader(lists[name], self._hparams, cache) for name in names}
        for name, dataset in sets.items():
            for utterance, reason in dataset.left_out:
                _LOGGER.warning("%s: %s left out: %s", name, utterance.place, reason)
            for character, count in dataset.dropped.items():
                _LOGGER.warning("%s: %r (U+%04X) dropped %d times", name, character, ord(character), count)
            dropped, seconds = dict(dataset.dropped), round(dataset.audio_seconds, 1)
            self._emit(DataEvent(name, len(dataset), len(dataset.left_out), dropped, seconds))
        return sets

    def _estimate(self, train_set: TextMelLoader) -> None:
        from tacotron2.training import estimate

        with self._emit.whole_stage("estimate"):
            cost = estimate(self._hparams, train_set, self._device)
            self._emit(EstimateEvent(cost.step_seconds, cost.train_seconds, cost.disk_bytes))

    def _train(self, train_set: TextMelLoader, validation_set: TextMelLoader) -> TrainingResult:
        from tacotron2.training import train

        return train(
            self._hparams,
            train_set,
            validation_set,
            self._run.path,
            device=self._device,
            emit=self._emit,
            stop_requested=self._stop.requested,
        )

    def _examine(self, checkpoint: Path, test_set: TextMelLoader) -> None:
        from tacotron2.examination import HOW, examine
        from tacotron2.training.devices import resolve_device

        device, progress = resolve_device(self._device), self._emit.stage("examination")
        progress(0, len(test_set))
        examination = examine(checkpoint, test_set, self._hparams, self._run.samples_folder, device, progress)
        name = str(checkpoint.relative_to(self._run.path))
        content = {
            "checkpoint": name,
            "figures": {
                key: figure(value, HOW.get(key) or examined_how(key))
                for key, value in examination.figures.items()
            },
            "sentences": [
                {
                    "id": spoken.id,
                    "text": spoken.text,
                    "wav": str(spoken.path.relative_to(self._run.path)),
                    "figures": spoken.figures,
                }
                for spoken in examination.sentences
            ],
        }
        write_atomically(self._run.examination_file, json.dumps(content, ensure_ascii=False, indent=1))
        self._emit(ExaminedEvent(name, examination.figures))


def examined_how(name: str) -> str:
    """Where a figure of the examination comes from, if the library does not say."""
    teacher_forced = name.startswith("teacher_forced_")
    way = "teacher forced" if teacher_forced else "free running"
    definition = name.removeprefix("teacher_forced_")
    return f"{definition} as docs/metrics.md defines it, over the test sentences, {way}, best checkpoint"


def causes() -> dict[type[BaseException], ExitCause]:
    """Exception class to exit cause; the first that fits counts. Everything else is a crash."""
    import torch

    from tacotron2.audio import AudioError
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.data.demo import DemoError
    from tacotron2.data.utterances import DataError
    from tacotron2.text import TextError
    from tacotron2.training import NonFiniteLossError
    from tacotron2.training.devices import DeviceError
    from tacotron2.training.state import NonFiniteWeightsError

    return {
        ConfigError: ExitCause.CONFIGURATION_ERROR,
        HParamsError: ExitCause.CONFIGURATION_ERROR,
        DeviceError: ExitCause.CONFIGURATION_ERROR,
        DataError: ExitCause.DATA_ERROR,
        AudioError: ExitCause.DATA_ERROR,
        TextError: ExitCause.DATA_ERROR,
        DemoError: ExitCause.DATA_ERROR,
        CheckpointError: ExitCause.DATA_ERROR,
        StorageError: ExitCause.STORAGE_ERROR,
        MemoryError: ExitCause.OUT_OF_MEMORY,
        torch.OutOfMemoryError: ExitCause.OUT_OF_MEMORY,
        NonFiniteLossError: ExitCause.NON_FINITE,
        NonFiniteWeightsError: ExitCause.NON_FINITE,
    }


def attempt(run: RunFolder, device: str, emit: Emitter, stop: StopFlag) -> Outcome:
    """Run the job. Every failure that the table knows becomes an outcome; others are raised."""
    try:
        return Job(run, run.config(), device, emit, stop).execute()
    except StopRequestedError:
        cause = stop.cause or ExitCause.INTERRUPTED
        return Outcome(cause, "stopped on request; what was finished so far is kept", emit.step)
    except tuple(causes()) as error:
        cause = next(cause for kind, cause in causes().items() if isinstance(error, kind))
        _LOGGER.error("the attempt ends: %s", cause.value, exc_info=error)
        return Outcome(cause, str(error) or type(error).__name__, emit.step)


@contextmanager
def whatever_happens(run: RunFolder, emit: Emitter, tracker: Tracker) -> Iterator[list[Outcome]]:
    """Writes the outcome put into the list, or a crash; the traceback goes to the log as the process ends."""
    outcomes: list[Outcome] = []
    try:
        yield outcomes
    finally:
        error = sys.exception()
        message = f"an error of the program: {type(error).__name__}: {error}"
        outcome = outcomes[0] if outcomes else Outcome(ExitCause.CRASHED, message, emit.step)
        with suppress(StorageError):  # a full disk takes neither; then the exit status tells the cause
            emit.end(outcome.cause)
            outcome.write(run.outcome_file)
        tracker.close(TRACKER_CLOSE_S)


def main(arguments: list[str] | None = None) -> int:
    """One attempt, from start to outcome; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m smart_tuner.worker")
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    run, parent, stop = RunFolder(options.run_folder), os.getppid(), StopFlag()
    stop.install()
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with FileLock(run.worker_lock_file), EventWriter(run.events_file) as writer:
        HeartbeatThread(run.heartbeat_file, parent).start()
        from smart_tuner.tracking import Tracker

        tracker, emit = Tracker(run.path, tracking_root(run.root)), Emitter(writer)
        tracker.start()
        with whatever_happens(run, emit, tracker) as outcomes:
            outcomes.append(attempt(run, options.device, emit, stop))
    return outcomes[0].cause.code


if __name__ == "__main__":
    sys.exit(main())
