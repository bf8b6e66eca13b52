"""German: abbreviations, dates and times, money and measures, numbers, signs, then lower case.

Umlauts and ß stay. An ordinal ("3.") is told from a full stop by what stands around it: a month after it, a
word in lower case after it, or an article or preposition before it and a noun after it.
"""

from __future__ import annotations

import re

from tacotron2.text.language import Language, say_signs
from tacotron2.text.symbols import LATIN_LETTERS

_SIGN_WORDS = {
    "&": "und",
    "@": "at",
    "%": "Prozent",
    "‰": "Promille",
    "#": "Raute",
    "+": "plus",
    "=": "gleich",
    "/": "Schrägstrich",
    "\\": "umgekehrter Schrägstrich",
    "*": "Stern",
    "_": "Unterstrich",
    "<": "kleiner als",
    ">": "größer als",
    "^": "Zirkumflex",
    "~": "Tilde",
    "|": "senkrechter Strich",
    "$": "Dollar",
    "€": "Euro",
    "£": "Pfund",
    "¥": "Yen",
    "°": "Grad",
    "²": "Quadrat",
    "³": "Kubik",
    "×": "mal",
    "÷": "geteilt durch",
    "±": "plus minus",
    "§": "Paragraf",
    "№": "Nummer",
    "©": "Copyright",
    "®": "registriert",
    "™": "Trademark",
}

# May close a sentence: then the full stop stays. Read in either case.
_PHRASES = {
    "z.B.": "zum Beispiel",
    "d.h.": "das heißt",
    "u.a.": "unter anderem",
    "u.U.": "unter Umständen",
    "i.d.R.": "in der Regel",
    "v.a.": "vor allem",
    "v.Chr.": "vor Christus",
    "n.Chr.": "nach Christus",
    "usw.": "und so weiter",
    "etc.": "et cetera",
    "bzw.": "beziehungsweise",
    "ca.": "circa",
    "vgl.": "vergleiche",
    "evtl.": "eventuell",
    "ggf.": "gegebenenfalls",
    "bspw.": "beispielsweise",
    "sog.": "sogenannt",
    "inkl.": "inklusive",
    "zzgl.": "zuzüglich",
}
# With their capital alone, so that ordinary words stay.
_TITLES = {
    "Dr.": "Doktor",
    "Prof.": "Professor",
    "Hr.": "Herr",
    "Fr.": "Frau",
    "St.": "Sankt",
    "Nr.": "Nummer",
    "Bd.": "Band",
    "Abb.": "Abbildung",
    "Kap.": "Kapitel",
    "Tel.": "Telefon",
}
_MONTH = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_UNITS = {
    "km/h": "Kilometer pro Stunde",
    "km": "Kilometer",
    "cm": "Zentimeter",
    "mm": "Millimeter",
    "m": "Meter",
    "kg": "Kilogramm",
    "mg": "Milligramm",
    "g": "Gramm",
    "l": "Liter",
    "ml": "Milliliter",
    "kHz": "Kilohertz",
    "MHz": "Megahertz",
    "Hz": "Hertz",
    "°C": "Grad Celsius",
    "°": "Grad",
    "%": "Prozent",
    "‰": "Promille",
}
_CURRENCIES = {"€": "Euro", "EUR": "Euro", "$": "Dollar", "£": "Pfund", "¥": "Yen"}
_SCALES = {
    "Tsd.": ("tausend", "tausend"),
    "Mio.": ("Million", "Millionen"),
    "Mrd.": ("Milliarde", "Milliarden"),
}
_MAX_DIGITS = 15  # longer ones are codes, said digit by digit


def _one_of(words: dict[str, str] | dict[str, tuple[str, str]]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.sub(r"\\\.(?=.)", r"\\.\\s?", re.escape(word)) for word in longest_first)


_NUMBER_TEXT = r"(?:[0-9]{1,3}(?:[. ][0-9]{3})+(?![0-9])|[0-9]+)(?:,[0-9]+)?"
_PHRASE = re.compile(rf"(?<![^\W\d_])(?:{_one_of(_PHRASES)})", re.I)
_TITLE = re.compile(rf"(?<!\w)({_one_of(_TITLES)})")
_PAGE = re.compile(r"(?<!\w)S\.\s?(?=[0-9])")
_SENTENCE_ENDS = re.compile(r"[\"')]*(?:\s+[\"'(]*[A-ZÄÖÜ]|\s*$)")
_DATE = re.compile(r"(?<![\w.,])(0?[1-9]|[12][0-9]|3[01])\.\s?(0?[1-9]|1[0-2])\.\s?([0-9]{4})(?!\w)")
_WEAK = "der|die|das|dieser|diese|dieses|jeder|jede|jedes"
_OBLIQUE = "den|dem|des|am|im|zum|zur|vom|beim|bis|ab|seit|diesem|diesen|jedem|jeden"
_STRONG = "ein|sein|ihr|mein|kein"
_ORDINAL = re.compile(
    rf"(?:\b(?P<before>{_WEAK}|{_OBLIQUE}|{_STRONG}|eine|seine|ihre|keine)\s+)?"
    rf"(?<![\w.,])(?P<number>[0-9]{{1,4}})\.\s*(?:(?P<month>(?:{_MONTH})\b)|(?P<noun>[A-ZÄÖÜ])|(?P<word>[a-zäöüß]))",
    re.I,
)
_CLOCK = re.compile(
    r"(?<![0-9:.,])(?P<hour>[01]?[0-9]|2[0-4])[:.](?P<minute>[0-5][0-9])(?::(?P<second>[0-5][0-9]))?"
    r"(?P<word>\s?Uhr\b)?(?![0-9:])"
)
_SCALE = rf"(?:\s?(?P<scale>{_one_of(_SCALES)}))?"
_SIGN_OF_MONEY = "[€$£¥]|EUR\\b"
_MONEY_AFTER = re.compile(rf"(?<![0-9.,])(?P<amount>{_NUMBER_TEXT}){_SCALE}\s?(?P<sign>{_SIGN_OF_MONEY})")
_MONEY_BEFORE = re.compile(rf"(?P<sign>[€$£¥])\s?(?P<amount>{_NUMBER_TEXT}){_SCALE}")
_SCALED = re.compile(rf"(?<![0-9.,])(?P<amount>{_NUMBER_TEXT})\s?(?P<scale>{_one_of(_SCALES)})")
_MEASURE = re.compile(rf"(?<![0-9.,])({_NUMBER_TEXT})\s?({_one_of(dict(_UNITS))})(?![\w/])")
_DECADE = re.compile(r"(?<![\w.,])([0-9]{1,4})er(n?)\b")
_RANGE = re.compile(rf"(?<![\w.,/-])({_NUMBER_TEXT})\s?-\s?(?={_NUMBER_TEXT}(?![\w/-]))")
_MINUS = re.compile(r"(?<![^\s(\"'])-(?=[0-9])")
_NUMBER = re.compile(r"([0-9]{1,3}(?:[. ][0-9]{3})+(?![0-9])|[0-9]+)((?:[.,][0-9]+)*)")


def normalise(text: str) -> str:
    """German `text` spelled out, in lower case; see `Language.normalise`."""
    for letter in "aouAOU":
        text = text.replace(f"{letter}\u0308", "äöüÄÖÜ"["aouAOU".index(letter)])
    text = _expand_abbreviations(text.replace("\u0308", ""))
    text = re.sub(r"-{2,}", " - ", text)
    text = _DATE.sub(lambda match: f"{match[1]}. {_MONTH.split('|')[int(match[2]) - 1]} {match[3]}", text)
    text = _CLOCK.sub(_say_clock, text)
    text = _MONEY_AFTER.sub(_say_money, text)
    text = _MONEY_BEFORE.sub(_say_money, text)
    text = _SCALED.sub(lambda match: _apart(match, _scaled(match["amount"], match["scale"])), text)
    text = _MEASURE.sub(lambda match: _apart(match, f"{_unit_amount(match[1])} {_UNITS[match[2]]}"), text)
    text = _ORDINAL.sub(_say_ordinal, text)
    text = _DECADE.sub(lambda match: _apart(match, f"{_year_or_cardinal(match[1])}er{match[2]}"), text)
    text = _RANGE.sub(r"\1 bis ", text)
    text = _MINUS.sub("minus ", text)
    text = _NUMBER.sub(_say_number, text)
    return say_signs(text, _SIGN_WORDS).lower()


def _expand_abbreviations(text: str) -> str:
    text = _PHRASE.sub(lambda match: _say_abbreviation(match, _PHRASES), text)
    text = _TITLE.sub(lambda match: _say_abbreviation(match, _TITLES), text)
    return _PAGE.sub("Seite ", text)


def _say_abbreviation(match: re.Match[str], words: dict[str, str]) -> str:
    key = re.sub(r"\s", "", match[0]).lower()
    word = next(word for short, word in words.items() if short.lower() == key)
    # A title and its name are never two sentences.
    if words is _TITLES:
        return f"{word} "
    at_end = _SENTENCE_ENDS.match(match.string, match.end()) is not None
    closes = at_end and (word in ("und so weiter", "et cetera") or match.string[match.end() :].strip() == "")
    return _apart(match, f"{word}{'.' if closes else ''}")


def _words(number: int, kind: str) -> str:
    # Imported here: the package loads every language it knows, which only callers with numbers should pay.
    from num2words import num2words

    return str(num2words(number, lang="de", to=kind))


def _digits(digits: str) -> str:
    return " ".join(_words(int(digit), "cardinal") for digit in digits)


def _cardinal(digits: str) -> str:
    digits = re.sub(r"[. ]", "", digits)
    if len(digits) > _MAX_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return _digits(digits)
    return _words(int(digits), "cardinal")


def _year_or_cardinal(digits: str) -> str:
    is_year = len(digits) == 4 and 1100 <= int(digits) < 2000
    return _words(int(digits), "year") if is_year else _cardinal(digits)


def _amount(amount: str) -> str:
    whole, _, decimals = amount.partition(",")
    return f"{_cardinal(whole)} Komma {_digits(decimals)}" if decimals else _cardinal(whole)


def _unit_amount(amount: str) -> str:
    return "ein" if amount == "1" else _amount(amount)


def _scaled(amount: str, scale: str) -> str:
    one, many = _SCALES[scale.strip()]
    if amount == "1":
        return one if one == "tausend" else f"eine {one}"
    return f"{_amount(amount)} {many}"


def _say_money(match: re.Match[str]) -> str:
    unit, amount = _CURRENCIES[match["sign"]], match["amount"]
    whole, _, cents = amount.partition(",")
    if match["scale"]:
        return _apart(match, f"{_scaled(amount, match['scale'])} {unit}")
    if len(cents) == 2:
        said = f"{_unit_amount(whole)} {unit}" + ("" if cents == "00" else f" {_cardinal(str(int(cents)))}")
        return _apart(match, said)
    return _apart(match, f"{_unit_amount(amount)} {unit}")


def _say_clock(match: re.Match[str]) -> str:
    if ":" not in match[0] and not match["word"]:
        return match[0]  # 9.30 without "Uhr" is a number or a section
    hour, minute = int(match["hour"]), int(match["minute"])
    words = ["ein" if hour == 1 else _cardinal(str(hour)), "Uhr"] + (
        [_cardinal(str(minute))] if minute else []
    )
    if match["second"]:
        words += ["und", _unit_amount(str(int(match["second"]))), "Sekunden"]
    return _apart(match, " ".join(words))


def _say_ordinal(match: re.Match[str]) -> str:
    before, word = match["before"] or "", match["month"] or match["noun"] or match["word"]
    # Under re.I both letter groups match either case, so the case is looked at here.
    follows_noun = word[0].isupper()
    if not match["month"] and follows_noun and not before:
        return match[0]
    ordinal = _words(int(match["number"]), "ordinal")
    article = before.lower()
    if re.fullmatch(_OBLIQUE, article):
        ordinal += "n"
    elif re.fullmatch(_STRONG, article) or (match["month"] and not article):
        ordinal += "r"
    return f"{before} {ordinal} {word}".lstrip()


def _say_number(match: re.Match[str]) -> str:
    whole, rest = match[1], match[2]
    if not rest:
        return _apart(match, _year_or_cardinal(whole) if whole.isdigit() else _cardinal(whole))
    parts = re.findall(r"([.,])([0-9]+)", rest)
    said = [f"{'Komma' if sign == ',' else 'Punkt'} {_digits(digits)}" for sign, digits in parts]
    return _apart(match, " ".join([_cardinal(whole), *said]))


def _apart(match: re.Match[str], words: str) -> str:
    """`words` in place of `match`, with a space towards a letter or digit beside it."""
    start, end = match.span()
    left = " " if start and match.string[start - 1].isalnum() else ""
    right = " " if end < len(match.string) and match.string[end].isalnum() else ""
    return f"{left}{words}{right}"


LANGUAGE = Language(
    code="de",
    name="German",
    letters=LATIN_LETTERS + "äöüß",
    signs="".join(_SIGN_WORDS),
    normalise=normalise,
    variants="\u0308ẞ",
)
