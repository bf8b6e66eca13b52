"""`data prepare` as a user has it: a real child process, recordings whose every word is known."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tacotron2.recordings.clips import Clip, Record
from tacotron2.recordings.preparation import prepare, split_recordings
from tacotron2.recordings.settings import PreparationError, Settings
from tests.tacotron2.recordings.long_recordings import RATE, Known, long_recording
from tests.tacotron2.recordings.test_alignment import GERMAN

pytest.importorskip("espeakng_loader")


@pytest.fixture(scope="module")
def known() -> list[Known]:
    return [long_recording(GERMAN * 2, voice, tempo, -50.0, seed) for seed, (voice, tempo) in enumerate(
        [("de+f3", 160), ("de+m3", 140)]
    )]  # fmt: skip


@pytest.fixture(scope="module")
def folder(known: list[Known], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good ones, as flac with a text and as ogg with subtitles; one damaged, one without a text."""
    folder = tmp_path_factory.mktemp("recordings")
    soundfile.write(folder / "one.flac", known[0].samples, RATE)
    (folder / "one.txt").write_text(" ".join(known[0].sentences), encoding="utf-8")
    (folder / "inner").mkdir()
    soundfile.write(folder / "inner" / "two.ogg", known[1].samples, RATE)
    cues = [
        f"{number}\n{stamp(start)} --> {stamp(end)}\n{text}\n"
        for number, (text, (start, end)) in enumerate(
            zip(known[1].sentences, known[1].spans, strict=True), start=1
        )
    ]
    (folder / "inner" / "two.srt").write_text("\n".join(cues), encoding="utf-8")
    (folder / "damaged.wav").write_bytes(b"RIFF no sound")
    (folder / "damaged.txt").write_text("Ein Satz.")
    soundfile.write(folder / "silent-text.wav", known[0].samples[: 3 * RATE], RATE)
    return folder


def stamp(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"


def command(folder: Path, output: Path, *more: str) -> list[str]:
    arguments = ["data", "prepare", str(folder), f"--output={output}", "--language=de", *more]
    return [sys.executable, "-m", "smart_tuner.cli", *arguments]


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def prepared(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    before, output = content(folder), tmp_path_factory.mktemp("made") / "voice"
    done = subprocess.run(command(folder, output, "--workers=1"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "from 2 recordings" in done.stdout and "2 whole recordings" in done.stdout
    assert content(folder) == before
    return output


def lines(output: Path, name: str) -> list[tuple[str, str]]:
    text = (output / f"{name}.txt").read_text(encoding="utf-8")
    return [(wav, said) for wav, _, said in (line.partition("|") for line in text.splitlines())]


def test_every_clip_has_exactly_its_words_and_cuts_none(prepared: Path, known: list[Known]) -> None:
    import json

    listed = {wav: said for name in ("train", "validation", "test") for wav, said in lines(prepared, name)}
    assert len(listed) >= 30
    for one, slug in zip(known, ("one", "inner-two"), strict=True):
        record = json.loads((prepared / "recordings" / f"{slug}.json").read_text())
        words = [
            (start, word)
            for text, starts in zip(one.sentences, one.starts, strict=True)
            for start, word in zip(starts, text.split(), strict=True)
        ]
        kept = [clip for clip in record["clips"] if not clip["wrong"]]
        for clip in kept:
            inside = [word for start, word in words if clip["start"] - 0.05 < start < clip["end"] - 0.05]
            assert clip["text"] == " ".join(inside)
            # No sound is cut: both ends lie in pauses.
            assert not any(start + 0.02 < edge < end - 0.02 for edge in (clip["start"], clip["end"])
                           for start, end in one.spans if end - start < 1.0)  # fmt: skip
            samples, rate = soundfile.read(prepared / "wavs" / f"{clip['id']}.wav")
            assert rate == 22_050 and 1.0 <= len(samples) / rate <= 15.0
            assert 0.1 < np.abs(samples).max() <= 0.9
            assert listed.get(f"wavs/{clip['id']}.wav", clip["text"]) == clip["text"]
        assert len(kept) >= 0.9 * len(record["clips"])


def test_what_is_not_used_is_told_with_its_reason(prepared: Path) -> None:
    rows = [line.split("\t") for line in (prepared / "rejected.tsv").read_text("utf-8").splitlines()]
    reasons = {name: reason for name, _, reason in rows}
    assert "not a readable recording" in reasons["damaged.wav"]
    assert "no transcript beside it (silent-text.srt" in reasons["silent-text.wav"]


def test_a_training_accepts_the_folder(prepared: Path, tmp_path: Path) -> None:
    from tacotron2.data.corpus import open_corpus
    from tacotron2.hparams import HParams

    corpus = open_corpus(prepared, tmp_path, HParams().replace(language="de"))
    assert corpus.num_rejected == 0
    held_out = {path.split("-")[0] for path, _ in lines(prepared, "test")}
    assert held_out and corpus.num_clips == sum(
        len(lines(prepared, n)) for n in ("train", "validation", "test")
    )


def test_two_workers_and_a_kill_change_nothing(folder: Path, prepared: Path, tmp_path: Path) -> None:
    output = tmp_path / "voice"
    child = subprocess.Popen(command(folder, output, "--workers=2"), start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(output.glob("recordings/*.json")) and child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    done = {path: path.stat().st_mtime_ns for path in output.glob("recordings/*.json")}
    assert subprocess.run(command(folder, output, "--workers=2"), check=False).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert content(output) == content(prepared)


def test_a_recording_that_is_gone_takes_its_clips_along(folder: Path, prepared: Path, tmp_path: Path) -> None:
    copy, output = tmp_path / "recordings", tmp_path / "voice"
    shutil.copytree(folder, copy)
    settings = Settings(language="de")
    prepare(copy, output, settings, 1)
    shutil.rmtree(copy / "inner")
    left = prepare(copy, output, settings, 1)
    assert left.recordings == 3
    assert not list(output.glob("*/inner-two*")) and list(output.glob("wavs/one-*"))


def test_links_out_of_the_folder_and_outputs_inside_it_are_refused(folder: Path, tmp_path: Path) -> None:
    inside = tmp_path / "recordings"
    inside.mkdir()
    (inside / "linked.flac").symlink_to(folder / "one.flac")
    made = prepare(inside, tmp_path / "voice", Settings(language="de"), 1)
    assert "leads out of it" in made.first_reason and not sum(made.clips.values())
    with pytest.raises(PreparationError, match="lies inside of"):
        prepare(inside, inside / "voice", Settings(language="de"), 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("precious")
    with pytest.raises(PreparationError, match="not of a preparation"):
        prepare(inside, tmp_path / "other", Settings(language="de"), 1)


def test_a_folder_without_any_text_is_told_before_any_work(folder: Path, tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for name in ("one", "two"):
        shutil.copy(folder / "one.flac", recordings / f"{name}.flac")
    (recordings / "three.txt").write_text("Ein Satz.")
    output = tmp_path / "voice"
    done = subprocess.run(command(recordings, output), capture_output=True, text=True, check=False)
    assert done.returncode == 30 and "Traceback" not in done.stderr
    assert "one.srt, .vtt or .txt" in done.stderr and "--recogniser" in done.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--language=qq"], 31, "qq"),
        (["--max-seconds=1"], 31, "max_seconds=1: must be at least twice"),
        (["--recogniser=whisper:/nowhere"], 31, "no model for faster-whisper"),
        ([], 30, "no recording in it"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, arguments: list[str], status: int, words: str) -> None:
    done = subprocess.run(
        command(tmp_path, tmp_path.with_name("out"), *arguments), capture_output=True, text=True, check=False
    )
    assert done.returncode == status and words in done.stderr and "Traceback" not in done.stderr


def record(name: str, count: int) -> Record:
    return Record("", name, clips=[Clip(f"{name}-{number}", 0.0, 1.0) for number in range(count)])


@pytest.mark.parametrize(
    ("sizes", "held"),
    [
        ([99, 99, 40, 45, 99], {40, 45}),
        ([50] * 9, {50}),
        ([200], set()),
        ([90, 100], set()),
        ([3], set()),
    ],
)
def test_held_out_recordings_are_never_trained_on(sizes: list[int], held: set[int]) -> None:
    records = [record(f"r{number}", size) for number, size in enumerate(sizes)]
    splits = split_recordings(records)
    names = {split: {clip.id.partition("-")[0] for clip in clips} for split, clips in splits.items()}
    whole = {len(splits[split]) for split in ("validation", "test") if len(splits[split]) in sizes}
    assert whole == held
    if held:
        assert not names["train"] & (names["validation"] | names["test"])
        assert not names["validation"] & names["test"]
    used = [clip.id for clips in splits.values() for clip in clips]
    assert len(used) == len(set(used))
    if sizes == [200]:  # one recording: its end is held out, with a gap
        assert [len(splits[name]) for name in ("train", "validation", "test")] == [158, 20, 20]
        assert splits["train"][-1].id == "r0-157" and splits["validation"][0].id == "r0-159"
