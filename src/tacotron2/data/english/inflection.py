"""Regular English word forms: plurals, verb forms, `a` or `an`. The vocabulary spells out irregular ones."""

from __future__ import annotations

import re

# One vowel group closed by one consonant (stop, grab, quiz): the last letter doubles before -ed and -ing.
_SHORT = re.compile(r"(?:[^aeiou]|(?<=q)u)*[aeiou][bcdfgklmnprstvz]")
_SIBILANT = re.compile(r".*(?:s|x|z|ch|sh)")
_CONSONANT_Y = re.compile(r".*[^aeiou]y")
_AN = re.compile(
    r"(?!uni(?:que|form|ver)|u(?:s[eu]|r[ai]|kr)|eu|one\b|once\b)[aeiou]|hon(?:est|or)|hour|heir", re.I
)
_ARTICLE = re.compile(r"\b([Aa]) (?=([A-Za-z]+))")


def noun_forms(entry: str) -> dict[str, str]:
    """`mouse/mice` or `cat` to {"": singular, "s": plural}."""
    singular, _, plural = entry.partition("/")
    return {"": singular, "s": plural or _with_s(singular)}


def verb_forms(entry: str) -> dict[str, str]:
    """`break/broke/broken` or `mend` to the base form "" and "s", "ed", "en" (participle), "ing"."""
    base, *irregular = entry.split("/")
    past = irregular[0] if irregular else _stem(base, "ed") + "ed"
    participle = irregular[1] if len(irregular) > 1 else past
    return {"": base, "s": _with_s(base), "ed": past, "en": participle, "ing": _stem(base, "ing") + "ing"}


def choose_articles(text: str) -> str:
    """Every article `a` of the text as `a` or `an`, by the sound that follows."""
    return _ARTICLE.sub(lambda match: match[1] + ("n " if _AN.match(match[2]) else " "), text)


def _with_s(word: str) -> str:
    if _CONSONANT_Y.fullmatch(word):
        return word[:-1] + "ies"
    if word.endswith("z") and _SHORT.fullmatch(word):
        return word + "zes"
    if _SIBILANT.fullmatch(word) or word == "go":
        return word + "es"
    return word + "s"


def _stem(base: str, ending: str) -> str:
    """The verb as it stands before -ed or -ing."""
    if ending == "ed" and _CONSONANT_Y.fullmatch(base):
        return base[:-1] + "i"
    if ending == "ing" and base.endswith("ie"):
        return base[:-2] + "y"
    if base.endswith("e") and (ending == "ed" or not base.endswith(("ee", "oe", "ye"))):
        return base[:-1]
    if _SHORT.fullmatch(base):
        return base + base[-1]
    return base
