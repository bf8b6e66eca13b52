"""What the commands say: results, questions, and mistakes of the person who typed."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class CommandPhrase(Phrase):
    """Headlines, usage mistakes, runs, and the results of the library's commands."""

    MISTAKE = "smart-tuner: {detail}", "smart-tuner: {detail}"
    BAD_SETTINGS = "smart-tuner: {detail}", "smart-tuner: настройки нельзя использовать:\n{detail}"
    NOT_SPOKEN = "smart-tuner: {detail}", "smart-tuner: озвучить не удалось: {detail}"
    NO_CORPUS = "smart-tuner: {detail}", "smart-tuner: корпус не создан: {detail}"
    WARNING = "warning: {message}", "предупреждение: {message}"

    NOT_STORED = "smart-tuner: {detail}", "smart-tuner: записать не удалось: {detail}"
    NOT_BUNDLED = "smart-tuner: {detail}", "smart-tuner: файл голоса не создан: {detail}"
    NOT_INSTALLED = (
        "{name} is not installed: this installation can only speak, by `synthesize --voice`. "
        "`./install.sh` installs everything",
        "{name} нет в этой установке: она умеет только говорить, командой `synthesize --voice`. "
        "Всё остальное ставит `./install.sh`",
    )
    WHOSE_VOICE = (
        "whose voice? give --run RUN or --voice FILE, one of them",
        "чей голос? укажите что-то одно: --run или --voice",
    )
    NAMELESS_FOLDER = (
        "--data names no folder; leave it out for the demo corpus",
        "--data не называет папки; без этой опции создаётся учебный корпус",
    )
    VOICE_OF_DEMO = (
        "--voice names the voice of the demo corpus; recordings of your own have theirs: leave it out, "
        "and name their language with `--set text.language={voice}`",
        "--voice называет голос учебного корпуса; у собственных записей голос свой: уберите опцию, "
        "а их язык назовите так: `--set text.language={voice}`",
    )
    TEXT_AND_FILE = "give the text or --file, not both", "укажите текст или --file, но не то и другое"
    TWO_STYLES = (
        "give --style-recording or --style-weights, not both",
        "укажите --style-recording или --style-weights, но не то и другое",
    )
    NOTHING_TO_SAY = (
        'nothing to say: give a text in quotes, as in "Good morning.", or --file',
        'нечего сказать: дайте текст в кавычках, например "Good morning.", или --file',
    )
    VERBOSE_AND_QUIET = (
        "--verbose and --quiet contradict each other",
        "--verbose и --quiet противоречат друг другу",
    )
    NO_FOLDER = "{path}: cannot be created ({detail})", "{path}: создать нельзя ({detail})"

    NEW_RUN = (
        "New run {run}\n  folder     {folder}\n  recordings {recordings}",
        "Новый запуск {run}\n  папка  {folder}\n  записи {recordings}",
    )
    NO_RECORDINGS = (
        "none named: a demo corpus is made",
        "не названы: создаётся учебный корпус",
    )
    GOING_ON = (
        "Going on with the run {run} (--new would start another)",
        "Продолжается запуск {run} (--new начал бы другой)",
    )
    SHORT_CLIP_PRESET = (
        "the preset {preset} was made for the short clips of the demo corpus; "
        "recordings of your own may need a larger model and more steps, set in a file for --preset",
        "набор настроек {preset} сделан для коротких записей учебного корпуса; собственным записям "
        "может понадобиться модель побольше и больше шагов, их задаёт файл для --preset",
    )

    NO_SUCH_FAULT = "--inject {part}: no such fault; {hint}", "--inject {part}: такой неполадки нет; {hint}"
    KINDS = "there are {kinds}", "есть {kinds}"
    FAULT_STEP = (
        "--inject {part}: name the step at which it is to happen, as in {kind}@1, from 1 to {steps}",
        "--inject {part}: назовите шаг, на котором это случится, например {kind}@1, от 1 до {steps}",
    )
    INJECTED = (
        "this run is made to go wrong, as --inject says: {faults}",
        "в этом запуске нарочно устроены неполадки, как велит --inject: {faults}",
    )

    NO_RUNS = "no runs in {folder}", "в папке {folder} нет запусков"
    HEAD_RUN = "run", "запуск"
    HEAD_STATE = "state", "состояние"
    HEAD_STEP = "step", "шаг"
    HEAD_ALIGNMENT = "alignment", "выравн."
    HEAD_SIZE = "size", "размер"
    ROW_SIZE = "{size:MiB}", "{size:MiB}"
    ROW_ALIGNMENT = "{value:.2f}", "{value:.2f}"
    NOBODY_TO_ASK = (
        "nobody can be asked here: add --yes to delete {runs}",
        "здесь некого спросить: добавьте --yes, чтобы удалить {runs}",
    )
    DELETE = "Delete {runs} for good?", "Удалить {runs} навсегда?"
    NOT_DELETED = "Nothing was deleted.", "Ничего не удалено."
    REMOVED = "removed {run}, {freed:MiB} freed", "запуск {run} удалён, освобождено {freed:MiB}"

    NO_SUCH_RUN = "no run {name!r} in {folder}; {hint}", "нет запуска {name!r} в папке {folder}; {hint}"
    DID_YOU_MEAN = "did you mean {name}?", "может быть, {name}?"
    SEE_LIST = "`smart-tuner runs list` shows what there is.", "`smart-tuner runs list` покажет, что есть."
    SEVERAL_RUNS = (
        "{name!r} may mean {runs}: write more of the name",
        "{name!r} может означать {runs}: напишите имя полнее",
    )
    NO_VOICE_YET = (
        "{run} has no voice yet: its first validation writes one",
        "у запуска {run} ещё нет голоса: его запишет первая проверка",
    )
    RUN_LOCKED = (
        "{run} is already being worked on by another process. Watch it with `smart-tuner monitor {run}`, "
        "wait for its end, or start a separate run with --new.",
        "с запуском {run} уже работает другой процесс. Смотрите за ним командой `smart-tuner monitor {run}`, "
        "дождитесь его конца или начните отдельный запуск с --new.",
    )
    WORKER_ALIVE = (
        "a worker of {run} is still alive although its supervisor is gone. "
        "Wait for its end, end that process, or start a separate run with --new.",
        "рабочий процесс запуска {run} ещё жив, хотя за ним никто не следит. "
        "Дождитесь его конца, завершите этот процесс или начните отдельный запуск с --new.",
    )
    NOT_WRITABLE = "{path}: cannot be written ({detail})", "{path}: писать нельзя ({detail})"
    NOT_READABLE = "{path}: cannot be read ({detail})", "{path}: прочитать нельзя ({detail})"
    NO_RUN_THERE = (
        "{path}: no run can be created there ({detail})",
        "{path}: создать там запуск нельзя ({detail})",
    )
    NO_RUNS_FOLDER = (
        "{path}: cannot be created or written ({detail})",
        "{path}: создать или изменить нельзя ({detail})",
    )
    SAME_SECOND = "{path}: too many runs of the same second", "{path}: слишком много запусков за одну секунду"

    SPOKEN = (
        "{path}: {seconds:.2f} s, attention_alignment {alignment}",
        "{path}: {seconds:.2f} с, выравнивание {alignment}",
    )
    NOT_MEASURABLE = "not measurable", "не измерить"
    ENDED_BY = "ended by: {reason}", "конец речи: {reason}"
    SPEAKER = (
        "speaker: {name}, of {count}; --speaker NAME chooses",
        "диктор: {name}, всего {count}; выбирает --speaker",
    )
    STOP_TOKEN = "stop token", "стоп-токен"
    LENGTH_BOUND = "length bound", "предел длины"
    LENGTH_BOUNDS = (
        "length bound ({count} of {sentences} {sentences:sentence|sentences})",
        "предел длины ({count} из {sentences} {sentences:предложения|предложений|предложений})",
    )
    CHARACTER_LEFT_OUT = (
        "left out {count} {count:time|times}: {character} ({code})",
        "пропущено {count} {count:раз|раза|раз}: {character} ({code})",
    )
    BUNDLED = "{path}: {size:.1f} MiB", "{path}: {size:.1f} МиБ"
    NOT_STATED = (
        'the card says "not stated" for what these options would say: {options}',
        'в карточке голоса стоит "not stated" там, где сказали бы эти опции: {options}',
    )
    CORPUS = (
        "{folder}: {minutes:.1f} minutes of speech",
        "{folder}: {minutes:.1f} {minutes:минута|минуты|минут} речи",
    )
    LIST_LENGTH = (
        "  {name}: {count} {count:utterance|utterances}",
        "  {name}: {count} {count:запись|записи|записей}",
    )
    CLIPS_MADE = "{done} of {total} clips", "записи: {done} из {total}"
