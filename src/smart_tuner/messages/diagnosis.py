"""Troubles of a training, and what is tried against them."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class DiagnosisPhrase(Phrase):
    """What diagnosis finds, and what becomes of a cure."""

    FOUND = "step {step}: {trouble}", "шаг {step}: {trouble}"
    INSTABILITY = (
        "the training is unstable: {incidents} {incidents:incident|incidents} since step {from_step}",
        "обучение неустойчиво: с шага {from_step} происшествий {incidents}",
    )
    STAGNATION = (
        "the training hardly learns: {left:.0%} of the first loss is left, and attention has not formed",
        "обучение почти не движется: от первоначальной ошибки осталось {left:.0%}, внимание не сложилось",
    )
    ATTENTION_DIFFUSE = (
        "attention is diffuse (alignment {alignment:.2f}, focus {focus:.2f}): the model speaks without "
        "looking at the text",
        "внимание рассеяно (выравнивание {alignment:.2f}, сосредоточенность {focus:.2f}): модель говорит, не "
        "глядя в текст",
    )
    ATTENTION_STUCK = (
        "attention is stuck: focus {focus:.2f}, but it reaches only {coverage:.0%} of the text",
        "внимание застряло: сосредоточенность {focus:.2f}, но охвачено лишь {coverage:.0%} текста",
    )
    ATTENTION_SKIPPING = (
        "attention passes over {skip_rate:.0%} of the symbols, and no fewer than before",
        "внимание пропускает {skip_rate:.0%} символов, и не меньше, чем прежде",
    )
    ATTENTION_REPEATING = (
        "attention comes back to {repeat_rate:.0%} of the symbols",
        "внимание возвращается к {repeat_rate:.0%} символов",
    )
    NEVER_STOPS = (
        "attention reads the text, but {never_stopped_rate:.0%} of the sentences never stop",
        "внимание читает текст, но {never_stopped_rate:.0%} предложений не кончаются",
    )
    STOPS_EARLY = (
        "speech stops too early: {length_ratio:.0%} of the recorded length",
        "речь обрывается: длина {length_ratio:.0%} от записанной",
    )
    OVERFITTING = (
        "the training is learned by heart: held-out loss {val_loss:.2f}, at its lowest {lowest:.2f}",
        "обучение заучивает записи: ошибка на отложенных {val_loss:.2f}, наименьшая была {lowest:.2f}",
    )
    DATA_SPEAKER = (
        "the recordings of speaker {group} are read far worse than the others (alignment {alignment:.2f}, "
        "usually {usual:.2f})",
        "записи диктора {group} читаются намного хуже остальных (выравнивание {alignment:.2f}, обычно "
        "{usual:.2f})",
    )
    DATA_LENGTH = (
        "recordings of quarter {group} by length are read far worse than the others (alignment "
        "{alignment:.2f}, usually {usual:.2f})",
        "записи четверти {group} по длине читаются намного хуже остальных (выравнивание {alignment:.2f}, "
        "обычно {usual:.2f})",
    )
    DATA_FILES = (
        "{count} {count:recording|recordings} stay badly aligned: {clips}",
        "{count} {count:запись|записи|записей} так и не читаются: {clips}",
    )
    PLATEAU = (
        "no gain any more, at alignment {alignment:.2f}, and nothing else is found",
        "прироста больше нет, выравнивание {alignment:.2f}, других причин не видно",
    )
    ATTENTION_SKIPS = (
        "attention passes over {skip_rate:.0%} of the symbols at step {step} and gets no better; what helps "
        "is another seed",
        "внимание на шаге {step} пропускает {skip_rate:.0%} символов, и это не проходит; помогает другое "
        "случайное начало",
    )

    BEGUN_CALMER = (
        "the training is unstable at step {step} ({incidents} {incidents:incident|incidents}) and attention "
        "has not formed: nothing is lost by beginning anew, at a lower rate",
        "обучение на шаге {step} неустойчиво (происшествий {incidents}), а внимание не сложилось: начать "
        "заново, с меньшей скоростью, ничего не стоит",
    )

    CURE_BEGUN = (
        "step {step}: tried against it: {knob} x {factor:g}",
        "шаг {step}: испытывается {knob} x {factor:g}",
    )
    CURE_KEPT = (
        "step {step}: kept: {knob} x {factor:g} (objective {score:.3f}, now {score_after:.3f})",
        "шаг {step}: оставлено {knob} x {factor:g} (показатель был {score:.3f}, стал {score_after:.3f})",
    )
    CURE_UNDONE = (
        "step {step}: undone: {knob} x {factor:g} did harm (objective {score:.3f}, now {score_after:.3f})",
        "шаг {step}: отменено {knob} x {factor:g}, вышло хуже (показатель был {score:.3f}, стал "
        "{score_after:.3f})",
    )
    CURE_VOID = (
        "step {step}: {knob} x {factor:g} changed nothing: its bound is reached",
        "шаг {step}: {knob} x {factor:g} ничего не изменило: предел достигнут",
    )
    NOT_REMEMBERED = (
        "{file}: what this run taught about cures cannot be kept ({detail})",
        "{file}: опыт лечения из этого запуска сохранить не удалось ({detail})",
    )
    KNOB_TURNED = (
        "step {step}: {knob} x {after:.3g} of what the settings say, before x {before:.3g} ({by})",
        "шаг {step}: {knob} x {after:.3g} от заданного, прежде x {before:.3g} ({by})",
    )
    BY_SUPERVISOR = "supervisor", "надзор"
