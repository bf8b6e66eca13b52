"""Bad recordings as files: a list, a picture and a copy of each, and nothing where nothing is bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tacotron2.audio import load_audio
from tacotron2.clip_examination import examine_clips
from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import ClipsEvent
from tacotron2.hparams import HParams

USUAL = {"alignment": 0.7, "alignment_deviation": 0.05, "loss": 1.1, "loss_deviation": 0.1}


def told(*names: str) -> ClipsEvent:
    bad: list[dict[str, Any]] = [
        {"id": name, "alignment": 0.2, "loss": 2.0, "times_bad": 2} for name in names
    ]
    return ClipsEvent(40, 18, USUAL, bad, {})


def test_each_is_kept_with_picture_and_sound(
    weights_file: Path, train_set: TextMelLoader, tiny: HParams, tiny_corpus: Path, tmp_path: Path
) -> None:
    folder, moves = tmp_path / "bad_clips", []
    first, second = train_set.utterances[3], train_set.utterances[7]
    event = told(second.id, first.id, "unknown")
    count = examine_clips(
        weights_file, train_set, event, tiny, folder, tiny_corpus, "cpu", [first.id], lambda: moves.append(1)
    )
    record = json.loads((folder / "bad_clips.json").read_text(encoding="utf-8"))
    assert count == 2 and [clip["id"] for clip in record["clips"]] == [second.id, first.id]
    assert len(moves) >= 2 and record["usual"] == USUAL and record["checkpoint"] == weights_file.name
    clip = record["clips"][1]
    assert clip["text"] == first.text and clip["set_aside"] and not record["clips"][0]["set_aside"]
    assert (tiny_corpus / clip["recording"]).samefile(first.audio_path)
    assert (tmp_path / clip["attention"]).read_bytes().startswith(b"\x89PNG")
    rate = tiny.audio.sampling_rate
    copy, original = load_audio(tmp_path / clip["audio"], rate), load_audio(first.audio_path, rate)
    assert len(copy) == len(original) and abs(copy - original).max() < 1e-3
    assert first.audio_path.is_file()
    # The next training of the run has none.
    assert examine_clips(weights_file, train_set, told(), tiny, folder, tiny_corpus) == 0
    assert not folder.exists()
