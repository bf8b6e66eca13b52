"""The readiness report: what was checked, how it turned out, and what to do."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class ReadinessPhrase(Phrase):
    """Titles, findings and remedies."""

    READY = "READY", "ГОТОВО"
    NOT_READY = "NOT READY ({failed} failed)", "НЕ ГОТОВО (не пройдено: {failed})"
    READINESS_TITLE = "Readiness report of Smart Tuner", "Отчёт о готовности к обучению"
    MADE = "{date}, commit {commit}", "{date}, коммит {commit}"
    MADE_ON = (
        "Python {python} on {system}, {cores} {cores:core|cores}, {memory:GiB} of memory, GPU: {gpus}",
        "Python {python}, {system}, ядер CPU {cores}, памяти {memory:GiB}, GPU: {gpus}",
    )
    READINESS_COUNTS = (
        "{passed} passed, {failed} failed, {warned} {warned:warning|warnings}, {unchecked} not checked",
        "пройдено {passed}, не пройдено {failed}, предупреждений {warned}, не проверено {unchecked}",
    )
    READY_TO_START = (
        "{verdict}: {count} quick checks; `smart-tuner doctor` makes all",
        "{verdict}: быстрых проверок {count}; все делает `smart-tuner doctor`",
    )
    READY_AS_KEPT = (
        "{verdict}: {count} quick checks; all of `smart-tuner doctor` passed on {date}",
        "{verdict}: быстрых проверок {count}; все проверки `smart-tuner doctor` пройдены {date}",
    )
    NOT_AS_KEPT = (
        "`smart-tuner doctor` found on {date}, not passed: {names}",
        "{date} команда `smart-tuner doctor` нашла, не пройдено: {names}",
    )
    STARTING_FAILS = "{title}: {detail}; what to do: {remedy}", "{title}: {detail}; что делать: {remedy}"
    DOCTOR_WHAT_TO_DO = "what to do: {remedy}", "что делать: {remedy}"
    STATUS_PASSED = "passed", "пройдено"
    STATUS_WARNED = "warning", "предупреждение"
    STATUS_FAILED = "failed", "не пройдено"
    STATUS_UNCHECKED = "not checked", "не проверено"
    HEAD_CHECK = "check", "проверка"
    HEAD_FOUND = "found", "что найдено"
    TWO_FORMS = (
        "--json, --html and --md exclude one another",
        "--json, --html и --md вместе не бывают",
    )
    DOCTOR_REPORT_WRITTEN = "{verdict}: {path}", "{verdict}; отчёт: {path}"

    GROUP_IMPORTS = "Imports", "Импорт"
    GROUP_SOURCES = "Syntax", "Синтаксис"
    GROUP_SETTINGS = "Configuration", "Настройки"
    GROUP_PARTS = "Components", "Составные части"
    GROUP_MODEL = "Model", "Модель"
    GROUP_DATA = "Data", "Данные"
    GROUP_MACHINE = "Machine", "Машина"
    GROUP_DATABASES = "Databases", "Базы данных"
    GROUP_INTERFACES = "Interfaces", "Веб-страницы"
    GROUP_NOTICES = "Notices", "Уведомления"
    GROUP_GOAL = "Goal", "Цель"

    COUNTERPART = "{name} (here: {path})", "{name} (здесь: {path})"
    ALL_MODULES_COMPILE = "all other modules compile", "все остальные модули компилируются"
    MODULES = "{count} {count:module|modules}", "{count} {count:модуль|модуля|модулей}"
    SETTINGS_VALID = "the settings can be used", "настройки можно использовать"
    SETTINGS_OF = "{preset}", "набор настроек {preset}"
    DOCTOR_PARAMETERS = "parameters of the report's model", "параметры модели из отчёта"
    PARAMETERS_COUNTED = (
        "{count:,} parameters, {learning:,} of them trainable; {expected:,} are right",
        "параметров {count:,}, из них обучаемых {learning:,}; верно {expected:,}",
    )
    SPEECH = "real speech for a step", "настоящая речь для шага обучения"
    SPOKEN_CLIPS = (
        "{clips} {clips:sentence|sentences} spoken by the bundled synthesiser, {seconds:.0f} s",
        "встроенный синтезатор произнёс {clips} {clips:предложение|предложения|предложений}, {seconds:.0f} с",
    )
    TRAINING_STEP = "a training step, forward and backward", "шаг обучения, вперёд и назад"
    STEP_OF = (
        "{clips} {clips:utterance|utterances}, {frames} {frames:frame|frames}",
        "{clips} {clips:запись|записи|записей}, {frames} {frames:кадр|кадра|кадров}",
    )
    GRADIENTS = "every tensor learns", "обучается каждый тензор"
    ALL_TENSORS_LEARN = (
        "{count} tensors and every symbol that occurs; {known} biases in front of a batch normalisation "
        "cannot",
        "тензоров {count} и каждый встретившийся символ; смещения перед пакетной нормализацией ({known}) "
        "не могут",
    )
    LEARN_NOTHING = "no gradient: {names}", "нет градиента: {names}"
    LOSS_TERM = "loss term {name} at step 0", "слагаемое ошибки {name} на шаге 0"
    WITHIN = "{value:.3f}, wanted {low:g} to {high:g}", "{value:.3f}, нужно от {low:g} до {high:g}"
    NO_SUCH_TERM = "the model has no such term", "такого слагаемого у модели нет"
    DATA_HEALTH = "the recordings", "записи"
    NO_LISTS_YET = (
        "no recordings named, and the demo corpus is made at the first start: not checked yet",
        "записи не названы, учебный корпус создаётся при первом запуске: ещё не проверено",
    )
    DEMO_LISTS = (
        "the demo corpus: {train} {train:utterance|utterances} to learn from, {held_out} held out, "
        "{hours:.2f} hours",
        "учебный корпус: для обучения {train} {train:запись|записи|записей}, отложено {held_out}, "
        "часов {hours:.2f}",
    )
    OWN_CLIPS = (
        "{clips} of {named} {named:clip|clips} by their headers, {hours:.2f} hours; {layout}",
        "по заголовкам годится {clips} из {named} {named:записи|записей|записей}, часов {hours:.2f}; "
        "{layout}",
    )
    MEMORY_ENOUGH = "memory for the smallest training", "память для самого малого обучения"
    DISK_ENOUGH = "disk for the smallest training", "диск для самого малого обучения"
    DISK_OF_RUN = "disk for this run", "диск для этого запуска"
    NEEDED_AND_FREE = "{needed:MiB} needed, {free:MiB} free", "нужно {needed:MiB}, свободно {free:MiB}"
    DEVICE_THERE = "the device", "устройство"
    CPU_WORKS = "the CPU does the work", "работает CPU"
    BATCH_FITS = "the batch fits into memory (estimate)", "пакет помещается в память (оценка)"
    ROWS_FIT = (
        "{rows} {rows:utterance|utterances} of {longest:.1f} s at a time, the batch in {parts} "
        "{parts:part|parts}: {needed:MiB} needed, {available:MiB} to be used",
        "за раз {rows} {rows:запись|записи|записей} по {longest:.1f} с, частей пакета {parts}: нужно "
        "{needed:MiB}, можно занять {available:MiB}",
    )
    CARDS_FIT = "which graphics card this needs (estimate)", "какая видеокарта для этого нужна (оценка)"
    CARDS_FROM = (
        "{smallest} GB is enough; utterances of {longest:.1f} s at a time in {precision}, by GB: {rows}",
        "достаточно {smallest} ГБ; за раз записей по {longest:.1f} с при точности {precision}, по ГБ: {rows}",
    )
    CARDS_NONE = (
        "none of the usual sizes holds one utterance of {longest:.1f} s in {precision}, by GB: {rows}",
        "ни одна из обычных не вмещает и одной записи ({longest:.1f} с, точность {precision}), по ГБ: {rows}",
    )
    RUNS_FOLDER_WRITABLE = "the folder of the runs can be written", "в папку запусков можно писать"
    DATABASE_SHARED = (
        "{count} processes write into one study at once",
        "в одно исследование пишут сразу {count} {count:процесс|процесса|процессов}",
    )
    TRIALS_WRITTEN = (
        "{count} {count:trial|trials}, none lost, none locked out",
        "{count} {count:проба|пробы|проб}, ни одна не потеряна, блокировок не было",
    )
    DATABASES_USABLE = "databases of earlier runs can be used", "базы прежних запусков доступны"
    DATABASES_OPENED = "{count} opened for writing", "открыто для записи: {count}"
    INTERFACE_LOADS = "{name} can be loaded", "{name} загружается"
    INTERFACE_ANSWERS = "{name} answers", "{name} отвечает"
    NOT_STARTED_HERE = (
        "not started: --services starts it and waits for it",
        "не запускалось: --services запускает и ждёт ответа",
    )
    PORT_OF = "port {port} of {name}", "порт {port}, {name}"
    PORT_FREE = "free", "свободен"
    PORT_INSTEAD = "taken; {port} would be used instead", "занят; вместо него был бы {port}"
    NOTICES_SET_UP = "notices are set up", "уведомления настроены"
    NOTICES_SWITCHED_OFF = "switched off by the settings", "выключены настройками"
    NOBODY_TOLD = (
        "nobody is told: neither token nor chat is known",
        "никто не узнает: нет ни токена, ни чата",
    )
    SECRETS_FOUND = "token and chat are known", "токен и чат известны"
    SECRETS_SAFE = "the secrets are kept safe", "секреты хранятся надёжно"
    BOT_ANSWERS = "the bot answers", "бот отвечает"
    OFFLINE = "not asked: --offline", "не спрашивали: --offline"
    RATE_REACHES = (
        "the learning rate can reach the goal in time",
        "с этой скоростью обучения цель достижима в срок",
    )
    MOVED = (
        "at {rate:g} a weight moves by at most about {moved:.3g} in {steps} {steps:step|steps}; {failed:g} "
        "was measured to be too little, {enough:g} to be enough",
        "при {rate:g} вес сдвигается за {steps} {steps:шаг|шага|шагов} не больше чем примерно на "
        "{moved:.3g}; по измерениям {failed:g} слишком мало, {enough:g} достаточно",
    )

    WAITS_FOR = "not checked, because this failed: {name}", "не проверено, потому что не пройдено: {name}"
    INSTALL_AGAIN = (
        "run `./install.sh` again; it repairs the environment",
        "запустите `./install.sh` ещё раз: он чинит окружение",
    )
    RESTORE_PROGRAM = (
        "a part of the program is missing, broken or changed: `git status` shows what; restore it, or "
        "report it",
        "часть программы отсутствует, сломана или изменена: `git status` покажет, какая; восстановите её или "
        "сообщите об этом",
    )
    MEND_SETTINGS = (
        "change what the message names; `docs/configuration.md` lists all keys",
        "исправьте названное в сообщении; все ключи описаны в `docs/configuration.md`",
    )
    MEND_RECORDINGS = (
        "mend what the message names, or see `docs/data.md` for what can be read",
        "исправьте названное; что читается, описано в `docs/data.md`",
    )
    MORE_RECORDINGS = (
        "at least {fewest} usable clips are needed; see `docs/data.md`",
        "нужно хотя бы {fewest} {fewest:годная запись|годные записи|годных записей}; смотрите `docs/data.md`",
    )
    MAKE_DISK_ROOM = (
        "`smart-tuner runs remove` makes room, or choose another disk with --runs-folder",
        "`smart-tuner runs remove` освобождает место; или выберите другой диск через --runs-folder",
    )
    OTHER_DEVICE = (
        "leave --device out, or mend the driver: `nvidia-smi` must list the card",
        "уберите --device или почините драйвер: `nvidia-smi` должна показывать карту",
    )
    SMALLER_MODEL = (
        "choose a smaller preset, shorter clips (`data.max_seconds`) or a larger machine",
        "возьмите набор настроек поменьше, записи покороче (`data.max_seconds`) или машину побольше",
    )
    MORE_PARTS = (
        "nothing has to be done: the training computes the batch in more parts than the {planned} of the "
        "settings",
        "делать ничего не нужно: пакет считается по частям, и их будет больше, чем в настройках ({planned})",
    )
    OTHER_RUNS_FOLDER = (
        "choose a folder of yours with --runs-folder, or change its permissions",
        "выберите свою папку через --runs-folder или измените права доступа",
    )
    LOCAL_DISK = (
        "choose a folder on a disk of this machine with --runs-folder: network disks often cannot lock files",
        "выберите через --runs-folder папку на диске этой машины: сетевые диски часто не умеют блокировать "
        "файлы",
    )
    FREE_DATABASE = (
        "end the process that holds it, or move the damaged file away: it is made anew",
        "завершите процесс, который её держит, или уберите повреждённый файл: он создаётся заново",
    )
    SEE_SERVICE_LOG = (
        "read the log in `tracking/` of the folder of runs, or train with --no-services",
        "прочтите журнал в папке `tracking/` или обучайте с --no-services",
    )
    OTHER_PORT = (
        "end the other program, or set `services.mlflow_port`, `services.tensorboard_port` or "
        "`services.optuna_port`",
        "завершите другую программу или задайте `services.mlflow_port`, `services.tensorboard_port` либо "
        "`services.optuna_port`",
    )
    SET_UP_NOTICES = (
        "`docs/notices.md` says how, or set `notices.notify=off`",
        "как настроить, сказано в `docs/notices.md`; или задайте `notices.notify=off`",
    )
    MEND_SECRETS = (
        "give token and chat as `docs/notices.md` says; `smart-tuner notify test` tries them",
        "укажите токен и чат, как сказано в `docs/notices.md`; проверит их `smart-tuner notify test`",
    )
    NETWORK_LATER = (
        "look after the network; a training goes on without it and tells later",
        "проверьте сеть; обучение идёт и без неё, а уведомления придут позже",
    )
    HIGHER_RATE = (
        "attention above {goal:g} is not to be expected in time: raise `train.learning_rate` (1e-3 was "
        "measured to do), or take the preset `demo`, `small` or `ljspeech`; see `docs/parts.md`",
        "внимания выше {goal:g} в срок ждать не стоит: поднимите `train.learning_rate` (по измерениям "
        "хватает 1e-3) или возьмите набор `demo`, `small` либо `ljspeech`; смотрите `docs/parts.md`",
    )
