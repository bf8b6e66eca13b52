"""The user's dictionary: what it changes, and that a mistake names file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.text import DictionaryError, find_language, load_dictionary, text_to_sequence


def written(folder: Path, content: str) -> Path:
    path = folder / "words.txt"
    path.write_text(content, encoding="utf-8")
    return path


def test_words_take_their_form(tmp_path: Path) -> None:
    content = "# comment\n\nзамок|зам+ок\nGoogle | гугл\nтест|№ 5\n"
    words = load_dictionary(written(tmp_path, content + "ок|нет\nйод|й+од"), find_language("ru"))
    assert text_to_sequence("зам+ок, и\u0306од", "ru", dictionary=words).text == "zamo\u0301k, jo\u0301d"
    said = text_to_sequence("Замок GOOGLE, замки, за\u0301мок и тест.", "ru", dictionary=words)
    assert said.text == "zamo\u0301k gugl, zamki, za\u0301mok i nomer pxt\u02b9."


def test_it_serves_every_language(tmp_path: Path) -> None:
    words = load_dictionary(written(tmp_path, "\ufeffSQL|sequel\nnaïve|na—eve\n"), find_language("en"))
    assert text_to_sequence("SQL, MySQL, Naïve", dictionary=words).text == "sequel, mysql, na - eve"
    words = load_dictionary(written(tmp_path, "Straße|Gasse\n"), find_language("de"))
    assert text_to_sequence("STRASSE, straße", "de", dictionary=words).text == "strasse, gasse"


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("да|да\nслово\n", 2, r"no '\|'"),
        ("|форма\n", 1, "not one word"),
        ("два слова|форма\n", 1, "not one word"),
        ("їжак|ёж\n", 1, "not one word"),
        ("# x\nслово|\n", 2, "at least one letter"),
        ("слово|с→\n", 1, "cannot read '→'"),
        ("Слово|а\nслово|б\n", 2, "given before, as 'а'"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, content: str, line: int, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(DictionaryError, match=message) as caught:
        load_dictionary(path, find_language("ru"))
    assert str(caught.value).startswith(f"{path}, line {line}: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DictionaryError, match=r"text\.dictionary: cannot read .*absent\.txt"):
        load_dictionary(tmp_path / "absent.txt", find_language("ru"))
    path = tmp_path / "latin.txt"
    path.write_bytes(b"\xe4|a\n")
    with pytest.raises(DictionaryError, match=r"latin\.txt is not UTF-8"):
        load_dictionary(path, find_language("de"))
