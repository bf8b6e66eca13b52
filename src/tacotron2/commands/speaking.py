"""A text to sound."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tacotron2.commands.answers import DATA_ERROR, fail, say_record

if TYPE_CHECKING:
    from torch import Tensor

    from tacotron2.commands.answers import Commands
    from tacotron2.models import Tacotron2


def add_commands(commands: Commands) -> None:
    """Adds their parsers; each names its function as `verb`."""
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
    synthesize.add_argument(
        "--vocoder", default="griffin-lim", metavar="NAME", help="or hifigan:PATH, MODULE:FUNCTION"
    )
    style = synthesize.add_mutually_exclusive_group()
    style.add_argument("--style-recording", type=Path, metavar="FILE", help="a recording in the wanted style")
    style.add_argument("--style-weights", metavar="W,W,...", help="one for each style token")
    synthesize.set_defaults(verb=_synthesize)


def _synthesize(chosen: argparse.Namespace) -> int:
    import torch

    from tacotron2.audio import AudioError, save_wav
    from tacotron2.checkpoint import CheckpointError, load_model
    from tacotron2.style import StyleError
    from tacotron2.synthesis import SpeakerError, synthesise
    from tacotron2.text import TextError
    from tacotron2.vocoders import VocoderError, open_vocoder
    from tacotron2.voice import load_voice
    from tacotron2.voice_file import VoiceError

    name = str(chosen.file) if chosen.file else "the text" if chosen.text is not None else "standard input"
    try:
        text = chosen.text if chosen.text is not None else _read(chosen.file)
        voice = load_voice(chosen.voice) if chosen.voice else None
        model, words = (voice.model, voice.dictionary) if voice else (load_model(chosen.checkpoint), None)
        unreadable = "drop" if chosen.drop_unreadable else None
        vocoder = open_vocoder(chosen.vocoder, model.hparams.audio, torch.device("cpu"))
        how = {"style": _style(model, chosen), "stress": chosen.stress, "speaker": chosen.speaker}
        spoken = synthesise(model, text, unreadable, words, vocoder=vocoder, **how)
        rate = model.hparams.audio.sampling_rate
        save_wav(chosen.output, spoken.samples, rate)
    except UnicodeDecodeError as error:
        return fail(
            chosen, f"{name}: byte {error.start + 1} is not UTF-8; save the file as UTF-8", DATA_ERROR
        )
    except TextError as error:
        return fail(chosen, f"{name}: {error}", DATA_ERROR)
    except AudioError as error:
        return fail(
            chosen, f"{chosen.voice or chosen.checkpoint}: speaks nothing usable: {error}", DATA_ERROR
        )
    except (CheckpointError, VoiceError, VocoderError, SpeakerError, StyleError, OSError) as error:
        return fail(chosen, error, DATA_ERROR)
    speaker = (chosen.speaker or model.speakers[0]) if model.speakers else None
    score, seconds, dropped = spoken.attention_alignment, len(spoken.samples) / rate, Counter(spoken.dropped)
    if chosen.json:
        say_record(
            kind="spoken",
            path=str(chosen.output),
            seconds=seconds,
            attention_alignment=score,
            sentences=len(spoken.speeches),
            endless=sum(not speech.stopped for speech in spoken.speeches),
            dropped=dropped,
            speaker=speaker,
            speakers=len(model.speakers),
            vocoder=vocoder.name,
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
