"""Every benchmark runs at its smallest size and prints its tables; what they measure is not judged here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TABLES = {
    "controllers": 6,
    "bad_clips": 1,
    "card_memory": 2,
    "data_path": 2,
    "decoder_loop": 2,
    "fault_sequences": 2,
    "finetuning": 4,
    "gpu_check": 5,
    "guard": 1,
    "memory": 1,
    "preparation": 1,
    "profile_phases": 1,
    "reports": 1,
    "settings": 3,
    "startup": 1,
    "synthesis": 2,
    "train_step": 2,
    "tuned": 2,
    "tuning": 3,
    "vocoder": 2,
}
SHARED = {"corpus", "long_recordings", "measuring", "plain_decoder"}
ON_CPU = {"gpu_check": ["--device", "cpu"]}


def run_script(name: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"} | variables
    environment.pop("TACOTRON2_LJSPEECH", None)
    return subprocess.run(
        [sys.executable, f"benchmarks/{name}.py", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_benchmark_prints_its_tables(name: str) -> None:
    done = run_script(name, "--tiny", "--pairs", "1", *ON_CPU.get(name, []))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"# {name}, ")
    tables = re.findall(r"^\|---\|((?:--:\|)+)\n((?:\|.*\n)*)", done.stdout, re.MULTILINE)
    assert len(tables) == TABLES[name], done.stdout
    for columns, rows in tables:
        widths = {row.count("|") for row in rows.splitlines()}
        assert widths == {columns.count("|") + 2}, done.stdout
    assert "nan" not in done.stdout.split()


def test_every_script_is_run_here() -> None:
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert scripts == TABLES.keys() | SHARED
