"""`vocoder-train` of the library's command line: trains a HiFi-GAN, or goes on with one.

    python -m tacotron2.cli [--json] vocoder-train --data FOLDER --output FOLDER --features FOLDER --steps N
        (--config v1|v2|v3|FILE | --from PATH) [--mels FOLDER] [--learning-rate RATE] [--save-every N]
        [--log-every N] [--device auto]

Records: `vocoder-begins`, `vocoder-step`, `vocoder-saved`, `vocoder-validated`, `vocoder-ended`. The first
SIGINT or SIGTERM ends it after the step at hand, with a state.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tacotron2.commands.answers import CONFIGURATION_ERROR, DATA_ERROR, INTERRUPTED, fail, say_record

if TYPE_CHECKING:
    from tacotron2.commands.answers import Commands
    from tacotron2.vocoders.hifigan import HifiGanConfig

NON_FINITE, OUT_OF_MEMORY, STORAGE_ERROR = 20, 21, 32


def add_commands(commands: Commands) -> None:
    """Adds its parser; nothing heavy is imported."""
    train = commands.add_parser("vocoder-train", help="train a HiFi-GAN", allow_abbrev=False)
    train.add_argument("--data", type=Path, required=True, help="the recordings")
    train.add_argument("--output", type=Path, required=True, help="where its files are written")
    train.add_argument("--features", type=Path, required=True, help="the cache of spectrograms")
    train.add_argument("--steps", type=int, required=True, help="at which it ends")
    source = train.add_mutually_exclusive_group()
    source.add_argument("--config", help="v1, v2, v3, or a config.json; else that of --output")
    source.add_argument("--from", type=Path, dest="source", help="weights to begin with")
    train.add_argument("--mels", type=Path, help="spectrograms ID.npy in place of the recorded ones")
    train.add_argument("--learning-rate", type=float, help="in place of the settings'")
    train.add_argument("--save-every", type=int, default=1000, metavar="STEPS")
    train.add_argument("--log-every", type=int, default=50, metavar="STEPS")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda")
    train.set_defaults(verb=_vocoder_train)


def _vocoder_train(chosen: argparse.Namespace) -> int:
    import torch

    from tacotron2.data.utterances import DataError
    from tacotron2.files import StorageError
    from tacotron2.training.devices import DeviceError
    from tacotron2.vocoders.contract import VocoderError
    from tacotron2.vocoders.hifigan.training import NonFiniteError

    tell = _say if chosen.json else _lines
    try:
        return _train(chosen, tell)
    except NonFiniteError as error:
        return fail(chosen, error, NON_FINITE)
    except torch.OutOfMemoryError:
        what = f"not enough memory; make batch_size or segment_size in {chosen.output}/config.json smaller"
        return fail(chosen, what, OUT_OF_MEMORY)
    except DeviceError as error:
        return fail(chosen, error, CONFIGURATION_ERROR)
    except StorageError as error:
        return fail(chosen, error, STORAGE_ERROR)
    except (VocoderError, DataError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)


def _train(chosen: argparse.Namespace, tell: Callable[..., None]) -> int:
    import torch

    from tacotron2.training.devices import resolve_device
    from tacotron2.vocoders.contract import VocoderError
    from tacotron2.vocoders.hifigan.clips import open_clips
    from tacotron2.vocoders.hifigan.running import Material, Plan, begin, facts, run_training
    from tacotron2.vocoders.hifigan.training import Training, settle_config

    if chosen.learning_rate is not None and not 0.0 < chosen.learning_rate < 1.0:
        raise VocoderError(f"--learning-rate {chosen.learning_rate:g}: must lie between 0 and 1")
    if min(chosen.steps, chosen.save_every, chosen.log_every) < 1:
        raise VocoderError("--steps, --save-every and --log-every must be at least 1")
    device = torch.device(resolve_device(chosen.device))
    config = settle_config(chosen.output, _wanted(chosen), chosen.learning_rate)
    audio = config.audio()
    material = Material(*open_clips(chosen.data, config, audio, chosen.features, chosen.mels), audio)
    training = Training(config, chosen.output, device)
    begin(training, chosen.source)
    tell("vocoder-begins", **facts(training, material))
    asked: list[int] = []

    def ask(number: int, frame: object) -> None:
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        plan = Plan(chosen.steps, chosen.save_every, chosen.log_every)
        reached = run_training(training, material, plan, tell, lambda: bool(asked))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    tell("vocoder-ended", step=training.step, reached=reached, folder=str(chosen.output))
    return 0 if reached else INTERRUPTED


def _wanted(chosen: argparse.Namespace) -> HifiGanConfig | None:
    """The settings asked for; None: those that lie in the folder."""
    from tacotron2.vocoders.hifigan.config import VARIANTS, read_config
    from tacotron2.vocoders.hifigan.files import CONFIG_FILE, generator_file

    if chosen.source is not None:
        return read_config(generator_file(chosen.source).parent / CONFIG_FILE)
    if chosen.config is None:
        return None
    return VARIANTS.get(chosen.config) or read_config(Path(chosen.config))


def _say(kind: str, **values: Any) -> None:
    say_record(kind=kind, **values)


def _lines(kind: str, **values: Any) -> None:
    print(kind, *(f"{name}={value}" for name, value in values.items()), flush=True)
