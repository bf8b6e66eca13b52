"""install.sh with a stand-in for Python and nvidia-smi: what it decides, and what it then runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("bash", "cat", "cp", "dirname", "env", "grep", "mkdir", "sed")
TORCH = "torch==2.13.0"
INDEX = "file:///some/index"

# Answers for pip, venv and uv, notes what was asked, and leaves thinking to the real Python.
FAKE_PYTHON = """#!/usr/bin/env bash
call="$*"
[[ $call = "-c "* ]] || echo "$call" >>"$FAKES/calls"
case "$call" in
"-c import ensurepip"*) exit "${FAKE_NO_VENV:-0}" ;;
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"torch_build.py installed"*) cat "$FAKES/installed" ;;
"-m pip install"*"--dry-run"*) cat "$FAKES/report.json" ;;
"-m uv pip install"*) [[ ${FAKE_UV:-works} = works ]] && echo "$FAKE_UV_BUILD" >"$FAKES/installed" ;;
"-m pip install"*torch==*) cat "$FAKES/offered" >"$FAKES/installed" ;;
"-m pip"*) ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
"""

# Prints $1 lines of driver and capability; an old driver does not know the field compute_cap.
FAKE_NVIDIA_SMI = """#!/usr/bin/env bash
if [[ $1 = *compute_cap* ]]; then
    [[ -s $FAKES/cards ]] || { echo 'Field "compute_cap" is not a valid field to query.'; exit 2; }
    cat "$FAKES/cards"
else
    [[ -s $FAKES/driver ]] || { echo "NVIDIA-SMI has failed"; exit 9; }
    cat "$FAKES/driver"
fi
"""

CUDA_REQUIREMENTS = [
    "filelock",
    'cuda-toolkit[cublas]==13.0.3; platform_system == "Linux"',
    'nvidia-cudnn-cu13==9.20.0.48; platform_system == "Linux"',
    'optree; extra == "optree"',
]


@dataclass
class Machine:
    """A copy of what install.sh needs, on a machine of our choice."""

    folder: Path
    fakes: Path
    commands: Path

    def program(self, name: str, text: str) -> None:
        (self.commands / name).write_text(text)
        (self.commands / name).chmod(0o755)

    def has_cards(self, driver: str, *capabilities: str) -> None:
        self.program("nvidia-smi", FAKE_NVIDIA_SMI)
        (self.fakes / "driver").write_text(f"{driver}\n" if driver else "")
        (self.fakes / "cards").write_text("".join(f"{driver}, {each}\n" for each in capabilities))

    def pip_offers(self, build: str) -> None:
        """`cpu` as pip's report would show it, or anything else for the CUDA 13.0 build."""
        metadata = {"name": "torch", "version": "2.13.0+cpu", "requires_dist": ["filelock"]}
        if build != "cpu":
            metadata |= {"version": "2.13.0", "requires_dist": CUDA_REQUIREMENTS}
        (self.fakes / "report.json").write_text(json.dumps({"install": [{"metadata": metadata}]}))
        (self.fakes / "offered").write_text(f"{build}\n")

    def install(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (self.fakes / "calls").write_text("")
        environment |= {"PATH": str(self.commands), "FAKES": str(self.fakes), "REAL_PYTHON": sys.executable}
        return subprocess.run(
            ["bash", str(self.folder / "install.sh"), *options],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def pip_calls(self) -> list[str]:
        """What pip, uv and venv were asked to do, questions left out."""
        calls = (self.fakes / "calls").read_text().splitlines()
        questions = ("--dry-run", "--version", "torch_build.py")
        return [call for call in calls if not any(word in call for word in questions)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Python 3.11 without torch, no card, and the CPU build at pip's sources."""
    folder, fakes, commands = (tmp_path / name for name in ("project", "fakes", "commands"))
    for each in (folder / "tools", fakes, commands):
        each.mkdir(parents=True)
    for name in ("install.sh", "requirements.lock", "requirements-dev.lock", "tools/torch_build.py"):
        shutil.copy(ROOT / name, folder / name)
    for name in COMMANDS:
        path = shutil.which(name)
        assert path, f"{name} is needed by install.sh"
        (commands / name).symlink_to(path)
    made = Machine(folder, fakes, commands)
    made.program("python3.11", FAKE_PYTHON)
    (fakes / "installed").write_text("none\n")
    made.pip_offers("cpu")
    return made


@pytest.mark.parametrize(
    ("driver", "capabilities", "build", "warning"),
    [
        pytest.param("470.82.01", [], "cpu", "470.82.01 is too old", id="old driver, no compute_cap"),
        pytest.param("515.43.04", ["8.0"], "cpu", "needs NVIDIA driver 525.60.13", id="old driver"),
        pytest.param("", [], "cpu", "will use the CPU", id="nvidia-smi fails"),
        pytest.param("580.65.06", ["3.7"], "cpu", "older than every CUDA build", id="Kepler"),
        pytest.param("580.65.06", ["6.1"], "cu126", "", id="Pascal"),
        pytest.param("535.104.05", ["7.0"], "cu126", "", id="Volta"),
        pytest.param("535.104.05", ["7.5"], "cu126", "", id="Turing, CUDA 12 driver"),
        pytest.param("580.65.06", ["7.5"], "cu130", "", id="Turing"),
        pytest.param("525.60.13", ["8.6"], "cu126", "", id="Ampere, oldest driver"),
        pytest.param("580.65.06", ["8.0", "8.0"], "cu130", "", id="two Ampere"),
        pytest.param("570.133.20", ["9.0"], "cu126", "", id="Hopper, CUDA 12 driver"),
        pytest.param("580.95.05", ["9.0"], "cu130", "", id="Hopper"),
        pytest.param("570.133.20", ["12.0"], "cpu", "needs NVIDIA driver 580", id="Blackwell, old driver"),
        pytest.param("580.65.06", ["10.0"], "cu130", "", id="Blackwell"),
        pytest.param("590.10", ["12.0"], "cu130", "", id="Blackwell, small"),
        pytest.param("580.65.06", ["7.0", "8.0"], "cu126", "", id="Volta and Ampere"),
        pytest.param("580.65.06", ["6.1", "12.0"], "cu130", "needs another build", id="Pascal and Blackwell"),
    ],
)
def test_build_follows_driver_and_card(
    machine: Machine, driver: str, capabilities: list[str], build: str, warning: str
) -> None:
    machine.has_cards(driver, *capabilities)
    done = machine.install("--dry-run")
    assert f"wanted: {build}\n" in done.stdout
    assert ("warning:" in done.stderr) == bool(warning)
    assert warning in done.stderr
    assert not (machine.folder / ".venv").exists()


@pytest.mark.parametrize(
    ("cards", "offered", "how"),
    [
        ([], "cpu", f"pip install {TORCH}"),
        ([], "cu130", f"uv pip install --torch-backend cpu {TORCH}"),
        (["8.0"], "cu130", f"pip install {TORCH}"),
        (["8.0"], "cpu", f"uv pip install --torch-backend cu130 {TORCH}"),
        (["7.0"], "cu130", f"uv pip install --torch-backend cu126 {TORCH}"),
    ],
)
def test_way_follows_what_pip_offers(machine: Machine, cards: list[str], offered: str, how: str) -> None:
    if cards:
        machine.has_cards("580.65.06", *cards)
    machine.pip_offers(offered)
    done = machine.install("--dry-run")
    assert f"offered: {offered}\n" in done.stdout
    assert f"torch: {how}\n" in done.stdout
    assert ("CUDA build of torch" in done.stderr) == (not cards and offered != "cpu")


def test_installs_torch_first_and_checks_last(machine: Machine) -> None:
    done = machine.install()
    assert done.returncode == 0, done.stderr
    calls = machine.pip_calls()
    assert calls[0] == "-m venv .venv"
    assert calls[1].startswith("-m pip install --quiet pip==")
    assert calls[2:] == [
        f"-m pip install --constraint requirements.lock {TORCH}",
        "-m pip install --requirement requirements.lock",
        "-m pip install --quiet --no-deps --no-build-isolation --editable .",
        "-m pip check",
    ]
    assert "python smart_tuner_main.py" in done.stdout.splitlines()[-1]


def test_second_run_keeps_everything_and_asks_no_source_for_torch(machine: Machine) -> None:
    assert machine.install().returncode == 0
    kept = machine.folder / ".venv" / "something of the user's"
    kept.write_text("still here")
    assert machine.install("--dev").returncode == 0
    calls = (machine.fakes / "calls").read_text()
    assert TORCH not in calls
    assert "-m venv" not in calls
    assert "--requirement requirements-dev.lock" in calls
    assert kept.read_text() == "still here"


def test_cpu_build_through_uv_where_pip_has_only_cuda(machine: Machine) -> None:
    machine.pip_offers("cu130")
    done = machine.install(FAKE_UV_BUILD="cpu")
    assert done.returncode == 0, done.stderr
    calls = machine.pip_calls()
    assert any("-m uv pip install" in call and "--torch-backend cpu" in call for call in calls)
    assert not any(call.startswith("-m pip install") and call.endswith(TORCH) for call in calls)


def test_warns_where_a_cpu_machine_gets_a_cuda_build(machine: Machine) -> None:
    machine.pip_offers("cu130")
    done = machine.install(FAKE_UV="fails")
    assert done.returncode == 0, done.stderr
    assert "the cpu build of torch could not be had" in done.stderr
    assert "several GB" in done.stderr
    assert "TORCH_INDEX_URL" in done.stderr
    assert f"-m pip install --constraint requirements.lock {TORCH}" in machine.pip_calls()


def test_another_build_is_replaced(machine: Machine) -> None:
    (machine.fakes / "installed").write_text("cpu\n")
    machine.has_cards("580.65.06", "9.0")
    machine.pip_offers("cu130")
    assert machine.install().returncode == 0
    torch_calls = [call for call in machine.pip_calls() if call.endswith(TORCH)]
    assert "--force-reinstall --no-deps" in torch_calls[0]
    assert "--force-reinstall" not in torch_calls[1]


def test_index_of_the_user_is_honoured(machine: Machine) -> None:
    machine.has_cards("580.65.06", "7.0")
    machine.pip_offers("cu130")
    done = machine.install(TORCH_INDEX_URL=INDEX)
    assert done.returncode == 0, done.stderr
    assert f"-m pip install --index-url {INDEX} {TORCH}" in machine.pip_calls()
    assert not any("-m uv" in call or "uv==" in call for call in machine.pip_calls())
    assert f"--report - --index-url {INDEX} {TORCH}" in (machine.fakes / "calls").read_text()


def test_index_of_the_user_with_a_cuda_build_on_a_cpu_machine_warns(machine: Machine) -> None:
    machine.pip_offers("cu130")
    done = machine.install(TORCH_INDEX_URL=INDEX)
    assert done.returncode == 0, done.stderr
    assert "TORCH_INDEX_URL brings a CUDA build" in done.stderr


def test_without_python_says_what_to_install(machine: Machine) -> None:
    machine.program("python3.11", "#!/usr/bin/env bash\nexit 1\n")  # too old, or a broken shim
    done = machine.install()
    assert done.returncode == 1
    assert "no Python 3.11 or later" in done.stderr
    assert "did not finish" not in done.stderr


def test_without_venv_module_says_what_to_install(machine: Machine) -> None:
    done = machine.install(FAKE_NO_VENV="1")
    assert done.returncode == 1
    assert "python3-venv" in done.stderr
    assert not (machine.folder / ".venv").exists()


def test_broken_environment_is_not_deleted(machine: Machine) -> None:
    (machine.folder / ".venv").mkdir()
    (machine.folder / ".venv" / "notes").write_text("mine")
    done = machine.install()
    assert done.returncode == 1
    assert "Move it away" in done.stderr
    assert (machine.folder / ".venv" / "notes").read_text() == "mine"


def test_unknown_option_changes_nothing(machine: Machine) -> None:
    done = machine.install("--devel")
    assert done.returncode == 1
    assert "unknown option --devel" in done.stderr
    assert machine.pip_calls() == []


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shell_scripts_are_clean() -> None:
    done = subprocess.run(
        ["shellcheck", "install.sh", ".ci/run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = "./install.sh --dev && .venv/bin/python -m pytest"
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()[-1] == command
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert os.access(ROOT / "install.sh", os.X_OK)
