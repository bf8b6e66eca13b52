"""What somebody who is away is told of a run, and what is told of the telling."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class NoticePhrase(Phrase):
    """Notices, and what keeps them from being sent."""

    RUN_TOLD = "{run}: {told}", "{run}: {told}"
    RUN_FINISHED = "finished at step {step}. {reason}", "обучение окончено на шаге {step}. {reason}"
    RUN_STOPPED = "ended: {cause}, step {step}. {reason}", "остановлено: {cause}, шаг {step}. {reason}"
    RESTARTED = (
        "restart {attempt} in {delay:g} s after {cause} at step {step}: {plan}",
        "перезапуск {attempt} через {delay:g} с, причина: {cause}, шаг {step}. План: {plan}",
    )
    PLAN_CHANGE = "{change}", "{change}"
    BEST_MODEL = "new best model at step {step}", "новая лучшая модель на шаге {step}"
    FINAL_AUDIO = "the voice at the end", "голос в конце обучения"

    GOAL_ALIGNMENT = (
        "goal reached at step {step}: attention alignment {value:.2f}, above {bar:g} by step {deadline}",
        "цель достигнута на шаге {step}: выравнивание {value:.2f}, больше {bar:g} к шагу {deadline}",
    )
    GOAL_REFERENCE_LOSS = (
        "goal reached at step {step}: training loss {value:.2f}, at most {bar:g}",
        "цель достигнута на шаге {step}: ошибка обучения {value:.2f}, не больше {bar:g}",
    )
    GOAL_VALIDATION_LOSS = (
        "goal reached at step {step}: validation loss {value:.2f}, below {bar:g}",
        "цель достигнута на шаге {step}: ошибка проверки {value:.2f}, меньше {bar:g}",
    )
    GOAL_GATE_ACCURACY = (
        "goal reached at step {step}: gate accuracy {value:.2f}, above {bar:g}",
        "цель достигнута на шаге {step}: точность остановки {value:.2f}, больше {bar:g}",
    )

    NO_NOTICES = "no notices are sent: {reason}", "извещений не будет: {reason}"
    SECRET_MISSING = (
        "{name} is missing; set {variable}, or write it into the file that `notices.secrets_file` names",
        "не задано `{name}`; задайте `{variable}` или впишите его в файл, который указан в "
        "`notices.secrets_file`",
    )
    NO_SECRETS_FILE = "{path} cannot be read ({detail})", "{path}: файл не читается ({detail})"
    NO_SECRETS = (
        "nobody to tell: set SMART_TUNER_TELEGRAM_TOKEN and SMART_TUNER_TELEGRAM_CHAT, or "
        "`notices.secrets_file`",
        "извещать некого: задайте `SMART_TUNER_TELEGRAM_TOKEN` и `SMART_TUNER_TELEGRAM_CHAT` или "
        "`notices.secrets_file`",
    )
    NOTICES_OFF = "`notices.notify` is off", "извещения выключены: `notices.notify`"
    TEST_NOTICE = "a test notice of Smart Tuner", "пробное извещение от `Smart Tuner`"
    TEST_ARRIVED = "the test notice was sent", "пробное извещение отправлено"
    TEST_FAILED = "the test notice was not sent: {reason}", "пробное извещение не отправлено: {reason}"
