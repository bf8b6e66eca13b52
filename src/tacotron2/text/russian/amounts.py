"""Russian amounts with a unit: money, percents, measures, scales; number and unit agree."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tacotron2.text.russian.abbreviations import stop_after
from tacotron2.text.russian.numbers import (
    AMOUNT,
    GENITIVE_BEFORE,
    cardinal,
    is_decimal,
    say_decimal,
    set_apart,
)


@dataclass(frozen=True)
class _Noun:
    """A counted noun: 1 рубль, 2 рубля, 5 рублей."""

    one: str
    few: str
    many: str
    gender: str = "m"
    rest: str = ""  # what follows it unchanged: "в час"

    def count(self, amount: str, case: str) -> str:
        """The form after the whole number `amount` in the nominative, accusative or genitive."""
        ends_in_one = amount.endswith("1") and not amount.endswith("11")
        if case == "g":
            form = self.few if ends_in_one else self.many
        elif ends_in_one:
            form = re.sub("а$", "у", self.one) if case == "a" and self.gender == "f" else self.one
        else:
            is_few = amount[-1] in "234" and amount[-2:] not in ("12", "13", "14")
            form = self.few if is_few else self.many
        return form + self.rest


_RUBLE = _Noun("рубль", "рубля", "рублей")
_KOPECK = _Noun("копейка", "копейки", "копеек", "f")
_CENT = _Noun("цент", "цента", "центов")
_DOLLAR = _Noun("доллар", "доллара", "долларов")
_EURO = _Noun("евро", "евро", "евро")
_PENNY = _Noun("пенс", "пенса", "пенсов")
_MONEY = {
    "₽": (_RUBLE, _KOPECK),
    "руб.": (_RUBLE, _KOPECK),
    "руб": (_RUBLE, _KOPECK),
    "р.": (_RUBLE, _KOPECK),
    "$": (_DOLLAR, _CENT),
    "долл.": (_DOLLAR, _CENT),
    "€": (_EURO, _CENT),
    "£": (_Noun("фунт", "фунта", "фунтов"), _PENNY),
    "¥": (_Noun("иена", "иены", "иен", "f"), None),
    "коп.": (_KOPECK, None),
    "коп": (_KOPECK, None),
}
_SCALES = {
    "тыс": _Noun("тысяча", "тысячи", "тысяч", "f"),
    "млн": _Noun("миллион", "миллиона", "миллионов"),
    "млрд": _Noun("миллиард", "миллиарда", "миллиардов"),
    "трлн": _Noun("триллион", "триллиона", "триллионов"),
}
_MEASURES = {
    "%": _Noun("процент", "процента", "процентов"),
    "°C": _Noun("градус", "градуса", "градусов", rest=" цельсия"),
    "°С": _Noun("градус", "градуса", "градусов", rest=" цельсия"),
    "°": _Noun("градус", "градуса", "градусов"),
    "км/ч": _Noun("километр", "километра", "километров", rest=" в час"),
    "м/с": _Noun("метр", "метра", "метров", rest=" в секунду"),
    "км": _Noun("километр", "километра", "километров"),
    "м": _Noun("метр", "метра", "метров"),
    "см": _Noun("сантиметр", "сантиметра", "сантиметров"),
    "мм": _Noun("миллиметр", "миллиметра", "миллиметров"),
    "кг": _Noun("килограмм", "килограмма", "килограммов"),
    "г": _Noun("грамм", "грамма", "граммов"),
    "мг": _Noun("миллиграмм", "миллиграмма", "миллиграммов"),
    "л": _Noun("литр", "литра", "литров"),
    "мл": _Noun("миллилитр", "миллилитра", "миллилитров"),
    "га": _Noun("гектар", "гектара", "гектаров"),
    "ч": _Noun("час", "часа", "часов"),
    "мин": _Noun("минута", "минуты", "минут", "f"),
    "сек": _Noun("секунда", "секунды", "секунд", "f"),
}


def _one_of(words: dict[str, _Noun] | dict[str, tuple[_Noun, _Noun | None]]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_SCALE = rf"(?P<scale>{_one_of(_SCALES)})(?!\w)\.?"
_BEFORE = rf"(?:(?<!\w)(?P<before>{GENITIVE_BEFORE}|за|через|на|про|в)\s+)?"
_UNIT = rf"(?P<unit>{_one_of(_MONEY)}|{_one_of(_MEASURES)})(?![\w/])"
_COUNTED = re.compile(
    rf"{_BEFORE}(?<![0-9.,])(?P<amount>{AMOUNT})(?:\s?{_SCALE})?(?:\s?{_UNIT})?(?P<stop>\.?)"
)
_MINUS = re.compile(r"(?<![^\s(\"'])-(?=[0-9₽$€£¥])")
_SIGN_FIRST = re.compile(rf"([₽$€£¥])\s?({AMOUNT})(\s?(?:{_one_of(_SCALES)})(?!\w)\.?)?")


def expand_amounts(text: str) -> str:
    """Write money, percents, measures and scales out."""
    text = _MINUS.sub("минус ", text)
    text = _SIGN_FIRST.sub(lambda match: f"{match[2]}{match[3] or ''} {match[1]}", text)
    return _COUNTED.sub(_say, text)


def _say(match: re.Match[str]) -> str:
    scale, unit = match["scale"], match["unit"]
    if not scale and not unit:
        return match[0]
    before = match["before"] or ""
    case = "n" if not before else "g" if re.fullmatch(GENITIVE_BEFORE, before.lower()) else "a"
    words = _count(match["amount"].replace(" ", ""), scale, unit, case)
    # The full stop of an abbreviation goes, unless it also ends the sentence; that of "50 %." stays.
    stop = match["stop"] if unit and not unit[0].isalpha() else stop_after(match)
    return set_apart(match, f"{before} {words}{stop}".lstrip())


def _count(amount: str, scale: str | None, unit: str | None, case: str) -> str:
    """An amount with its scale ("млн"), its unit or both."""
    small = None
    noun = _MEASURES.get(unit) if unit else None
    if unit and noun is None:
        noun, small = _MONEY[unit]
    if scale:
        counted, counting = _SCALES[scale], f" {noun.many}{noun.rest}" if noun else ""
    else:
        assert noun is not None
        counted, counting = noun, ""
    if not is_decimal(amount):
        return _count_whole(amount, counted, case) + counting
    whole, decimals = re.split("[.,]", amount)
    if small and not scale and len(decimals) == 2:
        parts = [_count_whole(whole, counted, case)] if int(whole) or not int(decimals) else []
        parts += [_count_whole(str(int(decimals)), small, case)] if int(decimals) else []
        return " ".join(parts)
    return f"{say_decimal(amount)} {counted.few}{counted.rest}{counting}"


def _count_whole(amount: str, noun: _Noun, case: str) -> str:
    return f"{cardinal(amount, noun.gender, case)} {noun.count(amount, case)}"
