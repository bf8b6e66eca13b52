"""A user's folder: every form is recognised, the lists are made once, the folder itself is never changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tacotron2.data.corpus import SPLITS, Corpus, open_corpus, split_ids
from tacotron2.data.utterances import DataError, Utterance, read_list
from tests.tacotron2.data.recordings import HPARAMS, TEXT, add_line, fingerprint, ljspeech, names, tone


def lists(corpus: Corpus) -> dict[str, list[Utterance]]:
    return {split: read_list(corpus.list_path(split), corpus.folder) for split in SPLITS}


def two_columns_beside(folder: Path) -> None:
    for name in names(12):
        tone(folder / f"{name}.flac")
    (folder / "metadata.csv").write_text("".join(f"{name}|{TEXT}\n" for name in names(12)))


def path_list(folder: Path) -> None:
    for name in names(12):
        tone(folder / "deep" / "er" / f"{name}.ogg")
    lines = [f"deep/er/{name}.ogg | {TEXT}\r\n" for name in names(12)]
    (folder / "mine.csv").write_bytes(b"\xef\xbb\xbf" + "".join(lines).encode())
    (folder / "README.txt").write_text("Words about the recordings | and a bar.\n")


def common_voice(folder: Path) -> None:
    for name in names(12):
        tone(folder / "clips" / f"{name}.mp3")
    rows = [f"someone\t{name}{'.mp3' * (i % 2)}\t{TEXT}\t2" for i, name in enumerate(names(12))]
    table = "\n".join(["client_id\tpath\tsentence\tup_votes", *rows]) + "\n"
    for name in ("train.tsv", "validated.tsv"):
        (folder / name).write_text(table, encoding="utf-8")
    (folder / "reported.tsv").write_text("sentence\treason\n")


def wav_and_txt(folder: Path) -> None:
    for name in names(12):
        tone(folder / f"{name}.wav")
        (folder / f"{name}.txt").write_text("  the old clock\n is slow\n")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (ljspeech, "LJSpeech: metadata.csv begins with a line of 3 columns"),
        (two_columns_beside, "two-column metadata"),
        (path_list, "a list path|text: mine.csv"),
        (common_voice, "Common Voice: validated.tsv"),
        (wav_and_txt, "12 recordings with a .txt of equal name"),
    ],
)
def test_every_form_gives_three_lists_and_stays_as_it_was(
    tmp_path: Path, make: Callable[[Path], object], words: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    make(folder)
    before = fingerprint(folder)
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    assert words in corpus.layout
    found = lists(corpus)
    assert {split: len(found[split]) for split in SPLITS} == {"train": 8, "validation": 2, "test": 2}
    together = [utterance for split in SPLITS for utterance in found[split]]
    assert sorted(utterance.id for utterance in together) == names(12)
    assert {utterance.text for utterance in together} == {TEXT}
    assert (corpus.num_clips, corpus.num_rejected) == (12, 0)
    assert corpus.rejected_file.read_text() == "id\tplace\treason\n"
    assert fingerprint(folder) == before


def test_the_second_start_finds_the_lists_and_a_change_makes_others(tmp_path: Path) -> None:
    folder, home = ljspeech(tmp_path / "mine"), tmp_path / "data"
    told: list[tuple[int, int]] = []
    first = open_corpus(folder, home, HPARAMS, lambda *each: told.append(each))
    assert told[-1] == (12, 12)
    made = fingerprint(home)
    assert open_corpus(folder, home, HPARAMS, lambda *_: pytest.fail("looked at again")) == first
    moved = folder.rename(tmp_path / "moved")
    assert open_corpus(moved, home, HPARAMS).lists_folder == first.lists_folder
    assert fingerprint(home) == made
    tone(moved / "wavs" / "c003.wav", seconds=1.5)
    changed = open_corpus(moved, home, HPARAMS)
    assert changed.lists_folder != first.lists_folder
    assert changed.list_path("test").read_text() == first.list_path("test").read_text()


def test_an_interrupted_start_is_made_anew(tmp_path: Path) -> None:
    folder, home = ljspeech(tmp_path / "mine"), tmp_path / "data"
    corpus = open_corpus(folder, home, HPARAMS)
    made = corpus.list_path("train").read_text()
    corpus.list_path("train").unlink()
    assert open_corpus(folder, home, HPARAMS) == corpus
    assert corpus.list_path("train").read_text() == made


@pytest.mark.parametrize(
    ("count", "asked", "held_out"),
    [(8, (48, 32), (2, 2)), (24, (48, 32), (2, 2)), (100, (48, 32), (10, 10)), (1000, (48, 32), (48, 32))],
)
def test_sizes_of_the_splits(count: int, asked: tuple[int, int], held_out: tuple[int, int]) -> None:
    ids = names(count)
    splits = split_ids(ids, 7, *asked)
    sizes = tuple(list(splits.values()).count(split) for split in ("validation", "test"))
    assert sizes == held_out and sorted(splits) == ids
    assert split_ids(ids[::-1], 7, *asked) == splits
    assert split_ids(ids, 8, *asked) != splits


def test_another_seed_holds_out_other_clips(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine", 40)
    other = replace(HPARAMS, train=replace(HPARAMS.train, seed=8))
    one, two = (open_corpus(folder, tmp_path / "data", each) for each in (HPARAMS, other))
    assert one.list_path("test").read_text() != two.list_path("test").read_text()


def nothing(folder: Path) -> None:
    folder.rmdir()


def a_file(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("no folder")


def empty(folder: Path) -> None:
    pass


def commas(folder: Path) -> None:
    (folder / "metadata.csv").write_text("c000,hello\n")


def recordings_alone(folder: Path) -> None:
    tone(folder / "a.wav")


def two_forms(folder: Path) -> None:
    wav_and_txt(folder)
    (folder / "metadata.csv").write_text(f"c000|{TEXT}\n")


def two_lists(folder: Path) -> None:
    for name in ("train.txt", "validation.txt"):
        (folder / name).write_text(f"wavs/a.wav|{TEXT}\n")


def utf16(folder: Path) -> None:
    (folder / "metadata.csv").write_bytes(f"c000|{TEXT}\n".encode("utf-16"))


def linked_list(folder: Path) -> None:
    (folder.parent / "outside.csv").write_text(f"c000|{TEXT}\n")
    (folder / "metadata.csv").symlink_to(folder.parent / "outside.csv")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nothing, "no folder of recordings"),
        (a_file, "no folder of recordings"),
        (empty, "the folder is empty"),
        (commas, r"of no known form; its files are: metadata\.csv\. Right would be: .*id\|text"),
        (recordings_alone, r"of no known form; its files are: a\.wav"),
        (two_forms, r"read in 2 ways \(two-column metadata.*; 12 recordings with a \.txt"),
        (two_lists, "read in 2 ways .*write train.txt, validation.txt and test.txt"),
        (utf16, "is UTF-16; save the list as UTF-8"),
        (linked_list, r"metadata\.csv: outside the folder"),
    ],
)
def test_a_folder_that_cannot_be_used_says_what_would_be_right(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    make(folder)
    with pytest.raises(DataError, match=message) as caught:
        open_corpus(folder, tmp_path / "data", HPARAMS)
    assert str(folder) in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_none_left_is_an_error_with_counts_and_the_list_of_reasons(tmp_path: Path) -> None:
    folder = ljspeech(tmp_path / "mine", 9)
    for name in names(9)[:3]:
        tone(folder / "wavs" / f"{name}.wav", level=0.0)
    add_line(folder, b"c001|again")
    with pytest.raises(DataError, match=r"only 6 of 10 clips can be used, and 8 are needed") as caught:
        open_corpus(folder, tmp_path / "data", HPARAMS)
    assert "(3 silent, 1 duplicate id)" in str(caught.value)
    (table,) = (tmp_path / "data").glob("own-*/rejected.tsv")
    assert str(table) in str(caught.value)
    assert len(table.read_text().splitlines()) == 5
    (folder / "metadata.csv").write_text("c000|\n|no name\n")
    with pytest.raises(DataError, match="none of 2 clips can be used"):
        open_corpus(folder, tmp_path / "data", HPARAMS)
