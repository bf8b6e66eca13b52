"""The library's own command line: what `smart-tuner` runs as a child because it needs torch.

    python -m tacotron2.cli synthesize (--checkpoint PATH | --voice PATH) --output FILE.wav
        [--text TEXT | --file FILE] [--drop-unreadable]
    python -m tacotron2.cli bundle --checkpoint PATH --about FILE.json --output FILE
python -m tacotron2.cli demo --folder FOLDER --settings run.yaml
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

DATA_ERROR = 30
CONFIGURATION_ERROR = 31


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; a user's mistake is one line on standard error and a status that is not 0."""
    parser = argparse.ArgumentParser(prog="tacotron2", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    synthesize = commands.add_parser("synthesize", help="a text to a wav file", allow_abbrev=False)
    speaker = synthesize.add_mutually_exclusive_group(required=True)
    speaker.add_argument("--checkpoint", type=Path)
    speaker.add_argument("--voice", type=Path, help="what the command bundle wrote, or a folder of its parts")
    synthesize.add_argument("--output", type=Path, required=True)
    source = synthesize.add_mutually_exclusive_group()
    source.add_argument("--text", help="what to say; without --text and --file, standard input")
    source.add_argument("--file", type=Path, help="a text file (UTF-8)")
    synthesize.add_argument(
        "--drop-unreadable", action="store_true", help="leave out and count characters without a symbol"
    )
    demo = commands.add_parser("demo", help="make the demo corpus", allow_abbrev=False)
    demo.add_argument("--folder", type=Path, required=True)
    demo.add_argument("--settings", type=Path, required=True, help="a preset or run.yaml")
    bundle = commands.add_parser("bundle", help="a checkpoint to a voice", allow_abbrev=False)
    bundle.add_argument("--checkpoint", type=Path, required=True)
    bundle.add_argument("--about", type=Path, required=True, help="JSON: what is told beside the weights")
    bundle.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    return {"synthesize": _synthesize, "demo": _demo, "bundle": _bundle}[chosen.command](chosen)


def _fail(message: object, status: int) -> int:
    print(f"tacotron2: {message}", file=sys.stderr)
    return status


def _synthesize(chosen: argparse.Namespace) -> int:
    from tacotron2.audio import AudioError, save_wav
    from tacotron2.checkpoint import CheckpointError, load_model
    from tacotron2.synthesis import synthesise
    from tacotron2.text import TextError
    from tacotron2.voice import load_voice
    from tacotron2.voice_file import VoiceError

    name = str(chosen.file) if chosen.file else "the text" if chosen.text is not None else "standard input"
    try:
        text = chosen.text if chosen.text is not None else _read(chosen.file)
        voice = load_voice(chosen.voice) if chosen.voice else None
        model, words = (voice.model, voice.dictionary) if voice else (load_model(chosen.checkpoint), None)
        spoken = synthesise(model, text, "drop" if chosen.drop_unreadable else None, words)
        rate = model.hparams.audio.sampling_rate
        save_wav(chosen.output, spoken.samples, rate)
    except UnicodeDecodeError as error:
        return _fail(f"{name}: byte {error.start + 1} is not UTF-8; save the file as UTF-8", DATA_ERROR)
    except TextError as error:
        return _fail(f"{name}: {error}", DATA_ERROR)
    except AudioError as error:
        return _fail(f"{chosen.voice or chosen.checkpoint}: speaks nothing usable: {error}", DATA_ERROR)
    except (CheckpointError, VoiceError, OSError) as error:
        return _fail(error, DATA_ERROR)
    score = spoken.attention_alignment
    alignment = "not measurable" if score is None else f"{score:.2f}"
    print(f"{chosen.output}: {len(spoken.samples) / rate:.2f} s, attention_alignment {alignment}")
    print(f"ended by: {spoken.stop_reason}")
    for character, count in Counter(spoken.dropped).items():
        print(f"left out {count} times: {character!r} (U+{ord(character):04X})", file=sys.stderr)
    return 0


def _read(file: Path | None) -> str:
    return file.read_bytes().decode("utf-8") if file else sys.stdin.buffer.read().decode("utf-8")


def _bundle(chosen: argparse.Namespace) -> int:
    from tacotron2.checkpoint import CheckpointError
    from tacotron2.text import TextError
    from tacotron2.voice import About, write_voice
    from tacotron2.voice_file import VoiceError

    try:
        about = About.from_dict(json.loads(chosen.about.read_bytes()))
        write_voice(chosen.output, chosen.checkpoint, about)
    except (CheckpointError, VoiceError, TextError, OSError) as error:
        return _fail(error, DATA_ERROR)
    print(f"{chosen.output}: {chosen.output.stat().st_size / 2**20:.1f} MiB")
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from tacotron2.data.demo import DemoError, make_demo
    from tacotron2.hparams import HParamsError
    from tacotron2.schema import read_hparams

    try:
        corpus = make_demo(chosen.folder, read_hparams(chosen.settings), _show_progress)
    except HParamsError as error:
        return _fail(error, CONFIGURATION_ERROR)
    except (DemoError, OSError) as error:
        return _fail(error, DATA_ERROR)
    print(f"{corpus.folder}: {corpus.seconds / 60:.1f} minutes of speech")
    for path in (corpus.train_list, corpus.validation_list, corpus.test_list):
        print(f"  {path.name}: {len(path.read_text(encoding='utf-8').splitlines())} utterances")
    return 0


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} clips", end="\n" if done == total else "", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
