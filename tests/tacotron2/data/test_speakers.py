"""Speakers in a user's folder: found where it names them, numbered, and told where they cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tacotron2.data.corpus import SPLITS, Corpus, open_corpus
from tacotron2.data.entries import Fault
from tacotron2.data.formats import read_contents
from tacotron2.data.speakers import speaker_names, speaker_numbers
from tacotron2.data.utterances import DataError, Utterance, read_list
from tests.tacotron2.data.recordings import HPARAMS, TEXT, names, tone

TWO = HPARAMS.replace(n_speakers=2)


@dataclass(frozen=True)
class Line:
    """Stands for an utterance of a list."""

    place: str
    speaker: str


def lines(*speakers: str) -> list[Line]:
    return [Line(f"list, line {number}", name) for number, name in enumerate(speakers, start=1)]


def test_names_are_numbered_in_their_order() -> None:
    train = lines("carla", "anna", "bert", "anna")
    assert speaker_names(train, 3) == speaker_names(train[::-1], 5) == ("anna", "bert", "carla")
    assert speaker_numbers(train, ("anna", "bert", "carla"), 3) == [2, 0, 1, 0]
    unnamed = lines("", "anna", "bert")
    assert speaker_names(unnamed, 1) == () and speaker_numbers(unnamed, (), 1) == [0, 0, 0]


@pytest.mark.parametrize(
    ("speakers", "count", "told"),
    [
        (("anna", "", ""), 2, "list, line 2: names no speaker, and model.n_speakers=2 needs one"),
        (("b", "a", "c", "b", "d"), 2, "list, line 3: 'c' is speaker 3 of 4, .* set model.n_speakers=4"),
    ],
)
def test_a_training_list_that_does_not_fit_the_setting(
    speakers: tuple[str, ...], count: int, told: str
) -> None:
    with pytest.raises(DataError, match=told) as caught:
        speaker_names(lines(*speakers), count)
    assert len(str(caught.value).splitlines()) == 2


def test_a_held_out_speaker_must_be_trained_on() -> None:
    with pytest.raises(DataError, match="list, line 2: the speaker 'carla' is not in the training list"):
        speaker_numbers(lines("anna", "carla"), ("anna", "bert"), 2)
    with pytest.raises(DataError, match="list, line 1: names no speaker"):
        speaker_numbers(lines(""), ("anna", "bert"), 2)


def who(number: int) -> str:
    return ("anna", "bert")[number % 2]


def path_list(folder: Path) -> None:
    rows = [f"wavs/{name}.wav|{TEXT}|{who(i)}\n" for i, name in enumerate(names(12))]
    (folder / "mine.csv").write_text("".join(rows))


def three_lists(folder: Path) -> None:
    rows = [f"wavs/{name}.wav|{TEXT} {'abcdefghijkl'[i]}|{who(i)}\n" for i, name in enumerate(names(12))]
    for split, part in zip(SPLITS, (rows[:8], rows[8:10], rows[10:]), strict=True):
        (folder / f"{split}.txt").write_text("".join(part))


def common_voice(folder: Path, column: str = "client_id") -> None:
    (folder / "wavs").rename(folder / "clips")
    rows = [f"{who(i)}\t{name}.wav\t{TEXT}" for i, name in enumerate(names(12))]
    (folder / "validated.tsv").write_text("\n".join([f"{column}\tpath\tsentence", *rows]) + "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(names(12)):
        tone(tmp_path / "mine" / "wavs" / f"{name}.wav", pitch=200.0 + number)
    return tmp_path / "mine"


def listed(corpus: Corpus) -> dict[str, list[Utterance]]:
    return {split: read_list(corpus.list_path(split), corpus.folder) for split in SPLITS}


@pytest.mark.parametrize("make", [path_list, three_lists, common_voice])
def test_the_lists_of_a_folder_carry_its_speakers(
    tmp_path: Path, folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder)
    corpus = open_corpus(folder, tmp_path / "data", TWO)
    found = listed(corpus)
    told = {each.id: each.speaker for split in SPLITS for each in found[split]}
    assert told == {name: who(number) for number, name in enumerate(names(12))}
    assert all(each.text.startswith(TEXT) for each in found["train"])
    assert speaker_names(found["train"], 2) == ("anna", "bert") and corpus.advice == ()


@pytest.mark.parametrize("make", [path_list, three_lists, common_voice])
def test_several_speakers_learned_as_one_voice_are_told_with_the_setting(
    tmp_path: Path, folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder)
    (told,) = open_corpus(folder, tmp_path / "data", HPARAMS).advice
    assert told == (
        "2 speakers are named (anna, bert) and learned as one voice; "
        "start with --set model.n_speakers=2 to tell them apart"
    )


def test_a_column_called_speaker_goes_before_the_client(folder: Path) -> None:
    common_voice(folder)
    table = folder / "validated.tsv"
    head, *rows = table.read_text().splitlines()
    table.write_text("\n".join([f"{head}\tspeaker", *(f"{row}\tcarla" for row in rows)]))
    assert {entry.speaker for entry in read_contents(folder).entries} == {"carla"}
    table.write_text(table.read_text().replace("carla", "car|la", 1))
    (rejection,) = read_contents(folder).rejected
    assert "the name of the speaker holds '|'" in rejection.detail and rejection.place.endswith("line 2")


@pytest.mark.parametrize(
    ("make", "line", "fault"),
    [
        (path_list, f"wavs/c011.wav|{TEXT}", "2 columns; it has the form path|text|speaker"),
        (three_lists, f"wavs/c011.wav|{TEXT}", "no '|' between text and speaker"),
    ],
)
def test_a_line_without_the_column_is_rejected(
    folder: Path, make: Callable[[Path], None], line: str, fault: str
) -> None:
    make(folder)
    path = folder / ("mine.csv" if make is path_list else "train.txt")
    with path.open("a") as file:
        file.write(line + "\n")
    (rejection,) = read_contents(folder).rejected
    assert rejection.fault is Fault.LINE and fault in rejection.detail


@pytest.mark.parametrize(
    ("change", "place", "told"),
    [
        (("|bert", "|"), "line 2", "names no speaker, and model.n_speakers=2"),
        (("|bert", "|carla"), "line ", "is speaker 3 of 3, and model.n_speakers=2"),
    ],
)
def test_speakers_that_do_not_fit_end_with_the_place_in_the_users_list(
    tmp_path: Path, folder: Path, change: tuple[str, str], place: str, told: str
) -> None:
    path_list(folder)
    text = (folder / "mine.csv").read_text()
    (folder / "mine.csv").write_text(text.replace(*change, 3))
    with pytest.raises(DataError) as caught:
        open_corpus(folder, tmp_path / "data", TWO)
    assert told in str(caught.value) and f"{folder / 'mine.csv'}, {place}" in str(caught.value)


def test_a_held_out_speaker_who_is_not_trained_on_is_an_error(tmp_path: Path, folder: Path) -> None:
    three_lists(folder)
    text = (folder / "test.txt").read_text()
    (folder / "test.txt").write_text(text.replace("bert", "carla"))
    with pytest.raises(DataError, match=r"test\.txt, line 2: the speaker 'carla' is not in the training"):
        open_corpus(folder, tmp_path / "data", TWO)


@pytest.mark.parametrize("seed", range(6))
def test_a_split_made_here_leaves_a_clip_of_every_speaker_to_learn_from(
    tmp_path: Path, folder: Path, seed: int
) -> None:
    """Of two with a single clip each, and ten of a third."""
    rows = [
        f"wavs/{name}.wav|{TEXT}|{('anna', 'bert', 'carla')[min(i, 2)]}\n" for i, name in enumerate(names(12))
    ]
    (folder / "mine.csv").write_text("".join(rows))
    found = listed(open_corpus(folder, tmp_path / "data", TWO.replace(n_speakers=3, seed=seed)))
    assert speaker_names(found["train"], 3) == ("anna", "bert", "carla")
    ids = [each.id for split in SPLITS for each in found[split]]
    assert sorted(ids) == names(12) and len(found["test"]) == len(found["validation"]) == 2


def test_a_bar_in_the_first_text_is_not_taken_for_a_speaker(tmp_path: Path, folder: Path) -> None:
    for path in sorted((folder / "wavs").iterdir()):
        path.rename(folder / path.name)
        (folder / f"{path.stem}.txt").write_text("the old | clock")
    (folder / "wavs").rmdir()
    corpus = open_corpus(folder, tmp_path / "data", HPARAMS)
    found = [each for split in SPLITS for each in listed(corpus)[split]]
    assert {(each.text, each.speaker) for each in found} == {("the old | clock", "")} and not corpus.advice
