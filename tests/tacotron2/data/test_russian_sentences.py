"""Russian demo sentences: word forms against golden tables, agreement, variety, held-out words."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest

from tacotron2.data.russian import GRAMMAR, load_vocabulary
from tacotron2.data.russian.inflection import (
    adjective_forms,
    choose_prepositions,
    noun_forms,
    soft_feminine_forms,
    verb_forms,
)
from tacotron2.data.sentences import Sentences, write_sentences
from tacotron2.text import text_to_sequence


@pytest.fixture(scope="module")
def default() -> Sentences:
    return write_sentences(GRAMMAR, 1500, 48, 32, 12, 40, seed=20)


def every_text(made: Sentences) -> list[str]:
    return made.train + made.validation + made.test


@pytest.mark.parametrize(
    ("entry", "animate", "forms"),
    [
        ("стол'", False, "стол стола столу стол столом столе столы столов"),
        ("кузнец'", True, "кузнец кузнеца кузнецу кузнеца кузнецом кузнеце кузнецы кузнецов"),
        ("заяц/зайц", True, "заяц зайца зайцу зайца зайцем зайце зайцы зайцев"),
        ("врач'", True, "врач врача врачу врача врачом враче врачи врачей"),
        ("воробей'/воробь", True, "воробей воробья воробью воробья воробьём воробье воробьи воробьёв"),
        ("гений", True, "гений гения гению гения гением гении гении гениев"),
        ("конь'", True, "конь коня коню коня конём коне кони коней"),
        ("учитель(pn=учителя)", True, "учитель учителя учителю учителя учителем учителе учителя учителей"),
        ("юноша", True, "юноша юноши юноше юношу юношей юноше юноши -"),
        ("книга", False, "книга книги книге книгу книгой книге книги -"),
        ("свеча'", False, "свеча свечи свече свечу свечой свече свечи -"),
        ("станция", False, "станция станции станции станцию станцией станции станции -"),
        ("змея'", True, "змея змеи змее змею змеёй змее змеи -"),
        ("окно'", False, "окно окна окну окно окном окне окна -"),
        ("блюдце", False, "блюдце блюдца блюдцу блюдце блюдцем блюдце блюдца -"),
        ("здание", False, "здание здания зданию здание зданием здании здания -"),
        ("копьё'", False, "копьё копья копью копьё копьём копье копья -"),
    ],
)
def test_nouns(entry: str, animate: bool, forms: str) -> None:
    made = noun_forms(entry, animate=animate)
    assert [made.get(name, "-") for name in ["sn", "sg", "sd", "sa", "si", "sp", "pn", "pg"]] == forms.split()


def test_feminine_nouns_in_a_soft_sign() -> None:
    made = soft_feminine_forms("дверь")
    assert [made[name] for name in ("sn", "sg", "sa", "si", "pn")] == [
        "дверь",
        "двери",
        "дверь",
        "дверью",
        "двери",
    ]


@pytest.mark.parametrize(
    ("entry", "forms"),
    [
        ("новый", "новый нового новым новая новой новую новое новые"),
        ("синий", "синий синего синим синяя синей синюю синее синие"),
        ("тихий", "тихий тихого тихим тихая тихой тихую тихое тихие"),
        ("хороший", "хороший хорошего хорошим хорошая хорошей хорошую хорошее хорошие"),
        ("большой", "большой большого большим большая большой большую большое большие"),
    ],
)
def test_adjectives(entry: str, forms: str) -> None:
    made = adjective_forms(entry)
    assert [made[name] for name in ["mn", "mA", "mi", "fn", "fg", "fa", "nn", "pn"]] == forms.split()


@pytest.mark.parametrize(
    ("entry", "forms"),
    [
        ("делать", "делал делала делали делаешь делает делаем делаете делают"),
        ("рисовать", "рисовал рисовала рисовали рисуешь рисует рисуем рисуете рисуют"),
        ("дремать/дремлет", "дремал дремала дремали дремлешь дремлет дремлем дремлете дремлют"),
        ("кричать/кричит", "кричал кричала кричали кричишь кричит кричим кричите кричат"),
        ("нести/несёт/нёс,несла", "нёс несла несли несёшь несёт несём несёте несут"),
        (
            "смеяться/смеётся",
            "смеялся смеялась смеялись смеёшься смеётся смеёмся смеётесь смеются",
        ),
        ("учиться", "учился училась учились учишься учится учимся учитесь учатся"),
    ],
)
def test_verbs(entry: str, forms: str) -> None:
    made = verb_forms(entry)
    assert [made[name] for name in ["m", "f", "p", "s2", "s3", "p1", "p2", "p3"]] == forms.split()


def test_prepositions_take_a_vowel_where_the_next_word_asks() -> None:
    text = "в вторник с столом о игре, в воде с домом о ёлке, в дворе, в Владивостоке"
    assert (
        choose_prepositions(text)
        == "во вторник со столом об игре, в воде с домом о ёлке, во дворе, во Владивостоке"
    )


def test_counts_lengths_and_no_sentence_twice(default: Sentences) -> None:
    assert [len(default.train), len(default.validation), len(default.test)] == [1500, 48, 32]
    assert {12, 40} <= {len(text) for text in every_text(default)} <= set(range(12, 41))
    said = [tuple(GRAMMAR.words(text)) for text in every_text(default)]
    assert len(set(said)) == len(said)


def test_held_out_sentences_have_words_of_their_own(default: Sentences) -> None:
    known = {word for text in default.train for word in GRAMMAR.words(text)}
    assert len(default.reserved) > 1000 and not known & default.reserved
    for text in default.validation + default.test:
        said = GRAMMAR.words(text)
        assert sum(word not in known for word in said) >= 0.2 * len(said), text


def test_variety(default: Sentences) -> None:
    assert len({word for text in default.train for word in GRAMMAR.words(text)}) >= 2000
    letters = Counter("".join(default.train).lower())
    assert min(letters[letter] for letter in "абвгдеёжзийклмнопрстуфхцчшщъыьэюя") >= 80
    for mark, share in (("?", 0.08), ("!", 0.06), (",", 0.2), ('"', 0.02), (".", 0.5)):
        assert sum(mark in text for text in default.train) >= share * len(default.train), mark


def test_every_sentence_is_written_and_read_as_russian(default: Sentences) -> None:
    for text in every_text(default):
        assert re.fullmatch(r"[А-ЯЁа-яё ,.!?\"-]+", text), text
        assert re.match(r'"?[А-ЯЁ]', text) and re.search(r"[.!?]$", text) and "  " not in text, text
        assert text_to_sequence(text, "ru").dropped == ()


def test_agreement(default: Sentences) -> None:
    vocabulary = load_vocabulary()
    feminine = "|".join(entry.lemma for name in ("thing_f", "thing_ь") for entry in vocabulary[name])
    masculine = "|".join(entry.lemma for entry in vocabulary["thing_m"])
    wrong = (
        rf"\b(?:мой|твой|наш|этот|чей это) (?:{feminine})\b",
        rf"\b(?:моя|твоя|наша|эта|чья это) (?:{masculine})\b",
        r"\bдва \w+[иы]\b",
        r"\b(?:мы|вы|ты) \w+(?:ет|ит)\b",
        r"\bв в[бвгджзклмнпрст]|\bо [аиоуэ]",
    )
    for text in every_text(default):
        assert not any(re.search(pattern, text, re.IGNORECASE) for pattern in wrong), text


def test_every_slot_has_its_form_and_every_class_is_used() -> None:
    vocabulary = load_vocabulary()
    used = set()
    for patterns in GRAMMAR.rules.values():
        for name, form in re.findall(r"\{(\w+)\.?(\w*)\}", " ".join(patterns)):
            used.add(name)
            known = name in GRAMMAR.rules or all(form in entry.forms for entry in vocabulary[name])
            assert known, f"{name}.{form}"
    assert used | {"LINE"} == set(vocabulary) | set(GRAMMAR.rules)


def test_no_word_twice_in_a_class() -> None:
    for name, pool in load_vocabulary().items():
        counts = Counter(entry.lemma for entry in pool)
        assert max(counts.values()) == 1, (name, counts.most_common(1))


def test_the_sentences_of_a_seed_belong_to_the_grammar_version(default: Sentences) -> None:
    """When this fails, the corpora on people's disks are no longer what the code makes: raise the version."""
    digest = hashlib.sha256("\n".join(every_text(default)).encode()).hexdigest()[:16]
    assert (GRAMMAR.version, digest) == (1, "e6ffc3127dc7b62e")
