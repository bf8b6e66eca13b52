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
