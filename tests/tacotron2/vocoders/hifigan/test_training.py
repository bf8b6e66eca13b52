"""A training: which samples belong to which frames, states that survive, and what ends it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from tacotron2.audio import log_mel
from tacotron2.data.entries import Entry
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import DataError
from tacotron2.files import StorageError
from tacotron2.vocoders.contract import VocoderError
from tacotron2.vocoders.hifigan import HifiGanConfig, files, read_generator, read_hifigan, write_hifigan
from tacotron2.vocoders.hifigan.clips import Clips, open_clips, waveform_of_frames
from tacotron2.vocoders.hifigan.running import Material, Plan, begin, run_training, validate
from tacotron2.vocoders.hifigan.training import NonFiniteError, Segment, Training, settle_config
from tests.bit_for_bit import equal
from tests.tiny_hifigan import WIDE, loud_generator

CPU = torch.device("cpu")
CONFIG = dataclasses.replace(WIDE, upsample_initial_channel=8, segment_size=256, learning_rate=1e-3)
Record = dict[str, Any]


def speak_into(folder: Path, count: int = 12) -> Path:
    """A folder with metadata.csv: tones with overtones, loud and soft in turn."""
    generator, lines = np.random.default_rng(0), []
    (folder / "wavs").mkdir(parents=True)
    for number in range(count):
        time = np.arange(2400 + 37 * number) / 8000
        pitch = generator.uniform(100.0, 300.0)
        tones = sum(np.sin(2 * np.pi * pitch * n * time) / n for n in range(1, 8))
        samples = 0.1 * tones * (0.6 + 0.4 * np.sin(2 * np.pi * 5 * time))
        soundfile.write(folder / f"wavs/c{number:02}.wav", samples, 8000)
        lines.append(f"c{number:02}|one tone\n")
    (folder / "metadata.csv").write_text("".join(lines))
    return folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return speak_into(tmp_path_factory.mktemp("recordings"))


def material(recordings: Path, home: Path, mels: Path | None = None) -> Material:
    audio = CONFIG.audio()
    return Material(*open_clips(recordings, CONFIG, audio, home / "features", mels), audio)


def train(
    folder: Path,
    given: Material,
    steps: int,
    save_every: int = 4,
    stop_at: int | None = None,
    settings: HifiGanConfig = CONFIG,
) -> tuple[Training, list[Record]]:
    """Runs to `steps`, or until a step at which somebody asks for the end."""
    told: list[Record] = []
    config = settle_config(folder, settings, None)
    training = Training(config, folder, CPU)
    begin(training, None)

    def tell(kind: str, **values: Any) -> None:
        told.append({"kind": kind} | values)

    plan = Plan(steps, save_every, 2)
    run_training(training, given, plan, tell, lambda: stop_at is not None and training.step >= stop_at)
    return training, told


def test_frames_and_samples_belong_together() -> None:
    """The middle of a frame's samples is where our spectrogram is centred."""
    audio, hop = CONFIG.audio(), CONFIG.hop_size
    samples = np.zeros(50 * hop + 5, dtype=np.float32)
    samples[20 * hop] = 1.0
    mel = log_mel(samples, audio)
    waveform = waveform_of_frames(samples, len(mel), audio)
    assert len(waveform) == len(mel) * hop
    frames = waveform.reshape(len(mel), hop)
    # The click lies in the middle of its frame's samples, where the window has its largest value.
    assert int(np.argmax(mel.max(axis=1))) == 20
    assert frames[20, hop // 2] == 1.0 and np.count_nonzero(waveform) == 1


def test_a_batch_holds_each_frames_own_samples(recordings: Path, tmp_path: Path) -> None:
    given, hop = material(recordings, tmp_path), CONFIG.hop_size
    mel, samples = given.train.batch(3)
    frames = CONFIG.segment_size // hop
    assert mel.shape == (2, CONFIG.num_mels, frames) and samples.shape == (2, CONFIG.segment_size)
    for row in range(2):
        inner = slice(5, frames - 5)
        again = log_mel(samples[row].numpy()[hop // 2 :], given.audio)
        np.testing.assert_allclose(again[inner], mel[row].T.numpy()[inner], atol=2e-3)
    assert all(
        torch.equal(one, other) for one, other in zip(given.train.batch(3), (mel, samples), strict=True)
    )
    assert not torch.equal(given.train.batch(4)[0], mel)


def test_every_epoch_hears_every_clip(recordings: Path, tmp_path: Path) -> None:
    train_clips = material(recordings, tmp_path).train
    heard: list[str] = []
    waveform = train_clips.waveform
    train_clips.waveform = lambda clip: heard.append(clip.utterance.id) or waveform(clip)  # type: ignore
    per_epoch = len(train_clips) // CONFIG.batch_size
    for step in range(2 * per_epoch):
        train_clips.batch(step)
    first, second = heard[: len(train_clips)], heard[len(train_clips) :]
    assert sorted(first) == sorted(second) == [clip.utterance.id for clip in train_clips.clips]
    assert first != second


def test_it_learns_and_what_it_learned_is_published(recordings: Path, tmp_path: Path) -> None:
    given = material(recordings, tmp_path)
    wider = dataclasses.replace(CONFIG, upsample_initial_channel=32, learning_rate=5e-3)
    before = validate(Training(wider, tmp_path / "none", CPU), given)
    training, told = train(tmp_path / "out", given, steps=24, save_every=12, settings=wider)
    after = validate(training, given)
    assert after.mel_error < 0.8 * before.mel_error
    kinds = [record["kind"] for record in told]
    assert kinds.count("vocoder-validated") == kinds.count("vocoder-saved") == 2
    assert [record for record in told if record["kind"] == "vocoder-validated"][-1][
        "mel_error"
    ] == after.mel_error
    assert read_hifigan(tmp_path / "out", CONFIG.audio(), CPU).name == "HiFi-GAN (g_00000024)"
    content = torch.load(tmp_path / "out" / "do_00000024", weights_only=True)
    assert set(content) == {"mpd", "msd", "optim_g", "optim_d", "steps", "epoch"}
    assert content["steps"] == 24


def test_a_resumed_training_is_the_same(recordings: Path, tmp_path: Path) -> None:
    given = material(recordings, tmp_path)
    whole, _ = train(tmp_path / "whole", given, steps=8)
    stopped, told = train(tmp_path / "parts", given, steps=8, stop_at=5)
    assert stopped.step == 5 and told[-1]["kind"] == "vocoder-saved"  # asked to end, it keeps what it has
    resumed, _ = train(tmp_path / "parts", given, steps=8)
    assert resumed.step == whole.step == 8
    one, other = (torch.load(tmp_path / name / "g_00000008") for name in ("whole", "parts"))
    assert equal(one, other)
    one, other = (torch.load(tmp_path / name / "do_00000008") for name in ("whole", "parts"))
    assert equal(one, other)


def test_old_states_go_and_what_a_kill_left(recordings: Path, tmp_path: Path) -> None:
    given, folder = material(recordings, tmp_path), tmp_path / "out"
    train(folder, given, steps=3, save_every=1)
    (folder / "g_00000003").unlink()  # killed between the two files
    (folder / "g_00000001").write_bytes(b"somebody's own")
    training, told = train(folder, given, steps=5, save_every=1)
    assert told[0]["step"] == 3  # went on after step 2
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["config.json", "do_00000004", "do_00000005", "g_00000001", "g_00000004", "g_00000005"]
    assert training.step == 5


@pytest.mark.parametrize("where", ["do_00000004", "g_00000004"])
def test_a_disk_that_is_full_leaves_the_state_before(
    where: str, recordings: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    given, folder = material(recordings, tmp_path), tmp_path / "out"
    write = files.write_atomically

    def full(path: Path, content: bytes) -> None:
        if path.name == where:
            raise StorageError(f"{path}: cannot be written (No space left on device)")
        write(path, content)

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(StorageError):
        train(folder, given, steps=4, save_every=2)
    monkeypatch.undo()
    _, told = train(folder, given, steps=4, save_every=2)
    assert [record["step"] for record in told if record["kind"] == "vocoder-saved"] == [4]


def test_numbers_that_are_not_finite_end_it_and_are_not_kept(
    recordings: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    given, folder = material(recordings, tmp_path), tmp_path / "out"
    train(folder, given, steps=2, save_every=2)
    update = Training.update

    def broken(self: Training, segment: Segment) -> None:
        if self.step == 4:
            segment = dataclasses.replace(segment, mel=segment.mel * torch.nan)
        update(self, segment)

    monkeypatch.setattr(Training, "update", broken)
    with pytest.raises(NonFiniteError) as ended:
        train(folder, given, steps=20, save_every=10)
    said = str(ended.value)
    assert (
        "steps 5 to 6" in said and "state of step 2 is kept" in said and "--learning-rate (now 0.001)" in said
    )
    assert sorted(path.name for path in folder.glob("g_*")) == ["g_00000002"]


def test_an_update_reads_nothing_back(recordings: Path, tmp_path: Path, monkeypatch: Any) -> None:
    given = material(recordings, tmp_path)
    training = Training(CONFIG, tmp_path / "out", CPU)
    mel, samples = given.train.batch(0)

    def refuse(*_: Any) -> None:
        raise AssertionError("waits for the device")

    for name in ("item", "tolist", "cpu", "__float__", "__bool__", "numpy"):
        monkeypatch.setattr(torch.Tensor, name, refuse)
    training.update(Segment(mel, samples, 1e-3))


def test_fine_tuning_begins_with_the_weights_of_a_file(recordings: Path, tmp_path: Path) -> None:
    given = material(recordings, tmp_path)
    train(tmp_path / "base", given, steps=4)
    training = Training(CONFIG, tmp_path / "new", CPU)
    assert training.begin_with(tmp_path / "base")  # discriminators lie beside the generator
    assert training.step == 0
    base, _, _ = read_generator(tmp_path / "base")
    assert equal(training.generator.state_dict(), base.state_dict())
    state = torch.load(tmp_path / "base" / "do_00000004", weights_only=True)
    assert equal(training.mpd.state_dict(), state["mpd"]) and equal(training.msd.state_dict(), state["msd"])
    (tmp_path / "base" / "do_00000004").unlink()
    assert not Training(CONFIG, tmp_path / "new", CPU).begin_with(tmp_path / "base")


def given_mels(recordings: Path, home: Path, folder: Path) -> Path:
    """Files as an export writes them: (num_mels, T_mel), here the recorded ones, a little off."""
    (folder / "mels").mkdir(parents=True)
    for clips in open_clips(recordings, CONFIG, CONFIG.audio(), home / "features"):
        for clip in clips.clips:
            np.save(folder / "mels" / f"{clip.utterance.id}.npy", clips.recorded_mel(clip).T + 0.25)
    return folder


def test_given_spectrograms_take_the_place_of_the_recorded_ones(recordings: Path, tmp_path: Path) -> None:
    mels = given_mels(recordings, tmp_path, tmp_path / "export")
    recorded, given = material(recordings, tmp_path), material(recordings, tmp_path, mels)
    for step in range(3):
        (one, samples), (other, same) = recorded.train.batch(step), given.train.batch(step)
        torch.testing.assert_close(other, one + 0.25)
        assert torch.equal(samples, same)
    # Validation speaks from what is given, and is held against what was recorded.
    clip = given.validation.clips[0]
    np.testing.assert_allclose(
        given.validation.mel(clip) - given.validation.recorded_mel(clip), 0.25, atol=1e-5
    )


def test_a_spectrogram_of_another_length_is_refused(recordings: Path, tmp_path: Path) -> None:
    mels = given_mels(recordings, tmp_path, tmp_path / "export")
    used = material(recordings, tmp_path).train.clips[0].utterance.id
    path = mels / "mels" / f"{used}.npy"
    np.save(path, np.load(path)[:, 1:])
    with pytest.raises(VocoderError, match="its recording after trimming") as refused:
        material(recordings, tmp_path, mels)
    assert str(path) in str(refused.value)
    path.unlink()
    again = material(recordings, tmp_path, mels)
    assert [name for name, _ in again.train.left_out] == [used]
    with pytest.raises(VocoderError, match="no folder of spectrograms"):
        material(recordings, tmp_path, tmp_path / "nowhere")


def test_the_folders_own_split_is_kept(tmp_path: Path) -> None:
    folder = speak_into(tmp_path / "own")
    (folder / "metadata.csv").unlink()
    for split, names in (("train", range(2, 10)), ("validation", (0, 1)), ("test", (10, 11))):
        lines = [f"wavs/c{number:02}.wav|one tone\n" for number in names]
        (folder / f"{split}.txt").write_text("".join(lines))
    given = material(folder, tmp_path)
    assert [clip.utterance.id for clip in given.validation.clips] == ["c00", "c01"]
    assert [clip.utterance.id for clip in given.train.clips] == [f"c{number:02}" for number in range(2, 10)]


def test_clips_that_cannot_be_used_are_left_out_with_a_reason(recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no recording")
    soundfile.write(tmp_path / "short.wav", np.full(200, 0.1), 8000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(8000), 8000)
    entries = [Entry(name, f"{name}.wav", "text", "list") for name in ("broken", "short", "silent")]
    cache = FeatureCache(tmp_path / "features", CONFIG.audio())
    clips = Clips(entries, tmp_path, CONFIG, cache, None)
    assert len(clips) == 0
    reasons = dict(clips.left_out)
    assert "not a readable recording" in reasons["broken"]
    assert "a segment has 16" in reasons["short"]
    assert "silence" in reasons["silent"]


def test_too_few_recordings_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 4"):
        material(speak_into(tmp_path / "few", count=3), tmp_path)


def test_settings_of_a_folder_stay(tmp_path: Path) -> None:
    other: HifiGanConfig = dataclasses.replace(CONFIG, upsample_initial_channel=16)
    assert settle_config(tmp_path, CONFIG, None) == CONFIG
    assert settle_config(tmp_path, None, None) == CONFIG
    with pytest.raises(VocoderError, match="other settings"):
        settle_config(tmp_path, other, None)
    slower = settle_config(tmp_path, CONFIG, 1e-4)
    assert slower.learning_rate == 1e-4
    assert settle_config(tmp_path, CONFIG, None) == slower  # stays for the next start
    with pytest.raises(VocoderError, match="no other settings are given"):
        settle_config(tmp_path / "empty", None, None)


def test_a_state_of_another_network_is_refused(recordings: Path, tmp_path: Path) -> None:
    given = material(recordings, tmp_path)
    train(tmp_path / "out", given, steps=1)
    state = torch.load(tmp_path / "out" / "do_00000001", weights_only=True)
    del state["mpd"]["discriminators.0.convs.0.bias"]
    torch.save(state, tmp_path / "out" / "do_00000001")
    with pytest.raises(VocoderError, match=r"mpd does not fit .*discriminators\.0\.convs\.0\.bias"):
        Training(CONFIG, tmp_path / "out", CPU).resume()
    assert write_hifigan(tmp_path / "other", loud_generator(WIDE), WIDE, 3).exists()
    assert not Training(WIDE, tmp_path / "other", CPU).resume()  # a generator alone is no state
