"""Recordings of the training set that stay badly aligned."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ClipsPhrase(Phrase):
    """The table of `smart-tuner clips`."""

    NOT_YET = (
        "{run}: no validation has told of its recordings yet",
        "{run}: ни одна проверка ещё не сообщила о записях",
    )
    NONE = (
        "{run}, step {step}: none of {count:,} {count:recording|recordings} stays badly aligned.",
        "{run}, шаг {step}: плохих записей нет (всего {count:,} {count:запись|записи|записей}).",
    )
    CLIPS_FOUND = (
        "{run}, step {step}: of {count:,} {count:recording|recordings} {bad} {bad:stays|stay} behind the "
        "others, the worst first.",
        "{run}, шаг {step}: из {count:,} {count:записи|записей|записей} хуже остальных {bad}, "
        "сначала худшие.",
    )
    USUAL = (
        "The usual recording has alignment {alignment:.2f} and loss {loss:.2f}.",
        "У обычной записи выравнивание {alignment:.2f}, потери {loss:.2f}.",
    )
    HEAD_CLIP = "recording", "запись"
    HEAD_SPEAKER = "speaker", "диктор"
    CLIPS_HEAD_ALIGNMENT = "alignment", "выравнивание"
    HEAD_LOSS = "loss", "потери"
    HEAD_TIMES = "times", "подряд"
    HEAD_WHY = "why", "почему"
    MISALIGNED = "text and sound do not fit", "текст и звук не подходят друг к другу"
    UNPREDICTED = "unlike the other recordings", "не похожа на остальные записи"
    EMPTY = "hardly any speech in it", "речи почти нет"
    SET_ASIDE = "set aside", "отложена"
    FILES = (
        "Pictures of the attention and copies to listen to: {folder}",
        "Карты внимания и копии для прослушивания: {folder}",
    )
    WHAT_TO_DO = (
        "Listen to each. Correct its line in the list, record it anew, or take the line out; then start a "
        "new run. With --set train.set_aside_bad_clips=true a training leaves such recordings out by itself. "
        "Nothing is deleted.",
        "Прослушайте каждую. Исправьте её строку в списке, запишите заново или уберите строку, затем начните "
        "новый запуск. С --set train.set_aside_bad_clips=true обучение само откладывает такие записи. "
        "Ничего не удаляется.",
    )
