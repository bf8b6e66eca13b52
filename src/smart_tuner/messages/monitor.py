"""The live view of a run and of a study: headings, states, what happened."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class MonitorPhrase(Phrase):
    """What `smart-tuner monitor` shows."""

    LIVE_STARTING = "starting", "запускается"
    LIVE_RUNNING = "running", "идёт"
    LIVE_TUNING = "choosing its settings", "подбирает настройки"
    LIVE_SILENT = "silent for {seconds:duration}", "молчит {seconds:duration}"
    LIVE_RESTARTING = (
        "restart {attempt} in {seconds:duration}",
        "перезапуск {attempt} через {seconds:duration}",
    )
    LIVE_ENDED = "ended: {cause}", "окончен: {cause}"
    LIVE_UNFINISHED = "unfinished, nobody works on it", "не закончен, над ним никто не работает"

    WHY_SILENT = (
        "No sign of life; after {limit:duration} the command that watches it ends it and starts it again.",
        "Признаков жизни нет; через {limit:duration} следящая команда прервёт его и запустит снова.",
    )
    WHY_UNFINISHED = (
        "The command that started it goes on with it.",
        "Продолжит его та же команда, которой он был начат.",
    )
    WHY_TUNING = (
        "Several settings begin the training; the best goes on: {trials}",
        "Обучение начинают несколько наборов настроек, лучший продолжит: {trials}",
    )
    STOP_ASKED = "It is asked to end after step {step}.", "Его просят остановиться после шага {step}."
    STOP_ASKED_NOW = (
        "It is asked to end after the next step.",
        "Его просят остановиться после ближайшего шага.",
    )

    ROW_PROGRESS = "{done:,} of {total:,}", "{done:,} из {total:,}"
    ROW_PHASE = "phase", "этап"
    ROW_TIME = "time left", "осталось"
    ROW_SPEED = "speed", "темп"
    ROW_RATE = "learning rate", "скорость обучения"
    ROW_GUIDE = "guided attention", "направляемое внимание"
    ROW_GRADIENT = "gradient norm", "норма градиента"
    ROW_SCALES = "adjusted", "изменено"
    ROW_MEMORY = "memory", "память"
    ROW_WAITING = "waits for data", "ждёт данных"
    ROW_ATTEMPT = "attempt", "попытка"
    ROW_BEST = "best weights", "лучшие веса"
    SCALE = "{knob} x {factor:.3g}", "{knob} x {factor:.3g}"
    ATTEMPT_FROM = "{attempt}, from step {step:,}", "{attempt}, с шага {step:,}"
    ATTEMPT_ANEW = "{attempt}, from the beginning", "{attempt}, с начала"
    BEST_WEIGHTS = "step {step:,}, quality {quality:.3f}", "шаг {step:,}, качество {quality:.3f}"
    SMALL = "{value:.2e}", "{value:.2e}"
    PLAIN_2 = "{value:.2f}", "{value:.2f}"
    PLAIN_3 = "{value:.3f}", "{value:.3f}"
    SHARE = "{value:.0%}", "{value:.0%}"
    COUNTED = "{value:,}", "{value:,}"
    LEFT = "{seconds:duration}", "{seconds:duration}"
    AGO = "{seconds:duration} ago", "{seconds:duration} назад"
    MEMORY_NOW = "{used:MiB}", "{used:MiB}"
    MEMORY_MOST = "at most {used:MiB}", "не больше {used:MiB}"
    MEMORY_DEVICE = "GPU at most {used:MiB}", "GPU не больше {used:MiB}"

    PART_LOSSES = "Losses", "Потери"
    PART_VALIDATIONS = "Validations: {count}", "Проверки: {count}"
    PART_HAPPENED = (
        "What happened ({incidents} {incidents:incident|incidents}, {restarts} {restarts:restart|restarts})",
        "Что было ({incidents} {incidents:происшествие|происшествия|происшествий}, "
        "{restarts} {restarts:перезапуск|перезапуска|перезапусков})",
    )
    PART_PAGES = "Pages", "Страницы"
    PART_TRIALS = "Trials: {count}", "Пробы: {count}"

    LOSS_REFERENCE = "reference", "эталонные"
    COLUMN_STEP = "step", "шаг"
    COLUMN_LOSS = "loss", "потери"
    COLUMN_ALIGNMENT = "align.", "выр."
    COLUMN_QUALITY = "quality", "кач."
    COLUMN_GATE = "stop", "стоп"
    COLUMN_ENDLESS = "endless", "без конца"
    COLUMN_EARLY = "early", "рано"

    NOTHING_YET = "nothing yet", "пока ничего"
    RESTART_TOLD = (
        "step {step}: {cause}; restart {attempt}, {actions}",
        "шаг {step}: {cause}; перезапуск {attempt}, {actions}",
    )
    FINISHED_TOLD = "step {step}: the attempt ended: {cause}", "шаг {step}: попытка окончилась: {cause}"
    LINES_SKIPPED = (
        "{count} {count:line|lines} of the record could not be read",
        "не удалось прочесть {count} {count:строку|строки|строк} записи",
    )
    HOW_TO_LEAVE = (
        "q or Ctrl-C leaves; the run is not touched.",
        "q или Ctrl-C: выход; запуск не затрагивается.",
    )
    NO_PAGE = "{name}: {reason}", "{name}: {reason}"
    PAGE_COMES = "they are being started", "запускаются"

    TRIAL_NUMBER = "trial", "проба"
    TRIAL_STATE = "state", "состояние"
    TRIAL_SCORE = "score", "оценка"
    TRIAL_STEPS = "steps", "шаги"
    TRIAL_TIME = "time", "время"
    TRIAL_VALUES = "values", "значения"
    TRIAL_BEST = "Best so far", "Лучшая пока"
    SEEN_WAITING = "waits", "ждёт"
    SEEN_COMPLETE = "complete", "готова"
    SEEN_PRUNED = "pruned", "отсеяна"
    SEEN_FAILED = "failed", "не удалась"
    SEEN_CUT_OFF = "cut off", "прервана"
    NO_BEST_TRIAL = "none is above the gate yet", "порог качества пока никто не прошёл"
    BEST_TRIAL_NOW = "trial {number}, score {score:.3f}", "проба {number}, оценка {score:.3f}"
    SEEN_COUNTS = (
        "{complete} complete, {pruned} pruned, {failed} failed, {running} running",
        "готовы {complete}, отсеяны {pruned}, не удались {failed}, идут {running}",
    )
    STUDY_OVER = "all trials are over", "все пробы окончены"
    STUDY_IDLE = "nobody works on it", "никто не работает"
    STUDY_LEAVE = (
        "q or Ctrl-C leaves; the study is not touched.",
        "q или Ctrl-C: выход; подбор не затрагивается.",
    )

    RUN_GONE = (
        "{path}: the run is no longer here; it was moved or removed",
        "{path}: запуска здесь больше нет: его перенесли или удалили",
    )
    STUDY_GONE = (
        "{path}: the study is no longer here; it was moved or removed",
        "{path}: подбора здесь больше нет: его перенесли или удалили",
    )
    NOTHING_TO_WATCH = (
        "{folder}: neither a run nor a study is here yet; `smart-tuner auto` begins one",
        "{folder}: ни запуска, ни подбора здесь ещё нет; начать можно командой `smart-tuner auto`",
    )
