"""Golden strings of the Russian normaliser, read back in Cyrillic, and that no letter is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tacotron2.text import SYMBOLS, TextError, normalise, text_to_sequence
from tacotron2.text.russian import to_cyrillic, to_symbols

RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
LETTERS = "abvgdeöžzijklmnoprstufhcčšßqy\u02b9äüx"

GOLDEN = [
    # numbers: gender and case
    ("0, 1, 12, 21, 100, 1984", "ноль, один, двенадцать, двадцать один, сто, тысяча девятьсот восемьдесят "
     "четыре"),
    ("1 000 000 и 1 234 567", "один миллион и один миллион двести тридцать четыре тысячи пятьсот шестьдесят "
     "семь"),
    ("1 книга, 2 книги, 1 окно, 2 дня, 1 минуту", "одна книга, две книги, одно окно, два дня, одну минуту"),
    ("Ей 21 день, 22 девочки, 11 окон", "ей двадцать один день, двадцать две девочки, одиннадцать окон"),
    ("с 5 друзьями, в 5 городах, к 5 людям", "с пятью друзьями, в пяти городах, к пяти людям"),
    ("около 100 человек, без 2 минут", "около ста человек, без двух минут"),
    ("3,5 и 0,25; 3.5", "три целых пять десятых и ноль целых двадцать пять сотых; три целых пять десятых"),
    ("-5, (-3)", "минус пять, (минус три)"),
    ("007, версия 1.2.3", "ноль ноль семь, версия один точка два точка три"),
    ("1234567890123456", "один два три четыре пять шесть семь восемь девять ноль один два три четыре пять "
     "шесть"),
    # ordinals
    ("1-й, 2-го, 5-я, 3-м", "первый, второго, пятая, третьем"),
    ("3-я рота, 7-ю, 40-го, 2-ой", "третья рота, седьмую, сорокового, второй"),
    ("90-е годы, в 1990-х, 1-е место", "девяностые годы, в тысяча девятьсот девяностых, первое место"),
    ("у 2-х или 5-ти", "у двух или пяти"),
    # years, dates, centuries
    ("в 1984 году", "в тысяча девятьсот восемьдесят четвёртом году"),
    ("Он родился в 1984 г. в Москве.", "он родился в тысяча девятьсот восемьдесят четвёртом году в москве."),
    ("К 2000 году", "к двухтысячному году"),
    ("до 1917 года, 2024 год", "до тысяча девятьсот семнадцатого года, две тысячи двадцать четвёртый год"),
    ("1941–1945 гг.", "тысяча девятьсот сорок первый - тысяча девятьсот сорок пятый годы."),
    ("с 1941 по 1945 год", "с тысяча девятьсот сорок первого по тысяча девятьсот сорок пятый год"),
    ("12.05.2024", "двенадцатого мая две тысячи двадцать четвёртого года"),
    ("5 мая 1984 г., 1 сентября", "пятого мая тысяча девятьсот восемьдесят четвёртого года, первого "
     "сентября"),
    ("в XX веке, XIX в., в XVIII в. жили", "в двадцатом веке, девятнадцатый век, в восемнадцатом веке жили"),
    ("100 лет до н. э.", "сто лет до нашей эры."),
    ("с 1 по 5 мая", "с первого по пятое мая"),
    # money
    ("1 ₽, 2 ₽, 5 ₽, 11 ₽, 21 ₽", "один рубль, два рубля, пять рублей, одиннадцать рублей, двадцать "
     "один рубль"),
    ("100 руб. 50 коп.", "сто рублей пятьдесят копеек."),
    ("5,50 ₽, 0,02 ₽", "пять рублей пятьдесят копеек, две копейки"),
    ("$5 млн, €1, 3 тыс. руб. в год", "пять миллионов долларов, один евро, три тысячи рублей в год"),
    ("до 5 ₽, за 1 тыс. ₽", "до пяти рублей, за одну тысячу рублей"),
    # percents, measures, scales, times
    ("1%, 3 %, 50 %, 3,5 %. Да", "один процент, три процента, пятьдесят процентов, три целых пять десятых "
     "процента. да"),
    ("5 км, 2 см, 1 кг, 60 км/ч, -5 °C", "пять километров, два сантиметра, один килограмм, шестьдесят "
     "километров в час, минус пять градусов цельсия"),
    ("5 млн человек, 2 млрд", "пять миллионов человек, два миллиарда"),
    ("14:30, в 9:00, 7:05, 1:00", "четырнадцать тридцать, в девять часов, семь ноль пять, один час"),
    # abbreviations
    ("Т.е. да, и т.д. Потом, и т. п., т. к. нет", "то есть да, и так далее. потом, и тому подобное, так как "
     "нет"),
    ("ул. Ленина, д. 5, кв. 12, стр. 7", "улица ленина, дом пять, квартира двенадцать, страница семь"),
    ("театр им. Пушкина, г-н Иванов, см. рис. 5", "театр имени пушкина, господин иванов, смотри рисунок "
     "пять"),
    ("г. Москва, в г. Москве, из г. Тулы", "город москва, в городе москве, из города тулы"),
    ("на ул. Мира, по ул. Ленина", "на улице мира, по улице ленина"),
    ("2,5 млрд долл.", "две целых пять десятых миллиарда долларов."),
    # signs and letters
    ("№ 5, § 3, 5+3=8", "номер пять, параграф три, пять плюс три равно восемь"),
    ("Щука съела ёжика — «ой»", 'щука съела ёжика - "ой"'),
    ("и\u0306о\u0308д Е\u0308ж", "йод ёж"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GOLDEN, ids=[text for text, _ in GOLDEN])
def test_golden(text: str, expected: str) -> None:
    encoded = text_to_sequence(text, "ru")
    assert to_cyrillic(encoded.text) == expected
    # Speech is made sentence by sentence out of normalised text, so reading it again changes nothing.
    assert normalise(encoded.text, "ru") == encoded.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("за\u0301мок и замо\u0301к", "za\u0301mok i zamo\u0301k"),
        ("з+амок и зам+ок, +Облако", "za\u0301mok i zamo\u0301k, o\u0301blako"),
        ("з\u0301амок", "zamok"),
        ("5+а", "pxt\u02b9 plüs a"),
        ("\u042f\u0301блоко", "x\u0301bloko"),
    ],
)
def test_stress_is_kept_after_its_vowel(text: str, expected: str) -> None:
    assert normalise(text, "ru") == expected


def test_the_table_is_one_letter_for_one() -> None:
    assert to_symbols(RUSSIAN) == LETTERS
    assert len(set(LETTERS)) == 33
    assert set(LETTERS) <= set(SYMBOLS)
    assert normalise("Съешь ещё этих мягких французских булок", "ru") == (
        "sqeš\u02b9 eßö ätih mxgkih francuzskih bulok"
    )


@given(st.text(alphabet=RUSSIAN + RUSSIAN.upper() + " ,!?:;«»—()", max_size=60))
def test_russian_reads_back_as_the_same_words(text: str) -> None:
    letters = [character for character in text.lower() if character.isalpha()]
    if letters:
        spoken = to_cyrillic(text_to_sequence(text, "ru").text)
        assert [character for character in spoken if character.isalpha()] == letters


@given(st.text(alphabet=RUSSIAN + " ", max_size=60), st.booleans())
def test_decomposed_letters_are_the_same_letters(text: str, upper: bool) -> None:
    text = text.upper() if upper else text
    assert normalise(unicodedata.normalize("NFD", text), "ru") == normalise(text, "ru")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABWQXZäöüßčšž -!?", max_size=40))
def test_latin_letters_stand_as_they_are(text: str) -> None:
    if any(character.isalpha() for character in text):
        letters = [character for character in text.lower() if character.isalpha()]
        assert [char for char in text_to_sequence(text, "ru").text if char.isalpha()] == letters


@given(st.text(alphabet="0123456789 .,:-%₽$°гвдмст.XIV-йяе+№", max_size=30))
def test_nothing_but_symbols_comes_out(text: str) -> None:
    once = normalise(text, "ru")
    assert set(once) <= set(SYMBOLS) - set("0123456789")
    assert normalise(once, "ru") == once


@pytest.mark.parametrize("character", ["і", "ґ", "ј", "ї", "α", "\u0488"])
def test_what_is_not_russian_is_named(character: str) -> None:
    with pytest.raises(TextError, match="Russian reads the letters") as caught:
        text_to_sequence(f"да{character}", "ru")
    assert caught.value.code_point == ord(character)
