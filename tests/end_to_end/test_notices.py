"""A real run that goes wrong on purpose, told to a Bot API server on this machine, and asked from the chat.

Nothing in it is replaced: the command, its training processes, the pictures, the voice.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from smart_tuner.records import read_events
from smart_tuner.run_folder import RunFolder, list_runs
from tacotron2.events import RestartEvent
from tests.smart_tuner.bot_server import BotServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "1234567890:AAHk_a-secret-token-of-a-bot-0123456"
HANGS_AT = 13
"""Held there, so that the answers of the chat depend on no machine's speed; then it is killed."""
SETTINGS = (
    "train.max_steps=24",
    "train.validate_every=4",
    "train.checkpoint_every=4",
    "notices.every_steps=4",
    "supervisor.backoff_s=0.1",
    "supervisor.heartbeat_timeout_s=1000",
    "supervisor.progress_timeout_s=1000",
    "demo.demo_clips=24",
    "data.validation_clips=4",
    "data.test_clips=2",
)
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Told:
    """The run, what its command printed, and the server that was told of it."""

    run: RunFolder
    status: int
    said: str
    server: BotServer
    arguments: list[str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("told")
    secrets = folder / "secrets.bot"
    secrets.write_text(f"TOKEN={TOKEN}\nCHAT=42\n")
    secrets.chmod(0o600)
    with BotServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [sys.executable, "-m", "smart_tuner.cli", "train", "--preset=debug", "--no-services"]
        command += [f"--set={each}" for each in (*SETTINGS, f"notices.secrets_file={secrets}")]
        command += [f"--runs-folder={folder}", "--device=cpu"]
        command += [f"--inject=nan-loss@5,kill@9,hang@{HANGS_AT}"]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT / "src"),
            "OMP_NUM_THREADS": "1",
            "SMART_TUNER_TELEGRAM_API": server.api,
        }
        said = folder / "said.txt"
        with said.open("wb") as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder
            )
        try:
            (run,) = wait_for_hang(folder, process)
            arguments = [" ".join(each.cmdline()) for each in family(process)]
            ask(server)
            worker = next(each for each in family(process) if "smart_tuner.worker" in each.cmdline())
            worker.send_signal(signal.SIGKILL)
            status = process.wait(PATIENCE_S)
        finally:
            process.kill()
        yield Told(run, status, said.read_text(), server, arguments)
        server.shutdown()


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def wait_for_hang(folder: Path, process: subprocess.Popen[bytes]) -> list[RunFolder]:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        done = list(folder.glob("*/faults-done.jsonl"))
        if done and "hang" in done[0].read_text():
            return list_runs(folder)
        time.sleep(0.05)
    raise AssertionError((folder / "said.txt").read_text())


def ask(server: BotServer) -> None:
    """Every command, one after the other."""
    server.write("/stop", chat=666)
    server.write("/status")
    server.wait_for("of 24 (", PATIENCE_S)
    server.write("/plot")
    server.wait_for(": loss and alignment", PATIENCE_S)
    server.write("/say Good ☂ morning.")
    server.wait_for("could not be spoken", PATIENCE_S)
    server.write("/say Good morning.")
    server.wait_for(": Good morning.", PATIENCE_S)
    server.write("/stop")
    server.write("/stop 12345")
    server.wait_for("is not stopped", PATIENCE_S)


def everything(told: Told) -> str:
    return "\n".join(told.server.texts())


def test_the_run_heals_and_every_event_is_told(told: Told) -> None:
    assert told.status == 0, told.said
    text = everything(told)
    causes = [
        each.event.cause
        for each in read_events(told.run.events_file)[0]
        if isinstance(each.event, RestartEvent)
    ]
    assert causes == ["crashed", "crashed"]
    for part in (
        "training: ",
        "step 5: an update was not finite",
        "restart 1 in 0.1 s (crashed at step 8): going on from step 8",
        "restart 2 in 0.1 s (crashed at step 12): going on from step 12",
        "new best model at step 4",
        "validation at step 24",
        "goal reached at step",
        "finished at step 24",
        "the voice at the end",
    ):
        assert part in text, (part, text)


def test_pictures_and_sounds_arrive_as_files(told: Told) -> None:
    server = told.server
    sent = [server.fields(place) for place in range(len(server.requests))]
    photos = [each["photo"] for each in sent if "photo" in each]
    assert "curves.png" in photos and len([name for name in photos if name.startswith("step-")]) >= 4
    assert [each["audio"].endswith(".wav") for each in sent if "audio" in each] == [True, True]
    assert "sendDocument" not in server.methods()
    bodies = [body for path, body in server.requests if path.endswith(("sendPhoto", "sendAudio"))]
    assert all(b"\x89PNG" in body or b"RIFF" in body for body in bodies)


def test_the_chat_was_answered_and_strangers_were_not(told: Told) -> None:
    text = everything(told)
    assert re.search(r"training, step 12 of 24 \(50%\)", text)
    assert "last incident: " in text and "restarts: 1" in text
    assert "symbol" in text or "character" in text  # of what cannot be read
    assert "another chat (666)" in told.said
    chats = {told.server.fields(place)["chat_id"] for place in range(len(told.server.requests))}
    assert chats == {"42"}


def test_the_token_is_nowhere(told: Told) -> None:
    secret = TOKEN.partition(":")[2]
    files = [file for file in told.run.root.rglob("*") if file.is_file() and file.name != "secrets.bot"]
    assert told.run.log_file in files
    assert [file for file in files if secret.encode() in file.read_bytes()] == []
    assert secret not in told.said and not any(secret in each for each in told.arguments)
