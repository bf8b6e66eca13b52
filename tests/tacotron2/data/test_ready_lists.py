"""A folder with three lists of its own: the split stays the user's, the clips are screened."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.data.corpus import SPLITS, open_corpus
from tacotron2.data.utterances import DataError, read_list
from tests.tacotron2.data.recordings import HPARAMS, TEXT, fingerprint, ljspeech, names, tone

SENTENCES = [f"{TEXT} and {word}" for word in ("red", "blue", "green", "dark", "old", "thin", "wet", "cold")]


def three_lists(folder: Path) -> Path:
    """Twelve clips: seven to learn from, three and two held out; every sentence another."""
    ljspeech(folder)
    words = [*SENTENCES, *(f"{TEXT} {each}" for each in ("here", "there", "again", "now"))]
    lines = [f"wavs/{name}.wav|{text}\n" for name, text in zip(names(12), words, strict=True)]
    parts = (lines[:7], lines[7:10], lines[10:])
    for split, part in zip(SPLITS, parts, strict=True):
        (folder / f"{split}.txt").write_text("".join(part))
    return folder


def add(folder: Path, split: str, line: str) -> None:
    with (folder / f"{split}.txt").open("a") as file:
        file.write(line + "\n")


def ids(corpus_folder: Path, folder: Path) -> dict[str, list[str]]:
    return {
        split: [each.id for each in read_list(corpus_folder / f"{split}.txt", folder)] for split in SPLITS
    }


def test_the_split_is_the_users(tmp_path: Path) -> None:
    folder = three_lists(tmp_path / "mine")
    before = fingerprint(folder)
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    assert ids(corpus.lists_folder, folder) == {
        "train": names(12)[:7],
        "validation": names(12)[7:10],
        "test": names(12)[10:],
    }
    assert "the split is theirs" in corpus.layout
    assert (corpus.num_clips, corpus.num_rejected, corpus.advice) == (12, 0, ())
    assert fingerprint(folder) == before
    assert open_corpus(folder, tmp_path / "data", HPARAMS) == corpus


def test_bad_clips_are_rejected_with_reasons_and_the_same_name_in_another_folder_is_none(
    tmp_path: Path,
) -> None:
    folder = three_lists(tmp_path / "mine")
    tone(folder / "wavs" / "c001.wav", level=0.0)
    tone(folder / "other" / "c002.wav")
    add(folder, "train", f"wavs/c003.wav|{TEXT}")
    add(folder, "validation", "other/c002.wav|the old | clock")
    add(folder, "test", "wavs/gone.wav|nobody said this")
    add(folder, "test", "no bar at all")
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    rows = [row.split("\t") for row in corpus.rejected_file.read_text().splitlines()[1:]]
    assert {(row[0], Path(row[1].partition(",")[0]).name, row[2].partition(":")[0]) for row in rows} == {
        ("c001", "train.txt", "silent"),
        ("c003", "train.txt", "duplicate id"),
        ("gone", "test.txt", "no such recording"),
        ("line 4", "test.txt", "not a line of the list's form"),
    }
    assert ids(corpus.lists_folder, folder)["validation"] == [*names(12)[7:10], "c002"]


def test_a_recording_in_two_lists_stays_where_it_is_held_out(tmp_path: Path) -> None:
    folder = three_lists(tmp_path / "mine")
    add(folder, "train", f"wavs/../wavs/c010.wav|{TEXT}")
    add(folder, "validation", f"wavs/c011.wav|{TEXT}")
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    rows = [row.split("\t") for row in corpus.rejected_file.read_text().splitlines()[1:]]
    assert [row[0] for row in rows] == ["c010", "c011"]
    assert all(row[2].startswith(f"in two lists: also {folder / 'test.txt'}, line ") for row in rows)
    found = ids(corpus.lists_folder, folder)
    assert found["test"] == ["c010", "c011"] and len(found["train"]) == 7 and len(found["validation"]) == 3


def test_a_held_out_sentence_that_is_also_trained_on_is_told(tmp_path: Path) -> None:
    folder = three_lists(tmp_path / "mine")
    tone(folder / "wavs" / "twice.wav")
    add(folder, "validation", f"wavs/twice.wav|{SENTENCES[0].upper()}!")
    (told,) = open_corpus(folder, tmp_path / "data", HPARAMS).advice
    assert told.startswith("1 of 6 sentences of validation.txt and test.txt are also in train.txt")
    assert "validation.txt, line 4" in told


@pytest.mark.parametrize("short", ["validation", "test"])
def test_a_held_out_list_that_is_too_short_is_an_error(tmp_path: Path, short: str) -> None:
    folder = three_lists(tmp_path / "mine")
    (folder / f"{short}.txt").write_text(f"wavs/c011.wav|{TEXT}\nwavs/gone.wav|{TEXT}\n")
    with pytest.raises(DataError, match="2 of them in each held-out list"):
        open_corpus(folder, tmp_path / "data", HPARAMS)
