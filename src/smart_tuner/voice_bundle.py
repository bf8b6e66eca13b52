"""From a run to a voice in one file: what the run knows of itself, and what only a person can say."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from smart_tuner.config import Config
from smart_tuner.messages import CommandPhrase, Language, render
from smart_tuner.records import read_events
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.summary import figure
from tacotron2.events import DataEvent, Event, StartedEvent, ValidationEvent
from tacotron2.voice_card import Card

NUM_SAMPLES = 3
SUFFIX = ".voice.zip"


@dataclass(frozen=True)
class Stated:
    """What a person says of a voice; None: nothing."""

    name: str | None = None
    speaker: str | None = None
    consent: str | None = None
    recordings_licence: str | None = None
    licence: str | None = None
    contact: str | None = None


def bundle_run(
    run: RunFolder,
    stated: Stated,
    output: Path | None,
    library: Callable[..., int],
    language: Language = Language.EN,
    replace: bool = False,
) -> int:
    """Writes the best voice of a run by the library's command `bundle`; returns its exit status.

    Args:
        output: the file; by default the voice's name in the current folder.
        library: runs a command of `tacotron2.cli`.
        language: of the person who reads.
        replace: whether a file that exists is replaced.

    Raises:
        RunError: the run has no voice yet, or one of its records cannot be read.
        ConfigError: its configuration cannot be read.
    """
    checkpoint = run.best_checkpoint()
    examined = _examination(run, checkpoint)
    card = make_card(run, stated, bool(examined))
    about_it = collect(run, checkpoint, card, examined)
    target = output or Path(re.sub(r"[^\w.-]+", "-", card.name).strip(".-") + SUFFIX)
    with tempfile.TemporaryDirectory() as temporary:
        about = Path(temporary) / "about.json"
        about.write_text(json.dumps(about_it, ensure_ascii=False), encoding="utf-8")
        arguments = [f"--checkpoint={checkpoint}", f"--about={about}", f"--output={target}"]
        status = library("bundle", *arguments, *(["--replace"] if replace else []))
    if status == 0 and card.not_stated():
        options = ", ".join("--" + field.replace("_", "-") for field in card.not_stated())
        told = CommandPhrase.WARNING(message=CommandPhrase.NOT_STATED(options=options))
        typer.echo(render(told, language), err=True)
    return status


def collect(run: RunFolder, checkpoint: Path, card: Card, examination: dict[str, Any]) -> dict[str, Any]:
    """What is told beside the weights, in plain values: see `tacotron2.voice.About`."""
    events = [stamped.event for stamped in read_events(run.events_file)[0]]
    facts = _read(checkpoint.with_name(checkpoint.name + ".json"))
    attention, samples = _examined(run, examination)
    if not samples:
        attention, samples = _validated(run, events, facts["step"])
    return {
        "card": card.to_dict(),
        "figures": _figures(run, events, facts["step"], examination),
        "made_with": _made_with(events, facts["step"]),
        "attention": attention,
        "samples": samples[:NUM_SAMPLES],
    }


def _examination(run: RunFolder, checkpoint: Path) -> dict[str, Any]:
    """The record of the final examination; empty where it is of other weights, or none took place."""
    examination = _read(run.examination_file)
    return examination if examination.get("checkpoint") == str(checkpoint.relative_to(run.path)) else {}


def make_card(run: RunFolder, stated: Stated, examined: bool) -> Card:
    """The card of a run's voice; what is known of the demo corpus is filled in where nothing was stated."""
    config = run.config()
    used = [stamped.event for stamped in read_events(run.events_file)[0]]
    train = [event for event in used if isinstance(event, DataEvent) and event.split == "train"]
    seconds = train[-1].audio_seconds if train else None
    known = _known(config)
    said = {key: " ".join(value.split()) for key, value in vars(stated).items() if value and value.strip()}
    folder = config.data_folder
    corpus = "the demo corpus of Smart Tuner" if folder is None else f"recordings in the folder {folder.name}"
    values = {"name": run.name, "data": corpus, **known, **said}
    return Card(
        language=config.hparams.text.language,
        date=time.strftime("%Y-%m-%d"),
        clips=train[-1].clips if train else None,
        hours=None if seconds is None else round(seconds / 3600, 3),
        limits=_limits(config, examined),
        base=_base(config),
        **values,
    )


def _base(config: Config) -> str | None:
    """What it was fine-tuned from, without a path of this machine."""
    base = config.base
    return f"{Path(base.base_weights).name}, weights {base.base_sha256}" if base.base_sha256 else None


def _known(config: Config) -> dict[str, str]:
    """What needs no person to state it: nobody was recorded for the demo."""
    if config.data_folder is not None:
        return {}
    voice = config.hparams.demo.demo_voice
    return {
        "speaker": f"nobody: the speech synthesiser eSpeak NG, voice {voice}",
        "consent": "not needed: no person was recorded",
        "recordings_licence": "sentences of Smart Tuner (MIT), spoken by the program eSpeak NG (GPL-3.0)",
        "licence": "MIT, as Smart Tuner",
    }


def _limits(config: Config, examined: bool) -> tuple[str, ...]:
    hparams = config.hparams
    limits = [
        "It reads one language; what has no symbol in it is an error, or left out on request.",
        "By itself it sounds through Griffin-Lim, audibly artificial; a HiFi-GAN is named when it speaks.",
        f"A sentence ends at its stop token, or after {hparams.model.max_decoder_seconds:g} seconds.",
    ]
    if config.data_folder is None:
        short, long = hparams.demo.demo_min_characters, hparams.demo.demo_max_characters
        limits.append(f"It learned from sentences of {short} to {long} characters, read by a synthesiser.")
    if not examined:
        limits.append("These weights were not examined on test sentences.")
    return tuple(limits)


def _figures(
    run: RunFolder, events: list[Event], step: int, examination: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Group to figures, each with how it was obtained; those of other weights are left out."""
    groups: dict[str, dict[str, Any]] = {"test sentences": examination.get("figures", {})}
    for event in events:
        if isinstance(event, ValidationEvent) and event.step == step:
            how = f"validation at step {step}, free running, as docs/metrics.md defines it"
            groups["validation"] = {name: figure(value, how) for name, value in event.free_running.items()}
    summary = _read(run.summary_file)
    groups["training"] = {
        name: entry
        for name, entry in summary.get("training", {}).items()
        if not name.startswith(("validation_", "estimated_"))
    }
    groups["data"] = summary.get("data", {})
    return {name: group for name, group in groups.items() if group}


def _made_with(events: list[Event], step: int) -> dict[str, Any]:
    made: dict[str, Any] = {"step": step}
    for event in events:
        if isinstance(event, StartedEvent):
            names = ("commit", "versions", "device", "precision", "seed", "parameters")
            made |= {name: getattr(event, name) for name in names}
    return made


Shown = tuple[str | None, list[tuple[str, str | None]]]
"""An attention picture, and wav files with their texts."""


def _examined(run: RunFolder, examination: dict[str, Any]) -> Shown:
    picture = run.samples_folder / "attention.png"
    samples = [(run.path / spoken["wav"], spoken["text"]) for spoken in examination.get("sentences", [])]
    return str(picture) if picture.is_file() else None, [
        (str(path), text) for path, text in samples if path.is_file()
    ]


def _validated(run: RunFolder, events: list[Event], step: int) -> Shown:
    for event in events:
        if isinstance(event, ValidationEvent) and event.step == step:
            picture = run.path / event.attention_image if event.attention_image else None
            samples = [run.path / name for name in event.audio]
            return str(picture) if picture and picture.is_file() else None, [
                (str(path), None) for path in samples if path.is_file()
            ]
    return None, []


def _read(path: Path) -> dict[str, Any]:
    """A record of the run; empty where there is none yet."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunError(CommandPhrase.NOT_READABLE(path=path, detail=str(error))) from None
    return content
