"""What is answered to commands from the chat."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ChatPhrase(Phrase):
    """Answers to commands, and what is told of hearing them."""

    HELP = (
        "{name}\n"
        "/status - what it does now\n"
        "/plot - attention and curves\n"
        "/say TEXT - the newest voice speaks it\n"
        "/stop - end it, with everything saved; asks back\n"
        "/help - this list",
        "{name}\n"
        "/status — что сейчас происходит\n"
        "/plot — внимание и графики\n"
        "/say ТЕКСТ — произнести последним голосом\n"
        "/stop — остановить, всё сохранив; переспросит\n"
        "/help — этот список",
    )
    NO_SUCH_COMMAND = (
        "{command}: no such command; /help lists them",
        "{command}: нет такой команды; см. /help",
    )
    BUSY = "still busy with the last picture or sentence", "ещё занято прошлой картинкой или фразой"
    FOREIGN_CHAT = (
        "another chat ({chat}) writes to the bot; it is not answered",
        "боту пишет чужой чат ({chat}); ответа ему не будет",
    )
    NOT_LISTENING = (
        "commands from the chat are not heard for now: {reason}",
        "команды из чата пока не слышны: {reason}",
    )

    RUN_STATUS = "{name}: {doing}", "{name}: {doing}"
    STATUS_STEP = (
        "training, step {step:,} of {steps:,} ({share:.0%})",
        ("обучение, шаг {step:,} из {steps:,} ({share:.0%})"),
    )
    STATUS_WITH_TIME = "{place}, {left}", "{place}, {left}"
    STATUS_TUNING = "settings are being chosen before the training", "перед обучением подбираются настройки"
    STATUS_RESTARTING = "starting again after an attempt that ended", "новый запуск после прерванной попытки"
    STATUS_LOSS = "reference loss {value:.3f} at step {step:,}", "ошибка {value:.3f} на шаге {step:,}"
    STATUS_ALIGNMENT = (
        "free-running alignment {value:.2f} at step {step:,}",
        "выравнивание без подсказок {value:.2f} на шаге {step:,}",
    )
    STATUS_RESTARTS = "restarts: {count}", "перезапусков: {count}"
    STATUS_INCIDENT = "last incident: {what}, step {step:,}", "последнее происшествие: {what}, шаг {step:,}"
    STATUS_AGE = "last record {seconds:duration} ago", "последняя запись {seconds:duration} назад"
    STATUS_STUDY = (
        "study {name}: {ended} of {limit} trials have ended",
        "подбор {name}: проб окончено {ended} из {limit}",
    )
    STATUS_BEST = (
        "best so far: trial {trial}, score {score:.3f}",
        "пока лучшая проба {trial}, оценка {score:.3f}",
    )
    STATUS_NO_BEST = "no trial is above the gate yet", "порог пока не прошла ни одна проба"

    CHAT_ATTENTION = "{name}: the newest picture of its attention", "{name}: последняя картинка внимания"
    CHAT_CURVES = "{name}: loss and alignment", "{name}: ошибка и выравнивание"
    NOTHING_TO_DRAW = "nothing has been recorded yet that could be drawn", "рисовать пока нечего: записей нет"
    NOT_DRAWN = "the curves could not be drawn", "графики нарисовать не удалось"
    STUDY_HAS_NO_PICTURES = (
        "a study draws its pictures at its end",
        "картинки подбора рисуются в его конце",
    )
    CURVES_LOSS = "reference loss", "ошибка"
    CURVES_TRAINING = "training", "обучение"
    CURVES_VALIDATION = "validation", "проверка"
    CURVES_ALIGNMENT = "free-running alignment", "выравнивание без подсказок"
    CURVES_GOAL = "goal {bar:g}", "цель {bar:g}"
    CURVES_STEP = "step", "шаг"
    CURVES_RESTART = "restart", "перезапуск"

    SAY_WHAT = (
        "write the text after the command, as in /say Good morning.",
        ("напишите текст после команды, например: /say Доброе утро."),
    )
    TOO_LONG = (
        "{length:,} characters are too many: at most {limit}",
        "слишком длинно: {length:,} {length:знак|знака|знаков}, можно не больше {limit}",
    )
    NO_VOICE_HERE = "a study has no voice of its own", "у подбора нет своего голоса"
    SAID = "{name}, step {step:,}: {text}", "{name}, шаг {step:,}: {text}"
    NOT_SAID = "it could not be spoken: {detail}", "озвучить не удалось: {detail}"
    TOOK_TOO_LONG = "it took more than {seconds:duration}", "прошло больше {seconds:duration}"
    BROKE_OFF = (
        "the program that speaks ended with status {status}",
        "программа озвучивания вышла со статусом {status}",
    )

    ASK_STOP = (
        "Stop {name}? Everything is saved, and the same command goes on with it. "
        "To confirm, write within {seconds:duration}:\n/stop {code}",
        "Остановить {name}? Всё сохранится, и та же команда продолжит с этого места. "
        "Чтобы подтвердить, напишите в течение {seconds:duration}:\n/stop {code}",
    )
    WRONG_CODE = (
        "{name} is not stopped: that is not the code asked for; /stop asks anew",
        "{name} продолжается: код не тот; /stop спросит заново",
    )
    CODE_EXPIRED = (
        "{name} is not stopped: the code has expired; /stop asks anew",
        "{name} продолжается: код устарел; /stop спросит заново",
    )
    STOP_BEGUN = "stopping {name}; a full state is saved first", "{name}: остановка, сначала всё сохраняется"
    STOPPING_ALREADY = "{name} is being stopped already", "{name}: остановка уже идёт"
    ENDED_ALREADY = "{name} has ended already", "{name}: уже окончено"
