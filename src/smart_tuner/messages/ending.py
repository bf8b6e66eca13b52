"""How a run ended, and what it left."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class EndPhrase(Phrase):
    """States and exit causes, their reasons, the closing figures and what to do next."""

    # States and causes are the machine's words in English; they stand in lists and in `outcome.json`.
    STATE_RUNNING = "running", "идёт"
    STATE_UNFINISHED = "unfinished", "не закончен"
    STATE_UNREADABLE = "unreadable", "не читается"
    COMPLETED = "completed", "завершён"
    STOPPED = "stopped", "остановлен"
    NO_VOICE = "no_voice", "голоса нет"
    NON_FINITE = "non_finite", "NaN или Inf"
    OUT_OF_MEMORY = "out_of_memory", "не хватило памяти"
    ATTENTION_FAILED = "attention_failed", "внимания нет"
    UNSTABLE = "unstable", "неустойчиво"
    DATA_ERROR = "data_error", "ошибка в данных"
    STORAGE_ERROR = "storage_error", "ошибка записи"
    CONFIGURATION_ERROR = "configuration_error", "ошибка в настройках"
    INTERRUPTED = "interrupted", "прерван"
    TERMINATED = "terminated", "остановлен сигналом"
    CRASHED = "crashed", "аварийный конец"
    HUNG = "hung", "завис"

    ENDED = (
        "The run ended: {cause}. {reason}\n  log {log}",
        "Запуск окончен: {cause}. {reason}\n  журнал {log}",
    )
    TRY_AGAIN = (
        "Start the same command again to go on from the last checkpoint, or add --new for a new run.",
        "Повторите ту же команду, чтобы продолжить с последней контрольной точки, "
        "или добавьте --new для нового запуска.",
    )
    DETAIL = "{detail}", "Подробности: {detail}"

    MEASURED = "data and cost are known", "данные и затраты известны"
    TRAINED = "trained for {step} {step:step|steps}", "обучено за {step} {step:шаг|шага|шагов}"
    TRAINING_STOPPED = "the training stopped at step {step}", "обучение остановилось на шаге {step}"
    ATTENTION_NOT_FORMED = (
        "attention had not formed by step {step}: free-running alignment {best:.2f} at best, "
        "more than {threshold:g} was expected",
        "к шагу {step} внимание не сложилось: выравнивание без подсказок не выше {best:.2f}, "
        "ожидалось больше {threshold:g}",
    )
    NOTHING_EXAMINED = (
        "no validation gave a voice that could be examined",
        "ни одна проверка не дала голоса, который можно было бы испытать",
    )
    ON_REQUEST = (
        "stopped on request; what was finished so far is kept",
        "остановлено по просьбе; всё законченное сохранено",
    )
    PROGRAM_ERROR = "an error of the program: {kind}: {detail}", "ошибка программы: {kind}: {detail}"
    SILENT = (
        "the worker gave no sign of life for {seconds:g} s and was ended",
        "рабочий процесс не подавал признаков жизни {seconds:g} с и был завершён",
    )
    NO_PROGRESS = (
        "the worker did not move on for {seconds:g} s and was ended",
        "работа не двигалась {seconds:g} с, и рабочий процесс был завершён",
    )
    NO_CHECKPOINT = (
        "the worker was ended before it could write a checkpoint",
        "рабочий процесс был завершён прежде, чем успел записать контрольную точку",
    )
    KILLED = (
        "the worker was killed from outside; not for want of memory, as far as the system tells",
        "рабочий процесс был убит извне; не из-за памяти, насколько сообщает система",
    )
    OOM_KILLED = (
        "the system killed the worker because memory ran out",
        "система убила рабочий процесс, потому что кончилась память",
    )
    SIGNALLED = (
        "the worker was ended by the signal {signal}",
        "рабочий процесс был завершён сигналом {signal}",
    )
    STATUS = (
        "the worker ended with status {status} and left no outcome",
        "рабочий процесс окончился со статусом {status} и не оставил итога",
    )
    OF_PROCESS = "process {number} of {count}: {reason}", "процесс {number} из {count}: {reason}"
    NOT_AN_OUTCOME = (
        "{path}: not an outcome ({detail}); remove the file and the same command goes on with the run",
        "{path}: это не итог запуска ({detail}); удалите файл, и та же команда продолжит запуск",
    )
    NOT_LEFT = "warning: {detail}", "предупреждение: записать не удалось: {detail}"
    DISK_FULL = (
        "nothing more could be written into the run folder; the usual reason is a full disk",
        "в папку запуска больше ничего не записать; обычная причина: диск полон",
    )

    DONE = "Done.", "Готово."
    ENDED_BY_CONTROLLER = "The training was ended early: {reason}", "Обучение окончено раньше срока: {reason}"
    FIGURE_ALIGNMENT = (
        "  alignment of held-out sentences: {value:.2f}",
        "  выравнивание на незнакомых предложениях: {value:.2f}",
    )
    FIGURE_NEAREST = (
        "  nearest to their own recording: {value:.0%}",
        "  ближе всего к своей записи: {value:.0%}",
    )
    FIGURE_SKIPPED = (
        "  symbols skipped or repeated: {value:.1%}",
        "  пропущено или повторено символов: {value:.1%}",
    )
    FIGURE_NEVER_STOPPED = (
        "  sentences that never stopped: {value:.0f}",
        "  предложений, которые не кончились сами: {value:.0f}",
    )
    FIGURE_STEPS = (
        "  {steps} {steps:step|steps} in {seconds:duration}, {attention}",
        "  {steps} {steps:шаг|шага|шагов} за {seconds:duration}, {attention}",
    )
    ATTENTION_FORMED = "attention formed at step {step}", "внимание сложилось на шаге {step}"
    ATTENTION_NEVER = "attention never formed", "внимание так и не сложилось"
    SAMPLES = (
        "  {count} {count:sentence|sentences} it never saw, as wav files: {folder}",
        "  {count} {count:незнакомое предложение|незнакомых предложения|незнакомых предложений} "
        "в файлах wav: {folder}",
    )
    ALL_FIGURES = (
        "  every figure and how it was obtained: {file}",
        "  все числа и как они получены: {file}",
    )
    SPEAK = (
        '  let it speak: smart-tuner synthesize --run {run} "Good morning."',
        '  дать голосу сказать: smart-tuner synthesize --run {run} "Good morning."',
    )
    NOT_ALL_SHOWN = (
        "not everything of the run is shown in MLflow and TensorBoard; its events are kept",
        "не всё о запуске видно в MLflow и TensorBoard; его события сохранены",
    )
