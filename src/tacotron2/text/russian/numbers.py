"""Russian numbers in words: cardinals by case and gender, ordinals, decimals, and plain numbers in a text.

A number before a noun takes case and gender from what is written around it: a preposition that asks for the
genitive, or the noun's ending (-ами, -ам, -ах; книга, книгу, окно). Where neither tells, it is a masculine
nominative.
"""

from __future__ import annotations

import re

# Thousands are separated by spaces alone: a comma or a point begins the decimals.
AMOUNT = r"(?:(?:[0-9]{1,3}(?: [0-9]{3})+(?![0-9])|[0-9]+)(?:[.,][0-9]+)?)"
GENITIVE_BEFORE = (
    "без|более|больше|возле|выше|для|до|из|кроме|менее|меньше|ниже|около|от|после|против|свыше|среди|у|с|со"
)
_MAX_DIGITS = 15  # longer ones are codes, said digit by digit

_TENS_OF_FRACTION = {1: ("десятая", "десятых"), 2: ("сотая", "сотых"), 3: ("тысячная", "тысячных")}
# Endings of an ordinal by number and gender, then by case: nominative, genitive, dative, accusative,
# instrumental, prepositional.
_CASES = "ngdaip"
_ENDINGS = {
    "m": ("ый", "ого", "ому", "ый", "ым", "ом"),
    "f": ("ая", "ой", "ой", "ую", "ой", "ой"),
    "n": ("ое", "ого", "ому", "ое", "ым", "ом"),
    "p": ("ые", "ых", "ым", "ые", "ыми", "ых"),
}
_THIRD = {
    "m": ("ий", "ьего", "ьему", "ий", "ьим", "ьем"),
    "f": ("ья", "ьей", "ьей", "ью", "ьей", "ьей"),
    "n": ("ье", "ьего", "ьему", "ье", "ьим", "ьем"),
    "p": ("ьи", "ьих", "ьим", "ьи", "ьими", "ьих"),
}
# What is written after the hyphen of "2-го": gender and case.
_SUFFIXES = {
    "й": "mn",
    "ый": "mn",
    "ий": "mn",
    "ой": "fg",
    "ого": "mg",
    "его": "mg",
    "го": "mg",
    "му": "md",
    "ому": "md",
    "ему": "md",
    "м": "mp",
    "ом": "mp",
    "ем": "mp",
    "ым": "mi",
    "им": "mi",
    "я": "fn",
    "ая": "fn",
    "ю": "fa",
    "ую": "fa",
    "е": "nn",
    "ое": "nn",
    "ые": "pn",
    "х": "pg",
    "ых": "pg",
    "их": "pg",
}

_ORDINAL = re.compile(
    rf"(?<![\w.,])([0-9]+)-?({'|'.join(sorted(_SUFFIXES, key=len, reverse=True))})(?!\w)(\s+год[ыа])?"
)
_GENITIVE = re.compile(r"(?<![\w.,])(?:([234])-х|([0-9]+)-ти)(?!\w)")
_NUMBER = re.compile(
    rf"(?:(?<!\w)(?P<before>{GENITIVE_BEFORE})\s+)?(?P<amount>{AMOUNT})(?P<more>(?:[.,][0-9]+)*)"
    r"(?=(?:\s+(?P<noun>[а-яё\u0301]+))?)",
    re.IGNORECASE,
)


def cardinal(digits: str, gender: str = "m", case: str = "n") -> str:
    """The whole number `digits` in words; digit by digit when it starts with 0 or is very long.

    `gender` is m, f or n; `case` is n, g, d, a, i or p, the accusative being that of things.
    """
    digits = digits.replace(" ", "")
    if len(digits) > _MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return say_digits(digits)
    number = int(digits)
    # The library gives the gender to the thousands and millions too; they have their own.
    low = number % 1000
    parts = [_words(number - low, "m", case)] if number > low else []
    parts += [_words(low, gender, case)] if low or not parts else []
    return re.sub(r"^(?:одна|одной|одну) (?=тысяч)", "", " ".join(parts))


def _words(number: int, gender: str, case: str) -> str:
    # Imported here: the package loads every language it knows, which only callers with numbers should pay.
    from num2words import num2words

    words = str(num2words(number, lang="ru", gender=gender, case="n" if case == "a" else case))
    if case == "a":
        words = re.sub(r"\bодна\b", "одну", words)
        words = re.sub(r"\bодну тысяча\b", "одну тысячу", words)
    return words


def say_digits(digits: str) -> str:
    """`digits` one by one."""
    return " ".join(_words(int(digit), "m", "n") for digit in digits)


def ordinal(digits: str, gender: str = "m", case: str = "n") -> str:
    """The ordinal of the number `digits`; `gender` m, f, n or p (plural), `case` as in `cardinal`."""
    if len(digits) > _MAX_DIGITS:
        return say_digits(digits)
    from num2words import num2words

    head, space, last = str(num2words(int(digits), lang="ru", to="ordinal")).rpartition(" ")
    index = _CASES.index(case)
    if last == "третий":
        return f"{head}{space}трет{_THIRD[gender][index]}"
    ending = _ENDINGS[gender][index]
    # второй, шестой: the stressed ending of the masculine stays as it is.
    keeps = gender == "m" and case in "na"
    return f"{head}{space}{last if keeps else last[:-2] + ending}"


def is_decimal(amount: str) -> bool:
    """Whether `amount` (a match of `AMOUNT`) has decimals."""
    return "," in amount or "." in amount


def say_decimal(amount: str) -> str:
    """An amount with decimals: up to three as tenths, hundredths or thousandths, more one by one."""
    whole, decimals = re.split("[.,]", amount)
    if len(decimals) > 3:
        return f"{cardinal(whole)} запятая {say_digits(decimals)}"
    one, many = _TENS_OF_FRACTION[len(decimals)]
    part = str(int(decimals))
    wholes = "целая" if _ends_in_one(whole) else "целых"
    return f"{cardinal(whole, 'f')} {wholes} {cardinal(part, 'f')} {one if _ends_in_one(part) else many}"


def _ends_in_one(digits: str) -> bool:
    return digits.endswith("1") and not digits.endswith("11")


def set_apart(match: re.Match[str], words: str) -> str:
    """`words` in place of `match`, with a space towards a letter or digit next to it."""
    start, end = match.span()
    left = " " if match.string[max(start - 1, 0) : start].isalnum() else ""
    right = " " if match.string[end : end + 1].isalnum() else ""
    return f"{left}{words}{right}"


def expand_numbers(text: str) -> str:
    """Write every number of `text` out."""
    text = _GENITIVE.sub(lambda match: cardinal(match[1] or match[2], "m", "g"), text)
    text = _ORDINAL.sub(_say_ordinal, text)
    return _NUMBER.sub(_say_number, text)


def _say_ordinal(match: re.Match[str]) -> str:
    gender, case = tuple(_SUFFIXES[match[2]])
    years = match[3] or ""
    if match[2] == "е" and (years or (match[1].endswith("0") and len(match[1]) in (2, 4))):
        gender = "p"  # 90-е, 1990-е годы
    return set_apart(match, ordinal(match[1], gender, case) + years)


def _say_number(match: re.Match[str]) -> str:
    before, amount, noun = match["before"] or "", match["amount"], (match["noun"] or "").replace("\u0301", "")
    lead = f"{before} " if before else ""
    if match["more"]:
        # Several points are a version number.
        parts = re.split("[.,]", amount + match["more"])
        return set_apart(match, lead + " точка ".join(cardinal(part) for part in parts))
    if is_decimal(amount):
        return set_apart(match, lead + say_decimal(amount))
    case = _case_of(before.lower(), noun.lower())
    return set_apart(match, lead + cardinal(amount, _gender_of(amount, noun.lower(), case), case))


def _case_of(before: str, noun: str) -> str:
    if noun.endswith(("ами", "ями", "ыми", "ими")):
        return "i"
    if len(noun) > 3 and noun.endswith(("ам", "ям")):
        return "d"
    if len(noun) > 3 and noun.endswith(("ах", "ях")):
        return "p"
    if before:
        return "g"
    return "a" if len(noun) > 2 and noun.endswith(("у", "ю")) else "n"


def _gender_of(amount: str, noun: str, case: str) -> str:
    """The gender of 1 and 2 by the noun after them: одна книга, две книги, одно окно, два дня."""
    last = amount[-1]
    if amount.endswith(("11", "12")) or last not in "12" or len(noun) < 3:
        return "m"
    if last == "1":
        if case == "g":
            return "f" if noun.endswith(("ы", "и")) else "m"
        feminine = noun.endswith(("а", "я", "у", "ю", "сть"))
        return "f" if feminine else "n" if noun.endswith(("о", "е")) else "m"
    return "f" if noun.endswith(("ы", "и", "ые", "ие")) else "m"
