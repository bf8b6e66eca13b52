"""Recordings of one's own: what they were found to be, and which preset that calls for."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class RecordingsPhrase(Phrase):
    """The look at a folder, and the choice of a preset with its reason."""

    LOOKING = "Looking at the recordings in {folder}", "Просматриваются записи в папке {folder}"
    USABLE = (
        "  {clips:,} of {named:,} {named:clip has|clips have} a usable length: {hours:.2f} hours, "
        "mostly at {rate:,} Hz",
        "  подходящей длины: {clips:,} {clips:запись|записи|записей} из {named:,}, "
        "всего {hours:.2f} {hours:час|часа|часов}, в основном {rate:,} Гц",
    )
    ADVICE = "{detail}", "замечание о записях: {detail}"
    FEATURES_DISK = (
        "the features of these recordings take about {needed:GiB} of disk beside the run, and "
        "{free:GiB} are free: another --runs-folder helps",
        "признаки этих записей займут рядом с запуском около {needed:GiB} на диске, а свободно {free:GiB}: "
        "поможет другая папка в --runs-folder",
    )
    NOT_SURVEYED = "smart-tuner: {detail}", "smart-tuner: записи нельзя использовать: {detail}"
    NOT_CHOSEN = (
        "no preset could be chosen; nothing was started",
        "выбрать настройки не удалось; ничего не запущено",
    )

    PRESET = (
        "Preset {preset}: {reason}. Another one: --preset NAME",
        "Набор настроек {preset}: {reason}. Другой можно назвать в --preset",
    )
    UNFINISHED = (
        "the unfinished run {run} has it (--new chooses afresh)",
        "с ним начат незаконченный запуск {run} (--new выберет заново)",
    )
    HOURS = (
        "{hours:.1f} hours of speech",
        "{hours:.1f} {hours:час|часа|часов} речи",
    )
    MINUTES = (
        "{minutes} {minutes:minute|minutes} of speech",
        "{minutes} {minutes:минута|минуты|минут} речи",
    )
    ON_CPU = (
        "{speech}, and the CPU ({cores} {cores:core|cores}) computes: {large} would take it weeks",
        "{speech}, считает CPU ({cores} {cores:ядро|ядра|ядер}): на {large} ему нужны недели",
    )
    ON_SMALL_CARD = (
        "{speech}, and a GPU of {memory:GiB}: {large} needs {needed:GiB}",
        "{speech} и GPU с {memory:GiB}: для {large} нужно {needed:GiB}",
    )
    LITTLE_SPEECH = (
        "{speech} on a GPU of {memory:GiB}: {large} needs {hours:g} hours, or learns them by heart",
        "{speech} и GPU с {memory:GiB}: для {large} нужно {hours:g} {hours:час|часа|часов}, "
        "иначе он заучит их наизусть",
    )
    ENOUGH = (
        "{speech} on a GPU of {memory:GiB}: enough for the model of the paper",
        "{speech} и GPU с {memory:GiB}: достаточно для модели из статьи",
    )
