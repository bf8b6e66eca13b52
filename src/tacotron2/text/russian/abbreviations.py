"""Russian abbreviations. Those that depend on a number beside them are left to `amounts` and `dates`."""

from __future__ import annotations

import re

# May close a sentence: then the full stop stays. A space between the parts is allowed.
_PHRASES = {
    "т.е.": "то есть",
    "т.д.": "так далее",
    "т.п.": "тому подобное",
    "т.к.": "так как",
    "т.н.": "так называемый",
    "т.ч.": "том числе",
    "до н.э.": "до нашей эры",
    "н.э.": "нашей эры",
    "и др.": "и другие",
    "и пр.": "и прочее",
}
# Always followed by what they belong to: the full stop never ends a sentence.
_BEFORE_NAME = {
    "им.": "имени",
    "пер.": "переулок",
    "просп.": "проспект",
    "пл.": "площадь",
    "проф.": "профессор",
    "акад.": "академик",
    "гр.": "гражданин",
    "св.": "святой",
}
_BEFORE_NUMBER = {
    "д.": "дом",
    "кв.": "квартира",
    "корп.": "корпус",
    "стр.": "страница",
    "с.": "страница",
    "гл.": "глава",
    "рис.": "рисунок",
    "табл.": "таблица",
    "п.": "пункт",
    "ст.": "статья",
    "тел.": "телефон",
}
_HYPHENATED = {"г-н": "господин", "г-жа": "госпожа", "р-н": "район", "кол-во": "количество"}
_STREET_CASES = {"на": "улице", "по": "улице", "к": "улице", "с": "улицы", "до": "улицы", "от": "улицы"}
_TOWN_CASES = {"в": "городе", "из": "города", "от": "города", "до": "города", "к": "городу"}


def _one_of(words: dict[str, str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.sub(r"\\\.(?=[^ \\])", r"\\.\\s?", re.escape(word)) for word in longest_first)


_PHRASE = re.compile(rf"(?<!\w)({_one_of(_PHRASES)})", re.IGNORECASE)
_NAME_AFTER = re.compile(rf"(?<!\w)({_one_of(_BEFORE_NAME)})\s*(?=[\"(]?[А-ЯЁ0-9])", re.IGNORECASE)
_NUMBER_AFTER = re.compile(rf"(?<!\w)(?<![0-9]\s)({_one_of(_BEFORE_NUMBER)})\s*(?=[0-9])", re.IGNORECASE)
_SHORTENED = re.compile(rf"(?<![\w-])({_one_of(_HYPHENATED)})(?![\w-])", re.IGNORECASE)
_TOWN = re.compile(r"(?<!\w)(?:(?P<before>[Вв]|[Ии]з|[Оо]т|[Дд]о|[Кк])\s+)?(?<![0-9]\s)г\.\s*(?=[А-ЯЁ])")
_STREET = re.compile(r"(?<!\w)(?:(?P<before>на|по|к|с|до|от)\s+)?ул\.\s*(?=[А-ЯЁ0-9])", re.IGNORECASE)
_SEE = re.compile(r"(?<!\w)(?<![0-9]\s)(см)\.", re.IGNORECASE)
_SENTENCE_ENDS = re.compile(r"[\"')]*(?:\s+[\"'(]*[А-ЯЁ]|\s*$)")


def expand_abbreviations(text: str) -> str:
    """Write abbreviations out; the full stop that also ends a sentence stays."""
    text = _PHRASE.sub(_say_phrase, text)
    text = _NUMBER_AFTER.sub(lambda match: f"{_look_up(_BEFORE_NUMBER, match[1])} ", text)
    text = _NAME_AFTER.sub(lambda match: f"{_look_up(_BEFORE_NAME, match[1])} ", text)
    text = _SHORTENED.sub(lambda match: _look_up(_HYPHENATED, match[1]), text)
    text = _STREET.sub(lambda match: _say_place(match, "улица", _STREET_CASES), text)
    text = _TOWN.sub(lambda match: _say_place(match, "город", _TOWN_CASES), text)
    return _SEE.sub("смотри", text)


def stop_after(match: re.Match[str]) -> str:
    """The full stop of a matched abbreviation, where it also ends a sentence."""
    return "." if match[0].endswith(".") and _SENTENCE_ENDS.match(match.string, match.end()) else ""


def _look_up(words: dict[str, str], short: str) -> str:
    return words[re.sub(r"\s+", "", short).lower()]


def _say_phrase(match: re.Match[str]) -> str:
    key = re.sub(r"\s+", "", match[1]).lower()
    words = next(words for short, words in _PHRASES.items() if short.replace(" ", "") == key)
    following = match.string[match.end() : match.end() + 1]
    return words + stop_after(match) + (" " if following.isalnum() else "")


def _say_place(match: re.Match[str], place: str, cases: dict[str, str]) -> str:
    before = match["before"]
    return f"{before} {cases[before.lower()]} " if before else f"{place} "
