"""Whether a run tells somebody who is away, and where the secrets for that come from."""

from __future__ import annotations

import re
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smart_tuner.messages import Message, MessageError, NoticePhrase
from tacotron2.hparams import param

TOKEN_VARIABLE = "SMART_TUNER_TELEGRAM_TOKEN"
CHAT_VARIABLE = "SMART_TUNER_TELEGRAM_CHAT"
GIT_S = 10.0
_TOKEN = re.compile(r"\d{6,}:[\w-]{30,}")
TOKEN_HINT = (
    f"a bot's token does not belong in settings; put it into the environment as {TOKEN_VARIABLE}, or into "
    "the file that notices.secrets_file names"
)


class SecretsError(MessageError):
    """The secrets cannot be read or are not complete; the message holds none of them."""


@dataclass(frozen=True)
class NoticeSettings:
    """Notices by Telegram for somebody who is away."""

    notify: str = param(
        "auto", "auto: where token and chat are known; off: nobody is told", choices=("auto", "off")
    )
    secrets_file: str = param("", "file with the lines TOKEN=... and CHAT=...; empty: the environment alone")
    every_steps: int = param(250, "least steps between two notices of progress", ge=1)
    chat_commands: bool = param(True, "commands written in the chat are obeyed, one run for each bot")


@dataclass(frozen=True)
class Secrets:
    """Who writes, and to which chat."""

    token: str = field(repr=False)
    chat: str


def holds_token(text: str) -> bool:
    """Whether a bot's token stands in a text."""
    return _TOKEN.search(text) is not None


def read_secrets(settings: NoticeSettings, environ: Mapping[str, str]) -> Secrets | None:
    """Those of the environment, else of the file; None where there are none at all.

    Raises:
        SecretsError: the file cannot be read, or token or chat is missing.
    """
    found = _of_file(Path(settings.secrets_file).expanduser()) if settings.secrets_file else {}
    token = environ.get(TOKEN_VARIABLE) or found.get("TOKEN", "")
    chat = environ.get(CHAT_VARIABLE) or found.get("CHAT", "")
    if token and chat:
        return Secrets(token, chat)
    if token or chat or settings.secrets_file:
        missing, variable = ("CHAT", CHAT_VARIABLE) if token else ("TOKEN", TOKEN_VARIABLE)
        raise SecretsError(NoticePhrase.SECRET_MISSING(name=missing, variable=variable))
    return None


def _of_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise SecretsError(NoticePhrase.NO_SECRETS_FILE(path=path, detail=str(error.strerror))) from None
    except UnicodeDecodeError:
        raise SecretsError(NoticePhrase.NO_SECRETS_FILE(path=path, detail="UTF-8")) from None
    parts = (line.partition("=") for line in lines)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in parts}


def careless(settings: NoticeSettings) -> list[Message]:
    """What should be mended about the file with the secrets: who else can read it, whether Git has it."""
    if not settings.secrets_file:
        return []
    path = Path(settings.secrets_file).expanduser().absolute()
    found: list[Message] = []
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return []
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        found.append(NoticePhrase.SECRETS_READABLE(path=path))
    if _is_tracked(path):
        found.append(NoticePhrase.SECRETS_TRACKED(path=path))
    return found


def _is_tracked(path: Path) -> bool:
    """Whether Git keeps the file; where there is no Git, it does not."""
    command = ["git", "-C", str(path.parent), "ls-files", "--error-unmatch", "--", path.name]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
