"""The feature cache: keys, damaged and half-written files, several processes on one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tacotron2.audio import load_audio, log_mel, save_wav, trim_silence
from tacotron2.data.features import FeatureCache, feature_key
from tacotron2.data.utterances import DataError, Utterance
from tacotron2.hparams import AudioParams

AUDIO = AudioParams()


def expected_mel(utterance: Utterance) -> np.ndarray:
    return log_mel(trim_silence(load_audio(utterance.audio_path, AUDIO.sampling_rate), AUDIO), AUDIO)


def test_features_are_the_trimmed_log_mel_made_once(tmp_path, make_corpus) -> None:
    utterances = make_corpus([0.3, 0.4])
    told = []
    FeatureCache(tmp_path / "cache", AUDIO).prepare(utterances, lambda *counts: told.append(counts))
    assert told == [(1, 2), (2, 2)]
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}
    assert {file.suffix for file in files} == {".npy"}
    cache = FeatureCache(tmp_path / "cache", AUDIO)
    np.testing.assert_array_equal(cache.mel(utterances[1]).numpy(), expected_mel(utterances[1]))
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()} == files


@pytest.mark.parametrize("setting", [{"trim_db": 30.0}, {"mel_floor": 1e-4}, {"hop_length": 128}])
def test_other_settings_have_another_key(make_corpus, setting) -> None:
    (utterance,) = make_corpus([0.2])
    assert feature_key(utterance.audio_path, AUDIO) == feature_key(utterance.audio_path, AudioParams())
    changed = feature_key(utterance.audio_path, replace(AUDIO, **setting))
    assert changed != feature_key(utterance.audio_path, AUDIO)


def test_changed_content_has_another_key_and_fresh_features(tmp_path, make_corpus) -> None:
    (utterance,) = make_corpus([0.2])
    cache = FeatureCache(tmp_path / "cache", AUDIO)
    cache.prepare([utterance])
    before = cache.path(utterance)
    save_wav(utterance.audio_path, np.sin(np.arange(9000) / 9.0), 22050)
    cache.prepare([utterance])
    assert cache.path(utterance) != before
    np.testing.assert_array_equal(cache.mel(utterance).numpy(), expected_mel(utterance))


@pytest.mark.parametrize("kept_share", [0.0, 0.01, 0.5, 0.999])
def test_a_damaged_file_is_made_again(tmp_path, make_corpus, kept_share) -> None:
    (utterance,) = make_corpus([0.3])
    cache = FeatureCache(tmp_path / "cache", AUDIO)
    cache.mel(utterance)
    path = cache.path(utterance)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept_share * len(whole))])
    np.testing.assert_array_equal(cache.mel(utterance).numpy(), expected_mel(utterance))
    assert path.read_bytes() == whole


def test_a_write_that_is_cut_off_leaves_no_file_behind(tmp_path, make_corpus, monkeypatch) -> None:
    (utterance,) = make_corpus([0.3])
    cache = FeatureCache(tmp_path / "cache", AUDIO)

    def die_half_way(descriptor: int) -> None:
        os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die_half_way)
        with pytest.raises(OSError, match="no space"):
            cache.mel(utterance)
    assert list((tmp_path / "cache").iterdir()) == []
    np.testing.assert_array_equal(cache.mel(utterance).numpy(), expected_mel(utterance))


PREPARES = """
import sys
from pathlib import Path
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.hparams import AudioParams

root = Path(sys.argv[1])
utterances = read_list(root / "train.txt", root)
print("ready", flush=True)
sys.stdin.readline()
for number in range(3):
    FeatureCache(root / f"cache{number}", AudioParams()).prepare(utterances)
"""

STALLS_WHILE_WRITING = """
import os

def stall_half_way(descriptor):
    os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
    print("half written", flush=True)
    sys.stdin.readline()

os.fsync = stall_half_way
FeatureCache(root / "cache3", AudioParams()).mel(utterances[0])
"""


def start(program: str, root: Path) -> subprocess.Popen[str]:
    """A Python of its own that has read the list and waits for a line on its standard input."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src"), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    child = subprocess.Popen([sys.executable, "-c", program, str(root)], env=environment, text=True, **pipes)
    assert child.stdout.readline() == "ready\n", child.stderr.read()
    return child


def test_two_processes_share_a_folder(tmp_path, make_corpus) -> None:
    utterances = make_corpus([0.2] * 20)
    children = [start(PREPARES, tmp_path) for _ in range(2)]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, errors = child.communicate(timeout=120)
        assert child.returncode == 0, errors
    for number in range(3):
        assert sorted(file.suffix for file in (tmp_path / f"cache{number}").iterdir()) == [".npy"] * 20
        cache = FeatureCache(tmp_path / f"cache{number}", AUDIO)
        for utterance in utterances[:3]:
            np.testing.assert_array_equal(np.load(cache.path(utterance)), expected_mel(utterance))


def test_a_file_that_another_process_is_writing_is_not_taken(tmp_path, make_corpus) -> None:
    (utterance,) = make_corpus([0.3])
    cache = FeatureCache(tmp_path / "cache3", AUDIO)
    with start(PREPARES + STALLS_WHILE_WRITING, tmp_path) as child:
        child.stdin.write("go\n")
        child.stdin.flush()
        assert child.stdout.readline() == "half written\n"
        assert not cache.path(utterance).exists()
        np.testing.assert_array_equal(cache.mel(utterance).numpy(), expected_mel(utterance))
        child.kill()
    np.testing.assert_array_equal(np.load(cache.path(utterance)), expected_mel(utterance))


def test_bad_recordings_name_list_and_line(tmp_path, make_corpus) -> None:
    utterances = make_corpus([0.2, 0.2, 0.2])
    save_wav(utterances[0].audio_path, np.zeros(5000), 22050)
    utterances[1].audio_path.write_text("no recording")
    utterances[2].audio_path.unlink()
    cache = FeatureCache(tmp_path / "cache", AUDIO)
    for utterance, reason in zip(utterances, ("silence", "not a readable", "cannot be read"), strict=True):
        with pytest.raises(DataError, match=rf"train\.txt, line {utterance.line}: .*{reason}"):
            cache.mel(utterance)
