"""Lists: what a good one gives, and that every bad line is told with its file, number and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.data.utterances import DataError, read_list


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "wavs").mkdir(parents=True)
    (folder / "more").mkdir()
    for name in ("wavs/a.wav", "wavs/b.wav", "more/a.wav", "../outside.wav"):
        (folder / name).touch()
    return folder


def write(root: Path, content: bytes) -> Path:
    path = root / "train.txt"
    path.write_bytes(content)
    return path


def test_a_list_with_bom_windows_line_ends_and_blank_lines(root) -> None:
    path = write(root, "\ufeffwavs/a.wav|Déjà vu, she said.\r\n\r\nwavs/b.wav | one | two \n".encode())
    first, second = read_list(path, root)
    assert (first.id, first.text, first.line) == ("a", "Déjà vu, she said.", 1)
    assert first.audio_path == root / "wavs" / "a.wav"
    assert (second.id, second.text, second.line) == ("b", "one | two", 3)
    assert second.place == f"{path}, line 3"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"wavs/b.wav hello", "no '|'"),
        (b"|hello", "no file before"),
        (b"wavs/b.wav|  ", "no text after"),
        (b"wavs/none.wav|hello", "there is no file"),
        (b"../outside.wav|hello", "lies outside"),
        (b"wavs/../../outside.wav|hello", "lies outside"),
        (b"wavs/link.wav|hello", "lies outside"),
        (b"She said: " + b"very " * 60 + b"well.|wavs/b.wav", r"'She said: very .*\.\.\.' cannot be a file"),
        (b"wavs/b\0.wav|hello", "cannot be a file"),
        (b"more/a.wav|hello", "id 'a' was already used in line 1"),
        (b"wavs/b.wav|caf\xe9", r"byte 15 \(0xE9\) is not UTF-8"),
    ],
)
def test_a_bad_line_is_named_with_file_and_number(root, line, reason) -> None:
    (root / "wavs" / "link.wav").symlink_to(root / ".." / "outside.wav")
    path = write(root, b"wavs/a.wav|hello\n" + line + b"\n")
    with pytest.raises(DataError, match=reason.replace("|", r"\|")) as caught:
        read_list(path, root)
    assert str(caught.value).startswith(f"{path}, line 2: ")


def test_an_absolute_path_outside_is_refused_and_a_link_inside_is_not(root) -> None:
    (root / "wavs" / "inner.wav").symlink_to(root / "wavs" / "b.wav")
    assert read_list(write(root, b"wavs/inner.wav|hello\n"), root)[0].id == "inner"
    with pytest.raises(DataError, match="lies outside"):
        read_list(write(root, f"{root.parent / 'outside.wav'}|hello\n".encode()), root)


def test_many_bad_lines_are_told_at_once(root) -> None:
    path = write(root, b"wavs/a.wav|fine\n" + b"no separator\n" * 12)
    with pytest.raises(DataError) as caught:
        read_list(path, root)
    told = str(caught.value).split("\n")
    assert [f"line {n}:" in line for n, line in enumerate(told[:10], start=2)] == [True] * 10
    assert told[10:] == ["and 2 more like these"]


def test_missing_and_empty_lists(root) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt: cannot be read"):
        read_list(root / "nowhere.txt", root)
    with pytest.raises(DataError, match=r"train\.txt: names no recording"):
        read_list(write(root, b"\n\n"), root)


@pytest.mark.parametrize(
    ("line", "text", "speaker"),
    [
        ("wavs/b.wav|hello|anna", "hello", "anna"),
        (" wavs/b.wav | hello |  Anna   B. \r", "hello", "Anna B."),
        ("wavs/b.wav|one | two|anna", "one | two", "anna"),
        ("wavs/b.wav|hello|", "hello", ""),
        ("wavs/b.wav|hello|Zoe\u0308", "hello", "Zo\u00eb"),
    ],
)
def test_a_third_column_names_the_speaker(root: Path, line: str, text: str, speaker: str) -> None:
    path = write(root, f"\nwavs/a.wav|first|bert\n{line}\n".encode())
    first, second = read_list(path, root)
    assert (first.text, first.speaker) == ("first", "bert")
    assert (second.text, second.speaker) == (text, speaker)


def test_the_first_line_decides_whether_there_is_a_column(root: Path) -> None:
    plain = write(root, b"wavs/a.wav|first\nwavs/b.wav|one|two\n")
    assert [(each.text, each.speaker) for each in read_list(plain, root)] == [("first", ""), ("one|two", "")]
    path = write(root, b"wavs/a.wav|first|bert\nwavs/b.wav|hello\n")
    with pytest.raises(DataError, match=r"wavs/ID\.wav\|text\|speaker") as caught:
        read_list(path, root)
    assert str(caught.value).startswith(f"{path}, line 2: no '|' between text and speaker")


def test_a_line_of_a_name_without_a_text_is_an_error(root: Path) -> None:
    with pytest.raises(DataError, match=r"line 1: no text after '\|' for wavs/a\.wav"):
        read_list(write(root, b"wavs/a.wav||anna\n"), root)
