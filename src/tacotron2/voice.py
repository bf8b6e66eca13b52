"""A voice in one file: everything that speaking needs, and everything that a person should know about it.

    SHA256SUMS       of every other part
    voice.json       format, card, hyper-parameters, symbols, figures, what it was made with
    CARD.md          the same for a person
    weights.npz      parameters and mel statistics, one array each; loading them runs no code
    dictionary.txt   the user's dictionary, where there is one
    attention.png    samples/1.wav ...

Written from a checkpoint; read without the run, its data and what training needs.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tacotron2.checkpoint import load_model, with_one_r
from tacotron2.hparams import HParams, HParamsError, from_dict
from tacotron2.models import Tacotron2
from tacotron2.text import SYMBOLS, TextError, find_language, load_dictionary, parse_dictionary
from tacotron2.voice_card import Card, render_card
from tacotron2.voice_file import VoiceError, pack, unpack

FORMAT = 1
"""Raised when an older reader could no longer use, or would misread, what is written."""
SECTIONS = ("audio", "text", "model")
FACTS, CARD, WEIGHTS, DICTIONARY, ATTENTION = (
    "voice.json",
    "CARD.md",
    "weights.npz",
    "dictionary.txt",
    "attention.png",
)


@dataclass(frozen=True)
class About:
    """What is told beside the weights.

    figures: group to name to value and how it was obtained; samples: (wav file, its text or None).
    """

    card: Card
    figures: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    made_with: Mapping[str, Any] = field(default_factory=dict)
    attention: Path | None = None
    samples: Sequence[tuple[Path, str | None]] = ()

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> About:
        """From plain values, as JSON brings them."""
        attention = content["attention"]
        return cls(
            card=Card(**{**content["card"], "limits": tuple(content["card"]["limits"])}),
            figures=content["figures"],
            made_with=content["made_with"],
            attention=None if attention is None else Path(attention),
            samples=[(Path(path), text) for path, text in content["samples"]],
        )


@dataclass(frozen=True)
class Voice:
    """A voice ready to speak: `synthesise(voice.model, text, dictionary=voice.dictionary)`.

    facts: the content of voice.json.
    """

    model: Tacotron2
    dictionary: Mapping[str, str]
    facts: Mapping[str, Any]


def write_voice(path: Path, checkpoint: Path, about: About, replace: bool = False) -> None:
    """Writes a voice from the weights of a checkpoint, whole or not at all.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        VoiceError: its weights are not finite, or `path` exists and is not to be replaced.
        TextError: its dictionary cannot be read.
        OSError: a picture or sample cannot be read, or `path` cannot be written.
    """
    if path.exists() and not replace:
        raise VoiceError(f"{path}: exists already; remove it, or choose another --output")
    model = with_one_r(load_model(checkpoint))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if broken:
        raise VoiceError(f"{checkpoint}: weights are not finite numbers ({broken[0]})")
    sections = {name: model.hparams.to_dict()[name] for name in SECTIONS}
    parts = _extras(about, model.hparams)
    sections["text"]["dictionary"] = ""  # a path of this machine; the words travel as a part
    samples = [{"wav": f"samples/{n}.wav", "text": text} for n, (_, text) in enumerate(about.samples, 1)]
    facts = {
        "format": FORMAT,
        "card": about.card.to_dict(),
        "hparams": sections,
        "speakers": list(model.speakers),
        "symbols": list(SYMBOLS),
        "samples": samples,
        "figures": about.figures,
        "made_with": about.made_with,
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **weights)
    written = json.dumps(facts, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    pictures = [name for name in (ATTENTION,) if name in parts]
    language = find_language(model.hparams.text.language).name
    card = render_card(
        about.card, language, about.figures, about.made_with, samples, pictures, model.speakers
    )
    pack(path, {FACTS: written.encode(), CARD: card.encode(), WEIGHTS: buffer.getvalue(), **parts})


def _extras(about: About, hparams: HParams) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    if hparams.text.dictionary:
        dictionary = Path(hparams.text.dictionary)
        load_dictionary(dictionary, find_language(hparams.text.language))
        parts[DICTIONARY] = dictionary.read_bytes()
    if about.attention is not None:
        parts[ATTENTION] = about.attention.read_bytes()
    for number, (sample, _) in enumerate(about.samples, 1):
        parts[f"samples/{number}.wav"] = sample.read_bytes()
    return parts


def load_voice(path: Path) -> Voice:
    """Reads a voice, a file or the folder it was unpacked to, and checks every part.

    Raises:
        VoiceError: not a voice, damaged, of a newer format, or with settings that this version cannot use.
    """
    parts = unpack(path)
    facts = _facts(path, parts)
    for name in (CARD, WEIGHTS):
        if name not in parts:
            raise VoiceError(f"{path}: {name} is missing")
    try:
        hparams = from_dict({name: facts["hparams"][name] for name in SECTIONS})
        if facts["symbols"] != list(SYMBOLS):
            raise VoiceError(f"{path}: its table of symbols is not the one of this version")
    except (KeyError, TypeError) as error:
        raise VoiceError(f"{path}: {FACTS} lacks what a voice needs ({error})") from None
    except HParamsError as error:
        reason = "; ".join(str(error).splitlines())
        raise VoiceError(f"{path}: {FACTS}: this version cannot use its settings ({reason})") from None
    model = _model(path, hparams, _arrays(path, parts[WEIGHTS]))
    try:
        model.name_speakers(facts.get("speakers", ()))
    except (TypeError, ValueError) as error:
        raise VoiceError(f"{path}: {FACTS}: {error}") from None
    return Voice(model, _words(path, parts, hparams), facts)


def _facts(path: Path, parts: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        facts = json.loads(parts[FACTS])
        version = facts["format"]
    except KeyError as error:
        raise VoiceError(f"{path}: not a voice: no {error.args[0]} in it") from None
    except (ValueError, TypeError, RecursionError):
        raise VoiceError(f"{path}: {FACTS} is not the description of a voice") from None
    if version != FORMAT:
        raise VoiceError(
            f"{path}: a voice of format {version}, this version reads format {FORMAT}; "
            "take the Smart Tuner that wrote it, or a newer one"
        )
    return dict(facts)


def _arrays(path: Path, content: bytes) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Stored arrays only: what they unpack to is then no more than the file.
            packed = [entry for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
        if packed:
            raise VoiceError(f"{path}: {WEIGHTS} is packed in a way that no voice is")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, KeyError, MemoryError) as error:
        if isinstance(error, VoiceError):
            raise
        raise VoiceError(f"{path}: {WEIGHTS} cannot be read ({error})") from None


def _model(path: Path, hparams: HParams, arrays: Mapping[str, NDArray[Any]]) -> Tacotron2:
    """The model, built only after its arrays have the shapes that its settings ask for."""
    try:
        with torch.device("meta"):
            expected = Tacotron2(hparams).state_dict()
    except (RuntimeError, TypeError) as error:  # sizes beyond what torch can count
        raise VoiceError(f"{path}: {FACTS}: no such model can be built ({error})") from None
    wrong = sorted(expected.keys() ^ arrays.keys())
    wrong += [
        name
        for name, tensor in expected.items()
        if name not in wrong
        and (arrays[name].shape, str(arrays[name].dtype))
        != (tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
    ]
    if wrong:
        raise VoiceError(f"{path}: {WEIGHTS} does not fit the settings in {FACTS} ({wrong[0]})")
    model = Tacotron2(hparams)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return model.eval()


def _words(path: Path, parts: Mapping[str, bytes], hparams: HParams) -> dict[str, str]:
    if DICTIONARY not in parts:
        return {}
    place = f"{path}: {DICTIONARY}"
    try:
        text = parts[DICTIONARY].decode("utf-8-sig")
        return parse_dictionary(text, place, find_language(hparams.text.language))
    except UnicodeDecodeError:
        raise VoiceError(f"{place} is not UTF-8 text") from None
    except TextError as error:
        raise VoiceError(str(error)) from None
