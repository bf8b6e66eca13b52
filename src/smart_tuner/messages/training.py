"""What is told while a run goes on."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class TrainingPhrase(Phrase):
    """Phases, progress and the records of a training."""

    STAGE_STARTING = "starting", "запуск"
    STAGE_DATA = "recordings", "записи"
    STAGE_FEATURES = "mel spectrograms", "мел-спектрограммы"
    STAGE_ESTIMATE = "measuring the speed of this machine", "измеряется скорость этой машины"
    STAGE_TRAINING = "training", "обучение"
    STAGE_EXAMINATION = "speaking the test sentences", "озвучиваются контрольные предложения"
    STAGE_PROGRESS = "{stage}: {done} of {total}", "{stage}: {done} из {total}"
    COUNT = "{done:,} of {total:,}", "{done:,} из {total:,}"

    STEP = "step {step} of {total}: {rates}", "шаг {step} из {total}: {rates}"
    STEP_RATE = "{rate:.2f} steps/s", "{rate:.2f} {rate:шаг|шага|шагов}/с"
    FRAME_RATE = (
        "{rate:,} {rate:mel frame|mel frames}/s",
        "{rate:,} {rate:мел-кадр|мел-кадра|мел-кадров}/с",
    )
    ALIGNMENT = "alignment {value:.2f}", "выравнивание {value:.2f}"
    TIME_LEFT = "{seconds:duration} left", "осталось {seconds:duration}"
    LOSSES = (
        "step {step}: {losses}, gradient norm {grad_norm:.3f}, learning rate {learning_rate:.2e}, "
        "waiting for data {wait:.0%}",
        "шаг {step}: {losses}, норма градиента {grad_norm:.3f}, скорость обучения {learning_rate:.2e}, "
        "ожидание данных {wait:.0%}",
    )
    LOSS = "{name} {value:.4f}", "{name} {value:.4f}"
    BEGIN = "training", "обучение начато"
    RESUME = "going on at step {step}", "продолжение с шага {step}"
    SHARED = (
        " in each of {count} processes",
        " в каждом из {count} {count:процесса|процессов|процессов}",
    )
    STARTED = (
        "{begin}: {parameters:,} {parameters:parameter|parameters}, {clips:,} {clips:utterance|utterances}, "
        "at most {steps:,} {steps:step|steps} on {device} ({precision}, {threads} {threads:thread|threads}"
        "{processes}), seed {seed}",
        "{begin}: {parameters:,} {parameters:параметр|параметра|параметров}, "
        "{clips:,} {clips:запись|записи|записей}, "
        "не больше {steps:,} {steps:шага|шагов|шагов} на {device} "
        "({precision}, {threads} {threads:поток|потока|потоков}{processes}), начальное число {seed}",
    )
    ESTIMATED = (
        "estimated: {train_seconds:duration} of training ({step_seconds:.2f} s a step; "
        "validations come on top), {disk:MiB} of disk",
        "оценка: {train_seconds:duration} обучения ({step_seconds:.2f} с на шаг; "
        "проверки сверх того), {disk:MiB} на диске",
    )
    VALIDATED = "validation at step {step}: {figures}", "проверка на шаге {step}: {figures}"
    VAL_LOSS = "loss {value:.2f}", "ошибка {value:.2f}"
    GATE_ACCURACY = "gate accuracy {value:.2f}", "точность стоп-токена {value:.2f}"
    FREE_ALIGNMENT = (
        "free-running alignment {value:.2f}",
        "выравнивание без подсказок {value:.2f}",
    )
    QUALITY = "quality {value:.2f}", "качество {value:.2f}"
    EXAMINED = "examined {checkpoint}", "контрольные предложения озвучены: {checkpoint}"

    SPLIT_RECORDINGS = "recordings", "все записи"
    SPLIT_TRAIN = "train", "для обучения"
    SPLIT_VALIDATION = "validation", "для проверки"
    SPLIT_TEST = "test", "для контроля"
    LEFT_OUT = (
        "{count:,} of {whole:,} {whole:clip|clips} left out",
        "{count:,} {count:запись|записи|записей} из {whole:,} не {count:взята|взяты|взято}",
    )
    DROPPED = (
        "{count:,} {count:character|characters} dropped ({often})",
        "{count:,} {count:знак пропущен|знака пропущено|знаков пропущено} ({often})",
    )
    DROPPED_ONCE = "{character} once", "{character} один раз"
    DROPPED_TIMES = "{character} {count:,} times", "{character} {count:,} {count:раз|раза|раз}"
    NOT_USED = "{split}: {parts}; the log names them", "{split}: {parts}; они названы в журнале"
    STOPPING = (
        "stopping: a checkpoint is written first. Ctrl-C again ends it at once.",
        "остановка: сначала записывается контрольная точка. Ещё раз Ctrl-C прерывает немедленно.",
    )
