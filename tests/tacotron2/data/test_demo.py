"""The demo corpus, made small with the real synthesiser."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path

import pytest
import soundfile

from tacotron2.data import sentences, synthesiser
from tacotron2.data.demo import DemoCorpus, DemoError, DemoSettingsError, make_demo
from tacotron2.hparams import HParams

espeakng_loader = pytest.importorskip("espeakng_loader")

SMALL = HParams().replace(demo_clips=16, validation_clips=3, test_clips=2, demo_max_characters=24)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DemoCorpus:
    return make_demo(tmp_path_factory.mktemp("made"), SMALL)


def stub_loader(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put another `espeakng_loader` before the real one of the child process."""
    folder.mkdir()
    (folder / "espeakng_loader.py").write_text(source, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_files_and_lists(made: DemoCorpus) -> None:
    lists = [made.train_list, made.validation_list, made.test_list]
    lines = [path.read_text(encoding="utf-8").splitlines() for path in lists]
    assert [len(part) for part in lines] == [16, 3, 2]
    listed = [line.split("|") for part in lines for line in part]
    wavs = dict(listed)
    assert len(wavs) == 21
    assert wavs.keys() == {f"wavs/{path.name}" for path in (made.folder / "wavs").iterdir()}
    assert {len(text) for text in wavs.values()} <= set(range(12, 25))
    metadata = (made.folder / "metadata.csv").read_text(encoding="utf-8").splitlines()
    assert metadata == [f"{Path(wav).stem}|{text}" for wav, text in listed]
    record = json.loads((made.folder / "demo.json").read_text(encoding="utf-8"))
    assert record["clips"] == {"train": 16, "validation": 3, "test": 2}
    assert record["settings"]["demo_seed"] == SMALL.demo.demo_seed


def test_recordings_are_speech(made: DemoCorpus) -> None:
    seconds = 0.0
    for path in (made.folder / "wavs").iterdir():
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (22050, 1, "PCM_16")
        samples, _ = soundfile.read(path)
        assert 0.4 < info.duration < 4.0 and 0.2 < abs(samples).max() < 1.0 and samples.std() > 0.02
        seconds += info.duration
    assert made.seconds == pytest.approx(seconds, abs=0.01)


def test_same_settings_same_bytes(made: DemoCorpus, tmp_path: Path) -> None:
    time.sleep(1.1)  # left alone, the synthesiser would seed its noise with the second of the day
    again = make_demo(tmp_path / "else" / "where", SMALL)
    assert again.folder.name == made.folder.name
    assert contents(again.folder) == contents(made.folder)


def test_long_and_relative_paths(made: DemoCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = Path(espeakng_loader.__file__).parent
    deep = tmp_path / ("x" * 100) / ("y" * 100)
    deep.mkdir(parents=True)
    shutil.copytree(loader, deep / loader.name)
    monkeypatch.setenv("PYTHONPATH", str(deep))
    monkeypatch.chdir(tmp_path)
    assert contents(make_demo(Path("near"), SMALL).folder) == contents(made.folder)


def test_finished_corpus_is_used_again(made: DemoCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesiser, "SYNTHESISER", Path("/nowhere.py"))
    assert make_demo(made.folder.parent, SMALL) == made


def test_other_settings_live_beside(made: DemoCorpus) -> None:
    before = contents(made.folder)
    parent = made.folder.parent
    steps: list[tuple[int, int]] = []
    others = [SMALL.replace(demo_words_per_minute=190), SMALL.replace(test_clips=3)]
    folders = {make_demo(parent, other, lambda *step: steps.append(step)).folder for other in others}
    assert len(folders | {made.folder}) == 3
    assert contents(made.folder) == before
    assert steps == [(n, 21) for n in range(1, 22)] + [(n, 22) for n in range(1, 23)]
    training_matters_not = SMALL.replace(learning_rate=1e-3)
    assert make_demo(parent, training_matters_not).folder == made.folder


def test_a_language_without_sentences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoSettingsError, match=r"text\.language='de'.*in en, ru only; name recordings"):
        make_demo(tmp_path, SMALL.replace(language="de"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("voice", ["en-us+f99", "xx-yy", "F3", ""])
def test_unknown_voice(voice: str, tmp_path: Path) -> None:
    with pytest.raises(DemoSettingsError, match=re.escape(f"demo.demo_voice={voice!r}")):
        make_demo(tmp_path, SMALL.replace(demo_voice=voice))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise ImportError", "espeakng-loader is not installed"),
        ("import os; os._exit(7)", "exit code 7 at clip 1 of 21"),
        ("def get_library_path(): return '/nowhere.so'", "does not load on this machine"),
    ],
)
def test_broken_synthesiser(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_loader(tmp_path / "stub", source, monkeypatch)
    with pytest.raises(DemoError, match=message):
        make_demo(tmp_path / "corpora", SMALL)
    assert list((tmp_path / "corpora").iterdir()) == []


def test_impossible_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "MAX_ATTEMPTS", 100)
    narrow = SMALL.replace(demo_clips=500, demo_min_characters=9, demo_max_characters=10)
    with pytest.raises(
        DemoSettingsError, match=r"different sentences of 9 to 10 characters.*demo\.demo_clips"
    ):
        make_demo(tmp_path, narrow)
    assert list(tmp_path.iterdir()) == []


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path, SMALL, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_damaged_corpus_is_refused_and_left_alone(tmp_path: Path) -> None:
    corpus = make_demo(tmp_path, SMALL)
    (corpus.folder / "wavs" / "train-00003.wav").unlink()
    before = contents(tmp_path)
    with pytest.raises(DemoError, match=r"1 recordings are missing.*wavs/train-00003\.wav.*remove or rename"):
        make_demo(tmp_path, SMALL)
    (corpus.folder / "demo.json").unlink()
    with pytest.raises(DemoError, match="not a complete demo corpus"):
        make_demo(tmp_path, SMALL)
    before.pop(f"{corpus.folder.name}/demo.json")
    assert contents(tmp_path) == before


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(DemoError, match="taken: no demo corpus can be made there"):
        make_demo(tmp_path / "taken", SMALL)
