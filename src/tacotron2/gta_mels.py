"""Spectrograms as a voice makes them of its own recordings, for a vocoder to learn from.

Ground truth aligned: teacher forced, so that frame t of the spectrogram is frame t of the recording. Written
in the layout that the published fine-tuning of HiFi-GAN reads (`--fine_tuning`, `--input_mels_dir`,
`--input_wavs_dir`, `--input_training_file`, `--input_validation_file`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tacotron2.audio import load_audio, save_wav, trim_silence
from tacotron2.checkpoint import load_model
from tacotron2.data.dataset import Item, TextMelCollate, TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.source import any_corpus
from tacotron2.data.speakers import speaker_names
from tacotron2.data.utterances import read_list
from tacotron2.files import write_atomically
from tacotron2.hparams import AudioParams, HParams
from tacotron2.models import Tacotron2
from tacotron2.synthesis import SYNTHESIS_SEED
from tacotron2.vocoders.hifigan.clips import waveform_of_frames

LISTS = {"training": "train", "validation": "validation"}
"""Lists that are written, by the split of the recordings that they name."""
SEGMENT_SAMPLES = 8192
"""`segment_size` of the published settings; a clip must have more frames than a segment."""
FACTS = "gta_mels.json"
BATCH = 16
"""Clips at once. Fixed: what the pre-net drops, and so each spectrogram, depends on it."""


class ExportError(ValueError):
    """Spectrograms cannot be written there; the message names the folder and what would be right."""


@dataclass(frozen=True)
class Source:
    """What is spoken, by which weights. folder: the recordings; None: the demo corpus."""

    checkpoint: Path
    hparams: HParams
    folder: Path | None
    home: Path
    features: Path


@dataclass(frozen=True)
class Exported:
    """Clips of each list, their length together, and `ID: reason` of those that are in none."""

    clips: dict[str, int]
    seconds: float
    left_out: list[str]


def export_gta_mels(
    source: Source,
    output: Path,
    device: str = "cpu",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Writes `mels/ID.npy` (num_mels, T_mel), `wavs/ID.wav` of T_mel * hop_length samples, `training.txt` and
    `validation.txt` with `ID|text` lines.

    Every file is whole or absent. The same call goes on where one was ended; `gta_mels.json` says that the
    folder is that one's. Test clips are not touched.

    Raises:
        ExportError: the folder holds something else.
        CheckpointError, DataError, DemoError: weights or recordings cannot be used.
        StorageError: a file cannot be written.
    """
    model = load_model(source.checkpoint, device)
    items, left_out = _usable(_sets(source), source.hparams.audio)
    _take_folder(output, _facts(source, items))
    total, done, seconds = sum(map(len, items.values())), 0, 0.0
    for chosen in items.values():
        for batch in _batches(chosen):
            _export_batch(model, batch, output)
            done += len(batch)
            seconds += sum(len(item.mel) for item in batch) * _frame_s(source.hparams.audio)
            progress(done, total)
    for name, chosen in items.items():
        lines = [f"{item.utterance.id}|{item.utterance.text}\n" for item in chosen]
        write_atomically(output / f"{name}.txt", "".join(lines).encode())
    return Exported({name: len(chosen) for name, chosen in items.items()}, seconds, left_out)


def _frame_s(audio: AudioParams) -> float:
    return audio.hop_length / audio.sampling_rate


def _sets(source: Source) -> dict[str, TextMelLoader]:
    corpus = any_corpus(source.folder, source.home, source.hparams)
    lists = {split: read_list(corpus.list_path(split), corpus.folder) for split in LISTS.values()}
    speakers = speaker_names(lists["train"], source.hparams.model.n_speakers)
    cache = FeatureCache(source.features, source.hparams.audio)
    return {
        name: TextMelLoader(lists[split], source.hparams, cache, speakers) for name, split in LISTS.items()
    }


def _facts(source: Source, items: dict[str, list[Item]]) -> dict[str, str]:
    """What the files are made of; other weights, settings or recordings make other files."""
    clips = {
        name: [(item.utterance.id, item.ids.tolist(), len(item.mel)) for item in chosen]
        for name, chosen in items.items()
    }
    parts = {"settings": dataclasses.asdict(source.hparams.audio), "recordings": clips}
    facts = {name: hashlib.sha256(json.dumps(part).encode()).hexdigest() for name, part in parts.items()}
    return {"weights": hashlib.sha256(source.checkpoint.read_bytes()).hexdigest()} | facts


def _take_folder(output: Path, facts: dict[str, str]) -> None:
    """A new or empty folder, or one that the same call began."""
    path = output / FACTS
    if path.is_file():
        try:
            known = json.loads(path.read_bytes())
        except ValueError:
            known = None
        if known == facts:
            return
        known = known if isinstance(known, dict) else {}
        other = ", ".join(name for name in facts if known.get(name) != facts[name])
        raise ExportError(f"{output}: made of other {other}; choose another --output")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ExportError(f"{output}: exists already and is not empty; choose another --output")
    write_atomically(path, (json.dumps(facts, indent=1) + "\n").encode())


def _usable(sets: dict[str, TextMelLoader], audio: AudioParams) -> tuple[dict[str, list[Item]], list[str]]:
    """Items of each list that are long enough, the shortest first; and the others with their reasons."""
    needed = -(-SEGMENT_SAMPLES // audio.hop_length)
    items: dict[str, list[Item]] = {}
    left_out = [f"{one.id}: {why}" for dataset in sets.values() for one, why in dataset.left_out]
    for name, dataset in sets.items():
        every = [dataset[index] for index in range(len(dataset))]
        items[name] = sorted(
            (item for item in every if len(item.mel) > needed),
            key=lambda item: (len(item.mel), item.utterance.id),
        )
        left_out += [
            f"{item.utterance.id}: {len(item.mel)} frames, not more than the {needed} of a segment"
            for item in every
            if len(item.mel) <= needed
        ]
    if not items["training"]:
        first = f"; {left_out[0]}" if left_out else ""
        raise ExportError(f"no recording is long enough for a vocoder's training{first}")
    return items, left_out


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _export_batch(model: Tacotron2, items: Sequence[Item], output: Path) -> None:
    places = [output / "mels" / f"{item.utterance.id}.npy" for item in items]
    if not all(path.is_file() for path in places):
        for path, mel in zip(places, teacher_forced_mels(model, items), strict=True):
            buffer = io.BytesIO()
            np.save(buffer, np.ascontiguousarray(mel.T), allow_pickle=False)
            write_atomically(path, buffer.getvalue())
    audio = model.hparams.audio
    for item in items:
        path = output / "wavs" / f"{item.utterance.id}.wav"
        if not path.is_file():
            samples = trim_silence(load_audio(item.utterance.audio_path, audio.sampling_rate), audio)
            save_wav(path, waveform_of_frames(samples, len(item.mel), audio), audio.sampling_rate)


@torch.no_grad()
def teacher_forced_mels(model: Tacotron2, items: Sequence[Item]) -> list[NDArray[np.float32]]:
    """(T_mel, num_mels) of each item, T_mel that of its recording, whatever the reduction factor.

    As in the published recipe the network is in evaluation mode, without dropout but that of the pre-net,
    which never rests. The random generators are left as they were; the same items give the same spectrograms.
    """
    device = model.mel_mean.device
    batch = TextMelCollate(model.r)(items).to(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(SYNTHESIS_SEED)
        output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths, batch.speakers)
    mels = output.mel_after.float().cpu().numpy()
    return [mels[row, : len(item.mel)] for row, item in enumerate(items)]
