"""What `smart-tuner data prepare` tells."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class PreparationPhrase(Phrase):
    """Clips made of long recordings."""

    NOT_PREPARED = "smart-tuner: {detail}", "smart-tuner: записи не подготовлены: {detail}"
    PREPARED = (
        "{output}: {clips:,} {clips:clip|clips}, {minutes:.1f} of {whole:.1f} minutes, from {recordings} "
        "{recordings:recording|recordings}",
        "{output}: {clips:,} {clips:отрывок|отрывка|отрывков}, {minutes:.1f} из {whole:.1f} мин, записей: "
        "{recordings}",
    )
    PREPARED_LISTS = (
        "to learn from {train:,}, to validate {validation:,}, to test {test:,}",
        "для обучения {train:,}, для проверки {validation:,}, для испытания {test:,}",
    )
    PREPARED_REJECTED = (
        "left out: {clips:,} {clips:clip|clips}, {recordings} whole {recordings:recording|recordings}; "
        "why: {path}",
        "отброшено отрывков: {clips:,}, целых записей: {recordings}; причины: {path}",
    )
    PREPARED_FIRST = "the first recording left out: {reason}", "первая отброшенная запись: {reason}"
