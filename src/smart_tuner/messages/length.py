"""How long to train on recordings of one's own, and why."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class LengthPhrase(Phrase):
    """The recommendation and its reasons."""

    RECOMMENDED = (
        "Length of the training: {steps:,} steps ({low:,} to {high:,} are as reasonable): {reasoning}. "
        "Another one: --set train.max_steps=N or train.max_train_minutes=N",
        "Длина обучения: {steps:,} {steps:шаг|шага|шагов} (разумно от {low:,} до {high:,}): {reasoning}. "
        "Другую задают --set train.max_steps=N или train.max_train_minutes=N",
    )
    REASONS = "{reasons}", "{reasons}"
    FROM_HOURS = (
        "{hours:.1f} hours in {clips:,} {clips:clip|clips}, and with {preset} and {known_hours:.1f} hours it "
        "took {known:,} sentences read, here {read:,}, each clip {epochs} {epochs:time|times}",
        "речи {hours:.1f} ч, записей {clips:,}; с {preset} и {known_hours:.1f} ч хватило {known:,} "
        "прочитанных предложений, здесь {read:,}, каждая запись {epochs} {epochs:раз|раза|раз}",
    )
    LITTLE_VARIETY = (
        "the texts have {pairs} different pairs of letters, {enough} are enough: there is less to learn",
        "в текстах {pairs} {pairs:разная пара|разные пары|разных пар} букв, достаточно {enough}: "
        "учить меньше",
    )
    SPEAKERS = (
        "there are {speakers} speakers, each with a voice to be learned",
        "дикторов {speakers}, и голос каждого надо выучить",
    )
    LENGTH_LEFT_OUT = (
        "{share:.0%} of the recordings cannot be used, so the others are taken to be less even, too",
        "{share:.0%} записей не годится, вероятно, и остальные неровные",
    )
