"""Text front end: any sentence to the 60 symbols the model reads, and back."""

from tacotron2.text.characters import CHARACTER_TABLE, LETTER_TABLE, TextError
from tacotron2.text.dictionary import DictionaryError, load_dictionary, parse_dictionary
from tacotron2.text.language import LANGUAGE_MODULES, Language, LanguageError, find_language
from tacotron2.text.phonemes import StressError
from tacotron2.text.sequence import (
    EncodedText,
    normalise,
    sequence_to_text,
    text_to_sequence,
    with_stress,
)
from tacotron2.text.symbols import CTC_SYMBOLS, END, PADDING, PUNCTUATION, START, SYMBOLS

__all__ = [
    "CHARACTER_TABLE",
    "CTC_SYMBOLS",
    "END",
    "LANGUAGE_MODULES",
    "LETTER_TABLE",
    "PADDING",
    "PUNCTUATION",
    "START",
    "SYMBOLS",
    "DictionaryError",
    "EncodedText",
    "Language",
    "LanguageError",
    "StressError",
    "TextError",
    "find_language",
    "load_dictionary",
    "normalise",
    "parse_dictionary",
    "sequence_to_text",
    "text_to_sequence",
    "with_stress",
]
