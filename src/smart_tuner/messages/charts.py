"""The words of the curves in the report."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ChartPhrase(Phrase):
    """Charts, their curves, and what stands beside them."""

    CHART_STEP = "step", "шаг"
    AS_TABLE = "The same as a table", "То же таблицей"
    SOME_STEPS = "{title}, at some steps", "{title}, на некоторых шагах"
    NO_CURVES_YET = "No step has been recorded yet.", "Ни одного шага ещё не записано."
    SYMBOLS = "Above the curves: {symbols}.", "Над кривыми: {symbols}."
    PHASES = "Shaded: the phases of early stopping ({names}).", "Фоном: фазы ранней остановки ({names})."
    GIVEN_UP_CURVES = (
        "Faint and dotted: steps that a restart has given up.",
        "Бледным пунктиром: шаги, от которых перезапуск отказался.",
    )
    LEVEL_GATE = "quality gate", "порог качества"
    CURVE_ALIGNMENT = "alignment", "выравнивание"
    CURVE_QUALITY = "quality", "качество"
    CURVE_TRAIN = "training batches", "обучающие пакеты"
    CURVE_VALIDATION = "held-out sentences", "незнакомые предложения"
    CHART_SPEECH = "Speaking without help", "Речь без подсказок"
    CHART_SPEECH_MEANS = (
        "Larger is better. Attention that has formed is the sign that a voice is coming.",
        "Чем больше, тем лучше. Сложившееся внимание говорит, что голос будет.",
    )
    CHART_REFERENCE = "Reference loss", "Эталонные потери"
    CHART_REFERENCE_MEANS = (
        "Less is better. The same formula in every run; where only the first curve falls, it "
        "learns by heart.",
        "Чем меньше, тем лучше. Формула во всех запусках одна; если падает лишь первая кривая, "
        "идёт зубрёжка.",
    )
    CHART_TERMS = "Terms of the training loss", "Слагаемые потерь обучения"
    CHART_TERMS_MEANS = (
        "What training minimises, each term with its weight of that step.",
        "То, что уменьшает обучение; слагаемые со своими весами на этом шаге.",
    )
    CHART_STOP = "Knowing when to stop", "Умение вовремя закончить"
    CHART_STOP_MEANS = (
        "Larger is better; an accuracy of 0.5 is that of a voice that never stops.",
        "Чем больше, тем лучше; точность 0.5 у голоса, который никогда не кончает.",
    )
    CHART_DISTORTION = "Distance from the recordings", "Расстояние до записей"
    CHART_DISTORTION_MEANS = (
        "Mel-cepstral distortion in dB, spoken without help; less is better.",
        "Мел-кепстральное искажение в дБ, речь без подсказок; чем меньше, тем лучше.",
    )
    CHART_RATE = "Learning rate", "Скорость обучения"
    CHART_RATE_MEANS = (
        "As it was at each step: the schedule, and what was changed on the way.",
        "Какой была на каждом шаге: по расписанию и после всех изменений.",
    )
    CHART_NORM = "Gradient norm", "Норма градиента"
    CHART_NORM_MEANS = (
        "Before clipping. A leap is a bad batch, a lasting rise is trouble.",
        "До ограничения. Скачок означает плохой пакет, долгий рост означает беду.",
    )
    CHART_SPEED = "Speed", "Быстрота"
    CHART_SPEED_MEANS = (
        "Mel frames a second, loading included.",
        "Мел-кадров в секунду вместе с загрузкой данных.",
    )
