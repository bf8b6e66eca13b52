"""Recordings that a training found bad, to be looked at and listened to: a picture and a copy of each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from tacotron2.audio import load_audio, save_wav
from tacotron2.checkpoint import load_model
from tacotron2.data.dataset import Item, TextMelLoader
from tacotron2.evaluation import teacher_forced
from tacotron2.events import ClipsEvent
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams
from tacotron2.pictures import save_attention

RECORD = "bad_clips.json"


def examine_clips(
    checkpoint: Path,
    train_set: TextMelLoader,
    told: ClipsEvent,
    hparams: HParams,
    folder: Path,
    root: Path,
    device: str = "cpu",
    set_aside: Collection[str] = (),
    moved: Callable[[], None] = lambda: None,
) -> int:
    """Writes `bad_clips.json`, and `ID.png` and `ID.wav` for each clip that is listed; how many.

    The picture is the teacher-forced attention of the checkpoint. What lay in the folder before is replaced;
    without bad clips there is no folder.

    Args:
        told: the last record of the training's clips.
        root: what the paths of recordings are told relative to.
        set_aside: the utterances that the training left out.
        moved: called after every batch and every clip.

    Raises:
        CheckpointError: the weights cannot be read.
        StorageError: a file cannot be written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    places = {utterance.id: place for place, utterance in enumerate(train_set.utterances)}
    listed = [each for each in told.bad if each["id"] in places]
    if not listed:
        return 0
    model = load_model(checkpoint, device)
    items = [train_set[places[each["id"]]] for each in listed]
    forced = teacher_forced(model, items, hparams.train.batch_size, moved)
    clips = []
    for each, item, alignment in zip(listed, items, forced.alignments, strict=True):
        name = item.utterance.id
        title = f"{name}, teacher forced"
        save_attention(folder / f"{name}.png", [(title, alignment, item.ids.tolist())])
        rate = hparams.audio.sampling_rate
        save_wav(folder / f"{name}.wav", load_audio(item.utterance.audio_path, rate), rate)
        clips.append(_record(each, item, folder, root) | {"set_aside": name in set_aside})
        moved()
    content = {
        "schema": 1,
        "step": told.step,
        "checkpoint": checkpoint.name,
        "recordings": told.num_clips,
        "usual": told.usual,
        "clips": clips,
    }
    write_atomically(folder / RECORD, json.dumps(content, ensure_ascii=False, indent=1).encode())
    return len(clips)


def _record(listed: dict[str, Any], item: Item, folder: Path, root: Path) -> dict[str, Any]:
    """What is known of a clip; picture and sound relative to the run's folder."""
    utterance = item.utterance
    path = utterance.audio_path
    return listed | {
        "text": utterance.text,
        "recording": str(path.relative_to(root) if path.is_relative_to(root) else path),
        "list": f"{utterance.list_path.name}, line {utterance.line}",
        "attention": f"{folder.name}/{utterance.id}.png",
        "audio": f"{folder.name}/{utterance.id}.wav",
    }
