"""What a model has and what it costs."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ModelPhrase(Phrase):
    """The answer of `smart-tuner model info`."""

    NOT_DESCRIBED = "smart-tuner: {detail}", "smart-tuner: описать модель не удалось: {detail}"
    HEAD_MODULE = "module", "модуль"
    HEAD_PARAMETERS = "parameters", "параметры"
    HEAD_TENSORS = "tensors", "тензоры"
    HEAD_GRADIENT = "with a gradient", "с градиентом"
    HEAD_NORMALISED = "normalised away", "снято нормировкой"
    ALL_MODULES = "all", "всего"
    ROW_COUNT = "{count:,}", "{count:,}"
    NORMALISED = (
        "Normalised away: {count:,} biases in {tensors} {tensors:tensor|tensors}, each in front of a batch "
        "normalisation that takes it out again; their gradient is zero by construction.",
        "Снято нормировкой: {count:,} {count:смещение|смещения|смещений} в {tensors} "
        "{tensors:тензоре|тензорах|тензорах} перед пакетной нормировкой, которая их вычитает; "
        "их градиент равен нулю по построению.",
    )
    ALL_LEARN = "Every other tensor gets a gradient.", "Все остальные тензоры получают градиент."
    NO_GRADIENT = "Without a gradient: {names}", "Без градиента: {names}"
    SIZES = (
        "Weights {weights:,.1f} MiB, the optimizer's state {state:,.1f} MiB.",
        "Веса {weights:,.1f} МиБ, состояние оптимизатора {state:,.1f} МиБ.",
    )
    TRAINING = (
        "One second of speech in training: {macs:,.1f} million multiply-adds forward and backward, "
        "{kept:,.2f} MiB kept in between.",
        "Секунда речи в обучении: {macs:,.1f} млн умножений со сложением вперёд и назад, "
        "{kept:,.2f} МиБ хранится между ними.",
    )
    SYNTHESIS = (
        "One second of speech at synthesis: {macs:,.1f} million multiply-adds, at most {live:,.2f} MiB "
        "beside the weights.",
        "Секунда речи при синтезе: {macs:,.1f} млн умножений со сложением, не больше {live:,.2f} МиБ "
        "сверх весов.",
    )
    HOW = (
        "Measured on the model itself before training, on the CPU in 32 bits: a batch of {utterances} "
        "utterances of {seconds:.1f} s with {symbols} symbols each, at synthesis one of them. "
        "Matrix products and convolutions are counted, everything else is not.",
        "Измерено на самой модели до обучения, на CPU в 32 битах: пакет из {utterances} записей по "
        "{seconds:.1f} с и {symbols} символов, при синтезе одна из них. Сосчитаны матричные произведения "
        "и свёртки, остальное нет.",
    )
    MEMORY_NOT_TOLD = "smart-tuner: {detail}", "smart-tuner: память оценить не удалось: {detail}"
    MEMORY_HEAD_CARD = "card, GB", "карта, ГБ"
    MEMORY_HEAD_PRECISION = "precision", "точность"
    MEMORY_HEAD_CHECKPOINTING = "checkpointing", "пересчёт активаций"
    MEMORY_HEAD_ROWS = "largest micro-batch", "наибольший микропакет"
    MEMORY_HEAD_PARTS = "accumulation", "накопление"
    MEMORY_HEAD_NEEDED = "needs, GiB", "нужно, ГиБ"
    MEMORY_HEAD_FITS = "fits", "помещается"
    MEMORY_ON = "on", "да"
    MEMORY_OFF = "off", "нет"
    MEMORY_FITS = "as set", "как задано"
    MEMORY_FITS_IN_PARTS = "in more parts", "большим числом частей"
    MEMORY_DOES_NOT_FIT = "no", "нет"
    MEMORY_HOW = (
        "For utterances of {seconds:g} s in batches of {batch}. Estimated on the CPU with a margin; no card "
        "was measured yet. A training measures its card when it begins, and takes smaller parts where "
        "it must.",
        "Для записей по {seconds:g} с в пакетах по {batch}. Оценено на процессоре с запасом; ни одна карта "
        "ещё не измерена. Обучение в начале измеряет свою карту и берёт части поменьше, если нужно.",
    )
