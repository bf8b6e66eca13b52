"""The main command on 24 clips of a real reader, whole, on the `debug` preset."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from smart_tuner.run_folder import list_runs
from tests.real_recordings import ljspeech_folder

ROOT = Path(__file__).resolve().parents[2]
NUM_CLIPS = 24


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_own_recordings_from_folder_to_samples(tmp_path: Path) -> None:
    source, folder = ljspeech_folder(), tmp_path / "mine"
    (folder / "wavs").mkdir(parents=True)
    lines = (source / "metadata.csv").read_text(encoding="utf-8").splitlines()[:NUM_CLIPS]
    for line in lines:
        name = f"{line.partition('|')[0]}.wav"
        shutil.copyfile(source / "wavs" / name, folder / "wavs" / name)
    (folder / "metadata.csv").write_text(
        "\n".join([*lines, "gone|nobody said this|"]) + "\n", encoding="utf-8"
    )
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}
    done = subprocess.run(
        [
            *(sys.executable, str(ROOT / "smart_tuner_main.py"), "--preset=debug", "--no-services"),
            *("--device=cpu", f"--data={folder}", f"--runs-folder={tmp_path / 'runs'}"),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recordings: 1 of 25 clips left out" in done.stdout
    (run,) = list_runs(tmp_path / "runs")
    data = json.loads(run.summary_file.read_text(encoding="utf-8"))["data"]
    clips = {split: data[f"{split}_clips"]["value"] for split in ("train", "validation", "test")}
    assert clips == {"train": 20, "validation": 2, "test": 2}
    assert len(list(run.samples_folder.glob("*.wav"))) == 2
    (table,) = (tmp_path / "runs" / "data").glob("own-*/rejected.tsv")
    assert table.read_text(encoding="utf-8").splitlines()[1].startswith("gone\t")
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")} == before
