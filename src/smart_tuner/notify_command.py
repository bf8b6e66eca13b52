"""`smart-tuner notify`: whether notices arrive."""

from __future__ import annotations

import os

import typer

from smart_tuner.messages import CommandPhrase, Language, NoticePhrase, render
from smart_tuner.mistakes import plain_errors, usage_error
from smart_tuner.options import Messages, Overrides, Preset

notify_app = typer.Typer(help="Notices by Telegram.", rich_markup_mode=None, no_args_is_help=True)


@notify_app.callback()
def notify() -> None:
    """Notices by Telegram."""


@notify_app.command()
def test(preset: Preset = "demo", overrides: Overrides = None, messages: Messages = Language.EN) -> None:
    """Send one notice now; status 0 where it was taken, else 1."""
    with plain_errors(messages):
        from smart_tuner.config import load_config
        from smart_tuner.notice_settings import careless
        from smart_tuner.run_notices import make_telegram
        from smart_tuner.telegram import TelegramError

        settings = load_config(preset, overrides or []).notices
        telegram = make_telegram(settings, os.environ)
        if telegram is None:
            off = settings.notify == "off"
            usage_error(NoticePhrase.NOTICES_OFF() if off else NoticePhrase.NO_SECRETS(), messages)
        for warning in careless(settings):
            typer.echo(render(CommandPhrase.WARNING(message=warning), messages), err=True)
        try:
            with telegram:
                telegram.send_text(render(NoticePhrase.TEST_NOTICE(), messages))
        except TelegramError as error:
            typer.echo(render(NoticePhrase.TEST_FAILED(reason=str(error)), messages), err=True)
            raise typer.Exit(1) from None
        typer.echo(render(NoticePhrase.TEST_ARRIVED(), messages))
