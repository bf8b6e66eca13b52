"""Whether somebody who is away would be told. Neither token nor chat is ever part of a tick."""

from __future__ import annotations

from smart_tuner.messages import ReadinessPhrase
from smart_tuner.notice_settings import SecretsError, careless
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick, Words
from smart_tuner.run_notices import make_telegram
from smart_tuner.telegram import Telegram, TelegramError


def check_notices(scene: Scene) -> list[Tick]:
    """The settings with their secrets, the file that holds them, and the bot itself."""
    settings, title = scene.config.notices, ReadinessPhrase.NOTICES_SET_UP()
    if settings.notify == "off":
        return [_tick("notices", title, Status.PASSED, ReadinessPhrase.NOTICES_SWITCHED_OFF())]
    try:
        telegram = make_telegram(settings, scene.environ)
    except SecretsError as error:
        return [_tick("notices", title, Status.FAILED, error.message, ReadinessPhrase.MEND_SECRETS())]
    if telegram is None:
        how = ReadinessPhrase.SET_UP_NOTICES()
        return [_tick("notices", title, Status.WARNED, ReadinessPhrase.NOBODY_TOLD(), how)]
    ticks = [_tick("notices", title, Status.PASSED, ReadinessPhrase.SECRETS_FOUND())]
    shown = careless(settings)
    safe = Status.WARNED if shown else Status.PASSED
    ticks.append(_tick("secrets", ReadinessPhrase.SECRETS_SAFE(), safe, "", shown[0] if shown else None))
    with telegram:
        return [*ticks, _bot(telegram, scene.offline)]


def _bot(telegram: Telegram, offline: bool) -> Tick:
    title = ReadinessPhrase.BOT_ANSWERS()
    if offline:
        return _tick("bot", title, Status.UNCHECKED, ReadinessPhrase.OFFLINE())
    try:
        return _tick("bot", title, Status.PASSED, f"@{telegram.bot_name()}")
    except TelegramError as error:
        if error.lasting:
            return _tick("bot", title, Status.FAILED, str(error), ReadinessPhrase.MEND_SECRETS())
        return _tick("bot", title, Status.WARNED, str(error), ReadinessPhrase.NETWORK_LATER())


def _tick(name: str, title: Words, status: Status, detail: Words = "", remedy: Words | None = None) -> Tick:
    return Tick(name, Group.NOTICES, title, status, detail, remedy)
