"""docs/cluster.md by the letter: its commands, in three network namespaces, at its own addresses.

PostgreSQL, MLflow, the engine and its commands are real. Toys are the trials, and what a namespace lacks:
`sudo`, which leaves out the change of the user, and `systemctl`, which restarts the test's own cluster.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from smart_tuner.tuning.trial_facts import Fact
from tests.smart_tuner.tuning.network import a_network, why_no_network
from tests.smart_tuner.tuning.postgres_server import Server, programs, running_server, why_no_server

ROOT = Path(__file__).resolve().parents[2]
TOY_TRIAL = ROOT / "tests" / "smart_tuner" / "tuning" / "toy_trial.py"
TRIALS = 6
PATIENCE_S = 240.0
RECORDINGS = "the same everywhere"
STORAGE = "postgresql+psycopg://tuner:PASSWORD@192.168.1.10/studies"

# Puts the toy into the place of the worker, in every Python below it.
SITE = f"""
import importlib.util, sys

class ToyTrials:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "smart_tuner.worker":
            return importlib.util.spec_from_file_location(name, {str(TOY_TRIAL)!r})

sys.meta_path.insert(0, ToyTrials)
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        bool(why_no_server() or why_no_network()), reason=why_no_server() or why_no_network() or "has both"
    ),
]


def commands_of(heading: str) -> str:
    """The shell block of a section of the document."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, heading
    (block,) = re.findall(r"^```sh\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    return str(block)


@dataclass(frozen=True)
class Machine:
    """A folder, a namespace, and an environment."""

    folder: Path
    words: Sequence[str]
    environment: dict[str, str]

    def begin(self, commands: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*self.words, "bash", "-euo", "pipefail", "-c", commands],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def do(self, commands: str) -> int:
        return self.begin(commands).wait(PATIENCE_S)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


def wait_until(what: Callable[[], bool], machine: Machine, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert process.poll() is None and time.monotonic() < deadline, machine.log
        time.sleep(0.1)


def write_program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/bash", *lines, ""]))
    path.chmod(0o755)


def make_machine(folder: Path, words: Sequence[str], server: Server) -> Machine:
    python = sys.executable
    programs_folder = folder / "programs"
    write_program(programs_folder / "sudo", 'if [ "$1" = -u ]; then shift 2; fi', 'exec "$@"')
    write_program(programs_folder / "systemctl", f"exec {' '.join(server.control('restart'))}")
    write_program(programs_folder / "smart-tuner", f'exec {python} -m smart_tuner.cli "$@"')
    write_program(folder / ".venv" / "bin" / "mlflow", f'exec {python} -m mlflow "$@"')
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    (folder / "my-voice").mkdir()
    (folder / "my-voice" / "train.txt").write_text(RECORDINGS)
    (folder / "my-voice.yaml").write_text(
        (ROOT / "configs" / "debug.yaml").read_text()
        + f"\ntuning:\n  trials: {TRIALS}\n\nservices:\n  enabled: false\n"
    )
    environment = {
        **os.environ,
        "PATH": f"{programs_folder}:{programs()}:{os.environ['PATH']}",
        "PYTHONPATH": f"{site}:{ROOT / 'src'}:{ROOT}",
        "PGHOST": str(server.folder),
        "PGPORT": str(server.port),
        "PGUSER": "admin",
        "PGDATABASE": "postgres",
        "OMP_NUM_THREADS": "1",
    }
    return Machine(folder, words, environment)


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Machine]]:
    with ExitStack() as stack:
        places = stack.enter_context(a_network("server", "first", "second"))
        server = stack.enter_context(running_server("127.0.0.1", 5432, places["server"]))
        yield {
            name: make_machine(tmp_path_factory.mktemp(name), words, server) for name, words in places.items()
        }


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, 15)
        process.wait(PATIENCE_S)


def ask_study(machine: Machine) -> list[dict[str, object]]:
    """The trials as the study has them, read where the database can be reached."""
    code = (
        "import json, optuna; from smart_tuner.tuning.storage import open_storage; "
        f"s = optuna.load_study(study_name='my-voice', storage=open_storage({STORAGE!r})); "
        "print(json.dumps([dict(number=t.number, state=t.state.name, facts=t.user_attrs, "
        "end=t.datetime_complete.timestamp()) for t in s.trials]))"
    )
    done = subprocess.run(
        [*machine.words, sys.executable, "-c", code],
        env=machine.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def ask_mlflow(machine: Machine) -> list[dict[str, object]]:
    """The study's runs on the server, each with the sizes of its weights."""
    code = (
        "import json; from mlflow import MlflowClient; c = MlflowClient('http://192.168.1.10:5000'); "
        "e = c.get_experiment_by_name('smart-tuner').experiment_id; "
        "print(json.dumps([dict(tags=r.data.tags, metrics=sorted(r.data.metrics), end=r.info.end_time, "
        "weights={a.path: a.file_size for a in c.list_artifacts(r.info.run_id, 'checkpoints')}, "
        "files=[a.path for a in c.list_artifacts(r.info.run_id)]) for r in c.search_runs([e])]))"
    )
    done = subprocess.run(
        [*machine.words, sys.executable, "-c", code],
        env=machine.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def mlflow_answers(machine: Machine) -> bool:
    code = "import urllib.request; urllib.request.urlopen('http://192.168.1.10:5000/health', timeout=2)"
    done = subprocess.run([*machine.words, sys.executable, "-c", code], capture_output=True, check=False)
    return done.returncode == 0


def test_the_document_leads_to_a_study_on_two_machines(machines: dict[str, Machine]) -> None:
    server, first, second = machines.values()
    assert server.do(commands_of("The server: PostgreSQL")) == 0, server.log
    optimize, join = commands_of("The first machine"), commands_of("Every further machine")
    # Before the MLflow server runs: refused at once, in words.
    assert first.do(optimize) == 2
    assert "no MLflow server answers there" in first.log
    mlflow = server.begin(commands_of("The server: MLflow"))
    try:
        wait_until(lambda: mlflow_answers(first), server, mlflow)
        assert second.do(join) == 2
        assert "holds no study my-voice" in second.log
        begun = first.begin(optimize)
        trial = first.folder / "runs" / "studies" / "my-voice" / "trials" / "trial-0000"
        wait_until(trial.exists, first, begun)
        (second.folder / "my-voice" / "train.txt").write_text("other recordings")
        assert second.do(join) == 31, second.log
        assert "its trials learn from other recordings (hash" in second.log
        (second.folder / "my-voice" / "train.txt").write_text(RECORDINGS)
        assert second.do(join) == 0, second.log
        assert begun.wait(PATIENCE_S) == 0, first.log
        trials, runs = ask_study(first), ask_mlflow(second)
    finally:
        end(mlflow)
    assert [each["state"] for each in trials] == ["COMPLETE"] * len(trials), first.log + second.log
    assert len(trials) >= TRIALS
    for machine in (first, second):
        assert len(list(machine.folder.glob("runs/studies/my-voice/trials/trial-*"))) > 0, machine.log
    check_uploads(trials, runs)
    assert (first.folder / "runs" / "studies" / "my-voice" / "best.yaml").is_file()
    told = server.log + first.log + second.log
    assert "PASSWORD" not in told and "Traceback" not in told


def check_uploads(trials: Sequence[dict[str, object]], runs: Sequence[dict[str, object]]) -> None:
    """Every trial that trained has its weights on the server, from before it was complete."""
    by_number = {int(run["tags"]["trial"]): run for run in runs}
    trained = [each for each in trials if Fact.SAME_AS not in each["facts"]]
    assert len(by_number) == len(runs) == len(trained)
    for each in trained:
        run = by_number[each["number"]]
        name = f"trial-{each['number']:04d}"
        assert run["tags"]["study"] == "my-voice" and run["tags"]["uploaded"] == "true"
        assert run["end"] / 1000 <= each["end"]
        weights = {path: size for path, size in run["weights"].items() if path.endswith(".ckpt")}
        assert set(weights.values()) == {len(name) * 100_000}
        assert "validation/free_running/attention_alignment" in run["metrics"]
        assert {"run.yaml", "events.jsonl", "outcome.json", "trial.json"} <= set(run["files"])
