"""The report of a step, in lines."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class StepReportPhrase(Phrase):
    """One line for each part of a report. A comma parts the figures of a line."""

    REPORT_HEAD = "report at step {step:,}", "отчёт на шаге {step:,}"
    REPORT_HEAD_SINCE = (
        "report at step {step:,} (in brackets: against step {since:,})",
        "отчёт на шаге {step:,} (в скобках: к шагу {since:,})",
    )
    REPORT_LINE = "  {name}: {figures}", "  {name}: {figures}"

    NAME_LOSSES = "losses", "ошибки"
    NAME_ATTENTION = "attention", "внимание"
    NAME_STOP = "stop token", "стоп-токен"
    NAME_GRADIENTS = "gradients", "градиенты"
    NAME_PACE = "pace", "ход обучения"
    NAME_MEMORY = "memory", "память"
    NAME_HAPPENED = "since then", "за это время"

    LOSS_IS = "{name} {value:.3f}", "{name} {value:.3f}"
    LOSS_MOVED = "{name} {value:.3f} ({change:+.0%})", "{name} {value:.3f} ({change:+.0%})"
    LOSS_TOTAL = "total", "общая"
    REPORT_LOSS_REFERENCE = "reference", "эталонная"
    LOSS_MEL_BEFORE = "mel before the post-net", "мел до постнета"
    LOSS_MEL_AFTER = "mel after it", "мел после него"
    LOSS_GATE = "stopping", "остановка"
    LOSS_GUIDED = "guided attention", "направление внимания"

    SEEN_ALIGNMENT = (
        "alignment {value:.2f} (worst {worst:.2f})",
        "выравнивание {value:.2f} (худшее {worst:.2f})",
    )
    SEEN_FOCUS = "focus {value:.2f}", "сосредоточенность {value:.2f}"
    SEEN_DIAGONALITY = "diagonality {value:.2f}", "диагональность {value:.2f}"
    SEEN_COVERAGE = "coverage {value:.2f}", "охват текста {value:.2f}"
    STOP_ACCURACY = (
        "accuracy {value:.2f} (goes on {go_on:.2f}, stops {stop:.2f})",
        "точность {value:.2f} (продолжает {go_on:.2f}, останавливает {stop:.2f})",
    )
    NORM_WHOLE = "norm {value:.3g}", "норма {value:.3g}"
    NORM_OF = "`{module}` {value:.3g}", "`{module}` {value:.3g}"
    NORM_OTHERS = "{count} more, at most {value:.3g}", "прочие ({count}) не больше {value:.3g}"

    PACE_RATE = "learning rate {value:.2e}", "скорость обучения {value:.2e}"
    PACE_STEP = "{value:.2f} s a step", "{value:.2f} с на шаг"
    PACE_WAIT = "{value:.0%} waiting for data", "ожидание данных {value:.0%}"
    PACE_R = "r = {value}", "r = {value}"
    PACE_FORCED = "teacher forcing {value:.0%}", "с подсказкой {value:.0%}"
    MEMORY_HOST = "{value:GiB}", "{value:GiB}"
    MEMORY_HOST_PEAK = "at most {value:GiB}", "не больше {value:GiB}"
    REPORT_MEMORY_DEVICE = "on the GPU at most {value:GiB}", "на GPU не больше {value:GiB}"

    HAPPENED_NOTHING = "nothing out of the ordinary", "ничего необычного"
    HAPPENED_OFTEN = "{name} ({count} times)", "{name} ({count} {count:раз|раза|раз})"
    HAPPENED_RESTART = "restart after {cause}", "перезапуск, причина: {cause}"
    HAPPENED_DIAGNOSES = (
        "{count} {count:diagnosis|diagnoses}",
        "{count} {count:диагноз|диагноза|диагнозов}",
    )
    HAPPENED_CURES_BEGUN = (
        "{count} {count:cure|cures} begun",
        "{count} {count:лечение начато|лечения начаты|лечений начато}",
    )
    HAPPENED_CURES_KEPT = (
        "{count} {count:cure|cures} kept",
        "{count} {count:лечение оставлено|лечения оставлены|лечений оставлено}",
    )
    HAPPENED_CURES_UNDONE = (
        "{count} {count:cure|cures} undone",
        "{count} {count:лечение отменено|лечения отменены|лечений отменено}",
    )
    HAPPENED_DECISION = (
        "{count} {count:decision|decisions} to end",
        "{count} {count:решение|решения|решений} об окончании",
    )
