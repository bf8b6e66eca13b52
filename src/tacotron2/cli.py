"""The library's own command line: what `smart-tuner` runs as a child because it needs torch.

    python -m tacotron2.cli [--json] synthesize (--checkpoint PATH | --voice PATH) --output FILE.wav
        [--text TEXT | --file FILE] [--speaker NAME] [--drop-unreadable] [--stress marks|library]
    python -m tacotron2.cli [--json] bundle --checkpoint PATH --about FILE.json --output FILE [--replace]
    python -m tacotron2.cli [--json] demo --folder FOLDER --settings run.yaml
    python -m tacotron2.cli [--json] digest --home FOLDER --settings run.yaml [--folder FOLDER]
    python -m tacotron2.cli [--json] survey --folder FOLDER --home FOLDER --settings run.yaml [--device auto]
    python -m tacotron2.cli [--json] incident-replay --folder RUN/incidents/STEP
    python -m tacotron2.cli [--json] model-info --settings run.yaml
    python -m tacotron2.cli [--json] self-check --settings run.yaml --home FOLDER --goal-steps N
        --memory BYTES [--folder FOLDER]
    python -m tacotron2.cli [--json] vocoder-train ...    (see `tacotron2.vocoder_command`)

With `--json` everything it says is a record on standard output, one object a line: `progress` (done, total),
then `spoken`, `bundled`, `corpus`, `digest`, `surveyed`, `described`, `replayed`, `self-check` or `error`. So
a program can tell it in another language.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacotron2.vocoder_command import add_vocoder_train, vocoder_train

if TYPE_CHECKING:
    from torch import Tensor

    from tacotron2.models import Tacotron2

DATA_ERROR = 30
CONFIGURATION_ERROR = 31
INTERRUPTED = 130
NOT_REACHED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a user's mistake is one line on standard error and a status that is not 0."""
    parser = argparse.ArgumentParser(prog="tacotron2", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="say records, one a line")
    commands = parser.add_subparsers(dest="command", required=True)
    synthesize = commands.add_parser("synthesize", help="a text to a wav file", allow_abbrev=False)
    weights = synthesize.add_mutually_exclusive_group(required=True)
    weights.add_argument("--checkpoint", type=Path)
    weights.add_argument("--voice", type=Path, help="what the command bundle wrote, or a folder of its parts")
    synthesize.add_argument("--output", type=Path, required=True)
    source = synthesize.add_mutually_exclusive_group()
    source.add_argument("--text", help="what to say; without --text and --file, standard input")
    source.add_argument("--file", type=Path, help="a text file (UTF-8)")
    synthesize.add_argument("--speaker", metavar="NAME", help="of a voice with several; else the first")
    synthesize.add_argument(
        "--drop-unreadable", action="store_true", help="leave out and count characters without a symbol"
    )
    synthesize.add_argument(
        "--stress", choices=("marks", "library"), help="where the stress comes from; else as in the training"
    )
    style = synthesize.add_mutually_exclusive_group()
    style.add_argument("--style-recording", type=Path, metavar="FILE", help="a recording in the wanted style")
    style.add_argument("--style-weights", metavar="W,W,...", help="one for each style token")
    demo = commands.add_parser("demo", help="make the demo corpus", allow_abbrev=False)
    demo.add_argument("--folder", type=Path, required=True)
    demo.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    survey = commands.add_parser("survey", help="how much speech, for which device", allow_abbrev=False)
    survey.add_argument("--folder", type=Path, required=True, help="the recordings")
    survey.add_argument("--home", type=Path, required=True, help="where the result is kept")
    survey.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    survey.add_argument("--device", default="auto", help="auto, cpu or cuda")
    digest = commands.add_parser("digest", help="the hash of a corpus", allow_abbrev=False)
    digest.add_argument("--folder", type=Path, help="the recordings; without it, the demo corpus")
    digest.add_argument("--home", type=Path, required=True, help="where lists and demo corpora are kept")
    digest.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    bundle = commands.add_parser("bundle", help="a checkpoint to a voice", allow_abbrev=False)
    bundle.add_argument("--checkpoint", type=Path, required=True)
    bundle.add_argument("--about", type=Path, required=True, help="JSON: what is told beside the weights")
    bundle.add_argument("--output", type=Path, required=True)
    bundle.add_argument("--replace", action="store_true", help="replace a file that exists")
    replay = commands.add_parser("incident-replay", help="a non-finite update again", allow_abbrev=False)
    replay.add_argument("--folder", type=Path, required=True, help="the incident's folder")
    described = commands.add_parser("model-info", help="what a model has and costs", allow_abbrev=False)
    described.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    checked = commands.add_parser("self-check", help="whether all of it works here", allow_abbrev=False)
    checked.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    checked.add_argument("--home", type=Path, required=True, help="where lists and demo corpora are kept")
    checked.add_argument("--folder", type=Path, help="the recordings; without it, the demo corpus")
    checked.add_argument("--goal-steps", type=int, required=True, help="when attention is to have formed")
    checked.add_argument("--memory", type=int, required=True, metavar="BYTES", help="for the training")
    add_vocoder_train(commands)
    chosen = parser.parse_args(arguments)
    verbs: dict[str, Callable[[argparse.Namespace], int]] = {
        "synthesize": _synthesize,
        "demo": _demo,
        "digest": _digest,
        "bundle": _bundle,
        "survey": _survey,
        "incident-replay": _replay,
        "model-info": _model_info,
        "self-check": _self_check,
        "vocoder-train": partial(vocoder_train, say=_say_record, fail=_fail),
    }
    try:
        return verbs[chosen.command](chosen)
    except KeyboardInterrupt:
        return INTERRUPTED


def _fail(chosen: argparse.Namespace, message: object, status: int) -> int:
    if chosen.json:
        _say_record(kind="error", message=str(message))
    else:
        print(f"tacotron2: {message}", file=sys.stderr)
    return status


def _say_record(**record: Any) -> None:
    print(json.dumps(record), flush=True)


def _synthesize(chosen: argparse.Namespace) -> int:
    from tacotron2.audio import AudioError, save_wav
    from tacotron2.checkpoint import CheckpointError, load_model
    from tacotron2.style import StyleError
    from tacotron2.synthesis import SpeakerError, synthesise
    from tacotron2.text import TextError
    from tacotron2.voice import load_voice
    from tacotron2.voice_file import VoiceError

    name = str(chosen.file) if chosen.file else "the text" if chosen.text is not None else "standard input"
    try:
        text = chosen.text if chosen.text is not None else _read(chosen.file)
        voice = load_voice(chosen.voice) if chosen.voice else None
        model, words = (voice.model, voice.dictionary) if voice else (load_model(chosen.checkpoint), None)
        unreadable = "drop" if chosen.drop_unreadable else None
        how = {"style": _style(model, chosen), "stress": chosen.stress, "speaker": chosen.speaker}
        spoken = synthesise(model, text, unreadable, words, **how)
        rate = model.hparams.audio.sampling_rate
        save_wav(chosen.output, spoken.samples, rate)
    except UnicodeDecodeError as error:
        return _fail(
            chosen, f"{name}: byte {error.start + 1} is not UTF-8; save the file as UTF-8", DATA_ERROR
        )
    except TextError as error:
        return _fail(chosen, f"{name}: {error}", DATA_ERROR)
    except AudioError as error:
        return _fail(
            chosen, f"{chosen.voice or chosen.checkpoint}: speaks nothing usable: {error}", DATA_ERROR
        )
    except (CheckpointError, VoiceError, SpeakerError, StyleError, OSError) as error:
        return _fail(chosen, error, DATA_ERROR)
    speaker = (chosen.speaker or model.speakers[0]) if model.speakers else None
    score, seconds, dropped = spoken.attention_alignment, len(spoken.samples) / rate, Counter(spoken.dropped)
    if chosen.json:
        _say_record(
            kind="spoken",
            path=str(chosen.output),
            seconds=seconds,
            attention_alignment=score,
            sentences=len(spoken.speeches),
            endless=sum(not speech.stopped for speech in spoken.speeches),
            dropped=dropped,
            speaker=speaker,
            speakers=len(model.speakers),
        )
        return 0
    alignment = "not measurable" if score is None else f"{score:.2f}"
    print(f"{chosen.output}: {seconds:.2f} s, attention_alignment {alignment}")
    print(f"ended by: {spoken.stop_reason}")
    if speaker is not None:
        print(f"speaker: {speaker} of {len(model.speakers)}")
    for character, count in dropped.items():
        print(f"left out {count} times: {character!r} (U+{ord(character):04X})", file=sys.stderr)
    return 0


def _style(model: Tacotron2, chosen: argparse.Namespace) -> Tensor | None:
    """The style asked for; None where the text is to suggest it."""
    from tacotron2.audio import AudioError
    from tacotron2.style import StyleError, style_of_recording, style_of_weights

    if chosen.style_weights is not None:
        return style_of_weights(model, chosen.style_weights)
    if chosen.style_recording is None:
        return None
    try:
        return style_of_recording(model, chosen.style_recording)
    except AudioError as error:  # of the recording, not of what the voice says
        raise StyleError(str(error)) from error


def _read(file: Path | None) -> str:
    return file.read_bytes().decode("utf-8") if file else sys.stdin.buffer.read().decode("utf-8")


def _bundle(chosen: argparse.Namespace) -> int:
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.text import TextError
    from tacotron2.voice import About, write_voice
    from tacotron2.voice_file import VoiceError

    try:
        about = About.from_dict(json.loads(chosen.about.read_bytes()))
        write_voice(chosen.output, chosen.checkpoint, about, chosen.replace)
    except (CheckpointError, VoiceError, TextError, OSError) as error:
        return _fail(chosen, error, DATA_ERROR)
    size = chosen.output.stat().st_size
    if chosen.json:
        _say_record(kind="bundled", path=str(chosen.output), bytes=size)
    else:
        print(f"{chosen.output}: {size / 2**20:.1f} MiB")
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from tacotron2.data.demo import DemoError, make_demo
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams

    try:
        corpus = make_demo(
            chosen.folder, read_hparams(chosen.settings), _say_progress if chosen.json else _show_progress
        )
    except HParamsError as error:
        return _fail(chosen, error, CONFIGURATION_ERROR)
    except (DemoError, OSError) as error:
        return _fail(chosen, error, DATA_ERROR)
    paths = (corpus.train_list, corpus.validation_list, corpus.test_list)
    utterances = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    if chosen.json:
        _say_record(kind="corpus", folder=str(corpus.folder), seconds=corpus.seconds, utterances=utterances)
        return 0
    print(f"{corpus.folder}: {corpus.seconds / 60:.1f} minutes of speech")
    for list_name, count in utterances.items():
        print(f"  {list_name}: {count} utterances")
    return 0


def _digest(chosen: argparse.Namespace) -> int:
    """The hash that machines compare before they train together."""
    from tacotron2.data.demo import DemoError
    from tacotron2.data.digest import SPLITS, corpus_digest, list_digest
    from tacotron2.data.source import any_corpus
    from tacotron2.data.utterances import DataError, read_list
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams

    progress = _say_progress if chosen.json else _show_progress
    try:
        corpus = any_corpus(chosen.folder, chosen.home, read_hparams(chosen.settings), progress)
        lists = {split: read_list(corpus.list_path(split), corpus.folder) for split in SPLITS}
        digests = {split: list_digest(lists[split], corpus.folder) for split in SPLITS}
    except HParamsError as error:
        return _fail(chosen, error, CONFIGURATION_ERROR)
    except (DataError, DemoError, OSError) as error:
        return _fail(chosen, error, DATA_ERROR)
    whole = corpus_digest(digests)
    if chosen.json:
        _say_record(kind="digest", digest=whole, lists=digests)
        return 0
    print(whole)
    return 0


def _survey(chosen: argparse.Namespace) -> int:
    """How much speech the folder holds, and the device that a training would get."""
    import torch

    from tacotron2.data.survey import survey
    from tacotron2.data.utterances import DataError
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams
    from tacotron2.training.devices import DeviceError, resolve_device

    progress = _say_progress if chosen.json else _show_progress
    try:
        device = resolve_device(chosen.device)
        found = survey(chosen.folder, chosen.home, read_hparams(chosen.settings), progress)
    except (HParamsError, DeviceError) as error:
        return _fail(chosen, error, CONFIGURATION_ERROR)
    except (DataError, OSError) as error:
        return _fail(chosen, error, DATA_ERROR)
    memory = torch.cuda.get_device_properties(0).total_memory if device == "cuda" else 0
    told = dataclasses.asdict(found) | {"device": device, "device_memory_bytes": memory}
    if chosen.json:
        _say_record(kind="surveyed", **told)
        return 0
    for name, value in told.items():
        print(f"{name}: {value}")
    return 0


def _replay(chosen: argparse.Namespace) -> int:
    """0 where the update is not finite in the same place again, 1 where it is not."""
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.hparams import HParamsError
    from tacotron2.training.faults import FaultError
    from tacotron2.training.replay import replay

    try:
        found = replay(chosen.folder)
    except HParamsError as error:
        return _fail(chosen, error, CONFIGURATION_ERROR)
    except (CheckpointError, FaultError, OSError) as error:
        return _fail(chosen, error, DATA_ERROR)
    told = dataclasses.asdict(found) | {"reached": found.reached}
    if chosen.json:
        _say_record(kind="replayed", **told)
    else:
        for name, value in told.items():
            print(f"{name}: {value}")
    return 0 if found.reached else NOT_REACHED


def _model_info(chosen: argparse.Namespace) -> int:
    from tacotron2.hparams import HParamsError
    from tacotron2.model_info import describe
    from tacotron2.schema import read_hparams

    try:
        told = dataclasses.asdict(describe(read_hparams(chosen.settings)))
    except HParamsError as error:
        return _fail(chosen, error, CONFIGURATION_ERROR)
    if chosen.json:
        _say_record(kind="described", **told)
    else:
        print(json.dumps(told, indent=2))
    return 0


def _self_check(chosen: argparse.Namespace) -> int:
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams
    from tacotron2.self_check import Job, self_check

    try:
        hparams = read_hparams(chosen.settings)
    except HParamsError as error:
        return _fail(chosen, error, CONFIGURATION_ERROR)
    job = Job(hparams, chosen.home, chosen.folder, chosen.goal_steps, chosen.memory)
    for found in self_check(job):
        if chosen.json:
            _say_record(kind="self-check", **found)
        elif "checked" in found:
            print(json.dumps(found))
    return 0


def _say_progress(done: int, total: int) -> None:
    _say_record(kind="progress", done=done, total=total)


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} clips", end="\n" if done == total else "", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
