"""The Optuna dashboard of a study's storage, to look at and not to change anything.

`python -m smart_tuner.study_dashboard HOST PORT`; the storage's address comes in the environment, because a
command line would show its password. The dashboard's own command takes it as an argument, would answer
requests to delete or rename a study that is being worked on, and opens a database without the settings that
keep SQLite from being locked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from smart_tuner.tuning.storage_address import StudyStorageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

DASHBOARD_STORAGE_VARIABLE = "SMART_TUNER_DASHBOARD_STORAGE"
READY_PATH = "/api/studies"
"""Answers only when the storage does."""
HOME_PATH = "/dashboard"
_READING = ("GET", "HEAD")


class Server(ThreadingMixIn, WSGIServer):
    """Each request in a thread of its own: a page asks for several things at once."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """The log holds what goes wrong, not a line for every request of a page that refreshes itself."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def dashboard_command(host: str, port: int) -> list[str]:
    """The command line that serves the storage named in the environment."""
    return [sys.executable, "-m", "smart_tuner.study_dashboard", host, str(port)]


def read_only(application: WSGIApplication) -> WSGIApplication:
    """The same for requests that read; any other is refused."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] in _READING:
            return application(environ, start)
        start("405 Method Not Allowed", [("Content-Type", "application/json"), ("Allow", "GET, HEAD")])
        return [b'{"reason": "This page shows the study; only its trials change it."}']

    return answer


def serve(url: str, host: str, port: int) -> None:
    """Until the process is ended.

    Raises:
        StudyStorageError: the storage cannot be used.
        OSError: the port is taken.
    """
    import optuna
    from optuna_dashboard import wsgi

    from smart_tuner.tuning.storage import open_storage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    make: Callable[[Any], WSGIApplication] = wsgi
    application = read_only(make(open_storage(url)))
    with make_server(host, port, application, server_class=Server, handler_class=QuietHandler) as server:
        server.serve_forever()


def main(arguments: list[str]) -> int:
    """What the launcher starts; the reason of a failure goes to the log."""
    host, port = arguments
    try:
        serve(os.environ.pop(DASHBOARD_STORAGE_VARIABLE), host, int(port))
    except (StudyStorageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
