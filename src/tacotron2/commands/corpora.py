"""Recordings: made, counted, hashed."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, fail, progress_of, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands


def add_commands(commands: Commands) -> None:
    """Adds their parsers; each names its function as `verb`."""
    demo = commands.add_parser("demo", help="make the demo corpus", allow_abbrev=False)
    demo.add_argument("--folder", type=Path, required=True)
    demo.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    demo.set_defaults(verb=_demo)
    speak = commands.add_parser("speak", help="texts of recordings by the synthesiser", allow_abbrev=False)
    speak.add_argument("--folder", type=Path, required=True, help="the recordings")
    speak.add_argument("--output", type=Path, required=True, help="the folder to make")
    speak.add_argument("--home", type=Path, required=True, help="where lists are kept")
    speak.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    speak.set_defaults(verb=_speak)
    digest = commands.add_parser("digest", help="the hash of a corpus", allow_abbrev=False)
    digest.add_argument("--folder", type=Path, help="the recordings; without it, the demo corpus")
    digest.add_argument("--home", type=Path, required=True, help="where lists and demo corpora are kept")
    digest.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    digest.set_defaults(verb=_digest)
    survey = commands.add_parser("survey", help="how much speech, for which device", allow_abbrev=False)
    survey.add_argument("--folder", type=Path, required=True, help="the recordings")
    survey.add_argument("--home", type=Path, required=True, help="where the result is kept")
    survey.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    survey.add_argument("--device", default="auto", help="auto, cpu or cuda")
    survey.set_defaults(verb=_survey)


def _demo(chosen: argparse.Namespace) -> int:
    from tacotron2.data.demo import DemoError, make_demo
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams

    try:
        corpus = make_demo(chosen.folder, read_hparams(chosen.settings), progress_of(chosen))
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (DemoError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    paths = (corpus.train_list, corpus.validation_list, corpus.test_list)
    utterances = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}
    if chosen.json:
        say_record(kind="corpus", folder=str(corpus.folder), seconds=corpus.seconds, utterances=utterances)
        return 0
    print(f"{corpus.folder}: {corpus.seconds / 60:.1f} minutes of speech")
    for list_name, count in utterances.items():
        print(f"  {list_name}: {count} utterances")
    return 0


def _speak(chosen: argparse.Namespace) -> int:
    from tacotron2.data.spoken_texts import LIST, speak_texts
    from tacotron2.data.synthesiser import SynthesiserError
    from tacotron2.data.utterances import DataError
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams

    progress = progress_of(chosen)
    try:
        hparams = read_hparams(chosen.settings)
        made = speak_texts(chosen.folder, chosen.output, chosen.home, hparams, progress)
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except SynthesiserError as error:
        return fail(chosen, error, CONFIGURATION_ERROR if error.setting else DATA_ERROR)
    except (DataError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    utterances = {LIST: made.clips}
    if chosen.json:
        say_record(kind="corpus", folder=str(made.folder), seconds=made.seconds, utterances=utterances)
        return 0
    print(f"{made.folder}: {made.clips} utterances, {made.seconds / 60:.1f} minutes of speech")
    return 0


def _digest(chosen: argparse.Namespace) -> int:
    """The hash that machines compare before they train together."""
    from tacotron2.data.demo import DemoError
    from tacotron2.data.digest import SPLITS, corpus_digest, list_digest
    from tacotron2.data.source import any_corpus
    from tacotron2.data.utterances import DataError, read_list
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams

    progress = progress_of(chosen)
    try:
        corpus = any_corpus(chosen.folder, chosen.home, read_hparams(chosen.settings), progress)
        lists = {split: read_list(corpus.list_path(split), corpus.folder) for split in SPLITS}
        digests = {split: list_digest(lists[split], corpus.folder) for split in SPLITS}
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (DataError, DemoError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    whole = corpus_digest(digests)
    if chosen.json:
        say_record(kind="digest", digest=whole, lists=digests)
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

    progress = progress_of(chosen)
    try:
        device = resolve_device(chosen.device)
        found = survey(chosen.folder, chosen.home, read_hparams(chosen.settings), progress)
    except (HParamsError, DeviceError) as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (DataError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    memory = torch.cuda.get_device_properties(0).total_memory if device == "cuda" else 0
    told = dataclasses.asdict(found) | {"device": device, "device_memory_bytes": memory}
    if chosen.json:
        say_record(kind="surveyed", **told)
        return 0
    for name, value in told.items():
        print(f"{name}: {value}")
    return 0
