"""Vocoders: tried before they are needed, and what they learn a voice's spectrograms from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, fail, progress_of, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands


def add_commands(commands: Commands) -> None:
    """Adds their parsers; each names its function as `verb`."""
    checked = commands.add_parser("vocoder-check", help="whether a vocoder can be used", allow_abbrev=False)
    checked.add_argument("--vocoder", required=True, metavar="NAME", help="griffin-lim, hifigan:PATH, ...")
    checked.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    checked.set_defaults(verb=_check)
    mels = commands.add_parser("gta-mels", help="spectrograms for a vocoder", allow_abbrev=False)
    mels.add_argument("--checkpoint", type=Path, required=True)
    mels.add_argument("--settings", type=Path, required=True, help="the run.yaml of its training")
    mels.add_argument("--folder", type=Path, help="the recordings; without it, the demo corpus")
    mels.add_argument("--home", type=Path, required=True, help="where lists and demo corpora are kept")
    mels.add_argument("--features", type=Path, required=True, help="the cache of spectrograms")
    mels.add_argument("--output", type=Path, required=True, help="the folder to make")
    mels.add_argument("--device", default="auto", help="auto, cpu or cuda")
    mels.set_defaults(verb=_gta_mels)


def _check(chosen: argparse.Namespace) -> int:
    import torch

    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams
    from tacotron2.vocoders.contract import VocoderError
    from tacotron2.vocoders.opening import open_vocoder

    try:
        audio = read_hparams(chosen.settings).audio
        name = open_vocoder(chosen.vocoder, audio, torch.device("cpu")).name
    except HParamsError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (VocoderError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    if chosen.json:
        say_record(kind="vocoder", name=name)
    else:
        print(name)
    return 0


def _gta_mels(chosen: argparse.Namespace) -> int:
    from tacotron2.audio import AudioError
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.data.demo import DemoError
    from tacotron2.data.utterances import DataError
    from tacotron2.gta_mels import ExportError, Source, export_gta_mels
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams
    from tacotron2.training.devices import DeviceError, resolve_device

    try:
        hparams, device = read_hparams(chosen.settings), resolve_device(chosen.device)
        source = Source(chosen.checkpoint, hparams, chosen.folder, chosen.home, chosen.features)
        made = export_gta_mels(source, chosen.output, device, progress_of(chosen))
    except (HParamsError, DeviceError) as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except (ExportError, CheckpointError, DataError, DemoError, AudioError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    told = {
        "folder": str(chosen.output),
        "training": made.clips["training"],
        "validation": made.clips["validation"],
        "seconds": made.seconds,
        "left_out": len(made.left_out),
        "first_left_out": made.left_out[0] if made.left_out else None,
    }
    if chosen.json:
        say_record(kind="mels-exported", **told)
        return 0
    for name, value in told.items():
        print(f"{name}: {value}")
    return 0
