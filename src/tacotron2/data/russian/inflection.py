"""Russian word forms from the entries of the vocabulary, and what changes with the next word.

An entry is a dictionary form, and what a rule cannot know about it:

    noun         стол' | отец'/отц | сын(pn=сыновья) : `'` for a stressed ending, `/` and the stem of all
                 other forms, in brackets single forms
    adjective    новый
    verb         делать | писать/пишет | нести/несёт/нёс,несла : the present, the past in both genders

Forms of nouns are named by number (s, p) and case (n, g, d, a, i, p; l for the place), those of adjectives by
gender or plural (m, f, n, p) and case (A for the accusative of a living being), those of verbs by the gender
of the past or by person and number of the present.
"""

from __future__ import annotations

import re

_HUSH = "жшчщ"
_ENTRY = re.compile(r"(?P<word>[\w-]+)(?P<end>')?(?:/(?P<stem>\w+))?(?:\((?P<forms>[^)]*)\))?")
_PRESENT = {"овать": "ует", "ать": "ает", "ять": "яет", "еть": "еет", "ить": "ит", "нуть": "нет"}
_REFLEXIVE = re.compile(r"(.+(?:ть|чь|ти))с[ья]")
# The vowel-adding prepositions: во вторник, со стола, об игре.
_PREPOSITIONS = (
    (re.compile(r"\b([Вв]) (?=[вф][бвгджзйклмнпрстфхцчшщ]|двор)", re.IGNORECASE), "о"),
    (re.compile(r"\b([Сс]) (?=[сзшж][бвгджзйклмнпрстфхцчшщ]|щ|льв)", re.IGNORECASE), "о"),
    (re.compile(r"\b([Оо]) (?=[аиоуэ])", re.IGNORECASE), "б"),
)


def noun_forms(entry: str, *, animate: bool) -> dict[str, str]:
    """Every form of a noun; "" is the nominative. Animate ones have no accusative plural."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"{entry!r} is not an entry of a noun")
    word, stressed = match["word"], bool(match["end"])
    last = word[-1]
    stem = match["stem"] or (word if last not in "аяоеёьй" else word[:-1])
    if last in "ая":
        forms = _first(word, stem, stressed)
    elif last in "оеё":
        forms = _neuter(word, stem)
    else:
        forms = _second(word, stem, stressed, animate)
    return _complete(word, forms, match["forms"])


def soft_feminine_forms(entry: str) -> dict[str, str]:
    """Every form of a feminine noun in -ь: дверь, двери, дверью."""
    match = _ENTRY.fullmatch(entry)
    assert match is not None and match["word"][-1] == "ь", entry
    word = match["word"]
    stem = match["stem"] or word[:-1]
    forms = dict.fromkeys(("sg", "sd", "sp", "pn"), stem + "и") | {"sa": word, "si": word[:-1] + "ью"}
    return _complete(word, forms, match["forms"])


def adjective_forms(entry: str) -> dict[str, str]:
    """Every form of an adjective; "" is the masculine nominative."""
    stem, ending = entry[:-2], entry[-2:]
    soft = ending == "ий" and stem[-1] not in "гкх" + _HUSH
    hushed = ending == "ий" and stem[-1] in _HUSH
    i = "и" if soft or stem[-1] in "гкх" + _HUSH else "ы"
    o = "е" if soft or hushed else "о"
    genitive, dative = f"{stem}{o}го", f"{stem}{o}му"
    forms = {"mn": entry, "mg": genitive, "md": dative, "ma": entry, "mA": genitive}
    forms |= {"mi": f"{stem}{i}м", "mp": f"{stem}{o}м"}
    forms |= {f"n{case}": forms[f"m{case}"] for case in "gdip"} | dict.fromkeys(("nn", "na"), f"{stem}{o}е")
    forms |= dict.fromkeys(("fg", "fd", "fi", "fp"), f"{stem}{o}й")
    forms |= {"fn": stem + ("яя" if soft else "ая")}
    forms |= dict.fromkeys(("fa", "fA"), stem + ("юю" if soft else "ую"))
    forms |= dict.fromkeys(("pn", "pa"), f"{stem}{i}е") | dict.fromkeys(("pg", "pA", "pp"), f"{stem}{i}х")
    return {"": entry, **forms, "pd": f"{stem}{i}м", "pi": f"{stem}{i}ми"}


def verb_forms(entry: str) -> dict[str, str]:
    """Infinitive "", past m f n p, and of the present (or future) s2 s3 p1 p2 p3."""
    infinitive, *given = entry.split("/")
    match = _REFLEXIVE.fullmatch(infinitive)
    base = match[1] if match else infinitive
    present = given[0] if given else _present(base)
    if match and given:
        present = present.removesuffix("ся")
    masculine, feminine = given[1].split(",") if len(given) > 1 else (base[:-2] + "л", base[:-2] + "ла")
    forms = {"m": masculine, "f": feminine, "n": feminine[:-1] + "о", "p": feminine[:-1] + "и"}
    forms |= {"s2": present[:-1] + "шь", "s3": present, "p1": present[:-1] + "м", "p2": present + "е"}
    forms["p3"] = _plural(present)
    if match:
        forms = {name: form + ("сь" if form[-1] in "аеёиоуыэюя" else "ся") for name, form in forms.items()}
    return {"": infinitive, **forms}


def choose_prepositions(text: str) -> str:
    """Every в, с and о of the text as во, со and об where the next word asks for it."""
    for pattern, vowel in _PREPOSITIONS:
        text = pattern.sub(rf"\1{vowel} ", text)
    return text


def _complete(word: str, forms: dict[str, str], given: str | None) -> dict[str, str]:
    """With the nominative, the place (the prepositional, if nothing else is given) and the given forms."""
    singles = dict(item.split("=") for item in given.split(",")) if given else {}
    forms = {"": word, "sn": word, **forms, **singles}
    forms.setdefault("sl", forms["sp"])
    return forms


def _first(word: str, stem: str, stressed: bool) -> dict[str, str]:
    """Nouns in -а and -я: книга, неделя, станция, and men such as юноша."""
    soft = word[-1] == "я"
    many = stem + ("и" if soft or stem[-1] in "гкх" + _HUSH else "ы")
    dative = stem + ("и" if word.endswith("ия") else "е")
    vowel = ("ё" if stressed else "е") if soft else "е" if stem[-1] in _HUSH + "ц" and not stressed else "о"
    accusative = stem + ("ю" if soft else "у")
    return {"sg": many, "sd": dative, "sa": accusative, "si": f"{stem}{vowel}й", "sp": dative, "pn": many}


def _second(word: str, stem: str, stressed: bool, animate: bool) -> dict[str, str]:
    """Masculine nouns: стол, конь, чай."""
    last = word[-1]
    soft = last in "ьй"
    genitive = stem + ("я" if soft else "а")
    high = "ё" if soft else "о"
    instrumental = stem + (("е" if soft or stem[-1] in _HUSH + "ц" else "о") if not stressed else high) + "м"
    place = stem + ("и" if word.endswith("ий") else "е")
    forms = {"sg": genitive, "sd": stem + ("ю" if soft else "у"), "sa": genitive if animate else word}
    forms |= {"si": instrumental, "sp": place}
    forms["pn"] = stem + ("и" if soft or stem[-1] in "гкх" + _HUSH else "ы")
    if last == "ь" or stem[-1] in _HUSH:
        forms["pg"] = stem + "ей"
    elif last == "й":
        forms["pg"] = stem + ("ёв" if stressed else "ев")
    else:
        forms["pg"] = stem + ("ев" if stem[-1] == "ц" and not stressed else "ов")
    return forms


def _neuter(word: str, stem: str) -> dict[str, str]:
    """Neuter nouns: окно, поле, здание, копьё."""
    soft = word[-1] in "её" and stem[-1] not in _HUSH + "ц"
    place = stem + ("и" if word.endswith("ие") else "е")
    forms = {"sg": stem + ("я" if soft else "а"), "sd": stem + ("ю" if soft else "у"), "sa": word}
    return forms | {"si": word + "м", "sp": place, "pn": stem + ("я" if soft else "а")}


def _present(infinitive: str) -> str:
    for ending, present in _PRESENT.items():
        if infinitive.endswith(ending):
            return infinitive.removesuffix(ending) + present
    raise ValueError(f"the present of {infinitive!r} has no rule: write it after a /")


def _plural(present: str) -> str:
    """They: делают, пишут, говорят, кричат."""
    if present.endswith("ит"):
        return present[:-2] + ("ат" if present[-3] in _HUSH else "ят")
    return present[:-2] + ("ют" if present[-3] in "аеёиоуыэюяльл" else "ут")
