"""What somebody who is away is told of a run, and what is told of the telling."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class NoticePhrase(Phrase):
    """Notices, and what keeps them from being sent."""

    RUN_TOLD = "{run}: {told}", "{run}: {told}"
    RUN_FINISHED = "finished at step {step}: {reason}", "обучение окончено на шаге {step}: {reason}"
    RUN_STOPPED = (
        "ended at step {step} ({cause}): {reason}{go_on}",
        "обучение прервано на шаге {step} ({cause}): {reason}{go_on}",
    )
    RUN_BROKE_OFF = (
        "the command ended before the run did: {reason}",
        "команда кончилась раньше, чем обучение: {reason}",
    )
    GO_ON = ". The same command goes on with it.", ". Та же команда продолжит с этого места."
    RESTARTED = (
        "restart {attempt} in {delay:g} s ({cause} at step {step}): {plan}",
        "перезапуск {attempt} через {delay:g} с ({cause}, шаг {step}): {plan}",
    )
    PLAN_CHANGE = "{change}", "{change}"
    BEST_MODEL = "new best model at step {step}", "новая лучшая модель на шаге {step}"
    TRIAL_ENDED = "{trial}; {best}", "{trial}; {best}"
    TRIAL_SCORED = "trial {trial}: score {score:.3f}", "проба {trial}: оценка {score:.3f}"
    NOTICE_TRIAL_PRUNED = (
        "trial {trial}: pruned, score {score:.3f}",
        "проба {trial}: отсеяна, оценка {score:.3f}",
    )
    TRIAL_WITHOUT_SCORE = "trial {trial} failed: {cause}", "проба {trial} не удалась: {cause}"
    NEW_BEST_TRIAL = (
        "new best: trial {trial}, score {score:.3f}",
        "новая лучшая проба {trial}, оценка {score:.3f}",
    )
    STUDY_FINISHED = "the study has ended: {reason}; {best}", "подбор окончен: {reason}; {best}"
    STUDY_STOPPED = (
        "the study was ended ({cause}): {reason}; {best}. The same command goes on with it.",
        "подбор прерван ({cause}): {reason}; {best}. Та же команда продолжит.",
    )
    FINAL_AUDIO = "the voice at the end", "голос в конце обучения"

    GOAL_ALIGNMENT = (
        "goal reached at step {step}: attention alignment {value:.2f}, above {bar:g} by step {deadline}",
        "цель достигнута на шаге {step}: выравнивание {value:.2f}, больше {bar:g} к шагу {deadline}",
    )
    GOAL_ALIGNMENT_LATE = (
        "attention has formed, later than step {deadline}: alignment {value:.2f} at step {step}, "
        "above {bar:g}",
        "внимание сложилось, но позже шага {deadline}: на шаге {step} выравнивание {value:.2f}, "
        "больше {bar:g}",
    )
    GOAL_REFERENCE_LOSS = (
        "goal reached at step {step}: training loss {value:.2f}, at or below {bar:g} (0.5-0.8 is asked for)",
        "цель достигнута на шаге {step}: ошибка обучения {value:.2f}, не больше {bar:g} (нужно 0,5–0,8)",
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
    SECRETS_READABLE = (
        "{path} holds the bot's token and others can read it; `chmod 600 {path}` mends that",
        "{path}: здесь токен бота, и файл могут читать другие; поможет `chmod 600 {path}`",
    )
    SECRETS_TRACKED = (
        "{path} holds the bot's token and is tracked by Git: take it out with `git rm --cached`, and let "
        "@BotFather make a new token, because the old one stays in the history",
        "{path}: здесь токен бота, и файл попал в `git`: уберите его командой `git rm --cached` и "
        "получите у `@BotFather` новый токен: старый останется в истории",
    )
    NOTICES_OFF = "`notices.notify` is off", "извещения выключены: `notices.notify`"
    TEST_NOTICE = "a test notice of Smart Tuner", "пробное извещение от `Smart Tuner`"
    TEST_ARRIVED = "the test notice was sent", "пробное извещение отправлено"
    TEST_FAILED = "the test notice was not sent: {reason}", "пробное извещение не отправлено: {reason}"
