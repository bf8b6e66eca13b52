"""Two machines with the same corpus see one hash; any difference in it is seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tacotron2.cli import DATA_ERROR, main
from tacotron2.data.digest import SPLITS, corpus_digest, list_digest
from tacotron2.data.utterances import DataError, read_list


def digest_of(folder: Path) -> str:
    return corpus_digest(
        {split: list_digest(read_list(folder / f"{split}.txt", folder), folder) for split in SPLITS}
    )


@pytest.fixture
def copied(tiny_corpus: Path, tmp_path: Path) -> Path:
    """The same corpus under another name in another place."""
    return Path(shutil.copytree(tiny_corpus, tmp_path / "elsewhere" / "another name"))


def change_a_recording(folder: Path) -> None:
    path = folder / "wavs" / "test-00.wav"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def change_a_text(folder: Path) -> None:
    path = folder / "validation.txt"
    path.write_text(path.read_text(encoding="utf-8").replace(".\n", "!\n", 1), encoding="utf-8")


def change_the_order(folder: Path) -> None:
    path = folder / "train.txt"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines[1:], lines[0]]), encoding="utf-8")


def move_a_clip(folder: Path) -> None:
    train, test = folder / "train.txt", folder / "test.txt"
    first, *rest = train.read_text(encoding="utf-8").splitlines(keepends=True)
    train.write_text("".join(rest), encoding="utf-8")
    test.write_text(test.read_text(encoding="utf-8") + first, encoding="utf-8")


def test_the_place_of_a_corpus_makes_no_difference(tiny_corpus: Path, copied: Path) -> None:
    assert digest_of(copied) == digest_of(tiny_corpus)
    (copied / "wavs" / "train-00.wav").touch()
    assert digest_of(copied) == digest_of(tiny_corpus)


@pytest.mark.parametrize("change", [change_a_recording, change_a_text, change_the_order, move_a_clip])
def test_a_difference_is_seen(tiny_corpus: Path, copied: Path, change: Callable[[Path], None]) -> None:
    change(copied)
    assert digest_of(copied) != digest_of(tiny_corpus)


def test_a_recording_that_is_gone_is_told(copied: Path) -> None:
    utterances = read_list(copied / "test.txt", copied)
    (copied / "wavs" / "test-01.wav").unlink()
    with pytest.raises(DataError, match=r"test\.txt, line 2: cannot be read"):
        list_digest(utterances, copied)


def test_the_command_says_it_as_a_record(
    tiny_corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "run.yaml"
    settings.write_text("data:\n  min_seconds: 0.1\n", encoding="utf-8")
    said = []
    for name in ("one", "two"):  # another home, and lists made anew
        arguments = [f"--folder={tiny_corpus}", f"--home={tmp_path / name}", f"--settings={settings}"]
        assert main(["--json", "digest", *arguments]) == 0
        said.append(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert said[0] == said[1]
    assert said[0]["kind"] == "digest" and said[0]["digest"] == corpus_digest(said[0]["lists"])
    arguments = [f"--folder={tmp_path / 'nowhere'}", f"--home={tmp_path}", f"--settings={settings}"]
    assert main(["digest", *arguments]) == DATA_ERROR
