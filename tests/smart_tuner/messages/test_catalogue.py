"""Every phrase is whole in both languages, used, and used with the parameters that it wants."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_tuner.messages import CATALOGUES, EndPhrase, Language, Message, Phrase, find_phrase, render
from smart_tuner.messages.phrase import placeholders
from smart_tuner.records import ExitCause
from smart_tuner.wording import CAUSES, STATES

SOURCE = Path(__file__).parents[3] / "src"
PHRASES = [phrase for catalogue in CATALOGUES for phrase in catalogue]
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
LATIN_WORD = re.compile("[A-Za-z]{4,}")
NAMES = {"Ctrl", "Python", "MLflow", "PostgreSQL", "TensorBoard"}
NO_WORDS = re.compile(
    r"`[^`]*`|\"[^\"]*\"|\{[^}]*\}|--[\w-]+|smart-tuner( synthesize --run)?"
    r"|(?<!\w)/[a-z]+|[a-z]+\.[a-z_]+(=\w+)?"
)
"""Commands, quotations, parameters, options and keys stay as they are in every language."""


def words_of(form: str) -> str:
    """A form without names, commands and parameters, but with the words that its plurals choose from."""
    return NO_WORDS.sub(" ", form) + " " + " ".join(plural_words(form))


def plural_words(form: str) -> list[str]:
    specifications = [spec or "" for _, _, spec, _ in string.Formatter().parse(form)]
    return [spec for spec in specifications if "|" in spec]


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.name)
def test_both_forms_are_whole(phrase: Phrase) -> None:
    assert phrase.english.strip() and phrase.russian.strip()
    assert placeholders(phrase.english) == placeholders(phrase.russian)
    assert not CYRILLIC.search(phrase.english)
    russian = words_of(phrase.russian)
    assert set(LATIN_WORD.findall(russian)) <= NAMES
    if set(LATIN_WORD.findall(words_of(phrase.english))) - NAMES:
        assert CYRILLIC.search(russian)
    for language, forms in ((Language.EN, 2), (Language.RU, 3)):
        for spec in plural_words(phrase.form(language)):
            assert len(spec.split("|")) == forms


def test_a_name_means_one_phrase() -> None:
    names = [phrase.name for phrase in PHRASES]
    assert len(set(names)) == len(names)
    assert all(find_phrase(phrase.name) is phrase for phrase in PHRASES)
    assert find_phrase("NO_SUCH_PHRASE") is None
    for catalogue in CATALOGUES:  # two equal pairs would be one member under two names
        assert len(catalogue) == len(catalogue.__members__)


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((SOURCE / "smart_tuner").rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def named_phrase(node: ast.AST) -> Phrase | None:
    """The phrase that `SomePhrase.NAME` stands for."""
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return None
    catalogue = next((each for each in CATALOGUES if each.__name__ == node.value.id), None)
    return catalogue[node.attr] if catalogue else None


def test_every_phrase_is_used_and_called_with_its_parameters() -> None:
    used, called, wrong = set(), 0, []
    for path, tree in trees():
        for node in ast.walk(tree):
            if phrase := named_phrase(node):
                used.add(phrase)
            if isinstance(node, ast.Call) and (phrase := named_phrase(node.func)):
                called += 1
                given = {keyword.arg for keyword in node.keywords}
                if given != phrase.placeholders or node.args:
                    wrong.append(f"{path.name}:{node.lineno}: {phrase.name} wants {phrase.placeholders}")
    assert wrong == []
    assert called > 80
    assert {phrase.name for phrase in PHRASES} - {phrase.name for phrase in used} == set()


def test_nothing_is_told_past_the_catalogue() -> None:
    """No text literal reaches a person, neither through an output nor through an error with a message."""
    tellers = {"say", "result", "echo", "_usage_error", "confirm", "line"}
    told = [
        f"{path.name}:{node.lineno}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and called_name(node) in tellers | {"RunError", "RunLockedError", "MachineError", "ServiceError"}
        and any(isinstance(argument, ast.JoinedStr) or is_text(argument) for argument in node.args)
    ]
    assert told == []


def called_name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_every_cause_and_state_has_its_word() -> None:
    assert set(CAUSES) == set(ExitCause)
    for cause, phrase in CAUSES.items():
        assert render(phrase(), Language.EN) == cause.value
    assert all(len(render(phrase(), Language.RU)) <= 20 for phrase in STATES.values())  # a column of the list


def test_messages_inside_a_message_take_its_language() -> None:
    inner = EndPhrase.ATTENTION_FORMED(step=200)
    message = EndPhrase.FIGURE_STEPS(steps=1, seconds=95.0, attention=inner)
    assert render(message, Language.EN) == "  1 step in 2 min, attention formed at step 200"
    assert render(message, Language.RU) == "  1 шаг за 2 мин, внимание сложилось на шаге 200"
    both = EndPhrase.DETAIL(detail=(inner, EndPhrase.ATTENTION_NEVER()))
    assert render(both, Language.EN) == "attention formed at step 200; attention never formed"
    assert render("a {detail} as it stands", Language.RU) == "a {detail} as it stands"
    with pytest.raises(KeyError):
        render(Message(EndPhrase.DETAIL, {}), Language.EN)
