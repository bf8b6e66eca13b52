"""A run as the chat asks about it. What takes long happens in gentle processes beside the training."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from smart_tuner.chat_commands import answer
from smart_tuner.messages import ChatPhrase, Language, render
from smart_tuner.notice_settings import CHAT_VARIABLE, TOKEN_VARIABLE
from smart_tuner.notices import Importance, Notice, NoticeKind
from smart_tuner.run_curves import NOTHING_RECORDED
from smart_tuner.run_folder import RunError, RunFolder
from smart_tuner.run_status import RunStatus

CURVES_S = 120.0
SPEAKING_S = 300.0
"""What drawing and speaking may take on a machine that is busy with training."""
NICENESS = 10
NOT_STARTED = 127


def stop_this_process() -> None:
    """As Ctrl-C from outside: whatever trains writes a full state and ends."""
    os.kill(os.getpid(), signal.SIGTERM)


class RunChat:
    """A `ChatSubject`.

    Args:
        run: its folder.
        status: is kept up to date by whoever follows the run.
        language: of whoever reads.
        stop: asks the training to end.
        python: what starts a child.
    """

    def __init__(
        self,
        run: RunFolder,
        status: RunStatus,
        language: Language,
        stop: Callable[[], None] = stop_this_process,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        self._run = run
        self._status = status
        self._language = language
        self._ask_to_end = stop
        self._python = list(python)
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._closed = False

    @property
    def name(self) -> str:
        return self._run.name

    def status(self) -> str:
        if not self._status.begun and self._run.tuning_file.exists():
            tuning = ChatPhrase.RUN_STATUS(name=self.name, doing=ChatPhrase.STATUS_TUNING())
            return render(tuning, self._language)
        return self._status.told(self._language)

    def stop(self) -> bool:
        with self._lock:
            if not self._closed:
                self._ask_to_end()
            return not self._closed

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._child is not None:
                self._child.kill()

    def plot(self) -> list[Notice]:
        pictures = []
        image = self._status.attention_image
        if image is not None:
            told = ChatPhrase.CHAT_ATTENTION(name=self.name)
            pictures.append(_answer(told, picture=self._run.path / image))
        curves = self._run.curves_picture
        status, _ = self._child_of(
            ["smart_tuner.run_curves", str(self._run.path), str(curves), self._language.value], CURVES_S
        )
        if status == 0:
            pictures.append(_answer(ChatPhrase.CHAT_CURVES(name=self.name), picture=curves))
        elif status == NOTHING_RECORDED:
            pictures.append(answer(ChatPhrase.NOTHING_TO_DRAW()))
        else:
            pictures.append(answer(ChatPhrase.NOT_DRAWN()))
        return pictures

    def say(self, text: str) -> Notice:
        text = " ".join(text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8").split())
        try:
            weights = self._run.best_checkpoint()
        except RunError as error:
            return answer(error.message)
        target = self._run.speech_folder / f"{time.strftime('%Y%m%d-%H%M%S')}-chat.wav"
        with suppress(OSError):  # the child says what is wrong
            target.parent.mkdir(exist_ok=True)
        arguments = [f"--checkpoint={weights}", f"--output={target}", f"--text={text}"]
        status, said = self._child_of(["tacotron2.cli", "--json", "synthesize", *arguments], SPEAKING_S)
        if status is None:
            return answer(ChatPhrase.NOT_SAID(detail=ChatPhrase.TOOK_TOO_LONG(seconds=SPEAKING_S)))
        complaint = next((each["message"] for each in said if each.get("kind") == "error"), None)
        if complaint is not None:
            return answer(ChatPhrase.NOT_SAID(detail=str(complaint)))
        if status != 0:
            return answer(ChatPhrase.NOT_SAID(detail=ChatPhrase.BROKE_OFF(status=status)))
        return _answer(ChatPhrase.SAID(name=self.name, step=_step_of(weights), text=text), audio=target)

    def _child_of(self, module: Sequence[str], timeout_s: float) -> tuple[int | None, list[dict[str, Any]]]:
        """A module as a process: its status, None where it took too long, and the records it wrote."""
        secret = (TOKEN_VARIABLE, CHAT_VARIABLE)
        environment = {key: value for key, value in os.environ.items() if key not in secret}
        with self._lock:
            if self._closed:
                return -signal.SIGKILL, []
            try:
                child = self._child = subprocess.Popen(
                    [*self._python, "-m", *module],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    encoding="utf-8",
                    errors="replace",
                    env=environment | {"OMP_NUM_THREADS": "1"},
                    start_new_session=True,
                )
            except OSError:
                return NOT_STARTED, []
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        with child:
            try:
                written, _ = child.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                child.kill()
                return None, []
        return child.returncode, _records(written)


def _answer(message: Any, picture: Path | None = None, audio: Path | None = None) -> Notice:
    return Notice(NoticeKind.ANSWER, Importance.RESULT, message, picture, audio)


def _records(written: str) -> list[dict[str, Any]]:
    records = []
    for line in written.splitlines():
        with suppress(ValueError):  # a line of a package that prints
            record = json.loads(line)
            if isinstance(record, dict):
                records.append(record)
    return records


def _step_of(weights: Path) -> int:
    found = re.search(r"\d+", weights.name)
    return int(found[0]) if found else 0
