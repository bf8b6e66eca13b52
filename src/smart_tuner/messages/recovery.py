"""What is told when a run is started again, and when it is given up."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class RecoveryPhrase(Phrase):
    """Restarts: why, from where, what is changed; and why there is no further one."""

    RESTART = (
        "the attempt ended: {cause} at step {step}. {reason}\n  restart {attempt} in {delay:g} s: {actions}",
        "попытка окончилась: {cause}, шаг {step}. {reason}\n"
        "  перезапуск {attempt} через {delay:g} с: {actions}",
    )
    FROM_STEP = "going on from step {step}", "продолжение с шага {step}"
    ANEW = "from the beginning", "с самого начала"
    NEXT_SEED = "with another seed", "с другим начальным числом"
    LESS_RATE = "learning rate x {factor:g}", "скорость обучения x {factor:g}"
    MORE_MICRO_BATCHES = "{factor:g} times as many micro-batches", "микропакетов в {factor:g} раза больше"
    MORE_GUIDE = "guided attention x {factor:g}", "вес направляемого внимания x {factor:g}"

    GIVEN_UP = "{reason}; not tried again, because {why}", "{reason}; повтора нет: {why}"
    GIVEN_UP_AFTER = (
        "{reason}; given up after {count} {count:restart|restarts}, because {why}. The ends before: {story}",
        "{reason}; после {count} {count:перезапуска|перезапусков|перезапусков} решено закончить: {why}. "
        "Прежние концы: {story}",
    )
    EARLIER_END = "{cause} at step {step}", "{cause}, шаг {step}"
    RESTARTS_USED = (
        "supervisor.max_restarts ({limit}) restarts brought nothing new",
        "перезапуски (`supervisor.max_restarts`: {limit}) ничего нового не дали",
    )
    SEEDS_USED = (
        "attention.max_new_seeds ({limit}) other seeds did not bring attention either",
        "другие начальные числа (`attention.max_new_seeds`: {limit}) внимания тоже не дали",
    )
    RATE_USED = "the learning rate is a 64th already", "скорость обучения уже меньше в 64 раза"
    ONE_UTTERANCE = "a micro-batch is one utterance already", "микропакет и так из одной записи"
    ENDED_WAITING = (
        "ended on request while a restart was waited for; the same command makes it",
        "остановлено по просьбе перед перезапуском; его сделает та же команда",
    )
    NOT_A_HISTORY = (
        "{path}: not a history of restarts ({detail}); remove the file to begin it anew",
        "{path}: это не история перезапусков ({detail}); удалите файл, чтобы начать её заново",
    )
