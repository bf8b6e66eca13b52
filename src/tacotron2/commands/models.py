"""Models: packed, described, checked, and an update of one again."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, NOT_REACHED, fail, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands


def add_commands(commands: Commands) -> None:
    """Adds their parsers; each names its function as `verb`."""
    bundle = commands.add_parser("bundle", help="a checkpoint to a voice", allow_abbrev=False)
    bundle.add_argument("--checkpoint", type=Path, required=True)
    bundle.add_argument("--about", type=Path, required=True, help="JSON: what is told beside the weights")
    bundle.add_argument("--output", type=Path, required=True)
    bundle.add_argument("--replace", action="store_true", help="replace a file that exists")
    bundle.set_defaults(verb=_bundle)
    replay = commands.add_parser("incident-replay", help="a non-finite update again", allow_abbrev=False)
    replay.add_argument("--folder", type=Path, required=True, help="the incident's folder")
    replay.set_defaults(verb=_replay)
    described = commands.add_parser("model-info", help="what a model has and costs", allow_abbrev=False)
    described.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    described.set_defaults(verb=_model_info)
    memory = commands.add_parser("card-memory", help="what fits which card", allow_abbrev=False)
    memory.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    memory.add_argument("--card", type=float, action="append", required=True, metavar="GB")
    memory.add_argument("--seconds", type=float, help="of the longest utterance; else data.max_seconds")
    memory.add_argument("--precision", choices=("fp32", "bf16", "fp16"), action="append")
    memory.set_defaults(verb=_card_memory)
    checked = commands.add_parser("self-check", help="whether all of it works here", allow_abbrev=False)
    checked.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    checked.add_argument("--home", type=Path, required=True, help="where lists and demo corpora are kept")
    checked.add_argument("--folder", type=Path, help="the recordings; without it, the demo corpus")
    checked.add_argument("--goal-steps", type=int, required=True, help="when attention is to have formed")
    checked.add_argument("--memory", type=int, required=True, metavar="BYTES", help="for the training")
    checked.add_argument("--card", action="store_true", help="that memory is a graphics card's, all of it")
    checked.set_defaults(verb=_self_check)


def _bundle(chosen: argparse.Namespace) -> int:
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.text import TextError
    from tacotron2.voice import About, write_voice
    from tacotron2.voice_file import VoiceError

    try:
        about = About.from_dict(json.loads(chosen.about.read_bytes()))
        write_voice(chosen.output, chosen.checkpoint, about, chosen.replace)
    except (CheckpointError, VoiceError, TextError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    size = chosen.output.stat().st_size
    if chosen.json:
        say_record(kind="bundled", path=str(chosen.output), bytes=size)
    else:
        print(f"{chosen.output}: {size / 2**20:.1f} MiB")
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
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (CheckpointError, FaultError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    told = dataclasses.asdict(found) | {"reached": found.reached}
    if chosen.json:
        say_record(kind="replayed", **told)
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
        return fail(chosen, error, CONFIGURATION_ERROR)
    if chosen.json:
        say_record(kind="described", **told)
    else:
        print(json.dumps(told, indent=2))
    return 0


def _card_memory(chosen: argparse.Namespace) -> int:
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams
    from tacotron2.training.card_memory import GIB, PRECISIONS, card_fits

    try:
        hparams = read_hparams(chosen.settings)
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    seconds = chosen.seconds or hparams.data.max_seconds
    cards = [round(gigabytes * GIB) for gigabytes in chosen.card]
    fits = [
        dataclasses.asdict(fit) for fit in card_fits(hparams, cards, seconds, chosen.precision or PRECISIONS)
    ]
    told = {"seconds": seconds, "batch_size": hparams.train.batch_size, "fits": fits}
    if chosen.json:
        say_record(kind="fits", **told)
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
        return fail(chosen, error, CONFIGURATION_ERROR)
    job = Job(hparams, chosen.home, chosen.folder, chosen.goal_steps, chosen.memory, chosen.card)
    for found in self_check(job):
        if chosen.json:
            say_record(kind="self-check", **found)
        elif "checked" in found:
            print(json.dumps(found))
    return 0
