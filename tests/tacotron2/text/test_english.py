"""Golden strings of the English normaliser, and real transcripts where they are at hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tacotron2.text import normalise, text_to_sequence
from tests.real_recordings import ljspeech_folder

GOLDEN = [
    # cardinals, decimals, negatives, separators
    ("0 1 12 21 100 101", "zero one twelve twenty-one one hundred one hundred and one"),
    ("1,984 people", "one thousand nine hundred and eighty-four people"),
    ("1,234,567", "one million two hundred and thirty-four thousand five hundred and sixty-seven"),
    ("3.14, 0.5, .5, 10.00", "three point one four, zero point five, point five, ten point zero zero"),
    ("-5 degrees (-3.2)", "minus five degrees (minus three point two)"),
    ("007 v1.2.3", "zero zero seven v one point two point three"),
    ("It ended in 3.", "it ended in three."),
    ("call 555-123-4567", "call five five five, one two three, four five six seven"),
    ("1234567890123456", "one two three four five six seven eight nine zero one two three four five six"),
    # ranges, ratios, fractions
    ("10-20, 1914–18, 5 — 6", "ten to twenty, nineteen fourteen to eighteen, five to six"),
    ("in 1984 - 30 of them", "in nineteen eighty-four - thirty of them"),
    ("it was 3:1", "it was three to one"),
    ("1/2 cup, 2½ cups, ¾, 2/3", "one half cup, two and one half cups, three quarters, two thirds"),
    ("24/7", "twenty-four slash seven"),
    # glued to letters
    ("MP3s, B2B, 3D, F-16, 747s, covid-19", "mp threes, b two b, three d, f-sixteen, seven hundred and "
     "forty-sevens, covid-nineteen"),
    # ordinals
    ("2nd 3rd 22nd 101st 1,000th", "second third twenty-second one hundred and first one thousandth"),
    # years, decades, dates
    ("in 1984, 1905, 2005, 2012, 1066", "in nineteen eighty-four, nineteen oh-five, two thousand and five, "
     "twenty twelve, ten sixty-six"),
    ("the 1900s, 1980's, '80s, 2010s", "the nineteen hundreds, nineteen eighties, eighties, twenty tens"),
    ("1984's best", "nineteen eighty-four's best"),
    ("May 5, 1984", "may fifth, nineteen eighty-four"),
    ("the 5 May and Dec. 25", "the fifth of may and december twenty-fifth"),
    ("10 may have left", "ten may have left"),
    ("2024-05-17", "may seventeenth, twenty twenty-four"),
    # money
    ("$3.50 £2.01 €1", "three dollars and fifty cents two pounds and one penny one euro"),
    ("$1.5 million, $5M, £2bn", "one point five million dollars, five million dollars, two billion pounds"),
    ("$0.99, $.05, $1.00", "ninety-nine cents, five cents, one dollar"),
    ("$1,234.56", "one thousand two hundred and thirty-four dollars and fifty-six cents"),
    ("-$5, $5-10, $5-$10", "minus five dollars, five to ten dollars, five to ten dollars"),
    ("20 €, 5€, ¥500, 50¢, $2000", "twenty euros, five euros, five hundred yen, fifty cents, two thousand "
     "dollars"),
    # percentages, measures
    ("50%, 12.5 %, (5-10%)", "fifty percent, twelve point five percent, (five to ten percent)"),
    ("5 km, 1 km, 10lbs, 60 mph", "five kilometers, one kilometer, ten pounds, sixty miles per hour"),
    ("20°C, -5 °F, 1°", "twenty degrees celsius, minus five degrees fahrenheit, one degree"),
    # times of day
    ("7:30, 7:00, 7:05", "seven thirty, seven o'clock, seven oh five"),
    ("12:15 am, 7:00 p.m. sharp", "twelve fifteen a m, seven p m sharp"),
    ("5pm, 9p.m. or 5 p.m. He left.", "five p m, nine p m or five p m. he left."),
    ("9:15:01", "nine fifteen and one second"),
    # abbreviations
    ("Mr. Smith, Mrs Jones and Dr. Brown", "mister smith, missus jones and doctor brown"),
    ("St. Paul met on Baker St. The rest left.", "saint paul met on baker street. the rest left."),
    ("In St. Louis, at 12 Main St. Apt. B, 5th St. bridge", "in saint louis, at twelve main street apt. b, "
     "fifth street bridge"),
    ("Wall St. and Ocean Dr. are long", "wall street and ocean drive are long"),
    ("No. 5, Nos. 1-3, vol. 3, pp. 5-7", "number five, numbers one to three, volume three, pages five to "
     "seven"),
    ("No. I do not.", "no. i do not."),
    ("cats, dogs, etc., e.g. mine, etc.", "cats, dogs, et cetera, for example mine, et cetera."),
    ("Acme Inc. of Sgt. Gray Jr. and Co.", "acme incorporated of sergeant gray junior and company."),
    ("us vs. them, approx. 5", "us versus them, approximately five"),
    # signs
    ("R&D, AT&T, me@example.com", "r and d, at and t, me at example dot com"),
    ("C++ #1 #tag a=b ~5 x_y", "c plus plus number one hash tag a equals b about five x underscore y"),
    ("and/or 4*5 © 3×2 ±1", "and slash or four times five copyright three times two plus or minus one"),
    # white space and punctuation
    (" Wait ... what?!  Hello , world -- yes ! ", "wait... what?! hello, world - yes!"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GOLDEN, ids=[text for text, _ in GOLDEN])
def test_golden(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_the_number_package_is_loaded_only_for_numbers() -> None:
    script = (
        "import sys; from tacotron2.text import text_to_sequence as f; f('No numbers here.');"
        "assert 'num2words' not in sys.modules; f('But 1.'); assert 'num2words' in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": ":".join(sys.path)}
    )


def test_real_transcripts_agree_with_their_readers() -> None:
    """What people wrote down as spoken (third column) is what we make of the written sentence."""
    lines = (ljspeech_folder() / "metadata.csv").read_text(encoding="utf-8").splitlines()
    for _, raw, spelled in (line.split("|") for line in lines[:200]):
        encoded = text_to_sequence(raw)
        assert encoded.dropped == ()
        assert not re.search(r"[0-9]", encoded.text)
        assert encoded.text == normalise(spelled)
