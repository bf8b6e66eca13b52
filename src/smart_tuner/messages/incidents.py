"""What is said of incidents in training."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class IncidentPhrase(Phrase):
    """The list of a run's incidents, and what a replay found."""

    NO_INCIDENTS = "no incidents in {run}", "в запуске {run} происшествий не было"
    HEAD_INCIDENT_STEP = "step", "шаг"
    HEAD_INCIDENT = "incident", "происшествие"
    HEAD_SUBJECT = "of", "что"
    HEAD_REPLAY = "replay", "повтор"
    CAN_REPLAY = "yes", "да"
    NO_REPLAY_KEPT = "no", "нет"
    NOTHING_TO_REPLAY = (
        "nothing is kept to replay step {step} of {run}; `smart-tuner incident list {run}` shows what is",
        "для повтора шага {step} запуска {run} ничего не сохранено; что сохранено, покажет "
        "`smart-tuner incident list {run}`",
    )
    NOT_REPLAYED = "smart-tuner: {detail}", "smart-tuner: повторить не удалось: {detail}"
    REPLAYED = (
        "step {step}: recorded as not finite: {recorded}\nnow not finite: {found}",
        "шаг {step}: тогда не были конечны: {recorded}\nсейчас не конечны: {found}",
    )
    REACHED = "The same place is not finite again.", "То же место снова не конечно."
    NOT_REACHED = (
        "The incident did not come again: it needs more than its batch, weights and random numbers, as a "
        "fault injected from outside or another device.",
        "Происшествие не повторилось: пакета, весов и случайных чисел для него мало, как при внесённой "
        "извне ошибке или на другом устройстве.",
    )
    NOTHING = "nothing", "ничего"
    HAPPENED = "warning: step {step}: {what}{subject}", "внимание: шаг {step}: {what}{subject}"
    SUBJECT = " ({subject})", " ({subject})"
    NON_FINITE_UPDATE = (
        "an update was not finite and was not made",
        "обновление не было конечным и не сделано",
    )
    EXPLODING_NORM = "the gradients explode", "градиенты взрываются"
    VANISHING_NORM = "the gradients vanish", "градиенты исчезают"
    LOSS_SPIKE = "the loss leaps", "потери подскочили"
    ATTENTION_COLLAPSE = "attention was there and is lost", "выравнивание было и пропало"
    GATE_COLLAPSE = "the stop token was learned and is lost", "признак конца был выучен и пропал"
    VALIDATION_LOSS = "the validation loss is far too high", "потери на проверке слишком велики"
    POISONED_CLIP = (
        "a recording spoils updates and is left out from now on",
        "запись портит обновления и дальше не используется",
    )
    BAD_CLIP = (
        "a recording stays badly aligned and is set aside",
        "запись так и не выравнивается с текстом и дальше не используется",
    )
    MICRO_BATCH = (
        "memory does not hold the batch; it is computed in more parts",
        "пакет не помещается в память; он считается по частям",
    )
