"""What controllers decide, what a replay of their decisions shows, and the quality gate."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ControlPhrase(Phrase):
    """Decisions of early stopping and the attention deadline; replay; the gate."""

    PHASE_ALIGNMENT = "phase of alignment", "фаза выравнивания"
    PHASE_LEARNING = "phase of learning", "фаза обучения"
    PHASE_FINE_TUNING = "fine-tuning", "фаза доводки"

    SWITCHED_OFF = "early stopping is switched off", "ранняя остановка выключена"
    EARLIER_R = (
        "not judged before the last reduction factor",
        "до последнего коэффициента сокращения не оценивается",
    )
    AT_THE_END = "the training is at its end", "обучение и так закончено"
    GAINING = (
        "{phase}: quality {quality:.3f}, a gain of more than {min_delta:g}",
        "{phase}: качество {quality:.3f}, прирост больше {min_delta:g}",
    )
    WAITING = (
        "{phase}: {waited} of {patience} {patience:validation|validations} without a gain",
        "{phase}: проверок без прироста {waited} из {patience}",
    )
    CONVERGED = (
        "converged: no gain in quality for {waited} {waited:validation|validations} ({phase}); the best "
        "weights, of step {best_step}, have quality {quality:.3f} and alignment {alignment:.2f}",
        "обучение сошлось: {waited} {waited:проверку|проверки|проверок} подряд качество не растёт ({phase}); "
        "лучшие веса на шаге {best_step}: качество {quality:.3f}, выравнивание {alignment:.2f}",
    )
    PLATEAU_BELOW_TARGET = (
        "no gain in quality for {waited} {waited:validation|validations} ({phase}), at alignment "
        "{alignment:.2f}, below the {threshold:g} that was to be reached; best weights of step {best_step}",
        "{waited} {waited:проверку|проверки|проверок} подряд качество не растёт ({phase}) при выравнивании "
        "{alignment:.2f}, ниже нужных {threshold:g}; лучшие веса на шаге {best_step}",
    )
    DECIDED = "step {step}: {reason}", "шаг {step}: {reason}"
    CANNOT_FIRE = (
        "early stopping is on and can never happen: of {count} {count:validation|validations} no phase "
        "bears so few without a gain (early_stop: {alignment}, {learning}, {fine_tuning})",
        "ранняя остановка включена, но произойти не может: проверок {count}, а терпение фаз больше "
        "(`early_stop`: {alignment}, {learning}, {fine_tuning})",
    )

    BY_EARLY_STOPPING = "early stopping", "ранняя остановка"
    BY_ATTENTION = "attention deadline", "срок для внимания"
    BY_DIAGNOSIS = "diagnosis", "диагноз"
    BY_CURE = "cure", "лечение"
    BY_GUARD = "guard", "страж"
    AS_RECORDED = "as recorded", "как было"
    NOTHING_RECORDED = (
        "{run}: no validation is recorded that could be replayed",
        "{run}: нет записанных проверок, повторять нечего",
    )
    NOBODY_ENDS = (
        "With these settings no controller ends the training early.",
        "С этими настройками обучение раньше срока никто не оканчивает.",
    )
    WOULD_END = (
        "With these settings the training ends at step {step} of {total} ({by}).",
        "С этими настройками обучение оканчивается на шаге {step} из {total} ({by}).",
    )
    WOULD_END_WITH = (
        "With these settings the training ends at step {step} of {total} ({by}), with {share:.1%} of the "
        "best quality on record.",
        "С этими настройками обучение оканчивается на шаге {step} из {total} ({by}); качество {share:.1%} от "
        "лучшего записанного.",
    )

    GATE_EXAMINED = (
        "{run}: the test sentences, spoken by {checkpoint}",
        "{run}: контрольные предложения, веса {checkpoint}",
    )
    GATE_VALIDATED = (
        "{run}: not examined yet; the validation at step {step}",
        "{run}: испытания ещё не было; проверка на шаге {step}",
    )
    GATE_NOTHING = "{run}: neither examined nor validated yet", "{run}: ни испытания, ни проверок ещё не было"
    GATE_PASSED = "passed", "пройдено"
    GATE_FAILED = "FAILED", "НЕ ПРОЙДЕНО"
    GATE_MISSING = "FAILED: no figure", "НЕ ПРОЙДЕНО: числа нет"
    GATE_ALL_PASSED = "The gate is open.", "Порог качества пройден."
    GATE_NOT_ALL_PASSED = "The gate is shut: {names}.", "Порог качества не пройден: {names}."
    NOT_AN_EXAMINATION = (
        "{path}: not the figures of an examination ({detail})",
        "{path}: это не результаты испытания ({detail})",
    )
