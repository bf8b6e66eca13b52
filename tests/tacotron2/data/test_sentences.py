"""The sentence generator: lengths, variety, held-out words, repeatability."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest

from tacotron2.data import english
from tacotron2.data.english import load_vocabulary
from tacotron2.data.english.grammar import RULES
from tacotron2.data.sentences import SentenceError, Sentences, write_sentences


def spoken_words(text: str) -> list[str]:
    return re.findall(r"[a-z]+(?:'t)?", text.lower().replace("'s", ""))


@pytest.fixture(scope="module")
def default() -> Sentences:
    return write_sentences(english.GRAMMAR, 1500, 48, 32, 12, 40, seed=20)


@pytest.fixture(scope="module")
def probe() -> Sentences:
    return write_sentences(english.GRAMMAR, 500, 48, 32, 10, 22, seed=3)


def every_text(made: Sentences) -> list[str]:
    return made.train + made.validation + made.test


def test_counts_and_lengths(default: Sentences, probe: Sentences) -> None:
    assert [len(default.train), len(default.validation), len(default.test)] == [1500, 48, 32]
    assert {12, 40} <= {len(text) for text in every_text(default)} <= set(range(12, 41))
    assert {10, 22} <= {len(text) for text in every_text(probe)} <= set(range(10, 23))
    long = every_text(write_sentences(english.GRAMMAR, 16, 2, 2, 150, 170, seed=1))
    assert len(long) == 20 and all(150 <= len(text) <= 170 for text in long)


def test_lengths_are_spread_evenly(default: Sentences) -> None:
    quarters = Counter((len(text) - 12) * 4 // 29 for text in default.train)
    assert min(quarters.values()) > 1500 / 4 * 0.75


def test_no_sentence_twice_in_any_split(default: Sentences, probe: Sentences) -> None:
    for made in (default, probe):
        said = [" ".join(spoken_words(text)) for text in every_text(made)]
        assert len(set(said)) == len(said)


def test_held_out_words_never_occur_in_training(default: Sentences, probe: Sentences) -> None:
    for made in (default, probe):
        known = {word for text in made.train for word in spoken_words(text)}
        assert not known & made.reserved
        for split in (made.validation, made.test):
            tokens = [word for text in split for word in spoken_words(text)]
            unseen = Counter(word for word in tokens if word not in known)
            assert sum(unseen.values()) >= 0.2 * len(tokens)
            assert all(set(spoken_words(text)) - known for text in split)
            assert len(unseen) >= 0.7 * sum(unseen.values()), "the unseen words are the same few"


def test_variety(default: Sentences) -> None:
    assert len({entry.lemma.lower() for pool in load_vocabulary().values() for entry in pool}) >= 2000
    assert len({word for text in default.train for word in spoken_words(text)}) >= 2000
    letters = Counter("".join(default.train).lower())
    assert min(letters[letter] for letter in "abcdefghijklmnopqrstuvwxyz") >= 90
    for mark, share in (("?", 0.08), ("!", 0.08), (",", 0.2), ('"', 0.03), (".", 0.5), ("'", 0.01)):
        assert sum(mark in text for text in default.train) >= share * len(default.train), mark


def test_writing(default: Sentences) -> None:
    for text in every_text(default):
        assert re.fullmatch(r"[A-Za-z ,.!?;'\"]+", text), text
        assert re.match(r'"?[A-Z]', text) and re.search(r'[.!?]"?$', text), text
        assert "  " not in text and text.count('"') in (0, 2), text


def test_agreement(default: Sentences) -> None:
    number = "two|three|four|five|six|seven|eight|nine|ten|twenty|these|those"
    singular = {entry.forms[""] for entry in load_vocabulary()["thing"] if len(set(entry.forms.values())) > 1}
    wrong = (
        r"\b(?:he|she|it|\w+'s mother|the baker) (?:are|were|have)\b",
        r"\b(?:we|they|you) (?:is|was|has|does)\b",
        r"\ba [aio]\w+|\ban [bcdfgjklmnpqrstvwxyz]\w+",
        rf"\b(?:{number}) (?:{'|'.join(sorted(singular))})\b",
    )
    for text in every_text(default):
        assert not any(re.search(pattern, text, re.IGNORECASE) for pattern in wrong), text


def test_every_slot_exists_and_every_word_class_is_used() -> None:
    vocabulary = load_vocabulary()
    used = set()
    for patterns in RULES.values():
        for name, form in re.findall(r"\{(\w+)\.?(\w*)\}", " ".join(patterns)):
            used.add(name)
            assert name in RULES or form in vocabulary[name][0].forms, f"{name}.{form}"
    assert used | {"LINE"} == set(vocabulary) | set(RULES)


def test_no_word_twice_in_a_class() -> None:
    for name, pool in load_vocabulary().items():
        counts = Counter(entry.lemma for entry in pool)
        assert max(counts.values()) == 1, (name, counts.most_common(1))


def test_irregular_spellings_are_never_reserved(default: Sentences) -> None:
    marked = {s for pool in load_vocabulary().values() for e in pool if not e.ordinary for s in e.spellings}
    assert len(marked) > 300 and not marked & default.reserved
    assert len(default.reserved) > 200


def test_the_seed_decides() -> None:
    assert write_sentences(english.GRAMMAR, 40, 4, 4, 12, 40, seed=5) == write_sentences(
        english.GRAMMAR, 40, 4, 4, 12, 40, seed=5
    )
    assert (
        write_sentences(english.GRAMMAR, 40, 4, 4, 12, 40, seed=5).train
        != write_sentences(english.GRAMMAR, 40, 4, 4, 12, 40, seed=6).train
    )


def test_more_held_out_sentences_leave_training_alone() -> None:
    assert (
        write_sentences(english.GRAMMAR, 40, 4, 4, 12, 40, 5).train
        == write_sentences(english.GRAMMAR, 40, 20, 9, 12, 40, 5).train
    )


def test_the_sentences_of_a_seed_belong_to_the_grammar_version(default: Sentences) -> None:
    """When this fails, the corpora on people's disks are no longer what the code makes: raise the version."""
    digest = hashlib.sha256("\n".join(every_text(default)).encode()).hexdigest()[:16]
    assert (english.GRAMMAR.version, digest) == (1, "1d0475c93e909554")


def test_impossible_wishes_are_refused() -> None:
    with pytest.raises(SentenceError, match=r"of 5 to 6 characters.*demo\.demo_clips"):
        write_sentences(english.GRAMMAR, 50, 2, 2, 5, 6, seed=1)
