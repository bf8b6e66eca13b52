"""Whole runs and commands in Russian: every line that a person reads; what machines read stays English."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner import main as job
from smart_tuner.config import Config, ServiceSettings, SupervisorSettings, load_config
from smart_tuner.main import SmartTunerMain
from smart_tuner.messages import EndPhrase, Language, render
from smart_tuner.progress import BarProgress, Output, Verbosity
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import create, list_runs
from tacotron2.events import StageEvent, Stamped

FAKE_WORKER = Path(__file__).with_name("fake_worker.py")
SOURCE = Path(__file__).parents[2] / "src"
CONFIG = Config(
    "debug", services=ServiceSettings(enabled=False), supervisor=SupervisorSettings(max_restarts=0)
)
NAMES = {
    *("Python", "CPU", "GPU", "Linux", "Darwin", "x86_64", "aarch64", "arm64", "smart-tuner", "MLflow"),
    *("TensorBoard", "fp32", "bf16", "cpu", "cuda", "Ctrl-C", "total", "wav", "NaN", "Inf", "synthesize"),
    *("debug", "demo", "runs", "remove", "monitor", "list", "train.txt", "validation.txt", "test.txt"),
}
"""Words of Latin letters that are right in a Russian line."""


def english_words(text: str, *places: Path) -> list[str]:
    """Latin words that are no names, options, paths or things in quotes."""
    for place in places:
        text = text.replace(str(place), " ")
    text = re.sub(r"\"[^\"]*\"|'[^']*'|`[^`]*`|--[\w-]+|\S*/\S*|\d{8}-\d{6}-\w+(-\d+)?", " ", text)
    words = re.findall(r"[A-Za-z][\w.-]*[A-Za-z0-9]", text)
    return [word for word in words if word not in NAMES and not re.fullmatch(r"\d.*|e-\d+", word)]


def has_russian(line: str) -> bool:
    return re.search("[а-яё]", line, re.IGNORECASE) is not None


def is_free_of_words(line: str) -> bool:
    return not english_words(line)


@pytest.fixture(autouse=True)
def _quiet_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children find the package; the machine has room; no store is written."""
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.delenv("SMART_TUNER_MESSAGES", raising=False)
    monkeypatch.setattr(job, "catch_up", lambda run: False)  # a store that could not be written
    real, little = job.inspect_machine, 2**30
    monkeypatch.setattr(
        job,
        "inspect_machine",
        lambda root: replace(real(root), memory_free_bytes=2 * little, disk_free_bytes=little),
    )


def do(root: Path, scenario: str, language: Language, config: Config = CONFIG) -> tuple[int, str]:
    stream = io.StringIO()
    output = Output(stream, Verbosity.VERBOSE, language)
    command = [sys.executable, str(FAKE_WORKER)]
    main = SmartTunerMain(
        config, output, runs_folder=root, command=lambda run, device: [*command, str(run.path), scenario]
    )
    return main.run(), stream.getvalue()


def test_a_whole_run_is_told_in_russian(tmp_path: Path) -> None:
    config = replace(CONFIG, preset="demo", data_folder=tmp_path / "mine")
    status, said = do(tmp_path, "complete", Language.RU, config)
    assert status == 0
    for line in said.splitlines():
        assert has_russian(line) or is_free_of_words(line), line
    advised = "замечание о записях: the texts look German"  # of the library, under a headline
    assert advised in said
    assert english_words(said.replace(advised, ""), tmp_path) == []
    for part in (
        "Новый запуск",
        "ядра CPU",
        "предупреждение: на диске свободно только 1,0 ГиБ",
        "обучение начато: 1\u00a0000 параметров, 12 записей, не больше 30 шагов на cpu (fp32, 1 поток)",
        "для обучения: 2 записи из 14 не взяты; 4 знака пропущено ('@' 3 раза, '#' один раз)",
        "проверка на шаге 10: ошибка 0,90, выравнивание без подсказок 0,10, качество 0,10",
        "шаг 10: total 0,1000",
        "30 шагов за",
        "внимание сложилось на шаге 20",
        "1 незнакомое предложение в файлах wav",
        "предупреждение: не всё о запуске видно",
    ):
        assert part in said
    (run,) = list_runs(tmp_path)
    machines_read = [run.summary_file, run.outcome_file, run.events_file, run.settings_file]
    assert not any(has_russian(file.read_text(encoding="utf-8")) for file in machines_read)


@pytest.mark.parametrize(
    ("scenario", "cause", "words"),
    [
        ("killed", "аварийный конец", "рабочий процесс был убит извне"),
        ("21", "не хватило памяти", "окончился со статусом 21"),
        ("data_error", "ошибка в данных", "Подробности: train.txt, line 3: there is no file"),
        ("no_voice", "голоса нет", "Подробности: "),
    ],
)
def test_a_failure_is_told_in_russian(tmp_path: Path, scenario: str, cause: str, words: str) -> None:
    _, said = do(tmp_path, scenario, Language.RU)
    ended = said[said.index("Запуск окончен: ") :]
    assert cause in ended and words in ended
    assert ("Повторите ту же команду" in ended) == (scenario != "no_voice")
    assert all(has_russian(line) for line in ended.splitlines())


def test_a_reason_is_told_in_the_language_of_whoever_reads_it_later(tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    written = Outcome(ExitCause.HUNG, EndPhrase.SILENT(seconds=2.5))
    written.write(path)
    read = Outcome.read(path)
    assert read == written and read is not None
    assert read.message == "the worker gave no sign of life for 2.5 s and was ended"
    assert "не подавал признаков жизни 2,5 с" in render(read.reason, Language.RU)
    content = json.loads(path.read_text())
    assert (content["phrase"], content["parameters"]) == ("SILENT", {"seconds": 2.5})
    for change in ({"phrase": "OF_ANOTHER_VERSION"}, {"parameters": {"minutes": 1}}):
        path.write_text(json.dumps(content | change))
        other = Outcome.read(path)
        assert other is not None and other.reason == written.message


def test_the_bar_is_labelled_in_russian() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    view = BarProgress(Output(Terminal(), language=Language.RU))
    assert view._bar.tasks[0].description == "запуск"
    view.show(Stamped(0.0, StageEvent("features", 1400, 2000)))
    task = view._bar.tasks[0]
    view.close()
    assert (task.description, task.fields["figures"]) == ("мел-спектрограммы", "1\u00a0400 из 2\u00a0000")


def call(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "smart_tuner.cli", *arguments],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["auto", "--verbose", "--quiet"], 2, "противоречат"),
        (["auto", "--data", " "], 2, "не называет папки"),
        (["auto", "--preset", "demmo"], 31, "настройки нельзя использовать:\n'demmo': no such preset"),
        (["synthesize", "--run", "x", "Да."], 2, "нет запуска 'x'"),
        (["synthesize", "--run", "x", "Да.", "--file", "text.txt"], 2, "но не то и другое"),
        (["monitor", "x"], 2, "`smart-tuner runs list` покажет"),
        (["runs", "remove", "x"], 2, "нет запуска"),
        (["data", "demo", "--set", "demo_clips=1"], 31, "настройки нельзя использовать"),
    ],
)
def test_mistakes_are_told_in_russian(tmp_path: Path, arguments: list[str], status: int, words: str) -> None:
    (tmp_path / "text.txt").touch()
    returned, said, complaint = call(tmp_path, *arguments, "--messages", "ru")
    assert (returned, said) == (status, "")
    assert words in complaint and "Traceback" not in complaint


@pytest.mark.parametrize(
    ("options", "environment", "russian"),
    [
        ([], {}, False),
        ([], {"SMART_TUNER_MESSAGES": "ru"}, True),
        (["--messages", "ru"], {"SMART_TUNER_MESSAGES": "en"}, True),
        (["--messages", "en"], {"SMART_TUNER_MESSAGES": "ru"}, False),
        ([], {"SMART_TUNER_MESSAGES": ""}, False),
    ],
)
def test_the_option_wins_over_the_environment(
    tmp_path: Path, options: list[str], environment: dict[str, str], russian: bool
) -> None:
    status, said, _ = call(tmp_path, "runs", "list", *options, **environment)
    assert (status, has_russian(said)) == (0, russian)


def test_a_terminal_without_russian_letters_ends_nothing(tmp_path: Path) -> None:
    status, said, _ = call(tmp_path, "runs", "list", "--messages", "ru", PYTHONIOENCODING="latin-1")
    assert status == 0 and said.encode().decode("unicode_escape").startswith("в папке runs")


def test_a_language_that_is_not_there_is_a_usage_mistake(tmp_path: Path) -> None:
    status, _, complaint = call(tmp_path, "runs", "list", SMART_TUNER_MESSAGES="de")
    assert status == 2 and "SMART_TUNER_MESSAGES" in complaint and "'ru'" in complaint


def test_runs_are_listed_and_removed_in_russian(tmp_path: Path) -> None:
    run = create(tmp_path / "runs", load_config("debug"))
    Outcome(ExitCause.DATA_ERROR).write(run.outcome_file)
    status, said, _ = call(tmp_path, "runs", "list", "--messages", "ru")
    head, row = said.splitlines()
    assert status == 0
    assert head.split() == ["запуск", "состояние", "шаг", "выравн.", "размер"]
    assert row.split()[1:4] == ["ошибка", "в", "данных"] and row.endswith(" МиБ")
    assert "добавьте --yes" in call(tmp_path, "runs", "remove", run.name, "--messages", "ru")[2]
    assert "удалён" in call(tmp_path, "runs", "remove", run.name, "--yes", "--messages", "ru")[1]
    assert "нет запусков" in call(tmp_path, "runs", "list", "--messages", "ru")[1]


FAKE_LIBRARY = """
import json
for record in (
    {"kind": "progress", "done": 1, "total": 2},
    {"kind": "spoken", "path": "a.wav", "seconds": 1.5, "attention_alignment": 0.75, "sentences": 3,
     "endless": 1, "dropped": {"@": 2}},
    {"kind": "spoken", "path": "b.wav", "seconds": 1.5, "attention_alignment": None, "sentences": 1,
     "endless": 0, "dropped": {}},
    {"kind": "corpus", "folder": "corpus", "seconds": 90.0, "utterances": {"train.txt": 21}},
    {"kind": "error", "message": "the text: nothing to say in ''"},
):
    print(json.dumps(record))
print("a package speaks")
raise SystemExit(30)
"""

TOLD = {
    "en": (
        "a.wav: 1.50 s, attention_alignment 0.75\nended by: length bound (1 of 3 sentences)\n"
        "b.wav: 1.50 s, attention_alignment not measurable\nended by: stop token\n"
        "corpus: 1.5 minutes of speech\n  train.txt: 21 utterances\na package speaks\n",
        "left out 2 times: '@' (U+0040)\nsmart-tuner: the text: nothing to say in ''\n",
    ),
    "ru": (
        "a.wav: 1,50 с, выравнивание 0,75\nконец речи: предел длины (1 из 3 предложений)\n"
        "b.wav: 1,50 с, выравнивание не измерить\nконец речи: стоп-токен\n"
        "corpus: 1,5 минуты речи\n  train.txt: 21 запись\na package speaks\n",
        "пропущено 2 раза: '@' (U+0040)\nsmart-tuner: корпус не создан: the text: nothing to say in ''\n",
    ),
}


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_the_library_did_is_told_in_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    fake = tmp_path / "fake" / "tacotron2"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text(f"__path__.append({str(SOURCE / 'tacotron2')!r})")
    (fake / "cli.py").write_text(FAKE_LIBRARY)
    monkeypatch.setenv("PYTHONPATH", f"{fake.parent}{os.pathsep}{SOURCE}")
    told = call(tmp_path, "data", "demo", "--preset", "debug", "--messages", language)
    assert told == (30, *TOLD[language])


def test_every_command_takes_the_language() -> None:
    import typer

    from smart_tuner.cli import app

    def commands(group: object) -> list[object]:
        inner = getattr(group, "commands", None)
        return [group] if inner is None else [each for one in inner.values() for each in commands(one)]

    found = commands(typer.main.get_command(app))
    assert len(found) >= 6
    for command in found:
        assert "messages" in {parameter.name for parameter in command.params}, command.name
