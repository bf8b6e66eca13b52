"""The words of the page that tells of a run or a study."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ReportPhrase(Phrase):
    """Headings, sentences and names of the report."""

    REPORT_OF_RUN = "Report of a training run", "Отчёт об обучении"
    REPORT_OF_STUDY = "Report of a study", "Отчёт о подборе"
    REPORT_WRITTEN = (
        "  the report, to be opened in a browser: {file}",
        "  отчёт, открывается в браузере: {file}",
    )
    WRITTEN_AT = (
        "Written {time}. `smart-tuner report` makes this page anew from the files of the folder.",
        "Составлен {time}. Заново эту страницу по файлам папки составит `smart-tuner report`.",
    )
    CONTENTS = "Contents", "Содержание"
    SHORT = "In short", "Коротко"
    LISTEN = "The voice", "Голос"
    GATE = "Quality gate", "Порог качества"
    REPORT_CURVES = "How the training went", "Ход обучения"
    REPORT_ATTENTION = "Attention over time", "Внимание с течением времени"
    VOICE = "The voice over time", "Голос с течением времени"
    REPORT_HAPPENED = "What happened on the way", "Что случилось по пути"
    ATTEMPTS = "Attempts and restarts", "Попытки и перезапуски"
    TUNING = "How the settings were chosen", "Как выбраны настройки"
    SETTINGS = "Settings", "Настройки"
    ENVIRONMENT = "Machine and versions", "Машина и версии"
    HISTORY = "The course of the study", "Ход подбора"
    IMPORTANCE = "What mattered", "Что было важно"
    TRIALS = "Trials", "Пробы"

    GATE_IS_OPEN = "open", "пройден"
    GATE_IS_SHUT = "shut", "не пройден"
    PASSED_OF = "{passed} of {count} figures are good enough", "достаточно хороши {passed} из {count} чисел"
    ALIGNMENT_FIGURE = "Alignment", "Выравнивание"
    ALIGNMENT_MEANS = (
        "0 to 1: how surely it reads symbol by symbol",
        "от 0 до 1: насколько уверенно текст читается знак за знаком",
    )
    DISTORTION = "Distortion, dB", "Искажение, дБ"
    DISTORTION_MEANS = (
        "distance from the recordings; less is better",
        "расстояние до записей; чем меньше, тем лучше",
    )
    STEPS = "Training steps", "Шаги обучения"
    OF_STEPS = "of {count:,} planned", "из {count:,} по плану"
    TIME = "Time", "Время"
    LEARNED_FROM = (
        "It learned from {clips:,} {clips:recording|recordings}, {seconds:duration} of speech: {source}.",
        "Обучение шло на {clips:,} {clips:записи|записях|записях}, это {seconds:duration} речи: {source}.",
    )
    LEARNED_FROM_CLIPS = (
        "It learned from {clips:,} {clips:recording|recordings}: {source}.",
        "Обучение шло на {clips:,} {clips:записи|записях|записях}: {source}.",
    )
    DEMO_CORPUS = "the demo corpus of the bundled synthesiser", "учебный корпус встроенного синтезатора"
    NO_DATA_YET = "No recordings have been read yet.", "Записи ещё не прочитаны."
    REPORT_TRAINED = (
        "It trained for {steps:,} {steps:step|steps} in {seconds:duration} on {device}, in {attempts} "
        "{attempts:attempt|attempts}; {attention}.",
        "Сделано {steps:,} {steps:шаг|шага|шагов} за {seconds:duration} на {device}, попыток: {attempts}; "
        "{attention}.",
    )
    FORMED_AT = (
        "attention had formed by step {step:,}",
        "внимание сложилось к шагу {step:,}",
    )
    NEVER_FORMED = (
        "attention has not formed, so it does not read the text yet",
        "внимание не сложилось, так что текст пока не читается",
    )
    GOOD_ENOUGH = (
        "The voice is good enough by all {count} figures of the quality gate.",
        "Голос достаточно хорош по всем числам порога качества, их {count}.",
    )
    NOT_GOOD_ENOUGH = (
        "The voice is not good enough yet by the quality gate: {names}.",
        "По порогу качества голос ещё недостаточно хорош: {names}.",
    )
    NO_TROUBLE = "Nothing went wrong on the way.", "По пути ничего не случилось."
    TROUBLES = (
        "On the way: {incidents} {incidents:incident|incidents}, {restarts} {restarts:restart|restarts}, "
        "{cures} {cures:record|records} of cures; all of them are listed below.",
        "По пути: {incidents} {incidents:происшествие|происшествия|происшествий}, {restarts} "
        "{restarts:перезапуск|перезапуска|перезапусков}, {cures} {cures:запись|записи|записей} о лечении; "
        "все перечислены ниже.",
    )
    ENDED_BECAUSE = "It ended: {reason}.", "Чем кончилось: {reason}."
    NEXT_RUNNING = (
        "The training is still going on; `smart-tuner report {run}` brings this page up to date.",
        "Обучение ещё идёт; обновит эту страницу `smart-tuner report {run}`.",
    )
    NEXT_GO_ON = (
        "Next: start the same command again; it goes on from the last state.",
        "Дальше: повторите ту же команду, она продолжит с последнего сохранённого состояния.",
    )
    NEXT_MEND = (
        "Next: mend what is named above, and start the same command again.",
        "Дальше: исправьте названное выше и повторите ту же команду.",
    )
    NEXT_SPEAK = (
        'Next: let it speak with `smart-tuner synthesize --run {run} "Good morning."`, or write the voice as '
        "one file with `smart-tuner bundle {run}`.",
        'Дальше: дайте голосу сказать, `smart-tuner synthesize --run {run} "Good morning."`, или '
        "запишите его "
        "одним файлом, `smart-tuner bundle {run}`.",
    )
    ADVICE_ALIGNMENT = (
        "Next: train longer, or with more recordings whose texts say exactly what is heard; attention is "
        "what is missing.",
        "Дальше: обучайте дольше или на большем числе записей, тексты которых точно передают сказанное; "
        "не хватает внимания.",
    )
    ADVICE_STOP = (
        "Next: look at the ends of the recordings; long silence or cut words keep it from "
        "learning when to stop.",
        "Дальше: проверьте концы записей; из-за долгой тишины и обрезанных слов не выучить, когда кончать.",
    )
    ADVICE_LOSS = (
        "Next: the loss on sentences it never saw is far too high; a lower learning rate helps most often.",
        "Дальше: потери на незнакомых предложениях слишком велики; чаще всего помогает скорость "
        "обучения ниже.",
    )
    ADVICE_SOUND = (
        "Next: train longer; it reads, and the sound comes with time and with hours of recordings.",
        "Дальше: обучайте дольше; читать голос умеет, а звук приходит со временем и с часами записей.",
    )

    HEAD_FIGURE = "figure", "число"
    HEAD_VALUE = "value", "значение"
    HEAD_BAR = "bar", "порог"
    HEAD_PASSED = "verdict", "итог"
    NOT_JUDGED = (
        "There is no figure to judge yet.",
        "Судить пока не по чему.",
    )

    SLIDER = "Attention map", "Карта внимания"
    EARLIER = "earlier", "раньше"
    LATER = "later", "позже"
    AT_STEP = "step {step:,}", "шаг {step:,}"
    MAP_AT = "Attention map at step {step}", "Карта внимания на шаге {step}"
    MAP_WITH = (
        "Attention map at step {step}; free-running alignment over all sentences {alignment:.2f}",
        "Карта внимания на шаге {step}; выравнивание без подсказок по всем предложениям {alignment:.2f}",
    )
    MAP_MEANS = (
        "One held-out sentence, with the recording as a guide (left) and without help (right). "
        "Each column is "
        "a step of speaking; a voice that reads shows one bright line from the lower left to the "
        "upper right.",
        "Одно незнакомое предложение: с подсказкой из записи (слева) и без подсказок (справа). Столбец — шаг "
        "речи; у голоса, который читает, видна яркая линия слева снизу направо вверх.",
    )
    VOICE_MEANS = (
        "The same held-out sentences as they sounded at some steps; quickly made, the end sounds better.",
        "Одни и те же незнакомые предложения на разных шагах; звук сделан наскоро, в конце он лучше.",
    )
    LISTEN_MEANS = (
        "Sentences that it never saw, spoken by the best weights.",
        "Незнакомые предложения, сказанные лучшими весами.",
    )
    SAMPLES_MAPS = "Attention of the first of these sentences", "Внимание на первых из этих предложений"
    SENTENCE_NUMBER = "Sentence {number}", "Предложение {number}"
    ALIGNMENT_OF = "alignment {value}", "выравнивание {value}"
    SHOWN_OF = (
        "{shown} of {count} are shown; the folder of the run has all of them.",
        "Показано {shown} из {count}; все есть в папке запуска.",
    )

    KIND_INCIDENT = "incident", "происшествие"
    KIND_RESTART = "restart", "перезапуск"
    KIND_DECISION = "decision", "решение"
    KIND_DIAGNOSIS = "diagnosis", "диагноз"
    KIND_CURE = "cure", "лечение"
    KIND_KNOB = "adjustment", "подстройка"
    HEAD_KIND = "kind", "вид"
    HEAD_WHAT = "what", "что"
    TABLE_HAPPENED = "In the order in which it happened", "В том порядке, как случилось"
    NOTHING_HAPPENED = (
        "No incident, no restart, no decision.",
        "Ни происшествий, ни перезапусков, ни решений.",
    )
    ROWS_OF = (
        "{shown} of {count} are listed; `events.jsonl` has all.",
        "Названо {shown} из {count}; все в `events.jsonl`.",
    )

    CLIPS = "Recordings to look at", "Записи, на которые стоит взглянуть"
    BAD_CLIPS = (
        "{bad} of {count:,} recordings were badly aligned at step {step:,}; text and sound may not match.",
        "На шаге {step:,} плохо читались записи: {bad} из {count:,}; возможно, текст и звук расходятся.",
    )
    TABLE_BAD_CLIPS = "The worst first", "Худшие первыми"
    HEAD_RECORDING = "recording", "запись"
    HEAD_SPEAKER_OF = "speaker", "диктор"
    HEAD_ALIGNMENT_OF = "alignment", "выравнивание"
    HEAD_LOSS_OF = "loss", "ошибка"
    HEAD_TIMES_BAD = "times bad", "сколько раз"

    HEAD_ATTEMPT = "attempt", "попытка"
    HEAD_BEGAN = "began", "начало"
    HEAD_FROM = "from step", "с шага"
    HEAD_SEED = "seed", "начальное число"
    HEAD_TO = "to step", "до шага"
    HEAD_TOOK = "took", "длилась"
    HEAD_END = "end", "конец"
    TABLE_ATTEMPTS = "Every start of the training", "Все запуски обучения"
    HEAD_CANDIDATE = "candidate", "кандидат"
    HEAD_RATE = "learning rate", "скорость обучения"
    HEAD_SCORES = "scores, round by round", "оценки по кругам"
    TABLE_CANDIDATES = (
        "Settings that began this training; ✓ went on with it",
        "Настройки, начинавшие это обучение; ✓ продолжила его",
    )
    SETTINGS_UNREADABLE = (
        "The settings cannot be read by this version of the program.",
        "Эта версия программы не может прочитать настройки.",
    )
    TABLE_DIFFERENCES = "What differs from {preset}", "Чем отличаются от {preset}"
    AS_PRESET = "Every value is that of {preset}.", "Все значения как у {preset}."
    ALL_SETTINGS = "All settings", "Все настройки"
    HEAD_KEY = "key", "ключ"
    HEAD_PRESET = "there", "там"
    HEAD_HERE = "here", "здесь"
    SYSTEM = "system", "система"
    DEVICE = "device and precision", "устройство и точность"
    THREADS = "processes × threads", "процессы × потоки"
    PARAMETERS = "parameters of the model", "параметров модели"
    SOURCE = "commit of the source", "коммит исходного кода"
    HEAD_PART = "part", "часть"
    TABLE_ENVIRONMENT = "What it ran with", "На чём и с чем работало"

    NO_TRIALS_YET = "No trial has been recorded yet.", "Ни одной пробы ещё не записано."
    REPORT_COUNTS = (
        "{complete} {complete:trial is|trials are} complete, {pruned} pruned, {failed} failed; {shut} of the "
        "complete ones did not come above the quality gate.",
        "Завершено проб: {complete}, отсеяно: {pruned}, не удалось: {failed}; из завершённых порог качества "
        "не прошли {shut}.",
    )
    MOST_IMPORTANT = "What mattered most: {names}.", "Важнее всего были: {names}."
    NEXT_TRAIN = (
        "Next: train the best settings, `smart-tuner train --preset {file}`.",
        "Дальше: обучите голос с лучшими настройками, `smart-tuner train --preset {file}`.",
    )
    NEXT_MORE_TRIALS = (
        "No trial came above the quality gate; the same command with more trials goes on with the study.",
        "Ни одна проба не прошла порог качества; та же команда с большим числом проб продолжит подбор.",
    )
    BEST_SCORE = "Best score", "Лучшая оценка"
    BEST_IS = "best: trial {trial}", "лучшая: проба {trial}"
    NO_BEST = "no best trial yet", "лучшей пробы пока нет"
    PICTURE_HISTORY = (
        "The score of every trial, and the best so far",
        "Оценки всех проб и лучшая на тот момент",
    )
    PICTURE_PARALLEL = (
        "The values of every complete trial; red is the best",
        "Значения всех завершённых проб; красным лучшая",
    )
    PICTURE_IMPORTANCE = "Each setting's share in the difference", "Доля каждой настройки в разнице"
    HEAD_SHARE = "share", "доля"
    TABLE_IMPORTANCE = (
        "Share of each setting in what sets the best trials apart",
        "Доля каждой настройки в том, чем выделяются лучшие пробы",
    )
    TRIAL = "trial", "проба"
    SCORE = "score", "оценка"
    HEAD_STATE_OF = "state", "состояние"
    HEAD_NOTE = "remark", "примечание"
    TABLE_BEST = (
        "The best complete trials with their values, the best first",
        "Лучшие завершённые пробы и их значения, лучшая первой",
    )
    TABLE_TRIALS_ALL = "Trials in their order", "Пробы по порядку"
    ALL_TRIALS = "All trials: {shown} of {count}", "Все пробы: {shown} из {count}"
    REPORT_COMPLETE = "complete", "завершена"
    REPORT_PRUNED = "pruned", "отсеяна"
    REPORT_FAILED = "failed", "не удалась"
    REPORT_RUNNING = "running", "идёт"
    REPORT_WAITING = "waiting", "ждёт"
    SAMPLER = "sampler", "сэмплер"
