"""The machine, and the services beside a run."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class MachinePhrase(Phrase):
    """What the machine offers, and what of it is too little."""

    TITLE = "This machine:", "Эта машина:"
    PYTHON = "Python", "Python"
    PYTHON_ON = "{python} on {system}", "{python}, {system}"
    CORES = "CPU cores", "ядра CPU"
    MEMORY = "memory", "память"
    MEMORY_FREE = "{free:GiB} free of {whole:GiB}", "свободно {free:GiB} из {whole:GiB}"
    DISK = "disk", "диск"
    DISK_FREE = "{free:GiB} free", "свободно {free:GiB}"
    GPU = "GPU", "GPU"
    GPU_NAMED = "{name} ({memory:.0f} GiB)", "{name} ({memory:.0f} ГиБ)"
    NO_GPU = "none found; the CPU does the work", "не найден; работает CPU"
    TOO_SMALL = "this machine cannot do it: {findings}", "эта машина не справится: {findings}"
    MEMORY_TOO_SMALL = (
        "{free:GiB} of memory are free, {needed:GiB} are needed: "
        "close other programs or use a larger machine",
        "памяти свободно {free:GiB}, нужно {needed:GiB}: "
        "закройте другие программы или возьмите машину побольше",
    )
    MEMORY_TIGHT = (
        "{free:GiB} of memory are free, MLflow and TensorBoard would like {needed:GiB}: "
        "--no-services saves theirs",
        "памяти свободно {free:GiB}, с MLflow и TensorBoard хорошо бы {needed:GiB}: "
        "--no-services обходится без них",
    )
    DISK_TOO_SMALL = (
        "{free:GiB} of disk are free, {needed:GiB} are needed: "
        "`smart-tuner runs remove` or another --runs-folder helps",
        "на диске свободно {free:GiB}, нужно {needed:GiB}: "
        "поможет `smart-tuner runs remove` или другая папка в --runs-folder",
    )
    DISK_TIGHT = "only {free:GiB} of disk are free", "на диске свободно только {free:GiB}"
    DISK_FOR_RUN = (
        "the run needs about {needed:GiB} of disk and {free:GiB} are free; "
        "`smart-tuner runs remove` makes room",
        "запуску нужно на диске около {needed:GiB}, а свободно {free:GiB}; "
        "`smart-tuner runs remove` освобождает место",
    )


@unique
class ServicePhrase(Phrase):
    """MLflow, TensorBoard and the Optuna dashboard."""

    ANSWERS = "{name} answers on {page}", "{name} отвечает по адресу {page}"
    WITHOUT = "the run goes on without {name}: {reason}", "запуск продолжается без {name}: {reason}"
    STAY_UP = "The interfaces stay up until Ctrl-C.", "Страницы открыты до Ctrl-C."
    NOT_STARTED = "{name} was not started: {reason}", "{name}: запустить не удалось: {reason}"
    ENDED_EARLY = (
        "{name} ended before it answered ({log}):\n{lines}",
        "{name}: процесс закончился, не ответив ({log}):\n{lines}",
    )
    NO_ANSWER = (
        "{name} did not answer on {url} in time; see {log}",
        "{name}: нет ответа по адресу {url} в отведённое время; смотрите {log}",
    )
    NO_PORT = (
        "no port from {first} to {last} is free on {host}",
        "нет свободного порта от {first} до {last} на {host}",
    )
