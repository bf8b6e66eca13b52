"""What is told about the registry of voices."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class RegistryPhrase(Phrase):
    """What may enter, what came of it, what is damaged, what is refused."""

    NOT_EXAMINED = (
        "{run}: {checkpoint} was not examined on the test sentences; only an examined voice is registered",
        "{run}: {checkpoint} не испытан на контрольных предложениях; в реестр вносят лишь испытанные голоса",
    )
    NOT_FINITE = (
        "{run}: not registered, these are no finite numbers: {names}",
        "{run}: в реестр не внесён, эти величины не конечные числа: {names}",
    )
    RUN_DAMAGED = (
        "{file}: not the weights that its run wrote (the checksum differs); not registered",
        "{file}: это не те веса, что записал запуск (контрольная сумма другая); в реестр не внесены",
    )

    VOICE_REGISTERED = (
        "registered as {version}, place {place} of {voice}",
        "голос внесён в реестр: {version}, место {place} среди версий голоса {voice}",
    )
    VOICE_WAS_THERE = (
        "these weights are registered already: {version}, place {place} of {voice}",
        "эти веса уже в реестре: {version}, место {place} среди версий голоса {voice}",
    )
    VOICE_NOT_AMONG = (
        "not registered: this would be place {place} of {voice}, and {keep} {keep:is|are} kept",
        "в реестр не внесён: это было бы место {place} среди версий голоса {voice}, а хранится {keep}",
    )
    NOT_REGISTERED = (
        "the voice is not in the registry: {reason}. The run is not affected; "
        "`smart-tuner registry add {run}` does it later",
        "голос не попал в реестр: {reason}. Самого запуска это не касается; позже его внесёт команда "
        "`smart-tuner registry add {run}`",
    )

    REGISTRY_NOT_USABLE = (
        "{folder}: the registry cannot be used ({detail})",
        "{folder}: реестр недоступен ({detail})",
    )
    NOTHING_REGISTERED = (
        "no voice is registered; a run registers its own at its end, or `smart-tuner registry add RUN` does",
        "в реестре нет ни одного голоса; запуск вносит свой голос в конце, или это делает команда "
        "`smart-tuner registry add RUN`",
    )
    WHICH_VOICE = (
        "{wanted}: of which voice? There are {voices}; write it as `VOICE/3` or `VOICE@best`",
        "{wanted}: какого голоса? Есть {voices}; пишите `VOICE/3` или `VOICE@best`",
    )
    NO_SUCH_VERSION = (
        "{wanted}: no such version; there are {there}",
        "{wanted}: такой версии нет; есть {there}",
    )

    FILE_DAMAGED = "{file}: damaged (the checksum differs)", "{file}: повреждён (контрольная сумма другая)"
    FILE_MISSING = "{file}: missing", "{file}: отсутствует"
    AS_REGISTERED = "{version}: all files as registered", "{version}: все файлы те же, что были внесены"
    FOUND_DAMAGED = "{version}: NOT as registered", "{version}: НЕ то, что было внесено"
    UNCLAIMED = (
        "{folder}: files of a voice that no version names, damaged",
        "{folder}: повреждённые файлы голоса, на которые не ссылается ни одна версия",
    )
    MEND = (
        "`smart-tuner registry add RUN` brings the files again while the run is there; "
        "`smart-tuner registry remove VERSION` gives the version up.",
        "Пока есть сам запуск, `smart-tuner registry add RUN` внесёт файлы заново; "
        "`smart-tuner registry remove VERSION` уберёт версию.",
    )
    NOT_AS_REGISTERED = (
        "{version} is not what was registered: {found}",
        "{version}: это уже не то, что было внесено: {found}",
    )

    GATE_REFUSES = (
        "{version} does not pass the quality gate ({names}); `--force` promotes it all the same",
        "{version} не проходит порог качества ({names}); `--force` выдвинет эту версию всё равно",
    )
    PROMOTED = "{version} is in production now", "{version} теперь в работе (`production`)"
    IN_PRODUCTION = (
        "{version} is in production; promote another one first, or add `--force`",
        "{version} сейчас в работе (`production`); сначала выдвиньте другую версию или добавьте `--force`",
    )
    VERSION_REMOVED = "{version} is removed from the registry", "{version}: версия удалена из реестра"

    EXPORT_EXISTS = (
        "{file}: exists already; name another file, or add `--overwrite`",
        "{file}: уже есть; назовите другой файл или добавьте `--overwrite`",
    )

    HEAD_VERSION = "version", "версия"
    HEAD_ALIASES = "aliases", "имена"
    HEAD_QUALITY = "quality", "качество"
    HEAD_R = "r", "r"
    HEAD_GATE = "gate", "порог"
    HEAD_REGISTERED = "registered", "внесена"
    HEAD_OF_RUN = "run", "запуск"
    ROW_QUALITY = "{value:.3f}", "{value:.3f}"
    ROW_PASSED = "open", "пройден"
    ROW_FAILED = "shut", "не пройден"
    ROW_GONE = "files missing", "файлов нет"
