"""`smart-tuner monitor`: a live view of a run or a study, also of another terminal's."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_tuner.messages import Language
from smart_tuner.mistakes import plain_errors
from smart_tuner.options import DEFAULT_RUNS, Messages, NoServices, RunsFolder
from smart_tuner.study_command import Storage

if TYPE_CHECKING:
    from smart_tuner.config import Config
    from smart_tuner.live_screen import Page
    from smart_tuner.run_folder import RunFolder
    from smart_tuner.service_process import ServiceAddress
    from smart_tuner.tuning.study_folder import StudyFolder


def monitor(
    run: Annotated[
        str | None,
        typer.Argument(help="Name or folder of a run, or of a study; else the newest, working ones first."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once; so also without a terminal.")] = False,
    storage: Storage = None,
    runs_folder: RunsFolder = DEFAULT_RUNS,
    no_services: NoServices = False,
    messages: Messages = Language.EN,
) -> None:
    """Watch a run or a study live, with the web interfaces up meanwhile; q or Ctrl-C leaves."""
    with plain_errors(messages):
        import time

        from smart_tuner.live_screen import print_once
        from smart_tuner.watch_target import find_target

        target = find_target(runs_folder, run, time.time())
        look, url = _looking_at(target, storage)
        if once or not sys.stdout.isatty():
            print_once(look(), messages, sys.stdout)
            return
        with _pages(target.config(), target.root, url, wanted=not no_services) as pages:
            _watch(look, pages, messages)


def _watch(look: Callable[[], Page], pages: list[ServiceAddress] | None, messages: Language) -> None:
    from dataclasses import replace

    from smart_tuner.live_screen import watch

    watch(look, lambda frame: replace(frame, pages=pages), messages)


def _looking_at(
    target: RunFolder | StudyFolder, storage: str | None
) -> tuple[Callable[[], Page], str | None]:
    """What finds the page of this moment; and where the study is kept, if it is one."""
    from functools import partial

    from smart_tuner.run_folder import RunFolder

    if isinstance(target, RunFolder):
        from smart_tuner.live_view import run_page
        from smart_tuner.run_follower import RunFollower

        run = RunFollower(target)
        return lambda: partial(run_page, run.look()), None
    from smart_tuner.study_commands import opened_study
    from smart_tuner.study_follower import StudyFollower
    from smart_tuner.study_view import study_page
    from smart_tuner.tuning.storage_address import sqlite_url

    study = StudyFollower(target, opened_study(target, storage))
    return lambda: partial(study_page, study.look()), storage or sqlite_url(target.database_file)


@contextmanager
def _pages(
    config: Config, root: Path, url: str | None, wanted: bool
) -> Iterator[list[ServiceAddress] | None]:
    """The web interfaces while the block runs; the list grows as they answer. None: not wanted."""
    if not wanted:
        yield None
        return
    from dataclasses import replace

    from smart_tuner.run_folder import tracking_root
    from smart_tuner.services import Services

    pages: list[ServiceAddress] = []
    settings = replace(config.services, enabled=True)
    with Services(settings, tracking_root(root), root, storage_url=url) as services:
        threading.Thread(target=services.start, args=(pages.append,), name="services", daemon=True).start()
        yield pages
