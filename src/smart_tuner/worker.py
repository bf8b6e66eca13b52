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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from smart_tuner.attempt_end import whatever_happens
from smart_tuner.bad_clips import last_clips
from smart_tuner.config import Config, ConfigError
from smart_tuner.controllers import Controllers
from smart_tuner.cures import Experience
from smart_tuner.debug_reporter import DebugReporter
from smart_tuner.emitter import Emitter
from smart_tuner.heartbeat import HeartbeatThread, OrphanThread
from smart_tuner.knowledge import Context, keep_experience, learned, read_experience
from smart_tuner.machine import free_memory, num_cores
from smart_tuner.messages import EndPhrase
from smart_tuner.ranks import LOST_STATUS, is_first_process, num_local_processes
from smart_tuner.records import EventWriter, ExitCause, Outcome, read_events, write_atomically
from smart_tuner.restart_history import History, HistoryError
from smart_tuner.run_folder import RunFolder, data_folder, feature_folder, knowledge_file, tracking_root
from smart_tuner.stop_flag import StopFlag, StopRequestedError, ignore_requests
from smart_tuner.stop_requests import StopRequests
from smart_tuner.summary import examined_figures
from tacotron2.events import DataEvent, EstimateEvent, Event, ExaminedEvent
from tacotron2.files import StorageError
from tacotron2.hparams import HParamsError

if TYPE_CHECKING:
    from tacotron2.data.corpus import Corpus
    from tacotron2.data.dataset import TextMelLoader
    from tacotron2.examination import Examination
    from tacotron2.training import BaseWeights, Ranks, Request, TrainingResult

NO_HOST_MEMORY = "DefaultCPUAllocator: can't allocate memory"
"""What torch says with a plain RuntimeError where a limit binds the process; without one it is killed."""
_LOGGER = logging.getLogger("smart_tuner.worker")


@dataclass(frozen=True)
class Assignment:
    """What this process is to do: on which device, and how much of the job."""

    device: str
    examines: bool = True
    measures_only: bool = False
    """End after data, features and estimate."""
    initial_weights: Path | None = None
    """A checkpoint or a voice that the training begins with, where the run has no state yet."""
    vocoder: str | None = None
    """What speaks the test sentences beside Griffin-Lim."""


class Job:
    """The stages of one attempt, in each of the processes that train. HistoryError: see `History.read`."""

    _ranks: Ranks
    _recordings: Path

    def __init__(
        self, run: RunFolder, config: Config, assigned: Assignment, emit: Emitter, stop: StopFlag
    ) -> None:
        self._run = run
        self._config = config
        self._hparams = config.hparams
        self._history = History.read(run.recovery_file)
        self._controllers = Controllers(config)  # until the training begins, which has a past
        self._assigned = assigned
        self._device = assigned.device
        self._emit = emit
        self._stop = stop
        self._requests = StopRequests(run.stop_request_file)

    def execute(self) -> Outcome:
        """Data, features, estimate, training, examination."""
        import torch

        from tacotron2.training import Request, join
        from tacotron2.training.devices import resolve_device

        torch.set_num_threads(min(torch.get_num_threads(), max(1, num_cores() // num_local_processes())))
        with self._stop.impatient():
            self._ranks = join(self._hparams, resolve_device(self._device))
            # What the first process made, the others find.
            sets = self._ranks.alone(self._sets) or self._sets()
            requests = [Request(*each) for each in self._history.adjustments]
            if not self._ranks.agreed(self._run.has_state()):
                requests = self._estimate(sets["train"], requests)
        if self._assigned.measures_only:
            return Outcome(ExitCause.COMPLETED, EndPhrase.MEASURED())
        with self._emit.whole_stage("training"):
            result = self._train(sets["train"], sets["validation"], requests)
        cause = ExitCause(result.cause)
        why = self._controllers.reason()
        speaks = cause is ExitCause.COMPLETED or (cause is ExitCause.STOPPED and why is not None)
        if not (speaks and self._ranks.is_first):
            return Outcome(cause, why or EndPhrase.TRAINING_STOPPED(step=result.step), result.step)
        if result.best_checkpoint is None:
            return Outcome(ExitCause.NO_VOICE, EndPhrase.NOTHING_EXAMINED(), result.step)
        if self._assigned.examines:
            with self._stop.impatient():
                self._examine(result.best_checkpoint, sets["test"])
                self._examine_clips(result.best_checkpoint, sets["train"])
        return Outcome(cause, why or EndPhrase.TRAINED(step=result.step), result.step)

    def _corpus(self) -> Corpus:
        """The lists of the user's recordings, or of the demo corpus; made once for all runs."""
        from tacotron2.data.source import any_corpus

        home, progress = data_folder(self._run.root), self._emit.stage("data")
        corpus = any_corpus(self._config.data_folder, home, self._hparams, progress)
        _LOGGER.info("%s: %s", corpus.folder, corpus.layout)
        if corpus.num_rejected or corpus.advice:
            _LOGGER.warning("%d clips rejected, see %s", corpus.num_rejected, corpus.rejected_file)
            advice = list(corpus.advice)
            self._emit(DataEvent("recordings", corpus.num_clips, corpus.num_rejected, {}, advice=advice))
        return corpus

    def _sets(self) -> Mapping[str, TextMelLoader]:
        from tacotron2.data.dataset import TextMelLoader
        from tacotron2.data.digest import list_digest
        from tacotron2.data.features import FeatureCache
        from tacotron2.data.speakers import speaker_names
        from tacotron2.data.utterances import read_list

        corpus, names = self._corpus(), ("train", "validation", "test")
        self._recordings = corpus.folder
        lists = {name: read_list(corpus.list_path(name), corpus.folder) for name in names}
        speakers = speaker_names(lists["train"], self._hparams.model.n_speakers)
        cache = FeatureCache(feature_folder(self._run.root), self._hparams.audio)
        cache.prepare([each for name in names for each in lists[name]], self._emit.stage("features"))
        sets = {name: TextMelLoader(lists[name], self._hparams, cache, speakers) for name in names}
        for name, dataset in sets.items():
            for utterance, reason in dataset.left_out:
                _LOGGER.warning("%s: %s left out: %s", name, utterance.place, reason)
            for character, count in dataset.dropped.items():
                _LOGGER.warning("%s: %r (U+%04X) dropped %d times", name, character, ord(character), count)
            dropped, seconds = dict(dataset.dropped), round(dataset.audio_seconds, 1)
            digest = None
            if self._assigned.measures_only:  # it reads every recording: once for a study, not at every start
                digest = list_digest(lists[name], corpus.folder, self._emit.work.moved)
            left_out = len(dataset.left_out)
            self._emit(DataEvent(name, len(dataset), left_out, dropped, seconds, digest=digest))
        return sets

    def _estimate(self, train_set: TextMelLoader, requests: list[Request]) -> list[Request]:
        """Memory and time, measured; the requests, and what else is to be adjusted so that a batch fits."""
        from tacotron2.training import estimate, fit_memory, requested_parts

        with self._emit.whole_stage("estimate"):
            lengths = list(zip(train_set.text_lengths, train_set.lengths, strict=True))
            parts, sharing = requested_parts(self._hparams, requests), num_local_processes()
            fit = fit_memory(
                self._hparams, lengths, self._device, free_memory() // sharing, parts, self._ranks
            )
            cost = estimate(self._hparams, train_set, self._device, self._ranks, fit.parts)
            by_r = dict(cost.seconds_by_r)
            self._emit(EstimateEvent(cost.step_seconds, cost.train_seconds, cost.disk_bytes, by_r))
        if fit.parts != parts:
            self._emit(fit.incident(parts))
            return [*requests, fit.request(parts)]
        return requests

    def _train(
        self, train_set: TextMelLoader, validation_set: TextMelLoader, requests: Sequence[Request]
    ) -> TrainingResult:
        from tacotron2.training import Request, train

        history, _ = read_events(self._run.events_file)
        self._controllers = Controllers(self._config, history, self._experience(train_set))
        limit_s = self._hparams.train.max_train_minutes * 60
        reporter = DebugReporter(self._run.path, limit_s, history)

        def emit(event: Event) -> None:
            self._emit(event)
            decided = self._controllers.note(event)
            for each in decided:
                self._emit(each)
            for report in filter(None, map(reporter.note, (event, *decided))):
                self._emit(report)
            self._requests.note(event)

        seed = (self._hparams.train.seed + self._history.new_seeds) % 2**31
        return train(
            self._hparams.replace(seed=seed),
            train_set,
            validation_set,
            self._run.path,
            device=self._device,
            emit=emit,
            stop_requested=self._emit.work.moved_by(
                lambda: self._requests.requested() or self._stop.requested() or self._controllers.requested()
            ),
            moved=self._emit.work.moved,
            ranks=self._ranks,
            requests=requests,
            initial_weights=self._assigned.initial_weights or self._base(),
            adjustments=lambda: [Request(*each) for each in self._controllers.adjustments()],
        )

    def _base(self) -> BaseWeights | None:
        """What a fine-tuning begins with: the run's own copy."""
        from tacotron2.training import BaseWeights

        base = self._config.base
        return BaseWeights(self._run.base_file, base.base_statistics) if base.base_sha256 else None

    def _experience(self, train_set: TextMelLoader) -> Experience:
        """What earlier runs taught about cures, as it was when this run began."""
        path = self._run.experience_file
        known = read_experience(path)
        if known is None and self._ranks.is_first and self._config.cure.curing:
            context = Context.of(self._hparams, train_set.audio_seconds)
            known = learned(knowledge_file(self._run.root), context)
            keep_experience(path, known)
        return known or {}

    def _examine(self, checkpoint: Path, test_set: TextMelLoader) -> None:
        from tacotron2.examination import HOW, examine
        from tacotron2.training.devices import resolve_device

        device, progress = resolve_device(self._device), self._emit.stage("examination")
        progress(0, len(test_set))
        examination = examine(checkpoint, test_set, self._hparams, self._run.samples_folder, device, progress)
        name = str(checkpoint.relative_to(self._run.path))
        content = {
            "checkpoint": name,
            "figures": examined_figures(examination.figures, HOW),
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
        if self._assigned.vocoder is not None:
            self._speak_again(self._assigned.vocoder, content, examination, device)

    def _speak_again(
        self, vocoder: str, content: dict[str, Any], examination: Examination, device: str
    ) -> None:
        """The same spectrograms by another vocoder; what goes wrong is told, and costs nothing else."""
        from tacotron2.vocoders.reanalysis import HOW_REANALYSED, REANALYSIS
        from tacotron2.vocoders.samples import speak_again

        mels = {spoken.id: spoken.mel for spoken in examination.sentences}
        folder, audio, moved = self._run.samples_folder, self._hparams.audio, self._emit.work.moved
        made = speak_again(vocoder, mels, folder, audio, device, moved)
        if made.failure is not None:
            _LOGGER.warning("%s: %s", made.name, made.failure)
        found = {} if made.error is None else {REANALYSIS: made.error}
        figures = examined_figures(found, {REANALYSIS: f"{HOW_REANALYSED}, mean over what it spoke"})
        for sentence in content["sentences"]:
            if sample := made.by_id.get(sentence["id"]):
                wav = str(sample.path.relative_to(self._run.path))
                sentence["vocoder"] = {"wav": wav, REANALYSIS: sample.error}
        content["vocoder"] = {"name": made.name, "failure": made.failure, "figures": figures}
        write_atomically(self._run.examination_file, json.dumps(content, ensure_ascii=False, indent=1))

    def _examine_clips(self, checkpoint: Path, train_set: TextMelLoader) -> None:
        """Pictures and copies of the recordings that stayed bad, as the last validation told."""
        from tacotron2.clip_examination import examine_clips
        from tacotron2.training.devices import resolve_device
        from tacotron2.training.quarantine import read_quarantined

        told = last_clips(read_events(self._run.events_file)[0])
        if told is None:
            return
        folder, aside = self._run.bad_clips_folder, read_quarantined(self._run.path / "quarantine.json")
        examine_clips(
            checkpoint,
            train_set,
            told,
            self._hparams,
            folder,
            self._recordings,
            resolve_device(self._device),
            aside,
            self._emit.work.moved,
        )


def causes() -> dict[ExitCause, tuple[type[BaseException], ...]]:
    """Exit cause to exception classes; the first that fits counts. Everything else is a crash."""
    import torch

    from tacotron2.audio import AudioError
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.data.demo import DemoError
    from tacotron2.data.utterances import DataError
    from tacotron2.text import TextError
    from tacotron2.training import LostRankError, NonFiniteLossError, RanksError
    from tacotron2.training.devices import DeviceError
    from tacotron2.training.faults import FaultError
    from tacotron2.training.state import NonFiniteWeightsError
    from tacotron2.voice_file import VoiceError

    settings = (ConfigError, HParamsError, HistoryError, FaultError, DeviceError, RanksError)
    return {
        ExitCause.CONFIGURATION_ERROR: settings,
        ExitCause.CRASHED: (LostRankError,),
        ExitCause.DATA_ERROR: (DataError, AudioError, TextError, DemoError, CheckpointError, VoiceError),
        ExitCause.STORAGE_ERROR: (StorageError,),
        ExitCause.OUT_OF_MEMORY: (MemoryError, torch.OutOfMemoryError),
        ExitCause.NON_FINITE: (NonFiniteLossError, NonFiniteWeightsError),
    }


def known_errors() -> tuple[type[BaseException], ...]:
    """All classes of the table, and the one that may tell of memory."""
    return (*(kind for kinds in causes().values() for kind in kinds), RuntimeError)


def cause_of(error: BaseException) -> ExitCause | None:
    """The cause for an error of the table; None for another one."""
    if NO_HOST_MEMORY in str(error):
        return ExitCause.OUT_OF_MEMORY
    return next((cause for cause, kinds in causes().items() if isinstance(error, kinds)), None)


def attempt(run: RunFolder, assigned: Assignment, emit: Emitter, stop: StopFlag) -> Outcome:
    """Run the job. Every failure that the table knows becomes an outcome; others are raised."""
    try:
        return Job(run, run.config(), assigned, emit, stop).execute()
    except StopRequestedError:
        cause = stop.cause or ExitCause.INTERRUPTED
        return Outcome(cause, EndPhrase.ON_REQUEST(), emit.step)
    except known_errors() as error:
        found = cause_of(error)
        if found is None:
            raise
        _LOGGER.error("the attempt ends: %s", found.value, exc_info=error)
        return Outcome(found, str(error) or type(error).__name__, emit.step)


def follow(run: RunFolder, assigned: Assignment) -> int:
    """A further process of the training: it computes, does what the first one decides, and leaves no record.

    Returns the exit status: 0 where the first one decided the end, LOST_STATUS where that was gone.
    """
    from tacotron2.training import LostRankError

    with EventWriter(Path(os.devnull)) as writer:
        try:
            Job(run, run.config(), assigned, Emitter(writer), StopFlag()).execute()
        except LostRankError as error:
            _LOGGER.warning("this process ends: %s", error)
            return LOST_STATUS
        except known_errors() as error:
            cause = cause_of(error)
            if cause is None:
                raise
            _LOGGER.error("this process ends", exc_info=error)
            return cause.code
    return 0


def lead(run: RunFolder, assigned: Assignment, parent: int, stop: StopFlag) -> int:
    """The process that decides and writes, or the only one. Returns the exit status."""
    with FileLock(run.worker_lock_file), EventWriter(run.events_file) as writer:
        run.forget_outcome()  # that of the attempt before
        emit = Emitter(writer)
        HeartbeatThread(run.heartbeat_file, parent, emit.work).start()

        from smart_tuner.tracking import Tracker

        tracker = Tracker(run.path, tracking_root(run.root))
        tracker.start()
        with whatever_happens(run, emit, tracker) as outcomes:
            outcomes.append(attempt(run, assigned, emit, stop))
    return outcomes[0].cause.code


def main(arguments: list[str] | None = None) -> int:
    """One attempt, from start to outcome; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m smart_tuner.worker")
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--parent", type=int, default=os.getppid(), help="ends with this process")
    parser.add_argument("--no-examination", action="store_true", help="end with the training")
    parser.add_argument("--estimate-only", action="store_true", help="end before the training")
    parser.add_argument("--initial-weights", type=Path, metavar="FILE", help="a checkpoint or a voice")
    parser.add_argument("--vocoder", metavar="NAME", help="speaks the test sentences beside Griffin-Lim")
    options = parser.parse_args(arguments)
    run, parent, stop = RunFolder(options.run_folder), options.parent, StopFlag()
    assigned = Assignment(
        options.device,
        not options.no_examination,
        options.estimate_only,
        options.initial_weights,
        options.vocoder,
    )
    is_first = is_first_process()
    if is_first:
        stop.install()
    else:
        ignore_requests()  # the first process is asked too, and all end at the same step
    faulthandler.enable()
    level = logging.INFO if is_first else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    if is_first:
        return lead(run, assigned, parent, stop)
    OrphanThread(parent).start()
    return follow(run, assigned)


if __name__ == "__main__":
    sys.exit(main())
